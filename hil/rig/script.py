"""Carries out a scenario step by step, in scenario time, and notes what was not as it should be.

Knows: steps, conditions, scenario time. Must not know: how an action is done; that is `perform`'s business.

It is told events and asked to act; it never looks at a clock. A step begins when the one before has ended: an action at
once, a wait after its time, an awaited condition at the very event that meets it. What is awaited of a level may
already be so. A happening counts if it came since the last action and after the happening of the same source that was
awaited before: two devices are asked in turn, so which of them tells first means nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from hil.rig.meter import Meter
from hil.rig.verdict import Measured, Verdict
from hil.scenarios.model import Action, Condition, Do, Hold, Measure, Measurement, Scenario, Step, Until, Wait
from hil.scenarios.units import tell_time
from hil.trace.event import NO_CAUSE, TraceEvent

TAIL_US = 1_000_000  # what the last steps led to is polled and read


class _Seen(NamedTuple):
    at_us: int
    name: str
    value: int
    place: int  # in the trace


class Script:
    """Feed it events with `on_event`, let it act with `run_until`; `next_us` is when it next wants to act, or None."""

    def __init__(self, scenario: Scenario, perform: Callable[[int, Action, int], None]) -> None:
        self.problems: list[str] = []
        self.next_us: int | None = 0
        self._steps = scenario.steps
        self._nevers = list(scenario.nevers)
        self._perform = perform
        self._index = 0
        self._began_us = 0  # when the present step began or will begin
        self._is_under_way = False
        self._is_spoilt = False  # the present step has failed already
        self._newest: dict[str, _Seen] = {}
        self._fresh: list[_Seen] = []  # since the last action
        self._acted_us = 0
        self._taken: dict[str, int] = {}  # how many of those came up to the happening awaited last, by source
        self._cause = NO_CAUSE  # the event that ended the newest step which waited for one
        self._meters: list[Meter] = []
        self._end_step()

    @property
    def end_us(self) -> int | None:
        """When the run may end: all steps are done and what they led to is told; None before that is known."""
        if self._index < len(self._steps):
            return None
        open_us = (_time_limit_us(meter.measurement) for meter in self._meters if not meter.is_done)
        return self._began_us + TAIL_US + max(open_us, default=0)

    def verdict(self, not_answered: tuple[str, ...]) -> Verdict:
        """What the run came to; `not_answered` are the rig's own sentences."""
        measured: list[Measured] = [meter.result for meter in self._meters]
        missed = [problem for meter in self._meters if (problem := meter.problem)]
        return Verdict((*self.problems, *missed, *not_answered), tuple(measured))

    def on_event(self, now_us: int, event: TraceEvent, index: int) -> None:
        """See what happened; it may end the present step. `index` is the event's place in the trace."""
        seen = _Seen(now_us, event.name, event.value, index)
        self._newest[event.name] = seen
        if now_us >= self._acted_us:
            self._fresh.append(seen)
        for meter in self._meters:
            meter.on_event(now_us, event.name, event.value)
        self._check_nevers(seen)
        step = self._steps[self._index] if self._is_under_way else None
        if isinstance(step, Until) and _is_met(step.condition, seen):
            self._take(step.condition, seen)
            self._end_step(now_us)
        elif isinstance(step, Hold) and event.name == step.condition.word.event:
            self._check_hold(step, now_us, event.value)

    def run_until(self, now_us: int) -> None:
        """Begin and end all steps due by now."""
        while self.next_us is not None and self.next_us <= now_us:
            self.run_one(now_us)

    def run_one(self, now_us: int) -> None:
        """Begin or end the one step that `next_us` is about."""
        step = self._steps[self._index]
        if self._is_under_way:
            self._expire(step)
        else:
            self._begin(step, now_us)

    @property
    def next_act(self) -> Do | Wait | None:
        """The next step if it asks nothing of what is seen: a rig may have it done ahead of its time."""
        step = self._steps[self._index] if self._index < len(self._steps) else None
        return step if isinstance(step, (Do, Wait)) else None

    def postpone(self, at_us: int) -> None:
        """The step that has not begun yet cannot begin before."""
        self.next_us = self._began_us = max(self._began_us, at_us)

    def _begin(self, step: Step, now_us: int) -> None:
        self._is_under_way, self._is_spoilt = True, False
        if isinstance(step, Do):
            self._act(step, now_us)
        elif isinstance(step, Wait):
            self.next_us = self._began_us + step.duration_us
        elif isinstance(step, Until):
            self._await(step)
        elif isinstance(step, Hold):
            self.next_us = self._began_us + step.duration_us + 1  # the last instant counts
            newest = self._newest.get(step.condition.word.event)
            if step.condition.word.is_level:
                self._check_hold(step, now_us, None if newest is None else newest.value)
        elif isinstance(step, Measure):
            self._measure(step)

    def _act(self, step: Do, now_us: int) -> None:
        self._fresh.clear()
        self._taken.clear()
        self._acted_us = now_us
        for action in step.actions:
            self._perform(now_us, action, self._cause)
        self._end_step()

    def _await(self, step: Until) -> None:
        condition = step.condition
        if condition.word.is_level:
            newest = self._newest.get(condition.word.event)
            found = newest if newest is not None and condition.met_by(newest.value) else None
        else:
            start = self._taken.get(_source(condition), 0)
            found = next((seen for seen in self._fresh[start:] if _is_met(condition, seen)), None)
        if found is None:
            self.next_us = self._began_us + step.within_us + 1  # what comes at the last instant counts
            return
        self._take(condition, found)
        self._end_step()

    def _take(self, condition: Condition, found: _Seen) -> None:
        """It is the cause of what is done next; of its source, only what came after it can be awaited next."""
        self._cause = found.place
        if not condition.word.is_level:
            source = _source(condition)
            self._taken[source] = self._fresh.index(found, self._taken.get(source, 0)) + 1

    def _measure(self, step: Measure) -> None:
        meter = Meter(step.measurement)
        self._meters.append(meter)
        word = step.measurement.word
        newest = self._newest.get(word.event) if word is not None else None
        if step.measurement.kind == "value":
            meter.read_now(None if newest is None else newest.value)
        elif newest is not None and newest not in self._fresh:
            meter.on_event(*newest[:3])
        for seen in self._fresh:
            meter.on_event(*seen[:3])
        self._end_step()

    def _expire(self, step: Step) -> None:
        """The time of a step is over."""
        assert self.next_us is not None
        if isinstance(step, Wait):
            self._end_step(self.next_us)
            return
        at_us = self.next_us - 1
        if isinstance(step, Until):
            self._miss(step, at_us)
        self._end_step(at_us)

    def _miss(self, step: Until, at_us: int) -> None:
        seen = self._tell_newest(step.condition)
        if not step.is_needed:
            self.problems.append(f"step {step.number} '{step.text}' was not met by {tell_time(at_us)}: {seen}")
            return
        left = len(self._steps) - step.number
        rest = {0: "", 1: f"; step {step.number + 1} was not reached"}.get(
            left, f"; steps {step.number + 1} to {len(self._steps)} were not reached"
        )
        self.problems.append(f"step {step.number} '{step.text}' ended the run at {tell_time(at_us)}: {seen}{rest}")
        self._index = len(self._steps) - 1

    def _check_hold(self, step: Hold, now_us: int, value: int | None) -> None:
        is_met = value is not None and step.condition.met_by(value)
        if self._is_spoilt or is_met != step.is_forbidden:
            return
        self._is_spoilt = True
        seen = self._tell_newest(step.condition)
        self.problems.append(f"step {step.number} '{step.text}' was broken at {tell_time(now_us)}: {seen}")

    def _check_nevers(self, seen: _Seen) -> None:
        for never in [each for each in self._nevers if _is_met(each, seen)]:
            self._nevers.remove(never)  # once is enough to know
            self.problems.append(f"'{never.text}' must never be and was at {tell_time(seen.at_us)}")

    def _tell_newest(self, condition: Condition) -> str:
        word = condition.word
        newest = self._newest.get(word.event)
        if newest is None:
            return f"{word.written} was never seen"
        value = word.meaning.tell(newest.value)
        if word.is_level:
            return f"{word.written} is {value} since {tell_time(newest.at_us)}"
        return f"{word.written} came last at {tell_time(newest.at_us)} with {value}"

    def _end_step(self, at_us: int | None = None) -> None:
        """The next step begins at `at_us`, or when the present one began."""
        if self._is_under_way:
            self._index += 1
        self._is_under_way = False
        self._began_us = self._began_us if at_us is None else at_us
        self.next_us = self._began_us if self._index < len(self._steps) else None


def _source(condition: Condition) -> str:
    return condition.word.event.partition(".")[0]


def _is_met(condition: Condition, seen: _Seen) -> bool:
    return seen.name == condition.word.event and condition.met_by(seen.value)


def _time_limit_us(measurement: Measurement) -> int:
    """How long a measurement under way is waited for behind the last step."""
    return measurement.high or 0 if measurement.kind == "time" else 0
