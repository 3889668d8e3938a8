"""Which rows were sent on this connection, and when: to acknowledge them together, or to send them again.

Knows: row numbers and seconds of a steady clock. Must not know: what a row is. Memory is bounded: what was sent long
ago is merged.

A row is overdue when it is unacknowledged RESEND_S after it was sent. All of them are sent again when the platform has
just acknowledged something; until then one alone is, from time to time, which a platform that is there acknowledges:
one that is away is not sent the same rows again and again.
"""

from __future__ import annotations

from collections import deque

from edge.northbound.intervals import Intervals

RESEND_S = 10.0
_SLICE_S = 1.0
_SLICES_MAX = 600
_PIECES_MAX = 1000  # of what was sent long ago


class SentRows:
    """Rows sent and not yet acknowledged, in slices of a second."""

    def __init__(self) -> None:
        self._slices: deque[tuple[float, Intervals]] = deque()

    def add(self, first: int, last: int, now_s: float) -> None:
        """Rows `first` to `last` were sent."""
        if not self._slices or now_s - self._slices[-1][0] >= _SLICE_S:
            self._slices.append((now_s, Intervals()))
            self._merge()
        self._slices[-1][1].add(first, last)

    def acknowledge(self, first: int, last: int) -> None:
        """Rows `first` to `last` are done."""
        for _, rows in self._slices:
            rows.remove(first, last)
        while self._slices and not self._slices[0][1]:
            self._slices.popleft()

    def overdue(self, now_s: float) -> list[tuple[int, int]]:
        """Rows to be sent again; they are forgotten here."""
        found: list[tuple[int, int]] = []
        while self._slices and now_s - self._slices[0][0] >= RESEND_S + _SLICE_S:
            found += self._slices.popleft()[1]
        return found

    def longest_overdue(self, now_s: float) -> int | None:
        """The oldest row that is overdue; it is not forgotten."""
        if not self._slices or now_s - self._slices[0][0] < RESEND_S + _SLICE_S:
            return None
        return self._slices[0][1].head()[0]

    def take(self) -> list[tuple[int, int]]:
        """All rows; they are forgotten here."""
        found = [pair for _, rows in self._slices for pair in rows]
        self._slices.clear()
        return found

    def clear(self) -> None:
        """Forget everything: the connection is gone."""
        self._slices.clear()

    def _merge(self) -> None:
        """Of too many slices the two oldest become one, of the later time."""
        while len(self._slices) > _SLICES_MAX:
            _, oldest = self._slices.popleft()
            for first, last in oldest:
                self._slices[0][1].add(first, last)
            if len(self._slices[0][1]) > _PIECES_MAX:
                self._slices[0][1].coarsen()  # some rows may be sent once more; the platform knows repeats
