"""What the hub's parts hand each other: tag values with quality, device images, reports, plate reads and records.

Knows: nothing but these shapes. Must not know: where a value came from, who stores or publishes it.
Clocks: `hub_time_ms` is the hub's monotonic clock (ages and time-outs), `source_time_ms` and `time_ms` are milliseconds
since 1970-01-01 UTC (what people and the platform read). They are never compared with each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Quality(StrEnum):
    """How far a value can be trusted, in OPC UA's three words."""

    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"


_SEVERITY = {Quality.GOOD: 0, Quality.UNCERTAIN: 1, Quality.BAD: 2}


def worst_quality(qualities: list[Quality]) -> Quality:
    """The worst of `qualities`; good when there is none."""
    return max(qualities, key=_SEVERITY.__getitem__, default=Quality.GOOD)


class ClockQuality(StrEnum):
    """How far the hub's UTC can be trusted at a moment."""

    SYNCHRONISED = "synchronised"  # disciplined by a time source now
    HOLDOVER = "holdover"  # was disciplined, runs on by itself
    UNSYNCHRONISED = "unsynchronised"  # never disciplined since the start, or too long ago


@dataclass(frozen=True, slots=True)
class Stamp:
    """One moment on both clocks: monotonic, and Unix time, in ms, with how good the latter is."""

    mono_ms: int
    wall_ms: int
    clock: ClockQuality = ClockQuality.UNSYNCHRONISED


Value = int | float | str | None
"""A raw number of a register map, a text, or None when it was never read or is no number."""


@dataclass(frozen=True, slots=True)
class TagValue:
    """One value of one tag. `reason` is empty when the quality is good; `clock` is how good the source time is."""

    value: Value
    quality: Quality
    reason: str
    source_time_ms: int
    hub_time_ms: int
    unit: str = ""
    clock: ClockQuality = ClockQuality.UNSYNCHRONISED

    def age_ms(self, now_ms: int) -> int:
        """How old the value is at the monotonic `now_ms`."""
        return now_ms - self.hub_time_ms

    @property
    def number(self) -> int:
        """The value of a tag that counts or names something, 0 when there is none."""
        return self.value if isinstance(self.value, int) else 0


NEVER_READ = TagValue(None, Quality.BAD, "never read", 0, 0)


@dataclass(frozen=True, slots=True)
class DeviceImage:
    """The newest known tags of one device. `hub_time_ms` is the time of the last complete poll."""

    device: str
    online: bool = False
    reason: str = "not polled yet"
    hub_time_ms: int = 0
    tags: Mapping[str, TagValue] = field(default_factory=dict)

    @property
    def quality(self) -> Quality:
        """Bad while offline, else the worst quality of any tag."""
        if not self.online:
            return Quality.BAD
        return worst_quality([tag.quality for tag in self.tags.values()])

    def tag(self, name: str) -> TagValue:
        """The tag `name`, or `NEVER_READ`."""
        return self.tags.get(name, NEVER_READ)


@dataclass(frozen=True, slots=True)
class Report:
    """Tags of one device that changed with one read: what telemetry is made of.

    `indexes` are places in the device's tuple of tags (ascending; a `range` when a whole block changed), `values` the
    raw numbers or texts beside them, None for what is no number. `source_time_ms` is UTC.
    """

    device: str
    indexes: Sequence[int]
    values: Sequence[Value]
    quality: Quality
    reason: str
    source_time_ms: int
    clock: ClockQuality


@dataclass(frozen=True, slots=True)
class PlateRead:
    """What a camera read. `plate` is normalised; empty means a vehicle was seen and its plate was not read.

    `confidence` is 0 to 100, `time_ms` the camera's own clock, `uuid` the camera's identity of this read ("" if none).
    """

    camera: str
    plate: str
    raw: str
    confidence: int
    time_ms: int
    uuid: str
    retransmitted: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One fact for the journal. `lane` and `device` are names, "" where the fact belongs to none."""

    kind: str
    lane: str
    device: str
    data: Mapping[str, Any]
    time_ms: int
