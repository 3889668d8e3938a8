"""What a comparison came to, and the words for it: equal, within bands, diverged, or not to be compared.

Knows: traces, what is said of two of them. Must not know: how they are compared (`compare.py`, `banded.py`), files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from hil.trace.classes import Kind
from hil.trace.event import NO_CAUSE, Trace, TraceEvent
from hil.trace.names import moment, value_text

_CONTEXT = 3  # events shown before the difference: enough to see the scan that led to it
_CAUSES = 3  # steps back from an event to what it came from


class Outcome(StrEnum):
    EQUAL = "EQUAL"
    WITHIN_BAND = "WITHIN BAND"
    DIVERGED = "DIVERGED"
    NOT_COMPARABLE = "NOT COMPARABLE"


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far apart the instants of one kind were (`kind` "all": of every kind)."""

    kind: str
    count: int
    max_us: int
    p99_us: int
    allowed_us: int

    def __str__(self) -> str:
        allowed = f", {_ms(self.allowed_us)} allowed" if self.allowed_us else ""
        return f"{self.kind:<8}{self.count:>5} events, max {_ms(self.max_us)}, p99 {_ms(self.p99_us)}{allowed}"


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first difference: the events that stand against each other, None for one that never came."""

    channel: str
    left: int | None
    right: int | None
    apart_us: int = 0
    allowed_us: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two traces are to each other. `count` is how many events were compared, `reason` why none could be.

    `is_blocked`: they tell of the same scenario, but one of them has no run of it.
    """

    outcome: Outcome
    count: int = 0
    deviations: tuple[Deviation, ...] = ()
    divergence: Divergence | None = None
    traces: tuple[Trace, Trace] | None = None
    reason: str = ""
    is_blocked: bool = False

    @property
    def equal(self) -> bool:
        return self.outcome is Outcome.EQUAL

    @property
    def agrees(self) -> bool:
        """Equal, or as near as the bands want."""
        return self.outcome in (Outcome.EQUAL, Outcome.WITHIN_BAND)

    def describe(self, left: str, right: str) -> str:
        """A verdict a person can act on; `left` and `right` are what to call the two."""
        if self.outcome is Outcome.NOT_COMPARABLE:
            return f"{self.outcome}: {self.reason}"
        if self.divergence is not None and self.traces is not None:
            return "\n".join(_tell(self.divergence, self.traces, (left, right)))
        rows = [f"    {item}" for item in self.deviations]
        return "\n".join((f"{self.outcome}: {self.count} events on {left} and {right}", *rows))

    def as_dict(self, left: str, right: str) -> dict[str, Any]:
        """The same for machines."""
        told: dict[str, Any] = {"outcome": str(self.outcome), "left": left, "right": right, "count": self.count}
        told["deviations"] = [asdict(item) for item in self.deviations]
        if self.reason:
            told["reason"] = self.reason
        if self.divergence is not None and self.traces is not None:
            told["divergence"] = _divergence_dict(self.divergence, self.traces)
        return told


def not_comparable(reason: str, *, is_blocked: bool = False) -> Comparison:
    return Comparison(Outcome.NOT_COMPARABLE, reason=reason, is_blocked=is_blocked)


def _divergence_dict(divergence: Divergence, traces: tuple[Trace, Trace]) -> dict[str, Any]:
    sides = zip(("left", "right"), traces, (divergence.left, divergence.right), strict=True)
    seen = {name: None if index is None else _event_dict(trace, index) for name, trace, index in sides}
    return {"channel": divergence.channel, "apart_us": divergence.apart_us, "allowed_us": divergence.allowed_us, **seen}


def _event_dict(trace: Trace, index: int) -> dict[str, Any]:
    event = trace.events[index]
    return {**asdict(event), "index": index, "text": value_text(trace, event)}


def _tell(divergence: Divergence, traces: tuple[Trace, Trace], names: tuple[str, str]) -> Iterator[str]:
    """What stood against what, what each came from, and what happened just before."""
    indices = (divergence.left, divergence.right)
    events = [trace.events[index] for trace, index in zip(traces, indices, strict=True) if index is not None]
    at_us = min(event.t_us for event in events)
    yield f"{Outcome.DIVERGED} at {moment(at_us)} on {divergence.channel}:"
    width = max(len(name) for name in names)
    for name, trace, index in zip(names, traces, indices, strict=True):
        told = _tell_missing(trace, divergence.channel) if index is None else _tell_event(trace, index)
        yield f"    {name:<{width}}  {told}"
    if divergence.apart_us > divergence.allowed_us:
        yield f"    {_ms(divergence.apart_us)} apart, {_ms(divergence.allowed_us)} allowed"
    for name, trace, index in zip(names, traces, indices, strict=True):
        yield f"  before that on {name}:"
        yield from (f"    {line}" for line in _context(trace, index, at_us))


def _tell_event(trace: Trace, index: int) -> str:
    """`OPENING at 3.512 s, after script.command.OPEN at 3.501 s`."""
    event = trace.events[index]
    told = [f"{value_text(trace, event)} at {moment(event.t_us)}"]
    while event.cause != NO_CAUSE and len(told) <= _CAUSES:
        event = trace.events[event.cause]
        told.append(f"after {event.name} {value_text(trace, event)} at {moment(event.t_us)}")
    return ", ".join(told)


def _tell_missing(trace: Trace, channel: str) -> str:
    """What came instead: nothing, and what there was last."""
    events = [event for event in trace if _is_of(event, channel)]
    last = f"; last {value_text(trace, events[-1])} at {moment(events[-1].t_us)}" if events else ""
    return f"nothing more until the end at {moment(trace.end_us)}{last}"


def _is_of(event: TraceEvent, channel: str) -> bool:
    """Whether the event speaks of the channel, or of the bit or the kind that the channel is."""
    return event.name == channel or channel.startswith((f"{event.name}.", f"{event.name}="))


def _context(trace: Trace, index: int | None, at_us: int) -> list[str]:
    upto = index if index is not None else sum(1 for event in trace if event.t_us <= at_us)
    return [tell(trace, event) for event in trace.events[max(0, upto - _CONTEXT) : upto]] or ["nothing"]


def tell(trace: Trace, event: TraceEvent) -> str:
    """One line of a log: instant, name, value in words."""
    return f"{moment(event.t_us):>10}  {event.name} {value_text(trace, event)}"


def _ms(t_us: int) -> str:
    return f"{t_us / 1000:.3f} ms"


ALL = "all"


def deviations_of(apart: dict[Kind, list[int]], allowed: dict[Kind, int]) -> tuple[Deviation, ...]:
    """Per kind, and last over all; `apart` holds the distance of every pair."""
    rows = [_deviation(str(kind), values, allowed[kind]) for kind, values in sorted(apart.items())]
    every = [value for values in apart.values() for value in values]
    return (*rows, _deviation(ALL, every, 0)) if every else ()


def _deviation(kind: str, values: list[int], allowed_us: int) -> Deviation:
    ordered = sorted(values)
    return Deviation(kind, len(ordered), ordered[-1], ordered[(len(ordered) * 99 + 99) // 100 - 1], allowed_us)
