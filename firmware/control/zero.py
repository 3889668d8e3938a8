"""The zero in force: initial zero setting, zero setting by command, zero tracking, and their ranges.

Knows counts and the calibrated span. Must not decide whether the deck is empty or the weight stable; the caller does
and calls only then. Must not know registers.

Ranges (OIML R 76-1 4.5.1): initial zero setting covers 20 % of Max, zero setting and tracking together 4 % of Max.
Both are taken as the width of the whole range, 10 % and 2 % to either side: the stricter reading.
Tracking corrects at most 0.5 d/s (R 76-1 4.5.7), as one step of at most 0.1 d every 200 ms.
"""

from firmware.control.weighbridge_memory import WeighbridgeMemory
from protocols.compat import const

_INITIAL_DIVISOR = const(10)
_RANGE_DIVISOR = const(50)
_TRACK_PERIOD_MS = const(200)
_TRACK_STEP_DIVISOR = const(10)


class Zero:
    """Moves `zero_offset` of the memory; `zero_is_set` after the initial zero."""

    def __init__(self, memory: WeighbridgeMemory) -> None:
        self.memory = memory

    def restart(self) -> None:
        """Back to the calibrated zero; an initial zero setting has to follow."""
        self.memory.zero_offset = 0
        self.memory.zero_is_set = 0
        self.memory.zero_initial = 0
        self.memory.zero_track_ms = 0

    def set_initial(self, offset: int, span_counts: int) -> bool:
        """Take `offset` as initial zero; False and no change beyond +-10 % of Max."""
        limit = span_counts // _INITIAL_DIVISOR
        if offset > limit or offset < -limit:
            return False
        self.memory.zero_offset = offset
        self.memory.zero_initial = offset
        self.memory.zero_is_set = 1
        self.memory.zero_track_ms = 0
        return True

    def is_in_range(self, offset: int, span_counts: int) -> bool:
        """Return True if zero setting may go to `offset`: within +-2 % of Max around the initial zero."""
        limit = span_counts // _RANGE_DIVISOR
        return -limit <= offset - self.memory.zero_initial <= limit

    def set_to(self, offset: int, span_counts: int) -> bool:
        """Set zero by command; False and no change out of range."""
        if not self.is_in_range(offset, span_counts):
            return False
        self.memory.zero_offset = offset
        self.memory.zero_track_ms = 0
        return True

    def hold(self) -> None:
        """Tracking conditions do not hold: the next correction is a whole period away."""
        self.memory.zero_track_ms = 0

    def track(self, elapsed_ms: int, offset: int, d_counts: int, span_counts: int) -> bool:
        """Follow the empty deck towards `offset` after `elapsed_ms` of unbroken tracking conditions.

        Return True if the zero moved. Not beyond half of d, not faster than 0.5 d/s, not out of range.
        """
        error = offset - self.memory.zero_offset
        if 2 * error > d_counts or 2 * error < -d_counts:
            self.memory.zero_track_ms = 0
            return False
        self.memory.zero_track_ms += elapsed_ms
        if self.memory.zero_track_ms < _TRACK_PERIOD_MS:
            return False
        self.memory.zero_track_ms = 0
        step_max = d_counts // _TRACK_STEP_DIVISOR
        step = max(min(error, step_max), -step_max)
        if step == 0 or not self.is_in_range(self.memory.zero_offset + step, span_counts):
            return False
        self.memory.zero_offset += step
        return True
