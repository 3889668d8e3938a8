"""Judges a trace against what its scenario expects.

Knows: traces and scenarios. Must not know: targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hil.scenarios.model import Condition, Measurement, Scenario
from hil.trace.event import Trace, TraceEvent


@dataclass(frozen=True, slots=True)
class Measured:
    """A measurement's result; `value_ms` is None when one of its events did not happen."""

    name: str
    value_ms: int | None
    low: int
    high: int

    @property
    def within(self) -> bool:
        return self.value_ms is not None and self.low <= self.value_ms <= self.high


@dataclass(frozen=True, slots=True)
class Verdict:
    problems: tuple[str, ...]
    measured: tuple[Measured, ...]

    @property
    def passed(self) -> bool:
        return not self.problems


def judge(scenario: Scenario, trace: Trace, not_done: Sequence[str]) -> Verdict:
    """Expectations happen in the order written, nevers never, measurements stay within limits, all steps are done.

    `not_done` says in sentences what the script asked for and the rig did not come to.
    """
    measured = tuple(_measure(item, trace.events) for item in scenario.measurements)
    problems = [*not_done, *_missing(scenario.expectations, trace.events)]
    problems += [f"'{event}' happened, which must never be" for event in _forbidden(scenario.nevers, trace.events)]
    problems += [_describe(item) for item in measured if not item.within]
    return Verdict(tuple(problems), measured)


def _missing(expectations: Sequence[Condition], events: Sequence[TraceEvent]) -> list[str]:
    position = 0
    for condition in expectations:
        found = _first(condition, events, position)
        if found is None:
            return [f"'{condition.text}' was expected and did not happen after event {position}"]
        position = found + 1
    return []


def _forbidden(nevers: Sequence[Condition], events: Sequence[TraceEvent]) -> list[TraceEvent]:
    return [event for event in events if any(never.met_by(event.name, event.value) for never in nevers)]


def _measure(item: Measurement, events: Sequence[TraceEvent]) -> Measured:
    start = _first(item.start, events, 0)
    end = None if start is None else _first(item.end, events, start + 1)
    value = None if start is None or end is None else (events[end].t_us - events[start].t_us) // 1000
    return Measured(item.name, value, item.low, item.high)


def _first(condition: Condition, events: Sequence[TraceEvent], position: int) -> int | None:
    matches = (n for n in range(position, len(events)) if condition.met_by(events[n].name, events[n].value))
    return next(matches, None)


def _describe(item: Measured) -> str:
    value = "was not seen" if item.value_ms is None else f"took {item.value_ms} ms"
    return f"{item.name} {value}; {item.low} to {item.high} ms are allowed"
