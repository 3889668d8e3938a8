"""One half-duplex RS-485 line in virtual time: every character has its place on the wire, and two talkers collide.

Knows: baud, 11 bits a character (Modbus over Serial Line: 8 data bits, parity or second stop bit), who talks when.
Must not know: frames, addresses, any clock; time is handed in and never goes back.

A receiver takes a character from the first start bit it sees and is deaf for new start bits until that character
ends; what others send meanwhile pulls bits to 0 in it. So a collision yields the bitwise AND of the characters that
overlap, and is counted.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

BITS_PER_CHAR = 11
_NEVER = -1


@dataclass(slots=True)
class LineCounters:
    """What happened on the line since it was made; characters, except `collisions` (garbled characters heard)
    and `lost` (whole transmissions)."""

    carried: int = 0
    collisions: int = 0
    corrupted: int = 0
    cut_off: int = 0
    lost: int = 0


class Station:
    """One transceiver on the line. Bytes heard wait in `take`; a station does not hear itself."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_cut = False
        self._heard: list[tuple[int, int]] = []
        self._sending: deque[tuple[int, int]] = deque()  # (end time, value) of characters not yet on the line
        self._bursts: deque[tuple[int, int]] = deque()  # (begin, end) of what it sends without a pause between
        self._free_us = 0

    def take(self) -> bytes:
        """The bytes heard since the last call."""
        return bytes([value for _, value in self.take_timed()]) if self._heard else b""

    def take_timed(self) -> list[tuple[int, int]]:
        """The same as (time of the last stop bit in us, byte value)."""
        heard, self._heard = self._heard, []
        return heard

    @property
    def has_heard(self) -> bool:
        return bool(self._heard)

    def _queue(self, start_us: int, end_us: int, characters: list[tuple[int, int]]) -> None:
        if not self._sending:
            self._bursts.clear()
        elif start_us == self._free_us:
            start_us = self._bursts.pop()[0]
        self._sending += characters
        self._bursts.append((start_us, end_us))
        self._free_us = end_us

    def _burst(self) -> tuple[int, int]:
        """The burst of which the next character is; there must be one."""
        while self._bursts[0][1] < self._sending[0][0]:
            self._bursts.popleft()
        return self._bursts[0]


