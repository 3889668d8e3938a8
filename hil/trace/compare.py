"""Compares two traces of one scenario: event by event, or, between targets that cannot be exactly equal, within bands.

Knows: traces and bands. Must not know: which targets they came from, files.
"""

from __future__ import annotations

from hil.trace.banded import compare_within
from hil.trace.bands import Bands
from hil.trace.event import Trace
from hil.trace.outcome import Comparison, Divergence, Outcome


def compare(left: Trace, right: Trace, bands: Bands | None = None) -> Comparison:
    """Compare two traces; without bands every field of every event must be equal."""
    return _compare_exactly(left, right) if bands is None else compare_within(left, right, bands)


def _compare_exactly(left: Trace, right: Trace) -> Comparison:
    count = max(len(left), len(right))
    for index in range(count):
        a = index if index < len(left) else None
        b = index if index < len(right) else None
        if a is None or b is None or left.events[index] != right.events[index]:
            name = (left if a is not None else right).events[index].name
            return Comparison(Outcome.DIVERGED, index, divergence=Divergence(name, a, b), traces=(left, right))
    return Comparison(Outcome.EQUAL, count)
