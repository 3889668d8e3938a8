"""Back-to-back comparison of two traces of one scenario, event by event.

Knows: traces. Must not know: which targets they came from, beyond their names.
"""

from __future__ import annotations

from dataclasses import dataclass

from hil.trace.event import Trace, TraceEvent

_CONTEXT = 3  # events shown before the first difference: enough to see the scan that led to it


@dataclass(frozen=True, slots=True)
class Comparison:
    """EQUAL when `index` is None, else DIVERGED at that event; None stands for a trace that ended early."""

    count: int
    index: int | None
    left: TraceEvent | None
    right: TraceEvent | None
    context: tuple[TraceEvent, ...]

    @property
    def equal(self) -> bool:
        return self.index is None

    def describe(self, left_name: str, right_name: str) -> str:
        """A verdict a person can act on."""
        if self.equal:
            return f"EQUAL: {self.count} events on {left_name} and {right_name}"
        lines = [f"DIVERGED at event {self.index} of {self.count}:"]
        lines += [f"    both {event}" for event in self.context]
        lines += [f"    {left_name:>4} {self.left or 'ended'}", f"    {right_name:>4} {self.right or 'ended'}"]
        return "\n".join(lines)


def compare(left: Trace, right: Trace) -> Comparison:
    """Compare two traces; every field of every event must be equal."""
    count = max(len(left), len(right))
    for index in range(count):
        a = left.events[index] if index < len(left) else None
        b = right.events[index] if index < len(right) else None
        if a != b:
            return Comparison(count, index, a, b, tuple(left.events[max(0, index - _CONTEXT) : index]))
    return Comparison(count, None, None, None, ())
