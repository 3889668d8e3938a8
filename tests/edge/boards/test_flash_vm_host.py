"""A board is brought to hold a set: against the unix VM's REPL behind a pty."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from edge.boards.board import open_board
from edge.boards.files import BoardError
from edge.boards.flasher import Outcome, flash
from edge.cli_common import EXIT_NOBODY
from sim_devices.devices.usb_board import VmBoard
from sim_devices.micropython import VM

MPREMOTE = VM.with_name("mpremote")
SET = {
    "main.py": b"print('starts')\n",
    "a/manifest.txt": b"x" * 3000,
    "a/firmware/app/device.py": bytes(range(256)) * 20,
    "slot.txt": b"a\n",
}


OTHER_SET = {path: data[::-1] for path, data in SET.items()} | {"b/firmware/older.mpy": b"older" * 100}


def flash_it(vm: VmBoard, wanted: dict[str, bytes] = SET) -> Outcome:
    """What a run does, until the board has started again."""
    starts = vm.starts
    outcome = flash(open_board(vm.port), wanted, lambda done, total, note: None)
    vm.await_start(starts + 1)
    return outcome


def put(vm: VmBoard, path: str, data: bytes) -> None:
    (vm.folder / path).parent.mkdir(parents=True, exist_ok=True)
    (vm.folder / path).write_bytes(data)


def test_a_bare_board_holds_the_set_afterwards(vm: VmBoard) -> None:
    outcome = flash_it(vm)
    assert vm.files() == SET
    assert outcome.written == len(SET)


def test_a_provisioned_board_starts_and_its_own_files_stay(vm: VmBoard) -> None:
    own = {"provision.txt": b"role=barrier\n", "settings.0": b"\x00\x01", "fault.txt": b"trace"}
    for path, data in own.items():
        put(vm, path, data)
    outcome = flash_it(vm)
    assert vm.files() == SET | own
    assert outcome.starts


def test_without_provision_it_says_that_it_will_not_start(vm: VmBoard) -> None:
    outcome = flash_it(vm)
    assert not outcome.starts
    assert "gate provision" in outcome.why_not


def test_an_unchanged_board_is_not_written(vm: VmBoard) -> None:
    flash_it(vm)
    before = {path: path.stat().st_mtime_ns for path in vm.folder.rglob("*")}
    outcome = flash_it(vm)
    assert (outcome.written, outcome.removed, outcome.kept) == (0, 0, len(SET))
    assert {path: path.stat().st_mtime_ns for path in vm.folder.rglob("*")} == before


def test_only_what_changed_is_written(vm: VmBoard) -> None:
    flash_it(vm)
    put(vm, "slot.txt", b"b\n")
    kept = (vm.folder / "main.py").stat().st_ino
    assert flash_it(vm).written == 1
    assert vm.files() == SET
    assert (vm.folder / "main.py").stat().st_ino == kept


def test_what_an_older_set_left_goes_with_its_folders(vm: VmBoard) -> None:
    for path in ("firmware/control/barrier.mpy", "protocols/crc.mpy", "b/manifest.txt", "main.mpy", "main.py.new"):
        put(vm, path, b"old")
    put(vm, "logs/today.txt", b"somebody's")
    outcome = flash_it(vm)
    assert vm.files() == SET | {"logs/today.txt": b"somebody's"}
    assert outcome.removed == 5
    assert sorted(path.name for path in vm.folder.iterdir()) == ["a", "logs", "main.py", "slot.txt"]


def test_somebody_elses_wish_for_maintenance_stays(vm: VmBoard) -> None:
    put(vm, "maintenance", b"")
    put(vm, "provision.txt", b"role=barrier\n")
    outcome = flash_it(vm)
    assert not outcome.starts
    assert "maintenance" in vm.files()


PROGRAMS = {
    "that runs": "import time\nwhile True:\n    time.sleep(1)\n",
    "that hangs": "while True:\n    pass\n",
    "that prints without end": "while True:\n    print('x' * 200)\n",
    "that takes the first interrupt for an error": (
        "while True:\n    try:\n        while True:\n            pass\n    except KeyboardInterrupt:\n        break\n"
        "while True:\n    pass\n"
    ),
    "that fails": "import nothing_of_this_name\n",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_board_with_a_program(program: str, tmp_path: Path) -> None:
    put_in = tmp_path / "flash"
    put_in.mkdir()
    (put_in / "main.py").write_text(program)
    with VmBoard(put_in) as vm:
        flash_it(vm)
        assert vm.files() == SET


def cable_comes_off(vm: VmBoard, said: int, wanted: dict[str, bytes]) -> None:
    """A run that ends after so many bytes, and the one after it."""
    vm.pull_after(said)
    with pytest.raises(BoardError) as caught:
        flash_it(vm, wanted)
    assert caught.value.code == EXIT_NOBODY
    is_begun = vm.files() not in (SET, OTHER_SET)
    assert "maintenance" in vm.files() or not is_begun or "maintenance.new" in vm.files()
    flash_it(vm, wanted)
    assert vm.files() == wanted


def test_the_cable_comes_off_anywhere_and_it_is_run_again(vm: VmBoard) -> None:
    flash_it(vm, OTHER_SET)
    for turn, said in enumerate(range(300, 10_000, 1_300)):
        cable_comes_off(vm, said, OTHER_SET if turn % 2 else SET)


@pytest.mark.long
def test_the_cable_comes_off_everywhere(vm: VmBoard) -> None:
    flash_it(vm, OTHER_SET)
    for turn, said in enumerate(range(150, 10_000, 251)):
        cable_comes_off(vm, said, OTHER_SET if turn % 2 else SET)


def test_mpremote_itself_finds_the_files(vm: VmBoard) -> None:
    flash_it(vm)
    for path in ("main.py", "a/firmware/app/device.py"):
        command = [str(MPREMOTE), "connect", vm.port, "resume", "sha256sum", f":{path}"]
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
        assert hashlib.sha256(SET[path]).hexdigest() in said
