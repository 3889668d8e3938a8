"""The outputs: one pin each, high drives. Safe when nobody refreshes them, by a timer that does not ask the scan.

Knows pins and the latch. Must not know what an output means.
"""

import time

from firmware.boards.latch import OutputLatch
from protocols.compat import TICKS_MASK, const

# A third of OUTPUT_AGE_MAX_MS.
_LOOK_MS = const(100)


class PinOutputs(OutputLatch):
    """`pins[i]` is called with 0 or 1 for output `i`."""

    def __init__(self, pins, timer) -> None:
        OutputLatch.__init__(self)
        self._pins = pins
        self._timer = timer

    def define_safe(self, values: list[int]) -> None:
        """Drive the safe values now, and from now on whenever the last write is too old."""
        OutputLatch.define_safe(self, values)
        for index in range(len(values)):
            self._pins[index](values[index])
        self._timer.init(period=_LOOK_MS, callback=self._on_timer)

    def _drive(self, values: list[int]) -> None:
        pins = self._pins
        driven = self.values
        if values == driven:
            return
        for index in range(len(driven)):
            value = values[index]
            if driven[index] != value:
                driven[index] = value
                self.changes = (self.changes + 1) & 0xFFFF
                pins[index](value)

    def _on_timer(self, timer) -> None:
        self.expire(time.ticks_ms() & TICKS_MASK)  # type: ignore[operator]