class Rs485Line:
    """`attach` stations, `transmit` bytes, `advance_to` a time, then `take` from the stations."""

    def __init__(self, baud: int, rng: random.Random, turnaround_us: int = 0) -> None:
        """`turnaround_us`: the least time between the end of a character heard and the first one of an answer."""
        if baud <= 0:
            raise ValueError(f"baud {baud} must be positive")
        self.baud = baud
        self.counters = LineCounters()
        self.noise_permille = 0
        self.loss_permille = 0
        self.delay_us = 0
        self._rng = rng
        self._turnaround_us = turnaround_us
        self._stations: list[Station] = []
        self._noise = Station("noise")
        self._talkers: tuple[Station, ...] = (self._noise,)  # every station, then the noise
        self._stuck: Station | None = None
        self._stuck_from_us = 0
        self._heard_until_us = -turnaround_us
        self._heard_from: list[Station] = []

    def attach(self, name: str) -> Station:
        station = Station(name)
        self._stations.append(station)
        self._talkers = (*self._stations, self._noise)
        return station

    def duration_us(self, count: int) -> int:
        """How long `count` characters take on the wire."""
        return count * BITS_PER_CHAR * 1_000_000 // self.baud

    def transmit(self, station: Station, data: bytes, now_us: int) -> int:
        """Send `data` from `now_us`, or after what the station is still sending; the time its last bit ends.

        `loss_permille` of the transmissions go nowhere, every one waits `delay_us` first, and `noise_permille` of the
        characters get a wrong bit.
        """
        if self.loss_permille and self._rng.randrange(1000) < self.loss_permille:
            self.counters.lost += 1
            return now_us
        start_us = max(now_us + self.delay_us, station._free_us, self._turnaround_end_us(station))
        characters = [(start_us + self.duration_us(index + 1), value) for index, value in enumerate(data)]
        station._queue(start_us, start_us + self.duration_us(len(data)), characters)
        return station._free_us

    def cut(self, station: Station | None = None) -> None:
        """Cut one station off, or the whole line: what is sent goes nowhere."""
        self._set_cut(station, True)

    def restore(self, station: Station | None = None) -> None:
        self._set_cut(station, False)

    def inject_noise(self, count: int, now_us: int) -> None:
        """Put `count` characters of garbage on the line."""
        self.transmit(self._noise, self._rng.randbytes(count), now_us)

    def stick(self, station: Station | None, now_us: int) -> None:
        """Let a station's driver hold the line at 0 from `now_us` on; None lets go."""
        self._stuck = station
        self._stuck_from_us = now_us

    @property
    def is_stuck(self) -> bool:
        return self._stuck is not None

    def idle_at_us(self) -> int:
        """When nobody talks next: after what is on the line, or after what waits to begin; -1 when nothing is sent."""
        idle_us = _NEVER
        for start_us, end_us in sorted(talker._burst() for talker in self._talkers if talker._sending):
            if _NEVER < idle_us < start_us:
                break
            idle_us = max(idle_us, end_us)
        return idle_us

    def is_idle(self, now_us: int) -> bool:
        """Nobody talks, though something may wait to begin; `now_us` is where `advance_to` has been."""
        return not any(talker._sending and talker._burst()[0] <= now_us for talker in self._talkers)

    def advance_to(self, now_us: int) -> None:
        """Let every character that ends by `now_us` be heard."""
        self._keep_stuck(now_us)
        while (first := self._first_talker(now_us)) is not None:
            if self._is_undisturbed(first):
                self._hear_burst(first, now_us)
            else:
                self._hear(first, *first._sending.popleft())

    def _turnaround_end_us(self, station: Station) -> int:
        return 0 if station in self._heard_from else self._heard_until_us + self._turnaround_us

    def _set_cut(self, station: Station | None, is_cut: bool) -> None:
        for each in [station] if station else self._stations:
            each.is_cut = is_cut

    def _keep_stuck(self, now_us: int) -> None:
        stuck = self._stuck
        if stuck is None:
            return
        from_us = max(stuck._free_us, self._stuck_from_us)
        missing = (now_us - from_us) // self.duration_us(1)
        if missing > 0:
            self.transmit(stuck, bytes(missing), from_us)

    def _first_talker(self, now_us: int) -> Station | None:
        first, first_us = None, now_us + 1
        for talker in self._talkers:  # the plainest form: a line is asked at every instant of a rig
            if talker._sending and talker._sending[0][0] < first_us:
                first, first_us = talker, talker._sending[0][0]
        return first

    def _is_undisturbed(self, first: Station) -> bool:
        return not self.noise_permille and not any(each._sending for each in self._talkers if each is not first)

    def _hear_burst(self, first: Station, now_us: int) -> None:
        """What `_hear` comes to, character by character, while nobody else talks and no bit turns."""
        sending, burst = first._sending, []
        while sending and sending[0][0] <= now_us:
            burst.append(sending.popleft())
        if first.is_cut:
            self.counters.cut_off += len(burst)
            return
        self.counters.carried += len(burst)
        self._heard_until_us, self._heard_from = burst[-1][0], [first]
        for station in self._stations:
            if station is not first and not station.is_cut:
                station._heard += burst

    def _hear(self, first: Station, end_us: int, value: int) -> None:
        if first.is_cut:
            self.counters.cut_off += 1
            return
        senders = [first]
        for other in self._talkers:
            if other._sending and other is not first and not other.is_cut:
                joined = self._absorb(other, end_us)
                if joined is not None:
                    value &= joined
                    senders.append(other)
        self.counters.carried += 1
        self.counters.collisions += len(senders) > 1
        self._heard_until_us, self._heard_from = end_us, senders
        self._deliver(senders, end_us, self._disturb(value))

    def _absorb(self, other: Station, end_us: int) -> int | None:
        """Take from `other` the characters whose start bit lies before `end_us`: they are part of this one."""
        joined: int | None = None
        while other._sending and other._sending[0][0] - self.duration_us(1) < end_us:
            value = other._sending.popleft()[1]
            joined = value if joined is None else joined & value
        return joined

    def _disturb(self, value: int) -> int:
        if self.noise_permille and self._rng.randrange(1000) < self.noise_permille:
            self.counters.corrupted += 1
            return value ^ (1 << self._rng.randrange(8))
        return value

    def _deliver(self, senders: list[Station], end_us: int, value: int) -> None:
        for station in self._stations:
            if station not in senders and not station.is_cut:
                station._heard.append((end_us, value))
