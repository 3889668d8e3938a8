"""The ports of this machine, and one of them open. The only file of boards/ that knows pyserial.

Knows: the library, what its failures mean, what the numbers of USB devices say. Must not know: MicroPython.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass

import serial
from serial.tools import list_ports

from edge.boards.files import BoardError
from edge.boards.wire import GoneError, Wire
from edge.cli_common import EXIT_BAD_INPUT, EXIT_NOBODY
from edge.words import tr

_BAUD = 115_200  # of a console behind a serial chip; USB itself knows none
_READ_SIZE = 4096
# USB vendor numbers. Raspberry Pi and Espressif are boards; the others serial chips, on an ESP32 board or an adapter.
_BOARD_VENDORS = {0x2E8A: "rp2", 0x303A: "esp32"}
_MICROPYTHON_VENDOR = 0xF055
_BRIDGE_VENDORS = frozenset({0x10C4, 0x1A86, 0x0403, 0x067B})


@dataclass(frozen=True, slots=True)
class UsbPort:
    """A port that hangs on USB. `is_bridge`: a serial chip, so that behind it may be anything, an RS-485 line too."""

    name: str
    product: str
    chip_serial: str
    is_bridge: bool


class NoPortError(BoardError):
    """The port is not there (yet)."""


class BusyError(BoardError):
    """Another program has the port; a desktop looks at every new one for a moment."""


def usb_ports() -> list[UsbPort]:
    """The ports that may be a board's, sorted by name."""
    known = {*_BOARD_VENDORS, *_BRIDGE_VENDORS, _MICROPYTHON_VENDOR}
    found = [
        UsbPort(port.device, port.product or port.description or "", port.serial_number or "", _is_bridge(port.vid))
        for port in list_ports.comports()
        if port.vid in known
    ]
    return sorted(found, key=lambda port: port.name)


def choose_port(named: str | None, list_them: Callable[[], list[UsbPort]] = usb_ports) -> str:
    """The port meant: the one named, or the only one there is. Raises BoardError."""
    if named:
        return named
    ports = list_them()
    if len(ports) == 1:
        return ports[0].name
    if not ports:
        sentence = tr("no board hangs on USB: check cable and port, or name the port (`gate devices` lists them)")
        raise BoardError(sentence, EXIT_NOBODY)
    names = ", ".join(port.name for port in ports)
    raise BoardError(
        tr("{count} boards hang on USB ({names}): name the one you mean", count=len(ports), names=names),
        EXIT_BAD_INPUT,
    )


class SerialWire(Wire):
    """A port, held alone. Raises NoPortError when it is not there, BoardError when it cannot be had."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        try:
            self._port = serial.Serial(name, _BAUD, timeout=0, exclusive=True)
        except (serial.SerialException, termios.error) as error:
            raise _refusal(name, getattr(error, "errno", None)) from error

    @property
    def now_s(self) -> float:
        return time.monotonic()

    def receive(self, timeout_s: float) -> bytes:
        try:
            select.select([self._port], [], [], timeout_s)
            return bytes(self._port.read(_READ_SIZE))
        except (serial.SerialException, OSError, termios.error) as error:
            raise self._gone() from error

    def write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except (serial.SerialException, OSError, termios.error) as error:
            raise self._gone() from error

    def close(self) -> None:
        # RTS before DTR, one after the other: together they would reset an ESP32 by its own circuit.
        with contextlib.suppress(serial.SerialException, OSError, termios.error):
            self._port.rts = False
            self._port.dtr = False
        try:
            self._port.close()
        except (serial.SerialException, OSError, termios.error):
            if self._port.fd is not None:
                os.close(self._port.fd)  # what is gone cannot be closed in order

    def _gone(self) -> GoneError:
        return GoneError(
            tr("{port}: the board is gone from USB: check the cable, then run the same command again", port=self.name),
            EXIT_NOBODY,
        )


def _is_bridge(vendor: int) -> bool:
    return vendor in _BRIDGE_VENDORS


def _refusal(name: str, number: int | None) -> BoardError:
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO):
        return NoPortError(tr("port {port} does not exist: `gate devices` lists what is there", port=name), EXIT_NOBODY)
    if number in (errno.EBUSY, errno.EAGAIN):
        return BusyError(tr("port {port} is in use by another program: end it", port=name))
    if number in (errno.EACCES, errno.EPERM):
        return BoardError(
            tr("port {port} may not be opened: add your user to the group that owns it (often dialout)", port=name)
        )
    why = errno.errorcode.get(number or 0, "?")
    return BoardError(tr("port {port} cannot be opened ({why}): is it a serial port?", port=name, why=why))
