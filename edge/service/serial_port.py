"""The only file that knows pyserial: a serial port of a technician's laptop, opened alone, read with a deadline.

Knows: the library and what its failures mean. Must not know: frames.
"""

from __future__ import annotations

import errno
import select
import termios
from types import TracebackType

import serial

from edge.words import tr

_READ_SIZE = 4096


class PortError(Exception):
    """The port cannot be had or has gone; the text says why and what to do."""


class SerialPort:
    """An open port; `read` returns what came, after the first byte or `timeout_s`, and is b"" when nothing came."""

    def __init__(self, name: str, baud: int, parity: str) -> None:
        stop_bits = 2 if parity == "N" else 1  # 11 bits per character either way (Serial Line V1.02, 2.5.1)
        self._name = name
        try:
            self._port = serial.Serial(name, baud, parity=parity, stopbits=stop_bits, timeout=0, exclusive=True)
        except serial.SerialException as error:
            raise PortError(_reason(name, error.errno)) from error
        except (ValueError, termios.error) as error:
            raise PortError(
                tr(
                    "port {port} cannot be set to {baud} baud, parity {parity}: its driver refuses; try others",
                    port=name,
                    baud=baud,
                    parity=parity,
                )
            ) from error

    def __enter__(self) -> SerialPort:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._port.close()

    def read(self, timeout_s: float) -> bytes:
        """What has come."""
        try:
            select.select([self._port], [], [], timeout_s)
            return bytes(self._port.read(_READ_SIZE))
        except (serial.SerialException, OSError) as error:
            raise PortError(self._gone(error)) from error

    def write(self, data: bytes) -> None:
        """Send."""
        try:
            self._port.write(data)
            self._port.flush()
        except (serial.SerialException, OSError) as error:
            raise PortError(self._gone(error)) from error

    def _gone(self, error: Exception) -> str:
        return tr("port {port} is gone ({reason}); check the cable and start again", port=self._name, reason=error)

    def clear(self) -> None:
        """Drop what has come and was not read."""
        self._port.reset_input_buffer()


def _reason(name: str, number: int | None) -> str:
    if number == errno.ENOENT:
        return tr(
            "port {port} does not exist: check the cable and the adapter, ls /dev/serial/by-id shows what is there",
            port=name,
        )
    if number in (errno.EBUSY, errno.EAGAIN):
        return tr(
            "port {port} is in use by another program: end it (a hub that runs has the line for itself)", port=name
        )
    if number in (errno.EACCES, errno.EPERM):
        return tr("port {port} may not be opened: add your user to the group that owns it (often dialout)", port=name)
    code = errno.errorcode.get(number or 0, "?")
    return tr("port {port} cannot be opened ({code}): is it a serial port?", port=name, code=code)
