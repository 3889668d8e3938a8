"""A real broker on free ports, ready when it accepts connections: nats-server, or what `broker_kind` says."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop.brokers import running


@pytest.fixture
def broker_kind() -> str:
    """A test that takes it as a parameter runs with that broker."""
    return "nats-server"


@pytest.fixture
def open_broker(tmp_path: Path, broker_kind: str) -> Callable[[], object]:
    """`async with open_broker() as broker`: started, and killed at the end."""
    return lambda: running(broker_kind, tmp_path / "broker")
