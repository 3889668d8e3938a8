"""When the control scan runs, how long it took, and how often it came late.

Knows ticks and one period. Must not know what a scan does.
"""

from protocols.compat import TICKS_MASK, const, ticks_add, ticks_diff

# An overrun is news again after a minute without one.
_QUIET_S = const(60)
# So many within so long are a reason for maintenance, for a minute. One is what a command that is stored may cost, and
# people give several in a minute; a device that is really too slow collects them in a tenth of a second.
_MANY = const(5)
_MANY_S = const(2)
_NEVER = const(-1)
_COUNTER_MASK = const(0xFFFF)


class Schedule:
    """Counts `uptime_s` and `millisecond` since start, `last_us` and `max_us` of scans, `count` and `overruns`.

    `count` wraps at 2**30, `overruns` at 2**16.

    An overrun is a scan that starts more than one period late.
    """

    def __init__(self) -> None:
        self.uptime_s = 0
        self.millisecond = 0
        self.last_us = 0
        self.max_us = 0
        self.count = 0
        self.overruns = 0
        self._due_ms = 0
        self._second_ms = 0
        self._overrun_s = _NEVER  # the last overrun
        self._many_s = _NEVER  # the last one that made them many
        self._recent_s = [_NEVER] * _MANY  # of the last so many overruns
        self._recent_at = 0

    def start(self, now_ms: int) -> None:
        """Make the first scan due at `now_ms`, second 0."""
        self._due_ms = now_ms
        self._second_ms = now_ms

    def is_due(self, now_ms: int) -> bool:
        """Tell whether the next scan should run."""
        return ticks_diff(now_ms, self._due_ms) >= 0

    def advance(self, now_ms: int) -> None:
        """Move the uptime to `now_ms`."""
        elapsed_ms = ticks_diff(now_ms, self._second_ms)
        seconds = elapsed_ms // 1000
        self.uptime_s += seconds
        self.millisecond = elapsed_ms - seconds * 1000
        self._second_ms = ticks_add(self._second_ms, seconds * 1000)

    def begin(self, now_ms: int, period_ms: int) -> bool:
        """Set when the scan after this due one runs; True when this one is the first overrun after a quiet minute."""
        late_ms = ticks_diff(now_ms, self._due_ms)
        self._due_ms = ticks_add(self._due_ms, period_ms)
        if late_ms >= period_ms:  # keep the grid only while it can be kept
            self._due_ms = ticks_add(now_ms, period_ms)
        if late_ms <= period_ms:
            return False
        self.overruns = (self.overruns + 1) & _COUNTER_MASK
        news = not self._is_recent(self._overrun_s)
        self._overrun_s = self.uptime_s
        self._recent_s[self._recent_at] = self.uptime_s
        self._recent_at = (self._recent_at + 1) % _MANY
        oldest_s = self._recent_s[self._recent_at]
        if oldest_s != _NEVER and self.uptime_s - oldest_s < _MANY_S:
            self._many_s = self.uptime_s
        return news

    def end(self, duration_us: int) -> None:
        """Count the scan and note how long it took."""
        self.count = (self.count + 1) & TICKS_MASK
        self.last_us = duration_us
        if duration_us > self.max_us:
            self.max_us = duration_us

    def has_many_overruns(self) -> bool:
        """Tell whether, within the last minute, _MANY overruns came within _MANY_S."""
        return self._is_recent(self._many_s)

    def _is_recent(self, second: int) -> bool:
        return second != _NEVER and self.uptime_s - second < _QUIET_S

    def wait_us(self, now_ms: int) -> int:
        """Return the time to the next scan."""
        return max(0, ticks_diff(self._due_ms, now_ms)) * 1000
