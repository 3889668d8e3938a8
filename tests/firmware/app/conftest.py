"""A board to be updated and a bundle that is good for it."""

from pathlib import Path

import pytest

from tests.firmware.conftest import PROVISION
from tests.firmware.update_bench import PUBLIC_KEY, a_bundle, a_manifest, new_board
from tests.firmware.update_board import NEW, OLD, Board


@pytest.fixture
def board(tmp_path: Path) -> Board:
    new_board(tmp_path, OLD)
    return Board(tmp_path, {**PROVISION, "site_key": PUBLIC_KEY.hex()})


@pytest.fixture(scope="module")
def good() -> bytes:
    return a_bundle(NEW, a_manifest(NEW, 0x102))
