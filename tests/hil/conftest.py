"""The MicroPython image that the emulated chip runs, or BLOCKED."""

from pathlib import Path

import pytest

from hil.chip import emulator
from hil.chip.emulator import find_uf2
from hil.targets.target import BlockedError


@pytest.fixture(scope="session")
def uf2() -> Path:
    try:
        emulator._load("rp2040py.rp2040")
        emulator._load("littlefs")
        return find_uf2(None)
    except BlockedError as error:
        pytest.skip(f"BLOCKED: {error}")
