"""Lays two traces side by side channel by channel, and judges values exactly and instants within bands.

Knows: logical traces, bands. Must not know: targets, files.

An instant is compared on three clocks, and the smallest distance counts: since the start of the run, since the last
thing the script did or sent before it, and since its cause. An event that is late only because the script came late,
since what it waited for was polled late, is no deviation of the device; a truck that comes at its time whatever the
script does, neither. An output that follows its cause within two scans is a *reaction*, with a band of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from hil.faults.catalogue import BUS, fault_named
from hil.faults.spec import REPAIRED
from hil.trace.alignment import aligned_visits, lasting
from hil.trace.bands import (
    APART_US,
    NOISY_US,
    POLLED,
    REACTION_US,
    SPOKEN_US,
    STARTING_FOR_US,
    STARTING_LAMP_US,
    STARTING_US,
    TOLD_AFTER_US,
    Bands,
)
from hil.trace.classes import Kind
from hil.trace.event import NO_CAUSE, Trace, TraceEvent
from hil.trace.logical import BOOT, GUARD_US, Channel, Visit, channels_of, settled, starts_again
from hil.trace.outcome import Comparison, Divergence, Outcome, deviations_of

_SCRIPTED = ("script", "fault", "bus")
_STIMULI = ("in", "quality", "command")


class _Judge:
    """Pairs the visits of all channels; keeps what the pairs were apart, and every divergence with its instant."""

    def __init__(self, left: Trace, right: Trace, bands: Bands) -> None:
        self.apart: dict[Kind, list[int]] = {}
        self.allowed: dict[Kind, int] = {}  # the widest band that was applied
        self.divergences: list[tuple[int, Divergence]] = []
        self._bands = bands
        self._traces = (left, right)
        self._last_us = min(left.end_us, right.end_us) - GUARD_US

    def judge(self, left: Channel, right: Channel) -> None:
        """Compare one channel, up to its first difference."""
        divergence, apart = self._compared(left, settled(left), settled(right))
        if divergence is not None and (again := self._aligned(left, right)) is not None:
            agrees, apart_again = self._compared(left, *again)
            divergence, apart = (None, apart_again) if agrees is None else (divergence, apart)
        if divergence is not None:
            self.divergences.append(divergence)
        for kind, apart_us, allowed_us in apart:
            self.apart.setdefault(kind, []).append(apart_us)
            self.allowed[kind] = max(self.allowed.get(kind, 0), allowed_us)

    def _compared(
        self, channel: Channel, a: Sequence[Visit], b: Sequence[Visit]
    ) -> tuple[tuple[int, Divergence] | None, list[tuple[Kind, int, int]]]:
        """The first difference with its instant, and how far apart the visits before it are and might be."""
        apart: list[tuple[Kind, int, int]] = []
        for position in range(max(len(a), len(b))):
            one = a[position] if position < len(a) else None
            other = b[position] if position < len(b) else None
            if one is None or other is None:
                alone = one or other
                is_told = alone is not None and alone.t_us <= self._last_us
                return (_divergence(channel, one, other) if is_told else None), apart
            if not self._is_same(channel, one, other):
                return _divergence(channel, one, other), apart
            kind, apart_us = self._apart(channel.rule.kind, one, other)
            allowed_us = self._allowed_us(kind, one, other)
            if apart_us > allowed_us:
                return _divergence(channel, one, other, apart_us, allowed_us), apart
            apart.append((kind, apart_us, allowed_us))
        return None, apart

    def _aligned(self, left: Channel, right: Channel) -> tuple[Sequence[Visit], Sequence[Visit]] | None:
        """What counts on each side when not all settled visits do; None when there is no such choice.

        A visit hardly longer than the settle time on one side may be hardly shorter on the other: those that come near
        it are left out on both. Of a level, polling may also have seen on one side what parts a visit in two: its
        visits are paired.
        """
        missable_us = left.rule.settle_us + self._bands.times_us[left.rule.kind]
        if left.rule.kind is Kind.LEVEL:
            pairs = aligned_visits(left.visits, right.visits, missable_us, self._last_us)
            return None if pairs is None else lasting(*pairs, missable_us)
        if missable_us and any(starts_again(trace, left) for trace in self._traces):
            missable_us = max(missable_us, STARTING_LAMP_US)
        return (settled(left, missable_us), settled(right, missable_us)) if missable_us else None

    def _is_same(self, channel: Channel, one: Visit, other: Visit) -> bool:
        rule = channel.rule
        return (
            self._bands.allows(one.value, other.value, rule.units, rule.sf) if rule.units else one.value == other.value
        )

    def _apart(self, kind: Kind, one: Visit, other: Visit) -> tuple[Kind, int]:
        """How far apart two visits are on the best of the clocks, and the kind whose band that must meet."""
        apart_us = abs(one.t_us - other.t_us)
        since_script = list(self._after(one, other, _scripted))
        since_cause = list(self._after(one, other, _stimulus)) if kind is Kind.OUTPUT else []
        is_reaction = any(min(pair) <= REACTION_US and max(pair) <= APART_US for pair in since_cause)
        distances = [abs(a - b) for a, b in (*since_script, *since_cause)]
        return Kind.REACTION if is_reaction else kind, min([apart_us, *distances])

    def _allowed_us(self, kind: Kind, one: Visit, other: Visit) -> int:
        """The band of the kind, wider for what a vehicle has a say in, on a noisy bus and while a device starts."""
        sides = list(zip(self._traces, (one, other), strict=True))
        bands = [self._bands.times_us[kind]]
        if kind is Kind.REACTION:
            bands += [_spoken_us(trace, visit) for trace, visit in sides]
        if kind in POLLED and any(_has_bus_fault(trace, visit.index) for trace, visit in sides):
            bands.append(NOISY_US)
        if kind is not Kind.REACTION and any(_is_starting(trace, visit) for trace, visit in sides):
            bands.append(STARTING_US)
        return max(bands)

    def _after(
        self, one: Visit, other: Visit, origin: Callable[[Trace, Visit], TraceEvent | None]
    ) -> Iterator[tuple[int, int]]:
        """How long after the same event both came: after that which is the origin of either."""
        left, right = self._traces
        for event in (origin(left, one), origin(right, other)):
            ours, theirs = _newest_like(left, event, one.index), _newest_like(right, event, other.index)
            if ours is not None and theirs is not None:
                yield one.t_us - ours.t_us, other.t_us - theirs.t_us


def compare_within(left: Trace, right: Trace, bands: Bands) -> Comparison:
    """WITHIN BAND when every logical channel has the same values on both sides at near enough instants, else DIVERGED
    at the earliest difference."""
    judge = _Judge(left, right, bands)
    ours, theirs = channels_of(left), channels_of(right)
    for name in sorted(ours.keys() | theirs.keys()):
        rule = (ours.get(name) or theirs[name]).rule
        judge.judge(ours.get(name, Channel(name, rule)), theirs.get(name, Channel(name, rule)))
    traces = (left, right)
    count = sum(len(values) for values in judge.apart.values())
    if judge.divergences:
        _, first = min(judge.divergences, key=lambda item: (item[0], item[1].channel))
        return Comparison(Outcome.DIVERGED, count, divergence=first, traces=traces)
    return Comparison(Outcome.WITHIN_BAND, count, deviations_of(judge.apart, judge.allowed), traces=traces)


def _has_bus_fault(trace: Trace, before: int) -> bool:
    levels = {event.channel: event.value for event in trace.events[:before] if event.source == "fault"}
    return any(level != REPAIRED and fault_named(name) in BUS for name, level in levels.items())


def _spoken_us(trace: Trace, visit: Visit) -> int:
    """The band of an answer to a command in which a vehicle has a say; 0 for any other."""
    event = _stimulus(trace, visit)
    if event is None or not event.channel.startswith("command."):
        return 0
    return SPOKEN_US.get(trace.roles.get(trace.events[visit.index].source, ""), 0)


def _is_starting(trace: Trace, visit: Visit) -> bool:
    """Whether the run has just begun, or the device of this event has started: it tells so a little later."""
    source = trace.events[visit.index].source
    boots = (event.t_us for event in trace if event.source == source and event.channel == BOOT)
    return any(-TOLD_AFTER_US <= visit.t_us - t_us <= STARTING_FOR_US for t_us in (0, *boots))


def _scripted(trace: Trace, visit: Visit) -> TraceEvent | None:
    """The last thing the script did or sent before a visit."""
    return next((event for event in reversed(trace.events[: visit.index]) if event.source in _SCRIPTED), None)


def _stimulus(trace: Trace, visit: Visit) -> TraceEvent | None:
    """The input or command a visit follows from, if it follows from one."""
    cause = trace.events[visit.index].cause
    event = None if cause == NO_CAUSE else trace.events[cause]
    return event if event is not None and event.channel.split(".")[0] in _STIMULI else None


def _newest_like(trace: Trace, wanted: TraceEvent | None, before: int) -> TraceEvent | None:
    """The newest event like `wanted` in front of the index `before`."""
    if wanted is None:
        return None
    older = reversed(trace.events[:before])
    return next((event for event in older if (event.name, event.value) == (wanted.name, wanted.value)), None)


def _divergence(
    channel: Channel, one: Visit | None, other: Visit | None, apart_us: int = 0, allowed_us: int = 0
) -> tuple[int, Divergence]:
    indices = [visit.index if visit else None for visit in (one, other)]
    at_us = min(visit.t_us for visit in (one, other) if visit is not None)
    return at_us, Divergence(channel.name, indices[0], indices[1], apart_us, allowed_us)
