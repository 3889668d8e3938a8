"""What hangs on USB, found out without stopping anything.

Knows: how a REPL answers that waits at its prompt. Must not know: how it is printed. A board whose program runs is not
interrupted: it is told as one that runs. A serial chip may lead to an RS-485 line, so nothing is said to it at all.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.boards.board import MAINTENANCE_FILE, Board
from edge.boards.files import BoardError
from edge.boards.flasher import setting_of
from edge.boards.installed import manifest_of
from edge.boards.provision_file import FILE_NAME
from edge.boards.repl import Repl
from edge.boards.usb import SerialWire, UsbPort
from edge.boards.wire import SilentError, Wire
from edge.update.manifest import version_text
from edge.words import tr

_PROMPT = b">>> "
_ANSWER_S = 0.4
# Leaves a raw REPL, and is an empty line in any other.
_ASK = b"\r\x02"


@dataclass(frozen=True, slots=True)
class UsbFound:
    """A port. `answers` tells whether MicroPython waits at its prompt there; `state` is a sentence."""

    port: str
    product: str
    chip_serial: str
    state: str
    answers: bool = False
    machine: str = ""
    micropython: str = ""
    role: str = ""
    serial: str = ""
    firmware: str = ""


def look(port: UsbPort) -> UsbFound:
    """What is there; never raises."""
    if port.is_bridge:
        return _found(port, tr("a serial adapter: an ESP32, or an RS-485 line (`gate scan`); it is not asked"))
    try:
        wire = SerialWire(port.name)
    except BoardError as error:
        return _found(port, str(error))
    try:
        return look_at(wire, port)
    except BoardError as error:
        return _found(port, str(error))
    finally:
        wire.close()


def look_at(wire: Wire, port: UsbPort) -> UsbFound:
    """What answers on the wire. Raises BoardError when it goes away meanwhile."""
    wire.write(_ASK)
    try:
        wire.take_until(_PROMPT, _ANSWER_S)
    except SilentError:
        return _found(port, tr("its program runs (`gate flash` brings it into maintenance when it is at rest)"))
    wire.write(b"\x01")
    wire.take_until(b"raw REPL; CTRL-B to exit\r\n", _ANSWER_S)
    board = Board(Repl(wire), is_started_anew=False)
    found = _described(board, port)
    wire.write(b"\r\x02")
    return found


def _described(board: Board, port: UsbPort) -> UsbFound:
    kind = board.kind
    names = board.names("")
    manifest = manifest_of(board)
    role = setting_of(board, "role")
    return UsbFound(
        port.name,
        port.product,
        port.chip_serial or kind.chip_serial,
        _state(manifest is not None or "firmware/" in names, names, role),
        True,
        kind.machine,
        ".".join(map(str, kind.version)),
        role or (manifest.role if manifest else ""),
        setting_of(board, "serial"),
        version_text(manifest.version) if manifest else "",
    )


def _state(has_program: bool, names: list[str], role: str) -> str:
    if not has_program:
        return tr("bare MicroPython: `gate flash` gives it a role")
    if FILE_NAME not in names or not role:
        return tr("flashed, not provisioned (`gate provision`)")
    if MAINTENANCE_FILE in names:
        return tr("in maintenance: the file `maintenance` is on it")
    return tr("in maintenance: its terminal is bridged, its provision file does not fit, or its program was stopped")


def _found(port: UsbPort, state: str) -> UsbFound:
    return UsbFound(port.name, port.product, port.chip_serial, state)
