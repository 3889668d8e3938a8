"""Ticks that never go back, whatever the board's counter does.

Knows 30-bit ticks. A counter read wrong, or one that is set back, would move every deadline of the device into the
future by as much: a motor would run past its travel time, a lost hub would go unnoticed. So a step back counts as no
time at all, and time goes on from there. A leap forward is taken as it is: every deadline is then due at once, which
is the safe side.
"""

from protocols.compat import ticks_add, ticks_diff


class MonotonicTicks:
    """`setbacks` counts how often the counter went back, wrapping at 2**16."""

    def __init__(self) -> None:
        self.setbacks = 0
        self._ticks = 0
        self._seen = 0
        self._started = 0

    def follow(self, now: int) -> int:
        """Return the time to use at the counter's reading `now`; the first reading is taken as it is."""
        if not self._started:
            self._started = 1
            self._ticks = now
        else:
            elapsed = ticks_diff(now, self._seen)
            if elapsed < 0:
                self.setbacks = (self.setbacks + 1) & 0xFFFF
            else:
                self._ticks = ticks_add(self._ticks, elapsed)
        self._seen = now
        return self._ticks
