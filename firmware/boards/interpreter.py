"""What MicroPython itself brings on every port: its ticks, its heap guard and its random numbers.

Knows the interpreter. Must not know a pin or a file.
"""

import os
import sys
import time

import micropython

from firmware.ports import NullClock, NullEntropy, NullHeap
from protocols.compat import TICKS_MASK


class TicksClock(NullClock):
    """The interpreter's monotonic ticks, cut to 30 bits."""

    def now_ms(self) -> int:
        """Return milliseconds."""
        return time.ticks_ms() & TICKS_MASK  # type: ignore[operator]  # the ports define the ticks

    def now_us(self) -> int:
        """Return microseconds."""
        return time.ticks_us() & TICKS_MASK  # type: ignore[operator]


class GuardedHeap(NullHeap):
    """MicroPython's own guard."""

    def lock(self) -> None:
        """Make every allocation a MemoryError."""
        micropython.heap_lock()

    def unlock(self) -> None:
        """Undo one lock."""
        micropython.heap_unlock()


class SystemEntropy(NullEntropy):
    """The random numbers of the operating system, or of the chip."""

    def read_u15(self) -> int:
        """Return 0 to 32767."""
        data = os.urandom(2)
        return (data[0] << 8 | data[1]) & 0x7FFF


def compiled_form() -> int:
    """Return sys.implementation._mpy: version, sub-version and architecture of the .mpy files that load."""
    return getattr(sys.implementation, "_mpy", 0)
