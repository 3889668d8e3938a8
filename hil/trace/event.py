"""Trace: what a rig saw, as integer events in the order they happened.

Knows: events, their text form, their digest. Must not know: targets, scenarios, files.

Terms: *source* who said it (`barrier`, `field`, `command`); *channel* what it speaks of (`state`, `out.MOTOR_OPEN`);
*value* an integer; *cause* the index in the trace of the event this one follows from, NO_CAUSE for none. Times are
microseconds of scenario time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

NO_CAUSE = -1
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """One change seen at `t_us`, which follows from the event numbered `cause`."""

    t_us: int
    source: str
    channel: str
    value: int
    cause: int = NO_CAUSE

    @property
    def name(self) -> str:
        """`source.channel`, the name scenarios use."""
        return f"{self.source}.{self.channel}"

    def __str__(self) -> str:
        return f"{self.t_us / 1000:>12.3f} ms {self.name} {self.value}"


class Trace:
    """A growing list of events with a last-value table per name, so that only changes are recorded.

    `roles` says which register map each device under test speaks by, under the name it has as a source; `bands_us` are
    the scenario's own bands by kind; `end_us` is how far the run went.
    """

    def __init__(self, roles: Mapping[str, str] = _NOTHING, bands_us: Mapping[str, int] = _NOTHING) -> None:
        self.events: list[TraceEvent] = []
        self.roles = dict(roles)
        self.bands_us = dict(bands_us)
        self.end_us = 0
        self._last: dict[str, int] = {}

    def __iter__(self) -> Iterator[TraceEvent]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def add(self, event: TraceEvent) -> TraceEvent:
        """Record a happening, whether or not its value is new; its index is then `newest`."""
        self.events.append(event)
        self._last[event.name] = event.value
        return event

    @property
    def newest(self) -> int:
        """The index of the event recorded last, NO_CAUSE when there is none."""
        return len(self.events) - 1

    def change(self, t_us: int, source: str, channel: str, value: int, cause: int = NO_CAUSE) -> TraceEvent | None:
        """Record a level if it differs from the last one of that name; the event, or None."""
        if self._last.get(f"{source}.{channel}") == value:
            return None
        return self.add(TraceEvent(t_us, source, channel, value, cause))

    def last(self, name: str) -> int | None:
        """The newest value of `source.channel`, None before the first."""
        return self._last.get(name)

    def text(self) -> str:
        """One line per event with all that it says, for eyes and for the digest."""
        return "".join(f"{index} {event} after {event.cause}\n" for index, event in enumerate(self.events))

    def digest(self) -> str:
        """SHA-256 of the text: equal digests mean traces equal in every event, time and cause."""
        return hashlib.sha256(self.text().encode()).hexdigest()
