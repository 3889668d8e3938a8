"""A bench of real boards: serial ports of this computer, its monotonic clock.

Knows: pyserial, which enters the rig here, and what goes wrong with a port. Must not know: frames.
"""

from __future__ import annotations

import errno
import select
import time

import serial

from edge.words import tr
from firmware.roles.rig import wiring
from hil.board.port import Port, Table
from hil.targets.target import TargetError, UsageError

_STOP_BITS = {1: serial.STOPBITS_ONE, 2: serial.STOPBITS_TWO}


class SerialPort(Port):
    """One port, taken for this program alone. Raises UsageError when it cannot be had."""

    def __init__(self, name: str, baud: int, stop_bits: int, option: str) -> None:
        """`option` is what the user names another port with."""
        self.name = name
        try:
            self._serial = serial.Serial(name, baud, stopbits=_STOP_BITS[stop_bits], timeout=0, exclusive=True)
        except (serial.SerialException, OSError, ValueError) as error:
            raise UsageError(_refusal(name, option, error)) from error
        self._serial.reset_input_buffer()

    def fileno(self) -> int:
        """For select."""
        return int(self._serial.fileno())

    def send(self, data: bytes) -> None:
        try:
            self._serial.write(data)
        except serial.SerialException as error:
            raise self._gone() from error

    def take(self) -> bytes:
        try:
            return bytes(self._serial.read(self._serial.in_waiting))
        except (serial.SerialException, OSError) as error:
            raise self._gone() from error

    def close(self) -> None:
        self._serial.close()

    def _gone(self) -> TargetError:
        return TargetError(f"{self.name}: the port has gone; look at the USB plug")


class SerialTable(Table):
    """The rig board on one port, the RS-485 line of the device on another, "" for none."""

    def __init__(self, rig: str, device: str = "", device_baud: int = 0) -> None:
        self.rig: SerialPort = SerialPort(rig, wiring.HOST_BAUD, 1, "--rig")
        self.device: SerialPort | None = None
        if device:
            try:
                self.device = SerialPort(device, device_baud, 2, "--dut")
            except UsageError:
                self.rig.close()
                raise

    @property
    def now_us(self) -> int:
        return time.monotonic_ns() // 1000

    def wait(self, until_us: int) -> None:
        ports = [self.rig, *([self.device] if self.device is not None else [])]
        select.select(ports, [], [], max(0, until_us - self.now_us) / 1e6)


def _refusal(name: str, option: str, error: Exception) -> str:
    """Why a port cannot be had, and what to do."""
    number = getattr(error, "errno", None)
    names = {"port": name, "option": option}
    if number == errno.ENOENT:
        return tr("{port}: there is no such port; plug the adapter in, or name another one with {option}", **names)
    if number in (errno.EACCES, errno.EPERM):
        return tr("{port}: this user may not open the port; join the group that owns it, then log in anew", port=name)
    if number in (errno.EAGAIN, errno.EBUSY) or "exclusively lock" in str(error):
        return tr("{port}: another program has the port open; close it, or name another port with {option}", **names)
    return tr("{port}: is no serial port ({why}); name one with {option}", why=error, **names)
