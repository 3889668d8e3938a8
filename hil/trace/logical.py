"""The logical trace: per channel the values that count, the same on every target that runs the firmware rightly.

Knows: traces and the classes of events. Must not know: bands, targets, files.

Every channel is a sequence of *visits* (a value, from when, for how long). A bitfield is as many channels as it has
bits, so that it does not matter whether two bits changed in one poll or in two. Of a sampled level, visits shorter
than its settle time are left out, for polling may or may not see them; of the rest, equal neighbours are one. Outputs
are off before a device has started, so a sequence of theirs begins with the first value that is not 0. What begins in
the last GUARD_US of a run is left out, since another target may come to it after the end.

The digest must be one string on every target, so it has no part that a poll more or less could change: of a sampled
level it holds what it was in the end, and so of the lamps of a device that starts again, which are dark for as long as
that takes. The whole sequence is judged by a comparison, which can make allowance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from hil.trace.classes import (
    HEALTH,
    NORMAL,
    OF_THE_TARGET,
    REASONS,
    Kind,
    Rule,
    bits_of,
    is_told_apart_by_value,
    rule_of,
)
from hil.trace.event import Trace, TraceEvent

GUARD_US = 500_000  # more than the widest band of a polled event
BOOT = "event.BOOT"
_FIRST_START_US = 2_000_000  # a device whose start is told later has started again


@dataclass(frozen=True, slots=True)
class Visit:
    """A value of a channel from `t_us` on for `length_us`; `index` is that of the event that began it."""

    t_us: int
    value: int
    index: int
    length_us: int = 0


@dataclass(slots=True)
class Channel:
    """What happened on one channel, oldest first."""

    name: str
    rule: Rule
    visits: list[Visit] = field(default_factory=list)

    @property
    def is_level(self) -> bool:
        """Whether it has a value all the time; a happening told twice happened twice."""
        return self.rule.kind in (Kind.OUTPUT, Kind.LAMP, Kind.LEVEL)

    @property
    def starts_off(self) -> bool:
        """Whether it is 0 before its device drives it."""
        return self.rule.kind in (Kind.OUTPUT, Kind.LAMP)


def channels_of(trace: Trace) -> dict[str, Channel]:
    """All visits of the logical channels, settled or not, by name."""
    channels: dict[str, Channel] = {}
    for index, event in enumerate(trace):
        role = trace.roles.get(event.source, "")
        rule = rule_of(event.source, event.channel, role)
        if rule.is_logical:
            for name, value in _parts(event, role):
                channel = channels.setdefault(name, Channel(name, rule))
                own = NORMAL if event.channel == HEALTH and _is_slow_alone(trace, index, role) else value
                _visit(channel, Visit(event.t_us, own, index))
    for channel in channels.values():
        channel.visits = _measured(channel.visits, trace.end_us)
    return channels


def settled(channel: Channel, settle_us: int | None = None) -> Sequence[Visit]:
    """The visits that lasted as long as the channel's rule wants, or `settle_us`, equal neighbours joined."""
    if not channel.is_level:
        return channel.visits
    least_us = channel.rule.settle_us if settle_us is None else settle_us
    lasting = joined([visit for visit in channel.visits if visit.length_us >= least_us])
    return lasting[1:] if channel.starts_off and lasting and lasting[0].value == 0 else lasting


def joined(visits: Sequence[Visit]) -> list[Visit]:
    """Equal neighbours as one visit."""
    result: list[Visit] = []
    for visit in visits:
        if result and result[-1].value == visit.value:
            result[-1] = replace(result[-1], length_us=visit.t_us + visit.length_us - result[-1].t_us)
        else:
            result.append(visit)
    return result


def starts_again(trace: Trace, channel: Channel) -> bool:
    """Whether the device of a channel starts once more during the run."""
    source = channel.name.partition(".")[0]
    return any(
        event.source == source and event.channel == BOOT and event.t_us > _FIRST_START_US for event in trace.events
    )


def logical_text(trace: Trace) -> str:
    """The canonical logical trace: one line per channel, in the order of their names, quantities as `~`."""
    last_us = trace.end_us - GUARD_US
    lines = []
    for name, channel in sorted(channels_of(trace).items()):
        visits = _canonical(channel, last_us, starts_again(trace, channel))
        values = ["~" if channel.rule.units else str(visit.value) for visit in visits]
        if values:
            lines.append(f"{name}: {' '.join(values)}\n")
    return "".join(lines)


def _canonical(channel: Channel, last_us: int, is_restarted: bool) -> Sequence[Visit]:
    """The visits that began by then: all that count, of a sampled level or a lamp that was dark meanwhile the last."""
    if channel.rule.kind is Kind.LEVEL:
        return [visit for visit in channel.visits if visit.t_us <= last_us][-1:]
    visits = [visit for visit in settled(channel) if visit.t_us <= last_us]
    if channel.rule.kind is Kind.LAMP and is_restarted:
        return [visit for visit in visits[-1:] if visit.value]
    return visits


def logical_digest(trace: Trace) -> str:
    """SHA-256 of the canonical logical trace; the same on every target."""
    return hashlib.sha256(logical_text(trace).encode()).hexdigest()


def _parts(event: TraceEvent, role: str) -> Iterator[tuple[str, int]]:
    """The channels an event speaks of, with its value there."""
    tag = bits_of(role, event.channel)
    if tag is not None:
        named = [(symbol, bit) for symbol, bit in tag.symbols if symbol != OF_THE_TARGET]
        yield from ((f"{event.name}.{symbol}", event.value >> bit & 1) for symbol, bit in named)
    elif is_told_apart_by_value(role, event.channel):
        yield f"{event.name}={event.value}", 1
    else:
        rule = rule_of(event.source, event.channel, role)
        yield event.name, event.value if rule.has_value else 1


def _is_slow_alone(trace: Trace, index: int, role: str) -> bool:
    """Whether the reasons read with a health are that of the target and no other."""
    health = trace.events[index]
    told = (event for event in trace.events[:index] if (event.source, event.channel) == (health.source, REASONS))
    beside = (event for event in trace.events[index:] if event.t_us == health.t_us and event.channel == REASONS)
    reasons = [event.value for event in (*told, *beside) if event.source == health.source][-1:]
    tag = bits_of(role, REASONS)
    slow = next((1 << bit for symbol, bit in tag.symbols if symbol == OF_THE_TARGET), 0) if tag else 0
    return reasons == [slow]


def _visit(channel: Channel, visit: Visit) -> None:
    """A happening is a visit of its own; a level that is told again with the same value goes on."""
    if not (channel.is_level and channel.visits and channel.visits[-1].value == visit.value):
        channel.visits.append(visit)


def _measured(visits: Sequence[Visit], end_us: int) -> list[Visit]:
    ends = [visit.t_us for visit in visits[1:]] + [end_us]
    return [replace(visit, length_us=max(0, end - visit.t_us)) for visit, end in zip(visits, ends, strict=True)]
