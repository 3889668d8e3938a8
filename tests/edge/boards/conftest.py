"""A board on the desk: the VM behind a pty, with nothing in its flash."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sim_devices.devices.usb_board import VmBoard


@pytest.fixture
def vm(tmp_path: Path) -> Iterator[VmBoard]:
    folder = tmp_path / "flash"
    folder.mkdir()
    with VmBoard(folder) as board:
        yield board
