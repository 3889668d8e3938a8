"""Deadlines of one control core: a bank of one-shot timers that is advanced once per scan.

Knows 30-bit ticks and nothing else. A timer is off, running, or done; done stays done until it is stopped or started
again, so a scan that comes late, early or twice sees the same thing. Deadlines are stored, never start times, and are
saved relative to now (rule D8).
"""

from firmware.control.deadlines import DONE, OFF, expire, find_next
from firmware.control.rows import make_row
from protocols.bigendian import get_i32, put_i32
from protocols.compat import ticks_add, ticks_diff

TIMER_SIZE = 4


class TimerBank:
    """`count` timers; durations are in ms below 2**28. Nothing here allocates after construction."""

    def __init__(self, count: int) -> None:
        self.now_ms = 0
        self.deadlines = make_row(count, OFF)

    def advance(self, now_ms: int) -> None:
        """Take the time of this scan; running timers whose deadline has come are done from now on."""
        self.now_ms = now_ms
        expire(self.deadlines, now_ms)

    def start(self, index: int, duration_ms: int) -> None:
        """Run for duration_ms from now; 0 is done at once."""
        self.deadlines[index] = ticks_add(self.now_ms, duration_ms) if duration_ms > 0 else DONE

    def stop(self, index: int) -> None:
        """Switch off; neither running nor done."""
        self.deadlines[index] = OFF

    def is_off(self, index: int) -> bool:
        """Never started, or stopped."""
        return self.deadlines[index] == OFF

    def is_running(self, index: int) -> bool:
        """Started and its deadline has not come."""
        return self.deadlines[index] >= 0

    def is_done(self, index: int) -> bool:
        """Its deadline has come."""
        return self.deadlines[index] == DONE

    def remaining_ms(self, index: int) -> int:
        """Time to the deadline; 0 unless running."""
        deadline = self.deadlines[index]
        return ticks_diff(deadline, self.now_ms) if deadline >= 0 else 0

    def next_ms(self) -> int:
        """Time to the earliest deadline, -1 if nothing runs."""
        return find_next(self.deadlines, self.now_ms)

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write every timer relative to now; returns the offset behind the last byte."""
        for deadline in self.deadlines:
            value = ticks_diff(deadline, self.now_ms) if deadline >= 0 else deadline
            put_i32(buffer, offset, value)
            offset += TIMER_SIZE
        return offset

    def load_from(self, buffer: bytes | bytearray, offset: int, now_ms: int) -> int:
        """Take over what save_into wrote, counted from now_ms; returns the offset behind the last byte."""
        self.now_ms = now_ms
        for index in range(len(self.deadlines)):
            value = get_i32(buffer, offset)
            self.deadlines[index] = ticks_add(now_ms, value) if value > 0 else value
            offset += TIMER_SIZE
        return offset
