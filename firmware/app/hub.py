"""Whether the hub is there: the time since the last request for this device, and the events of loss and return.

Knows no bus and no role. Accumulates the silence scan by scan, so it never outgrows the tick counter.
"""

from firmware.control.events import EventRing
from protocols.compat import const, ticks_diff

# Silences longer than three days all count the same; keeps the sum within small integers.
_AGE_LIMIT_MS = const(259200000)


class HubWatch:
    """`alive` is 1 until the time-out passes without contact; a start counts as contact. `age_ms` is the silence."""

    def __init__(self, ring: EventRing, lost_code: int, back_code: int) -> None:
        self._ring = ring
        self._lost_code = lost_code
        self._back_code = back_code
        self._last_ms = 0
        self._contact = 0
        self.alive = 1
        self.age_ms = 0

    def start(self, now_ms: int) -> None:
        """Begin to count at `now_ms`."""
        self._last_ms = now_ms

    def on_contact(self) -> None:
        """Note a request addressed to this device; judged by the next `step`."""
        self._contact = 1

    def step(self, now_ms: int, timeout_ms: int) -> None:
        """Advance the silence to `now_ms`, and change `alive` with its event."""
        age_ms = self.age_ms + ticks_diff(now_ms, self._last_ms)
        self.age_ms = min(age_ms, _AGE_LIMIT_MS)
        self._last_ms = now_ms
        if self._contact:
            self._contact = 0
            if not self.alive:
                self._ring.push(self._back_code, self.age_ms)
            self.alive = 1
            self.age_ms = 0
        elif self.alive and self.age_ms >= timeout_ms:
            self.alive = 0
            self._ring.push(self._lost_code, 0)
