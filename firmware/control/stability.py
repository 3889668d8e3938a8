"""Is the weight at rest, and which weight is it: a window of fixed memory over filtered samples.

Knows counts and time. Must not know weights, zero or registers.

At 80 conversions a second a window of 5 s holds 400 samples. They are decimated into ten buckets of a tenth of the
window each; a bucket keeps minimum, maximum and mean, so memory and time per sample do not depend on the converter's
rate, the extremes are exact, and only the order inside a bucket is given up.

Stable means: the whole window is filled with at least 5 samples, maximum - minimum <= 1 d over the ten closed buckets
and the open one, and the means of the older and the newer half differ by no more than a slope of 0.5 d/s would make.
A disturbance shows with its first sample, because the open bucket takes part.
"""

import struct

from firmware.control.buckets import (
    COUNTS_FAR,
    FOUND_COUNT,
    HIGH,
    LOW,
    NEWER_COUNT,
    NEWER_SUM,
    OLDER_COUNT,
    OLDER_SUM,
    SAMPLES,
    sum_buckets,
)
from firmware.control.rows import make_row
from protocols.compat import const, ticks_add, ticks_diff

_BUCKET_COUNT = const(10)
_SAMPLES_MIN = const(5)
_STABLE_MS_MAX = const(65535)

# Beyond this many samples a bucket's sum of 24-bit counts could leave 2**30; more samples still move the extremes.
_SUMMED_MAX = const(120)

# 0.5 d/s over the distance of the halves' centres, half a window: d * window_ms / 4000.
_SLOPE_DIVISOR = const(4000)

_HEAD_FORMAT = ">iiiiiiiiiiiiiiiiii"
_HEAD_SIZE = const(72)
_BUCKET_FORMAT = ">iiii"
_BUCKET_SIZE = const(16)
SAVED_SIZE = const(232)


