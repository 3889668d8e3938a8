"""Conversions in, filtered counts out: settling, saturation, silence and a short moving average.

Knows what a 24-bit load-cell converter does (saturates at both ends, needs a few conversions to settle) and when it
has been quiet for too long. Must not know weights, zero or registers.

A conversion is new when its sequence number changed. Everything but the two deadlines happens on new conversions, so
extra scans in between change nothing.
"""

import struct

from firmware.control.timer import TimerBank
from firmware.control.weighbridge_memory import TIMER_SILENT, TIMER_STALE
from protocols.compat import const

# What `step` saw.
SAMPLE_NONE = const(0)
SAMPLE_NEW = const(1)

_SATURATED_HIGH = const(0x7FFFFF)
_SATURATED_LOW = const(-0x800000)

# A sigma-delta converter's digital filter needs this many conversions after power-up, a change or a pause.
_SETTLING_COUNT = const(4)

# Moving average of 4: halves the noise, and delays by 0.15 s at 10 SPS, little against the second a truck must stand.
_FILTER_SIZE = const(4)

# Five conversions at 10 SPS: a weight older than this is no longer evidence of a deck at rest.
_STALE_MS = const(500)

_SEQUENCE_UNKNOWN = const(-1)
_FORMAT = ">iiiiiiiiiiiiiii"
SAVED_SIZE = const(60)


class Sampler:
    """Takes conversions; `filtered` is the moving average in counts, meaningful while `ready` is 1.

    `timeout_ms` is the setting after which silence is a fault; a change works from the next conversion on.
    `broken` is 1 after a step that found the flow of samples interrupted: what was seen before does not join on.
    """

    def __init__(self, timers: TimerBank, is_direct: bool = False) -> None:
        """`is_direct`: samples are weights an indicator has filtered already; nothing settles, nothing is averaged."""
        self._timers = timers
        self._settling_count = 0 if is_direct else _SETTLING_COUNT
        self._filter_size = 1 if is_direct else _FILTER_SIZE
        self.timeout_ms = 0
        self.counts = 0
        self.samples = 0
        self.filtered = 0
        self.silent = 0
        self.saturated = 0
        self._sequence = _SEQUENCE_UNKNOWN
        self._ring = [0] * _FILTER_SIZE
        self._ring_index = 0
        self._restart()

    def start(self) -> None:
        """Begin to wait for the first conversion."""
        self._timers.start(TIMER_SILENT, self.timeout_ms)

    def step(self, counts: int, sequence: int, is_good: bool) -> int:
        """Look at the last conversion; return SAMPLE_NEW when `filtered` moved on, else SAMPLE_NONE.

        A conversion of unusable quality counts as none, so a persisting fault of the input ends in silence.
        """
        self.broken = 0
        self._check_deadlines()
        if sequence == self._sequence:
            return SAMPLE_NONE
        is_first = self._sequence == _SEQUENCE_UNKNOWN
        self._sequence = sequence
        if is_first or not is_good:
            return SAMPLE_NONE  # what stood in the input before the first change may be of any age
        self.counts = counts
        self.samples = (self.samples + 1) & 0xFFFF
        if not self.silent:
            self._timers.start(TIMER_SILENT, self.timeout_ms)
        return self._take(counts)

    def reject(self, sequence: int) -> None:
        """Look at the last sample of a source that lives and sends no weight: there is none then."""
        self.broken = 0
        self._check_deadlines()
        if sequence == self._sequence:
            return
        self._sequence = sequence
        self.silent = 0
        self._timers.start(TIMER_SILENT, self.timeout_ms)
        self._restart()

    def save(self, buffer: bytearray, offset: int) -> int:
        """Write the state at `offset`; return the offset behind it."""
        struct.pack_into(
            _FORMAT,
            buffer,
            offset,
            self.counts,
            self.samples,
            self.filtered,
            self.ready,
            self.silent,
            self.saturated,
            self.stale,
            self._sequence,
            self._settling_left,
            self._ring_index,
            self._ring_count,
            *self._ring,
        )
        return offset + SAVED_SIZE

    def load(self, buffer: bytes | bytearray, offset: int) -> int:
        """Take a saved state; return the offset behind it."""
        fields = struct.unpack_from(_FORMAT, buffer, offset)
        self.counts, self.samples, self.filtered, self.ready = fields[0:4]
        self.silent, self.saturated, self.stale, self._sequence = fields[4:8]
        self._settling_left, self._ring_index, self._ring_count = fields[8:11]
        for index in range(_FILTER_SIZE):
            self._ring[index] = fields[11 + index]
        return offset + SAVED_SIZE

    def _check_deadlines(self) -> None:
        if not self.stale and self._timers.is_done(TIMER_STALE):
            self.stale = 1
            self.broken = 1
        if not self.silent and self._timers.is_done(TIMER_SILENT):
            self.silent = 1
            self._restart()

    def _take(self, counts: int) -> int:
        if counts >= _SATURATED_HIGH or counts <= _SATURATED_LOW:
            self.saturated = 1
            self._restart()
            return SAMPLE_NONE
        if self._settling_left:
            self._settling_left -= 1
            return SAMPLE_NONE
        self._ring[self._ring_index] = counts
        self._ring_index = (self._ring_index + 1) % self._filter_size
        if self._ring_count < self._filter_size - 1:
            self._ring_count += 1
            return SAMPLE_NONE
        self._average()
        return SAMPLE_NEW

    def _average(self) -> None:
        ring = self._ring
        size = self._filter_size
        total = 0
        for index in range(size):
            total += ring[index]
        self.filtered = (total + size // 2) // size
        self.ready = 1
        if self.silent:
            self.silent = 0
            self._timers.start(TIMER_SILENT, self.timeout_ms)
        self.saturated = 0
        self.stale = 0
        self._timers.start(TIMER_STALE, min(self.timeout_ms, _STALE_MS))

    def _restart(self) -> None:
        """Begin again as after power-up: a converter that was away or beyond its range has to settle."""
        self.ready = 0
        self.stale = 1
        self._timers.stop(TIMER_STALE)
        self.broken = 1
        self._settling_left = self._settling_count
        self._ring_count = 0
