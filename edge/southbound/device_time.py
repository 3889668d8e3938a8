"""Where a device's uptime lies on the hub's clock, as an interval that reads and events make narrower.

Knows: uptimes, and the hub's time around each request. Must not know: ports, the journal. All is reckoned on the
monotonic clock; UTC is added last, as it is at that moment, so a step of the wall clock spoils nothing.

A read that shows uptime 12 s says that the device started between 13 s before the request left and 12 s before its
answer came. Every read says so of the same start, so the truth lies where all intervals meet. A device's crystal and
the hub's drift apart, so old bounds are widened by DRIFT_PPM of their age.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from edge.model import Stamp

DRIFT_PPM = 100  # both crystals together, over the temperature of a cabinet outdoors
SPANS_KEPT = 8  # headers between which numbers grew and whose events are still to be read
_SECOND_MS = 1000


@dataclass(slots=True)
class _Bound:
    """A bound of the device's start, and when it was set."""

    start_ms: float
    at_ms: int

    def drift_ms(self, now_ms: int) -> float:
        return (now_ms - self.at_ms) * DRIFT_PPM / 1e6


class DeviceTime:
    """One device, one boot at a time; `restart` begins anew."""

    def __init__(self) -> None:
        self._low: _Bound | None = None
        self._high: _Bound | None = None

    def restart(self) -> None:
        """The device started again: nothing known holds."""
        self._low = self._high = None

    def on_uptime(self, uptime_s: int, asked_ms: int, answered_ms: int) -> None:
        """A request that left at `asked_ms` was answered at `answered_ms` with this uptime, in whole seconds."""
        uptime_ms = uptime_s * _SECOND_MS
        self._narrow(asked_ms - uptime_ms - _SECOND_MS, answered_ms - uptime_ms, answered_ms)

    def on_event(self, uptime_ms: int, not_before_ms: int, not_after_ms: int) -> None:
        """Something at the device's `uptime_ms` happened between these two moments."""
        self._narrow(not_before_ms - uptime_ms - 1, not_after_ms - uptime_ms, not_after_ms)

    def to_hub(self, uptime_ms: int, now_ms: int) -> tuple[int, int] | None:
        """The hub's time of a moment of the device, and by how much it may be wrong; None before any read."""
        if self._low is None or self._high is None:
            return None
        low = self._low.start_ms - self._low.drift_ms(now_ms)
        high = self._high.start_ms + self._high.drift_ms(now_ms)
        return round((low + high) / 2) + uptime_ms, int((high - low) / 2) + 1

    def _narrow(self, low_ms: float, high_ms: float, now_ms: int) -> None:
        if self._low is None or self._high is None:
            self._low, self._high = _Bound(low_ms, now_ms), _Bound(high_ms, now_ms)
            return
        if low_ms > self._low.start_ms - self._low.drift_ms(now_ms):
            self._low = _Bound(low_ms, now_ms)
        if high_ms < self._high.start_ms + self._high.drift_ms(now_ms):
            self._high = _Bound(high_ms, now_ms)
        low, high = self._low.start_ms - self._low.drift_ms(now_ms), self._high.start_ms + self._high.drift_ms(now_ms)
        if low > high:
            # The intervals do not meet: a clock is worse than allowed for. The newest word is the best there is.
            self._low, self._high = _Bound(low_ms, now_ms), _Bound(high_ms, now_ms)


class EventTimes:
    """UTC of what one device numbered: its uptime by `DeviceTime`, narrowed by when the hub saw the numbers grow."""

    def __init__(self) -> None:
        self._time = DeviceTime()
        self._head = 0
        self._head_asked_ms: int | None = None  # when the newest head was asked for
        self._spans: deque[tuple[int, int, int]] = deque(maxlen=SPANS_KEPT)  # last number, not before, not after

    def restart(self) -> None:
        """The device started again."""
        self._time.restart()
        self._head_asked_ms = None
        self._spans.clear()

    def on_header(self, head: int, uptime_s: int, asked_ms: int, answered_ms: int) -> None:
        """A header was read: the newest event's number and the uptime."""
        self._time.on_uptime(uptime_s, asked_ms, answered_ms)
        if self._head_asked_ms is not None and head > self._head:
            self._spans.append((head, self._head_asked_ms, answered_ms))
        self._head, self._head_asked_ms = head, asked_ms

    def on_event(self, sequence: int, uptime_ms: int) -> None:
        """An event was read; only its number says when it came."""
        for last, not_before_ms, not_after_ms in self._spans:
            if sequence <= last:
                self._time.on_event(uptime_ms, not_before_ms, not_after_ms)
                return

    def data(self, uptime_ms: int, now: Stamp) -> dict[str, Any]:
        """What a record says of the time of something that happened at the device's `uptime_ms`."""
        mapped = self._time.to_hub(uptime_ms, now.mono_ms)
        if mapped is None:
            return {"source_time": None, "uncertainty_ms": None, "clock": str(now.clock)}
        hub_ms, uncertainty_ms = mapped
        utc_ms = now.wall_ms - now.mono_ms + hub_ms
        return {"source_time": utc_ms, "uncertainty_ms": uncertainty_ms, "clock": str(now.clock)}
