"""Flashing an emulated RP2040 over its USB console: whatever runs on it, wherever it is broken off."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.boards.base_image import holds_image
from edge.boards.board import Board
from edge.boards.entry import enter
from edge.boards.files import BoardError
from edge.boards.flasher import Outcome, flash
from edge.boards.images import Image, load_image
from edge.boards.wire import GoneError
from hil.bench.chip_wire import ChipWire
from hil.bench.flash_command import main
from hil.chip.emulator import HIGH, Chip, build_image, read_files
from tests.hil.chip.chip_port import ChipPort

SET = {
    "main.py": b"from machine import Pin\nPin(6, Pin.OUT, value=1)\n",
    "a/manifest.txt": bytes(range(256)) * 9,
    "a/firmware/app/device.mpy": b"M\x06\x00\x1f" + bytes(3000),
    "slot.txt": b"a\n",
}
OWN = {"provision.txt": b"role=barrier\n", "settings_a.bin": b"\x01\x02"}


class Desk:
    """A chip with some files in its flash, on a desk."""

    def __init__(self, uf2: Path, files: dict[str, bytes]) -> None:
        self.chip = Chip(uf2, build_image(OWN | files))
        self.chip.advance(1_000_000)

    def open(self, wire: Callable[[], ChipWire] | None = None) -> Board:
        return Board(enter(wire or (lambda: ChipWire(self.chip)), lambda s: self.chip.advance(int(s * 1_000_000))))

    def flash(self, wire: Callable[[], ChipWire] | None = None) -> Outcome:
        return flash(self.open(wire), SET, lambda done, of, note: None)

    def files(self) -> dict[str, bytes]:
        return read_files(self.chip.file_system())


PROGRAMS = {
    "nothing": b"",
    "prints without end": b"while True:\n    print('x' * 200)\n",
    "feeds a watchdog": (
        b"from machine import WDT\nimport time\ndog = WDT(timeout=1000)\nwhile True:\n    dog.feed()\n"
        b"    time.sleep_ms(10)\n"
    ),
    "starts, shuts its ears, hangs and is reset, again and again": (
        b"from machine import WDT\nimport micropython, time\ntime.sleep_ms(400)\nmicropython.kbd_intr(-1)\n"
        b"WDT(timeout=1000)\nwhile True:\n    pass\n"
    ),
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_board_on_which_something_runs(uf2: Path, program: bytes) -> None:
    desk = Desk(uf2, {"main.py": program} if program else {})
    outcome = desk.flash()
    assert desk.files() == OWN | SET
    assert outcome.starts
    desk.chip.advance(300_000)  # its own reset is over
    resets = len(desk.chip.resets)
    desk.chip.advance(1_500_000)
    assert len(desk.chip.resets) == resets, "the other program's watchdog is still on"
    assert desk.chip.level(6) == HIGH, "the flashed program did not start"


def test_mpremote_itself_finds_the_files(uf2: Path) -> None:
    desk = Desk(uf2, {})
    desk.flash()
    desk.chip.advance(500_000)
    mpremote = Path(sys.executable).with_name("mpremote")
    with ChipPort(desk.chip) as port:
        for path in ("main.py", "a/manifest.txt"):
            command = [str(mpremote), "connect", port.port, "sha256sum", f":{path}"]
            said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
            assert hashlib.sha256(SET[path]).hexdigest() in said


class CutWire(ChipWire):
    """A console whose cable comes off after so many bytes."""

    def __init__(self, chip: Chip, left: int) -> None:
        super().__init__(chip)
        self._left = left

    def write(self, data: bytes) -> None:
        super().write(data[: self._left])
        self._left -= len(data)
        if self._left < 0:
            raise GoneError("the cable is off")


def broken_off(desk: Desk, said: int) -> dict[str, bytes]:
    """What the flash holds after a run that ended there."""
    wires = iter([CutWire(desk.chip, said)])

    def open_once() -> ChipWire:
        return next(wires)

    with pytest.raises(BoardError, match="the cable is off"):
        desk.flash(open_once)
    return desk.files()


@pytest.mark.parametrize("said", [3_300, 9_000])
def test_a_run_that_breaks_off_leaves_a_hold_and_is_run_again(uf2: Path, said: int) -> None:
    desk = Desk(uf2, {"main.py": b"# older\n", "firmware/control/barrier.mpy": b"older"})
    held = broken_off(desk, said)
    assert held["maintenance"] == b"gate flash\n"
    assert held.items() >= OWN.items()
    desk.flash()
    assert desk.files() == OWN | SET


@pytest.mark.long
def test_a_run_that_breaks_off_anywhere_is_run_again(uf2: Path) -> None:
    for said in range(100, 10_000, 450):
        desk = Desk(uf2, {"main.py": b"# older\n", "firmware/control/barrier.mpy": b"older"})
        held = broken_off(desk, said)
        assert held.items() >= OWN.items()
        assert "maintenance" in held or held["main.py"] == b"# older\n"
        desk.flash()
        assert desk.files() == OWN | SET


def test_a_full_file_system_is_told_before_and_while_writing(uf2: Path) -> None:
    desk = Desk(uf2, {"somebodys.bin": bytes(1_370_000)})
    with pytest.raises(BoardError, match=r"the file system has \d+ kB free, 8\d are needed: remove files"):
        desk.flash()
    assert desk.files().keys() == OWN.keys() | {"somebodys.bin"}
    board = desk.open()
    with pytest.raises(BoardError, match=r"the file system is full at big.bin"):
        board.replace("big.bin", bytes(90_000))


def test_the_flash_is_compared_with_the_image_byte_for_byte(uf2: Path) -> None:
    board = Desk(uf2, {}).open()
    image = load_image(str(uf2), "")
    assert holds_image(board, image)
    at = image.data.index(b"MicroPython")
    other = Image(image.path, image.data[:at] + b"micro" + image.data[at + 5 :], image.name, True)
    assert not holds_image(board, other)


def test_the_bench_says_what_is_wrong_with_an_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--uf2", str(tmp_path / "none.uf2")]) == 2
    assert "cannot be read" in capsys.readouterr().err
