"""How many bytes may be under way on a link, so that a new transaction never waits behind a backlog.

Knows: traffic classes, bytes sent and known to have arrived, round trips; asyncio for `wait_room` alone. Must not know:
sockets, messages. Everything but `wait_room` is plain arithmetic on the clock it is given.

Under way is what was sent and not yet known to have reached the broker; the link's echo tells (`link_watch.py`): an
echo that comes back has everything in front of it behind it. The window of bytes under way follows the round trip: it
shrinks while a round trip takes QUEUE_S longer than the shortest seen, and grows while it is used and takes less. So
what stands in front of a new message is about QUEUE_S of the link's own speed, whatever that is. The shortest round
trip is measured again every BASE_LIFE_S with the link run empty, or a standing queue would pass for distance.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from enum import IntEnum

QUEUE_S = 0.2
WINDOW_FIRST = 4 * 1024
WINDOW_MIN = 2 * 1024  # one large transaction record, so that a window is never too small for a message
WINDOW_MAX = 256 * 1024  # memory, should the other side be far away and fast
BASE_LIFE_S = 30.0
HISTORY_BURST_S = 0.25  # of the rate cap may be saved up
_STEP_MAX = 2.0  # per round trip
_PAUSE_MIN_S = 0.001  # timers are no finer
_GAIN = 0.5  # of what a round trip asks for: the next ones still carry what was sent before


class TrafficClass(IntEnum):
    """What goes first on a thin link."""

    TRANSACTION = 0
    LIVE = 1
    EVENT = 2
    HISTORY = 3


# Share of the window a class may fill: what is left is for those above it, so that they never find it full.
_SHARE = {
    TrafficClass.TRANSACTION: 1.5,
    TrafficClass.LIVE: 1.0,
    TrafficClass.EVENT: 0.75,
    TrafficClass.HISTORY: 0.5,
}


class Pacer:
    """The window of one connection. Whoever sends asks `room`, says `sent`; the link says `acked` and `on_round_trip`.

    `history_bytes_per_s` caps HISTORY; 0 is no cap.
    """

    def __init__(self, history_bytes_per_s: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._history_rate = history_bytes_per_s
        self._history_credit = 0.0
        self._history_s = 0.0
        self.sent_bytes = [0] * len(TrafficClass)
        self._changed = asyncio.Event()
        self.reset()

    def reset(self) -> None:
        """A new connection: nothing is under way, nothing is known of the link."""
        self.window = float(WINDOW_FIRST)
        self.under_way = 0
        self.base_s = 0.0
        self._base_at_s = 0.0
        self._stepped_s = self._clock()
        self._was_full = False
        self.is_draining = False
        self._history_credit = self._history_rate * HISTORY_BURST_S
        self._history_s = self._clock()

    @property
    def is_busy(self) -> bool:
        """Whether more than half of the window is under way: then news of what has arrived is wanted soon."""
        return self.under_way > self.window / 2

    def room(self, cls: TrafficClass) -> int:
        """Bytes of `cls` that may be sent now. A message may exceed it if it is more than 0: nothing is ever stuck."""
        if self.is_draining and cls is not TrafficClass.TRANSACTION:
            return 0
        room = int(self.window * _SHARE[cls]) - self.under_way
        if cls is TrafficClass.HISTORY and self._history_rate:
            self._refill()
            room = min(room, int(self._history_credit))
        if room <= 0:
            self._was_full = True
        return max(0, room)

    async def wait_room(self, cls: TrafficClass) -> int:
        """Return once `cls` has room: how much."""
        while not (room := self.room(cls)):
            self._changed.clear()
            try:
                async with asyncio.timeout(self.rate_pause_s(cls)):
                    await self._changed.wait()
            except TimeoutError:
                pass
        return room

    def rate_pause_s(self, cls: TrafficClass) -> float | None:
        """After how long the rate cap lets `cls` on again; None when it does not hold it back."""
        if cls is not TrafficClass.HISTORY or not self._history_rate:
            return None
        self._refill()
        if self._history_credit >= 1.0:
            return None
        return max(_PAUSE_MIN_S, (1.0 - self._history_credit) / self._history_rate)

    def sent(self, cls: TrafficClass, size: int) -> None:
        """`size` bytes of `cls` were handed to the connection."""
        self.under_way += size
        if self.is_busy:
            self._was_full = True
        self.sent_bytes[cls] += size
        if cls is TrafficClass.HISTORY:
            self._refill()
            self._history_credit -= size

    def acked(self, size: int) -> None:
        """`size` bytes more have arrived; said by the link alone."""
        self.under_way = max(0, self.under_way - size)
        if self.is_draining and self.under_way == 0:
            self.is_draining = False
            self.base_s = 0.0  # the next echo travels alone
        self._changed.set()

    def on_round_trip(self, round_trip_s: float) -> None:
        """An echo came back after so long; said by the link alone, once per echo."""
        now = self._clock()
        if self.base_s == 0.0 or round_trip_s <= self.base_s:
            self.base_s, self._base_at_s = round_trip_s, now
        elif now - self._base_at_s >= BASE_LIFE_S:
            self.is_draining = self.under_way > 0
            self.base_s, self._base_at_s = (self.base_s, now) if self.is_draining else (round_trip_s, now)
        if now - self._stepped_s >= round_trip_s:  # what was sent after the last step has shown its effect
            self._step((self.base_s + QUEUE_S) / max(round_trip_s, 1e-6))
            self._stepped_s = now
        self._changed.set()

    def _step(self, factor: float) -> None:
        if factor < 1.0 or self._was_full:
            step = min(_STEP_MAX, max(1.0 / _STEP_MAX, 1.0 + _GAIN * (factor - 1.0)))
            self.window = min(float(WINDOW_MAX), max(float(WINDOW_MIN), self.window * step))
        self._was_full = False

    def _refill(self) -> None:
        now = self._clock()
        credit = self._history_credit + (now - self._history_s) * self._history_rate
        self._history_credit = min(credit, max(1.0, self._history_rate * HISTORY_BURST_S))
        self._history_s = now
