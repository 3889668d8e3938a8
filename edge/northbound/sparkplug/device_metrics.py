"""One device as Sparkplug sees it: its metrics, their newest values, its births, its rows.

Knows: tags and reports. Must not know: sessions, storage, topics.

Beside its tags a device has two metrics: `telemetry_seq`, the number of the row, in every message, by which a platform
acknowledges; and `clock_quality`, told when it changes, which says how far the timestamps can be trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from edge.model import ClockQuality, Quality, Report
from edge.northbound.sparkplug import wire
from edge.northbound.sparkplug.block import CLOCK, ROW_NUMBER, BlockEncoder, Point, Raw, make_points
from edge.northbound.sparkplug.metric import (
    QUALITY,
    QUALITY_BAD,
    QUALITY_GOOD,
    QUALITY_STALE,
    DataType,
    Metric,
    Value,
    encode_metric,
    encode_properties,
    encode_value,
)
from protocols.registers.tag import Tag

REASON = "Reason"
UNITS = "engUnit"
NEVER_READ = "never read"
_QUALITIES = {Quality.GOOD: QUALITY_GOOD, Quality.UNCERTAIN: QUALITY_STALE, Quality.BAD: QUALITY_BAD}
Properties = dict[str, tuple[DataType, Value]]


def alias_keys(device: str, tags: Sequence[Tag]) -> list[str]:
    """What the aliases of a device are kept under: the two own metrics, then the tags. A metric that takes another
    type takes another alias, so that rows stored before are not read wrongly."""
    drafts = make_points(tags, [0] * len(tags))
    return [f"{device}/{ROW_NUMBER}", f"{device}/{CLOCK}"] + [f"{device}/{d.name}:{d.datatype:d}" for d in drafts]


class DeviceMetrics:
    """The metrics of one device; `aliases` belong to what `alias_keys` names."""

    def __init__(self, tags: Sequence[Tag], aliases: Sequence[int]) -> None:
        self._row_alias, self._clock_alias, *rest = aliases
        self.points = make_points(tags, rest)
        self._row_tail = wire.varint_field(2, self._row_alias)
        self._encoder = BlockEncoder(self.points)
        self._births = [_BirthForm(point) for point in self.points]
        self._values: list[Raw] = [None] * len(tags)
        self._times: list[int] = [0] * len(tags)
        self._faults: dict[int, tuple[Quality, str]] = {}  # by index, what is not good
        self._clock: ClockQuality | None = None
        self._last_row = 0
        self.reason = ""  # why the device is lost

    @property
    def names(self) -> list[str]:
        """The names of all its metrics."""
        return [point.name for point in self.points] + [ROW_NUMBER, CLOCK]

    def encode(self, report: Report, number: int) -> bytes:
        """The metrics of row `number`; from now on a birth tells these values."""
        time_ms = report.source_time_ms
        block = self._encode_block(report)
        self._remember(report)
        self._last_row = number
        field = b"\x58" + wire.varint(number) + b"\x18" + wire.varint(time_ms) + self._row_tail
        head = b"\x12" + wire.varint(len(field)) + field
        if report.clock is self._clock:
            return head + block
        self._clock = report.clock
        clock = Metric(DataType.STRING, str(report.clock), time_ms, alias=self._clock_alias)
        return head + encode_metric(clock, is_birth=False) + block

    def birth(self, now_ms: int, *, is_lost: bool) -> bytes:
        """All metrics with name, alias, type, newest value, quality and units."""
        clock = None if self._clock is None else str(self._clock)
        own = [
            Metric(DataType.UINT64, self._last_row or None, now_ms, ROW_NUMBER, self._row_alias),
            Metric(DataType.STRING, clock, now_ms, CLOCK, self._clock_alias),
        ]
        parts = [encode_metric(metric, is_birth=True) for metric in own]
        unread = _encode_quality(QUALITY_STALE, NEVER_READ)
        lost = _encode_quality(QUALITY_STALE, self.reason)
        for index, (form, point, raw) in enumerate(zip(self._births, self.points, self._values, strict=True)):
            told = unread if raw is None else _GOOD
            if index in self._faults:
                quality, reason = self._faults[index]
                told = _encode_quality(_QUALITIES[quality], reason)
            parts.append(form.encode(point.value(raw), self._times[index] or now_ms, lost if is_lost else told))
        return b"".join(parts)

    def _encode_block(self, report: Report) -> bytes:
        indexes, values, time_ms = report.indexes, report.values, report.source_time_ms
        if report.quality is not Quality.GOOD:
            properties = _fault(_QUALITIES[report.quality], report.reason)
            return self._encoder.encode_with(indexes, values, time_ms, properties)
        if self._faults and not self._faults.keys().isdisjoint(indexes):
            return self._encoder.encode_with(indexes, values, time_ms, {QUALITY: (DataType.INT32, QUALITY_GOOD)})
        return self._encoder.encode(indexes, values, time_ms)

    def _remember(self, report: Report) -> None:
        if len(report.indexes) == len(self._values):
            self._values[:] = report.values
            self._times[:] = [report.source_time_ms] * len(self._times)
        else:
            for index, value in zip(report.indexes, report.values, strict=True):
                self._values[index] = value
                self._times[index] = report.source_time_ms
        if report.quality is not Quality.GOOD:
            self._faults |= dict.fromkeys(report.indexes, (report.quality, report.reason))
        elif self._faults:
            for index in report.indexes:
                self._faults.pop(index, None)


class _BirthForm:
    """The parts of a point's birth that never change, made once: births of a whole site are thousands of metrics."""

    def __init__(self, point: Point) -> None:
        self._datatype = point.datatype
        self._head = wire.text_field(1, point.name) + wire.varint_field(2, point.alias)
        self._head += wire.varint_field(4, point.datatype)
        self._units = encode_properties({UNITS: (DataType.STRING, point.units)}) if point.units else b""

    def encode(self, value: Value, time_ms: int, quality: bytes) -> bytes:
        """The whole metric; `quality` is a property set, to which the units are added."""
        told = wire.bytes_field(9, quality + self._units)
        content = wire.varint_field(7, 1) if value is None else encode_value(self._datatype, value)
        return wire.bytes_field(2, self._head + wire.varint_field(3, time_ms) + told + content)


@lru_cache(maxsize=64)
def _encode_quality(quality: int, reason: str) -> bytes:
    return encode_properties(_fault(quality, reason))


def _fault(quality: int, reason: str) -> Properties:
    properties: Properties = {QUALITY: (DataType.INT32, quality)}
    return {**properties, REASON: (DataType.STRING, reason)} if reason else properties


_GOOD = _encode_quality(QUALITY_GOOD, "")