class StabilityWindow:
    """Fed with `on_sample`; `stable` is 0 or 1, `stable_ms` how long it has been 1, saturating at 65535.

    `elapsed_ms` is the time between the last two samples of this window; `mean` and `spread` (maximum - minimum) are in
    counts and need a full window.
    """

    def __init__(self) -> None:
        self.elapsed_ms = 0
        self.mean = 0
        self.spread = 0
        self._bucket_ms = 0
        self._min = make_row(_BUCKET_COUNT, 0)
        self._max = make_row(_BUCKET_COUNT, 0)
        self._mean = make_row(_BUCKET_COUNT, 0)
        self._count = make_row(_BUCKET_COUNT, 0)
        self._sorted = [0] * _BUCKET_COUNT
        self._found = make_row(FOUND_COUNT, 0)
        self._index = 0
        self._open_end_ms = 0
        self._last_ms = 0
        self._window_min = 0
        self._window_max = 0
        self._is_flat = 0
        self.reset()

    def configure(self, window_ms: int) -> None:
        """Set the window, 1000..5000 ms; a change begins a new window."""
        bucket_ms = (window_ms + _BUCKET_COUNT - 1) // _BUCKET_COUNT
        if bucket_ms != self._bucket_ms:
            self._bucket_ms = bucket_ms
            self.reset()

    def reset(self) -> None:
        """Forget all samples; stable again after a whole window at the earliest."""
        self.stable = 0
        self.stable_ms = 0
        self._closed = 0
        self._is_open = 0
        self._clear_open()

    def _clear_open(self) -> None:
        self._open_min = COUNTS_FAR
        self._open_max = -COUNTS_FAR
        self._open_sum = 0
        self._open_count = 0

    def on_sample(self, now_ms: int, counts: int, d_counts: int) -> None:
        """Take a filtered sample and judge; the caller resets the window after a gap of more than half a second."""
        if not self._is_open:
            self._is_open = 1
            self._open_end_ms = ticks_add(now_ms, self._bucket_ms)
            self._last_ms = now_ms
        while ticks_diff(now_ms, self._open_end_ms) >= 0:
            self._close_bucket(d_counts)
        if counts < self._open_min:
            self._open_min = counts
        if counts > self._open_max:
            self._open_max = counts
        if self._open_count < _SUMMED_MAX:
            self._open_sum += counts
            self._open_count += 1
        self._judge(now_ms, d_counts)

    def median(self) -> int:
        """Median of the bucket means in counts; needs a full window.

        The mean inside a bucket takes out noise; the median across buckets keeps a single gust or knock, shorter
        than half the window and too small to end stability, out of the registered weight.
        """
        size = 0
        for index in range(_BUCKET_COUNT):
            if self._count[index]:
                self._insert_sorted(size, self._mean[index])
                size += 1
        middle = size // 2
        if size % 2:
            return self._sorted[middle]
        return (self._sorted[middle - 1] + self._sorted[middle]) // 2

    def save(self, buffer: bytearray | memoryview, offset: int, now_ms: int) -> int:
        """Write the state at `offset`, times relative to `now_ms`; return the offset behind it."""
        struct.pack_into(
            _HEAD_FORMAT,
            buffer,
            offset,
            self.stable,
            self.stable_ms,
            self._bucket_ms,
            self._index,
            self._closed,
            self._is_open,
            self._open_min,
            self._open_max,
            self._open_sum,
            self._open_count,
            ticks_diff(self._open_end_ms, now_ms) if self._is_open else 0,
            ticks_diff(self._last_ms, now_ms) if self._is_open else 0,
            self._window_min,
            self._window_max,
            self._is_flat,
            self.mean,
            self.spread,
            self.elapsed_ms,
        )
        offset += _HEAD_SIZE
        for index in range(_BUCKET_COUNT):
            struct.pack_into(
                _BUCKET_FORMAT,
                buffer,
                offset,
                self._min[index],
                self._max[index],
                self._mean[index],
                self._count[index],
            )
            offset += _BUCKET_SIZE
        return offset

    def load(self, buffer: bytes | bytearray | memoryview, offset: int, now_ms: int) -> int:
        """Take a saved state with its times moved to `now_ms`; return the offset behind it."""
        fields = struct.unpack_from(_HEAD_FORMAT, buffer, offset)
        self.stable, self.stable_ms, self._bucket_ms, self._index = fields[0:4]
        self._closed, self._is_open, self._open_min, self._open_max = fields[4:8]
        self._open_sum, self._open_count = fields[8:10]
        self._open_end_ms = ticks_add(now_ms, fields[10])
        self._last_ms = ticks_add(now_ms, fields[11])
        self._window_min, self._window_max, self._is_flat = fields[12:15]
        self.mean, self.spread, self.elapsed_ms = fields[15:18]
        offset += _HEAD_SIZE
        for index in range(_BUCKET_COUNT):
            bucket = struct.unpack_from(_BUCKET_FORMAT, buffer, offset)
            self._min[index], self._max[index], self._mean[index], self._count[index] = bucket
            offset += _BUCKET_SIZE
        return offset

    def _judge(self, now_ms: int, d_counts: int) -> None:
        self.spread = max(self._window_max, self._open_max) - min(self._window_min, self._open_min)
        self.elapsed_ms = ticks_diff(now_ms, self._last_ms)
        is_stable = self._closed == _BUCKET_COUNT and self._is_flat and self.spread <= d_counts
        if is_stable and self.stable:
            self.stable_ms = min(self.stable_ms + self.elapsed_ms, _STABLE_MS_MAX)
        else:
            self.stable_ms = 0
        self.stable = 1 if is_stable else 0
        self._last_ms = now_ms

    def _close_bucket(self, d_counts: int) -> None:
        index = self._index
        self._min[index] = self._open_min
        self._max[index] = self._open_max
        if self._open_count:
            self._mean[index] = self._open_sum // self._open_count
        self._count[index] = self._open_count
        self._index = (index + 1) % _BUCKET_COUNT
        if self._closed < _BUCKET_COUNT:
            self._closed += 1
        self._open_end_ms = ticks_add(self._open_end_ms, self._bucket_ms)
        self._clear_open()
        self._summarise(d_counts)

    def _summarise(self, d_counts: int) -> None:
        """Extremes, mean and slope of the closed buckets, once per bucket instead of once per sample."""
        found = self._found
        sum_buckets(self._min, self._max, self._mean, self._count, self._index, found)
        self._window_min = found[LOW]
        self._window_max = found[HIGH]
        self._is_flat = 0
        older_count = found[OLDER_COUNT]
        newer_count = found[NEWER_COUNT]
        if found[SAMPLES] >= _SAMPLES_MIN and older_count and newer_count:
            self.mean = (found[OLDER_SUM] + found[NEWER_SUM]) // (older_count + newer_count)
            difference = found[NEWER_SUM] // newer_count - found[OLDER_SUM] // older_count
            limit = d_counts * self._bucket_ms * _BUCKET_COUNT // _SLOPE_DIVISOR
            self._is_flat = 1 if -limit <= difference <= limit else 0

    def _insert_sorted(self, size: int, value: int) -> None:
        place = size
        while place and self._sorted[place - 1] > value:
            self._sorted[place] = self._sorted[place - 1]
            place -= 1
        self._sorted[place] = value
