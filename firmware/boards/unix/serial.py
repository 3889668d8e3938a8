"""The serial port over a tty or pty in raw mode, never blocking.

Knows termios. Must not know frames. A port whose other end is gone is lost; the loop opens it again, since the path may
lead to a new pty by then.
"""

import io
import select
import termios

from firmware.ports import NullUart

_CONTROL_CHARACTERS = 6
_VTIME = 5
_VMIN = 6


class SerialPort(NullUart):
    """`is_lost` is True while there is no working port; `losses` counts, wrapping at 2**16."""

    def __init__(self, path: str, baud: int) -> None:
        self.timed = 0
        self.silence_us = 0
        self.is_lost = True
        self.losses = 0
        self.file: "io.FileIO | None" = None
        self._path = path
        self._baud = baud
        self._writable: "select.poll | None" = None

    def open(self) -> bool:
        """Open the port raw. Allocates; called by the loop outside the heap guard. False leaves it lost."""
        try:
            file = open(self._path, "r+b")  # noqa: SIM115  # lives as long as the port
            termios.setraw(file.fileno())
            attributes = termios.tcgetattr(file.fileno())
            attributes[_CONTROL_CHARACTERS][_VMIN] = 0
            attributes[_CONTROL_CHARACTERS][_VTIME] = 0
            speed = getattr(termios, "B{}".format(self._baud), None)
            if speed is not None:
                attributes[4] = attributes[5] = speed
            termios.tcsetattr(file.fileno(), termios.TCSANOW, attributes)
        except OSError:
            return False
        self.file = file
        self._writable = select.poll()
        self._writable.register(file, select.POLLOUT)
        for _ in self._writable.ipoll(0):  # the poller makes its result object at its first use
            pass
        self.is_lost = False
        return True

    def close(self) -> None:
        """Let go of a lost port. Allocates."""
        if self.file is not None:
            self.file.close()
            self.file = None

    def on_hangup(self) -> None:
        """Note that the other end is gone."""
        if not self.is_lost:
            self.is_lost = True
            self.losses = (self.losses + 1) & 0xFFFF

    def read_into(self, buffer: bytearray) -> int:
        """Move received bytes; VMIN = VTIME = 0 makes the read return at once."""
        if self.is_lost:
            return 0
        try:
            return self.file.readinto(buffer, len(buffer)) or 0
        except OSError:
            self.on_hangup()
            return 0

    def write(self, buffer: bytearray, size: int) -> int:
        """Send when the line takes bytes without blocking."""
        if self.is_lost or not self._is_writable():
            return 0
        try:
            self.file.write(buffer, size)
        except OSError:
            self.on_hangup()
            return 0
        return size

    def _is_writable(self) -> bool:
        events = 0
        for _, event in self._writable.ipoll(0):
            events = event
        return bool(events & select.POLLOUT)
