"""Power cuts in every write of `gate flash` on the emulated RP2040: nothing half starts, and the next run mends it."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from edge.update.board_layout import fresh_board
from firmware.boards import slots
from firmware.boards.rp2 import wiring
from hil.chip.carrier import BOARD
from hil.chip.emulator import build_image
from hil.faults.cuts import Start
from hil.faults.flash_cut import FlashSweep
from tests.hil.faults.test_update_cuts_host import NEW, OLD, files_of

ROLE = "barrier"
SWITCHED_ON = 40  # every so many-th of the cuts is switched on and flashed again, which takes seconds
Sets = Mapping[int, dict[str, bytes]]


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Sets:
    folder = tmp_path_factory.mktemp("sets")
    files = {version: files_of(version, ROLE, BOARD, folder / str(version)) for version in (OLD, NEW)}
    older = {path: data.replace(b"Start of", b"start of") for path, data in files[OLD].items() if path == "main.py"}
    files[OLD] |= older
    return {version: fresh_board(ROLE, BOARD, False, files[version]) for version in files}


def updated_board(sets: Sets) -> dict[str, bytes]:
    """A board after an update: the old version runs in slot b, and slot a has one whose every file is another."""
    board = dict(sets[OLD])
    board |= {f"b{path[1:]}": data for path, data in sets[OLD].items() if path.startswith("a/")}
    board |= {path: data[::-1] for path, data in sets[OLD].items() if path.startswith("a/")}
    digest = hashlib.sha256(board["b/manifest.txt"]).hexdigest()
    pointer = slots.Pointer("b", slots.CONFIRMED, digest, "")
    return board | {"slot.txt": slots.encode_pointer(pointer).encode()}


def half_started(starts: list[Start], sets: Sets) -> list[Start]:
    """Those in which a control starts that is not the whole old one, with its start, or the whole new one with its."""
    old, new = (hashlib.sha256(sets[version]["a/manifest.txt"]).hexdigest() for version in (OLD, NEW))
    first, last = starts[0], starts[-1]
    whole = {(old, first.outside), (new, last.outside)}
    running = [start for start in starts if start.slot != "-" and not start.is_held]
    return [start for start in running if not start.is_whole or (start.manifest, start.outside) not in whole]


def watched(sweep: FlashSweep, starts: list[Start], *whats: str) -> list[str]:
    """What is wrong with the outputs of a chip that is switched on, for the first cut of each kind of start."""
    kinds = {tuple(getattr(start, what) for what in whats): start for start in reversed(starts) if not start.is_second}
    return [f"{start}: {harm}" for start in kinds.values() for harm in sweep.harm_of_start(start)]


def test_cuts_while_a_few_files_are_replaced(uf2: Path, sets: Sets, tmp_path: Path) -> None:
    sweep = FlashSweep(uf2, ROLE, sets[OLD], sets[NEW], tmp_path)
    ends = [*sweep.starts(first=1, step=sweep.writes), *sweep.starts(first=sweep.writes)]
    starts = [*sweep.starts(first=2, step=7)]
    assert len(starts) > 40
    assert any(start.is_held for start in starts)
    assert half_started([ends[0], *starts, ends[-1]], sets) == []
    assert watched(sweep, starts, "is_whole", "is_held") == []
    middle = sweep.writes // 2
    assert sweep.harm_of(middle, len(sweep.operation(middle).data) // 2) == []


def test_a_board_that_drives_what_no_control_asked_for_is_caught(
    uf2: Path, sets: Sets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drives = f"from machine import Pin\nPin({wiring.OUTPUTS[0]}, Pin.OUT, value=1)\n".encode()
    monkeypatch.setattr(FlashSweep, "image", lambda self, number, done: build_image({"main.py": drives}))
    sweep = FlashSweep(uf2, ROLE, sets[NEW], sets[NEW], tmp_path)
    harm = sweep.harm_of_start(Start(1, 1, "a", "", True, False, "", False))
    assert [text.split(" at ")[0] for text in harm] == ["MOTOR_OPEN is driven", "no control runs"]


@pytest.mark.long
def test_cuts_everywhere_while_all_is_replaced(uf2: Path, sets: Sets, tmp_path: Path) -> None:
    sweep = FlashSweep(uf2, ROLE, updated_board(sets), sets[NEW], tmp_path)
    assert sweep.writes > 500
    starts = list(sweep.starts())
    assert len(starts) >= 4 * sweep.writes
    assert half_started(starts, sets) == []
    assert watched(sweep, starts, "slot", "manifest", "is_whole", "is_held", "outside") == []
    for number in range(1, sweep.writes + 1, SWITCHED_ON):
        assert sweep.harm_of(number, len(sweep.operation(number).data) // 2) == [], number
