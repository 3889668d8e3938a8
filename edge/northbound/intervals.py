"""A set of whole numbers as few intervals: which rows are still to be sent, out of millions.

Knows: numbers. Must not know: what they number.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator


class Intervals:
    """Intervals [first, last], in order, never touching; adding at the end is cheap, and that is where most come."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def __bool__(self) -> bool:
        return bool(self._firsts)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(zip(self._firsts, self._lasts, strict=True))

    def __len__(self) -> int:
        """How many intervals, not how many numbers."""
        return len(self._firsts)

    def __contains__(self, number: int) -> bool:
        at = bisect_left(self._lasts, number)
        return at < len(self._firsts) and self._firsts[at] <= number

    def add(self, first: int, last: int) -> None:
        """Put all numbers from `first` to `last` in."""
        low = bisect_left(self._lasts, first - 1)  # the first interval that ends at or beyond `first` - 1
        high = bisect_right(self._firsts, last + 1)  # behind the last one that begins at or before `last` + 1
        if low < high:
            first, last = min(first, self._firsts[low]), max(last, self._lasts[high - 1])
        self._firsts[low:high] = [first]
        self._lasts[low:high] = [last]

    def remove(self, first: int, last: int) -> None:
        """Take all numbers from `first` to `last` out."""
        low = bisect_left(self._lasts, first)
        high = bisect_right(self._firsts, last)
        if low >= high:
            return
        left, right = (self._firsts[low], first - 1), (last + 1, self._lasts[high - 1])
        kept = [piece for piece in (left, right) if piece[0] <= piece[1]]
        self._firsts[low:high] = [piece[0] for piece in kept]
        self._lasts[low:high] = [piece[1] for piece in kept]

    def head(self) -> tuple[int, int]:
        """The lowest interval; IndexError when there is none."""
        return self._firsts[0], self._lasts[0]

    def coarsen(self) -> None:
        """Join neighbours, two and two: half the intervals, which now hold what stood between them too."""
        count = len(self._firsts)
        self._firsts = self._firsts[::2]
        self._lasts = self._lasts[1::2] + self._lasts[count - count % 2 :]

    def clear(self) -> None:
        """Take everything out."""
        self._firsts.clear()
        self._lasts.clear()
