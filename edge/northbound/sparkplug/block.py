"""The metrics of one report as bytes, fast: what every read of every device passes through.

Knows: how a device's tags become metrics. Must not know: topics, sessions, storage.

A metric here is value, timestamp, alias, in this order, which protobuf leaves free: so all that changes with the value
(size, value field) stands together and comes, for 16-bit values, out of a table; the timestamp is the same for a whole
report, and the alias is known beforehand. No object is made per value.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from edge.northbound.sparkplug import wire
from edge.northbound.sparkplug.metric import DataType, Metric, Value, encode_metric, encode_value
from protocols.registers.tag import Tag

Raw = int | float | str | None
# Only types on which implementations agree: some decode Int16 as sign-extended and some do not, and some look for a
# UInt32 among the 32-bit values and some among the 64-bit ones.
_TYPES = {
    "int16": DataType.INT32,
    "int32": DataType.INT32,
    "int64": DataType.INT64,
    "uint32": DataType.UINT64,
    "uint64": DataType.UINT64,
    "float32": DataType.FLOAT,
    "float64": DataType.DOUBLE,
    "bool": DataType.BOOLEAN,
    "text": DataType.STRING,
}
ROW_NUMBER = "telemetry_seq"  # what a device has beside its tags
CLOCK = "clock_quality"
OWN_NAMES = (ROW_NUMBER, CLOCK)
_STAMP_SIZE = 7  # key and six bytes: any time from 2005 to 2109
_DOUBLE_TAG = b"\x69"
_PACK_DOUBLE = struct.Struct("<d").pack


@dataclass(frozen=True, slots=True)
class Point:
    """One tag as a metric: the value in `units` is raw * 10**sf, an integer only when sf is 0."""

    name: str
    alias: int
    datatype: DataType
    units: str
    sf: int
    is_short: bool = True  # the raw value has 16 bits

    def value(self, raw: Raw) -> Value:
        """The value as a person reads it; division by a power of ten is exact where a product with 0.1 is not."""
        if raw is None or isinstance(raw, str) or self.sf == 0:
            return raw
        return raw / 10**-self.sf if self.sf < 0 else float(raw * 10**self.sf)


def make_points(tags: Sequence[Tag], aliases: Sequence[int]) -> list[Point]:
    """The metrics of a device. A name that tells the scale of the raw number (`gross_kg_x10`) loses that ending, unless
    the rest is the name of another metric."""
    bare = [tag.name.removesuffix(f"_x{10**-tag.sf}") if tag.sf < 0 else tag.name for tag in tags]
    taken = Counter(name.lower() for name in bare)
    taken.update({*OWN_NAMES, *(tag.name.lower() for tag in tags)})
    names = [tag.name if taken[name.lower()] > 1 else name for tag, name in zip(tags, bare, strict=True)]
    return [_make_point(*drafted) for drafted in zip(tags, aliases, names, strict=True)]


def _make_point(tag: Tag, alias: int, name: str) -> Point:
    datatype = _TYPES.get(tag.type, DataType.UINT16) if tag.sf == 0 else DataType.DOUBLE
    return Point(name, alias, datatype, tag.units, tag.sf, tag.type == "int16" or tag.type not in _TYPES)


class BlockEncoder:
    """Encodes reports of one device. Numbers in `indexes` are places in the tuple given here."""

    def __init__(self, points: Sequence[Point]) -> None:
        self._points = tuple(points)
        self._aliases = [wire.varint_field(2, point.alias) for point in points]
        self._encoders = [
            _encoder(point, _STAMP_SIZE + len(alias)) for point, alias in zip(points, self._aliases, strict=True)
        ]
        self._table = self._one_table()

    def encode(self, indexes: Sequence[int], values: Sequence[Raw], time_ms: int) -> bytes:
        """Metrics of good quality, live form."""
        stamp = wire.varint_field(3, time_ms)
        if len(stamp) != _STAMP_SIZE or None in values:
            return self._encode_slowly(indexes, values, time_ms)
        parts = [stamp] * (3 * len(values))
        is_all = len(indexes) == len(self._aliases)
        parts[2::3] = self._aliases if is_all else [self._aliases[index] for index in indexes]
        if self._table is not None and len(values) > 1:
            parts[0::3] = itemgetter(*values)(self._table)
        else:
            encoders = self._encoders if is_all else [self._encoders[index] for index in indexes]
            parts[0::3] = [encode(value) for encode, value in zip(encoders, values, strict=True)]
        return b"".join(parts)

    def encode_with(
        self, indexes: Sequence[int], values: Sequence[Raw], time_ms: int, properties: dict[str, tuple[DataType, Value]]
    ) -> bytes:
        """Metrics that carry `properties` each."""
        return self._encode_slowly(indexes, values, time_ms, properties)

    def _encode_slowly(
        self,
        indexes: Sequence[int],
        values: Sequence[Raw],
        time_ms: int,
        properties: dict[str, tuple[DataType, Value]] | None = None,
    ) -> bytes:
        chosen = [self._points[index] for index in indexes]
        metrics = [
            Metric(point.datatype, point.value(raw), time_ms, alias=point.alias, properties=properties or {})
            for point, raw in zip(chosen, values, strict=True)
        ]
        return b"".join(encode_metric(metric, is_birth=False) for metric in metrics)

    def _one_table(self) -> Sequence[bytes] | None:
        """The table that serves every point, when there is one."""
        sizes = {len(alias) for alias in self._aliases}
        types = {point.datatype for point in self._points if point.is_short and point.sf == 0}
        is_plain = all(point.is_short and point.sf == 0 for point in self._points)
        if not is_plain or len(sizes) != 1 or len(types) != 1:
            return None
        return _table_16(_STAMP_SIZE + sizes.pop(), is_signed=types.pop() is DataType.INT32)


def as_historical(metrics: bytes) -> bytes:
    """The same metrics with the flag that they are history; `metrics` must be what an encoder made."""
    parts: list[bytes] = []
    at, end = 0, len(metrics)
    while at < end:
        size, body = metrics[at + 1], at + 2
        if size >= 0x80:
            size, body = size & 0x7F | metrics[at + 2] << 7, at + 3  # no metric is longer than 16383 bytes
        parts.append(_HISTORICAL_HEADS[size] if size < _SHORT_SIZE else _historical_head(size))
        parts.append(metrics[body : body + size])
        at = body + size
    return b"".join(parts)


def _historical_head(size: int) -> bytes:
    return b"\x12" + wire.varint(size + 2) + b"\x28\x01"


_SHORT_SIZE = 64
_HISTORICAL_HEADS = [_historical_head(size) for size in range(_SHORT_SIZE)]


def _encoder(point: Point, rest_size: int) -> Callable[[Any], bytes]:
    """From a raw value to the part of the metric that depends on it; `rest_size` bytes follow."""
    if point.is_short and point.sf == 0:
        return _table_16(rest_size, is_signed=point.datatype is DataType.INT32).__getitem__
    if point.datatype is DataType.DOUBLE and point.sf < 0:
        return _scaled_encoder(10**-point.sf, rest_size)
    if point.sf == 0 and point.datatype in (DataType.INT32, DataType.UINT64, DataType.INT64):
        return _integer_encoder(point.datatype, rest_size)
    return lambda raw: _headed(encode_value(point.datatype, point.value(raw)), rest_size)


def _integer_encoder(datatype: DataType, rest_size: int) -> Callable[[Any], bytes]:
    key, mask = (b"\x50", 2**32 - 1) if datatype is DataType.INT32 else (b"\x58", 2**64 - 1)
    heads = [b"\x12" + wire.varint(rest_size + 1 + size) + key for size in range(11)]

    def encode(raw: int) -> bytes:
        value = wire.varint(raw & mask)
        return heads[len(value)] + value

    return encode


def _scaled_encoder(divisor: int, rest_size: int) -> Callable[[Any], bytes]:
    head = b"\x12" + wire.varint(rest_size + 9) + _DOUBLE_TAG
    return lambda raw: head + _PACK_DOUBLE(raw / divisor)


def _headed(field: bytes, rest_size: int) -> bytes:
    return b"\x12" + wire.varint(rest_size + len(field)) + field


@lru_cache(maxsize=6)
def _table_16(rest_size: int, *, is_signed: bool) -> list[bytes]:
    """By raw value; a negative index counts from the end, so -5 finds what stands at 65531."""
    values = [*range(0x8000), *range(-0x8000, 0)] if is_signed else range(0x10000)
    return [_headed(b"\x50" + wire.varint(value & 0xFFFF_FFFF), rest_size) for value in values]
