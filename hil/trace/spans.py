"""A trace as lanes to be drawn: per channel, what was the case from when to when, in words.

Knows: traces, classes and names. Must not know: how a lane is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from hil.trace.causes import FIELD
from hil.trace.classes import is_happening, is_wire, rule_of
from hil.trace.event import Trace, TraceEvent
from hil.trace.names import value_text

_IDLE = ("off", "none", "0", "NONE")
_FIRST_SOURCES = ("fault", "script", FIELD)  # what was done, before what came of it
_LAST_SOURCES = ("command", "bus", "rig")
_DEVICE_RANK = len(_FIRST_SOURCES)
_HEADS = ("state", "event", "out", "in")  # within a device: its decisions first, then all else, numbers last


class Form(StrEnum):
    """How a lane looks."""

    WIRE = "wire"
    STATE = "state"
    NUMBER = "number"
    HAPPENING = "happening"


@dataclass(frozen=True, slots=True)
class Span:
    """From `t_us` to `end_us` it was `text`; `index` is the event that began it."""

    t_us: int
    end_us: int
    text: str
    index: int

    @property
    def is_idle(self) -> bool:
        """Whether it is the value of a thing at rest."""
        return self.text in _IDLE


@dataclass(slots=True)
class Lane:
    """One channel; `kind` is what it is to a comparison."""

    source: str
    channel: str
    form: Form
    kind: str
    spans: list[Span] = field(default_factory=list)

    @property
    def is_constant(self) -> bool:
        """Whether nothing happened on it but its first value."""
        return self.form is not Form.HAPPENING and len(self.spans) == 1


def lanes_of(trace: Trace) -> list[Lane]:
    """Every channel, grouped by source, in the order in which one reads them."""
    lanes: dict[str, Lane] = {}
    for index in sorted(range(len(trace)), key=lambda n: trace.events[n].t_us):
        event = trace.events[index]
        lane = lanes.setdefault(event.name, _lane(trace, event))
        text = value_text(trace, event)
        if lane.spans and lane.form is not Form.HAPPENING:
            last = lane.spans[-1]
            lane.spans[-1] = Span(last.t_us, event.t_us, last.text, last.index)
        lane.spans.append(Span(event.t_us, max(event.t_us, trace.end_us), text, index))
    return sorted(lanes.values(), key=_place)


def _lane(trace: Trace, event: TraceEvent) -> Lane:
    role = trace.roles.get(event.source, "")
    return Lane(event.source, event.channel, _form(trace, event), rule_of(event.source, event.channel, role).kind)


def _form(trace: Trace, event: TraceEvent) -> Form:
    if is_happening(event.source, event.channel):
        return Form.HAPPENING
    if is_wire(event.channel):
        return Form.WIRE
    text = value_text(trace, event)
    return Form.NUMBER if text.split(" ")[0].replace(".", "").lstrip("-").isdigit() else Form.STATE


def _place(lane: Lane) -> tuple[int, str, int, str]:
    ranks = {name: rank for rank, name in enumerate((*_FIRST_SOURCES, "", *_LAST_SOURCES))}
    head = lane.channel.partition(".")[0]
    within = _HEADS.index(head) if head in _HEADS else len(_HEADS) + (lane.form is Form.NUMBER)
    return ranks.get(lane.source, _DEVICE_RANK), lane.source, within, lane.channel
