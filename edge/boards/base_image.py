"""MicroPython itself onto a board: a UF2 file onto the drive of an RP2040 that waits for it, or esptool for an ESP32.

Knows: how a board is brought to wait for its image, where its drive appears, esptool's words. Must not know what runs
on MicroPython afterwards.

What of this ran without hardware: the copy into a folder that stands for the drive, and the comparison of the flash
with the image, on the emulated RP2040. esptool went as far as opening the port: it has no board here to speak to.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from edge.boards.board import Board, open_board
from edge.boards.files import BoardError
from edge.boards.images import Image, parts_of
from edge.boards.usb import usb_ports
from edge.cli_common import EXIT_BAD_INPUT, EXIT_NOBODY, EXIT_REFUSED
from edge.words import tr

# The file that the boot ROM of an RP2040 shows on its drive (datasheet, 2.8.4.2).
_DRIVE_MARK = "INFO_UF2.TXT"
_MOUNTS = Path("/proc/mounts")
_VOLUMES = Path("/Volumes")
_DRIVE_WAIT_S = 20.0
_PORT_WAIT_S = 30.0
_LOOK_S = 0.2
_ESP32_ADDRESS = "0x1000"  # of an ESP32's bootloader, with which MicroPython's images begin
_ESP_PLATFORM = "esp32"

_Found = TypeVar("_Found")


def put_image(image: Image, port: str | None, drive: Path | None, wait_s: float, is_new: bool) -> str | None:
    """Bring the image onto the board at `port`; returns the port to go on with, None when it has to be looked for.

    A board that holds it already is left as it is. `is_new`: nothing runs on the board, it may be reset without asking.
    Raises BoardError.
    """
    if image.is_uf2:
        return _put_uf2(image, port, drive, wait_s)
    return _put_esp32(image, port, wait_s, is_new)


def holds_image(board: Board, image: Image) -> bool:
    """Whether the chip's flash is the image, byte for byte: hashed there."""
    return all(board.flash_digest(address, len(data)) == _digest(data) for address, data in parts_of(image))


def find_drive() -> Path | None:
    """The mounted drive of an RP2040 that waits for its image."""
    places = [Path(line.split()[1].replace("\\040", " ")) for line in _read_mounts()]
    places += sorted(_VOLUMES.glob("*")) if _VOLUMES.is_dir() else []
    return next((place for place in places if _is_drive(place)), None)


def copy_image(image: Image, drive: Path) -> None:
    """Write the file onto the drive; the chip programs what it gets, and restarts by itself with the last block."""
    if not _is_drive(drive):
        raise BoardError(
            tr(
                "{drive}: no drive of an RP2040 ({mark} is missing): hold BOOTSEL while you plug it in",
                drive=drive,
                mark=_DRIVE_MARK,
            ),
            EXIT_BAD_INPUT,
        )
    target = drive / image.path.name
    try:
        with target.open("wb") as file:
            file.write(image.data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if _is_drive(drive):  # else it restarted a moment before we heard that all was written
            raise BoardError(tr("{drive}: cannot be written ({why})", drive=drive, why=error.strerror)) from error


def _put_uf2(image: Image, port: str | None, drive: Path | None, wait_s: float) -> str | None:
    drive = drive or find_drive()
    if drive is None:
        if port is None:
            raise _no_drive()
        board = open_board(port, wait_s)
        if "RP2040" not in board.kind.machine:
            board.close()
            raise BoardError(
                tr("{port}: {what} is no RP2040, the image is for one", port=port, what=board.kind.described),
                EXIT_REFUSED,
            )
        if holds_image(board, image):
            board.close()
            return port
        board.bootloader()
        drive = _await(find_drive, _DRIVE_WAIT_S)
        if drive is None:
            raise _no_drive()
    before = {found.name for found in usb_ports()}
    copy_image(image, drive)
    return port or _await(lambda: next((p.name for p in usb_ports() if p.name not in before), None), _PORT_WAIT_S)


def _put_esp32(image: Image, port: str | None, wait_s: float, is_new: bool) -> str:
    if port is None:
        raise BoardError(tr("an ESP32 has no drive: name its port"), EXIT_BAD_INPUT)
    if importlib.util.find_spec("esptool") is None:
        sentence = tr("esptool is not installed: .venv/bin/python -m pip install -e '.[esp32]'")
        raise BoardError(sentence, EXIT_BAD_INPUT)
    if not is_new:
        board = open_board(port, wait_s)  # its control has stopped: what resets it now stops nothing
        board.close()
        if board.kind.platform != _ESP_PLATFORM:
            raise BoardError(
                tr("{port}: {what} is no ESP32, the image is for one", port=port, what=board.kind.described),
                EXIT_REFUSED,
            )
    words = ["--chip", _ESP_PLATFORM, "--port", port, "write-flash", _ESP32_ADDRESS, str(image.path)]
    done = subprocess.run([sys.executable, "-m", "esptool", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        first = (done.stderr or done.stdout).strip().splitlines()[:1] or ["?"]
        raise BoardError(tr("{port}: esptool gave up: {what}", port=port, what=first[0]))
    return port


def _await(look: Callable[[], _Found | None], limit_s: float) -> _Found | None:
    deadline_s = time.monotonic() + limit_s
    while time.monotonic() < deadline_s:
        found = look()
        if found is not None:
            return found
        time.sleep(_LOOK_S)
    return None


def _is_drive(place: Path) -> bool:
    try:
        return (place / _DRIVE_MARK).is_file()
    except OSError:
        return False


def _read_mounts() -> list[str]:
    try:
        lines = _MOUNTS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [line for line in lines if line.split()[2:3] in (["vfat"], ["msdos"])]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _no_drive() -> BoardError:
    return BoardError(
        tr(
            "no RP2040 waits for its image: hold BOOTSEL while you plug it in, have its drive RPI-RP2 mounted, and "
            "name the folder with --drive if it is not found"
        ),
        EXIT_NOBODY,
    )
