"""Sparkplug B metrics and payloads as bytes, and the reader of commands.

Knows: the fields of Payload, Metric, PropertySet and PropertyValue of Sparkplug B 3.0, and its data types.
Must not know: topics, sessions, devices.

Negative integers go out as two's complement of their own width: Int16 -5 as 65531.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from edge.northbound.sparkplug import wire

QUALITY_BAD, QUALITY_GOOD, QUALITY_STALE = 0, 192, 500  # the property "Quality" knows these three
QUALITY = "Quality"
Value = int | float | bool | str | None


class DataType(IntEnum):
    """Sparkplug's numbers of the data types in use here."""

    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14


WIDTHS = {
    DataType.INT8: 8,
    DataType.INT16: 16,
    DataType.INT32: 32,
    DataType.INT64: 64,
    DataType.UINT8: 8,
    DataType.UINT16: 16,
    DataType.UINT32: 32,
    DataType.UINT64: 64,
    DataType.DATETIME: 64,
}
_SIGNED = frozenset({DataType.INT8, DataType.INT16, DataType.INT32, DataType.INT64})
_INT, _LONG, _FLOAT, _DOUBLE, _BOOLEAN, _STRING = range(10, 16)  # value fields of a metric
_PROPERTY_SHIFT = 7  # the value fields of a property are those of a metric, less this
_HISTORICAL = wire.varint_field(5, 1)
_NULL = wire.varint_field(7, 1)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric to be sent. Without a name it is known by its alias; `datatype` is written into births only.

    `properties` are (type, value) by name.
    """

    datatype: DataType
    value: Value
    time_ms: int
    name: str | None = None
    alias: int | None = None
    is_historical: bool = False
    properties: Mapping[str, tuple[DataType, Value]] = field(default_factory=dict)


def encode_metric(metric: Metric, *, is_birth: bool) -> bytes:
    """The metric as a field of a payload."""
    parts = [wire.text_field(1, metric.name)] if metric.name is not None else []
    parts += [wire.varint_field(2, metric.alias)] if metric.alias is not None else []
    parts += [wire.varint_field(3, metric.time_ms)]
    parts += [wire.varint_field(4, metric.datatype)] if is_birth else []
    parts += [_HISTORICAL] if metric.is_historical else []
    parts += [_NULL] if metric.value is None else []
    parts += [wire.bytes_field(9, encode_properties(metric.properties))] if metric.properties else []
    parts += [encode_value(metric.datatype, metric.value)] if metric.value is not None else []
    return wire.bytes_field(2, b"".join(parts))


def encode_properties(properties: Mapping[str, tuple[DataType, Value]]) -> bytes:
    """A property set: all names, then all values."""
    names = [wire.text_field(1, name) for name in properties]
    values = [wire.bytes_field(2, _encode_property(*typed)) for typed in properties.values()]
    return b"".join(names + values)


def encode_value(datatype: DataType, value: Value, shift: int = 0) -> bytes:
    """The value field of a metric, or of a property when `shift` says so."""
    if datatype in WIDTHS:
        bits = WIDTHS[datatype]
        number = _INT if bits <= 32 else _LONG
        return wire.varint_field(number - shift, int(value or 0) & (1 << bits) - 1)
    if datatype is DataType.DOUBLE:
        return wire.double_field(_DOUBLE - shift, float(value or 0))
    if datatype is DataType.FLOAT:
        return wire.float_field(_FLOAT - shift, float(value or 0))
    if datatype is DataType.BOOLEAN:
        return wire.varint_field(_BOOLEAN - shift, int(bool(value)))
    return wire.text_field(_STRING - shift, str(value))


def encode_payload(time_ms: int, metrics: Iterable[bytes], seq: int | None) -> bytes:
    """A whole payload of encoded metrics; `seq` None leaves the sequence number out, as deaths of a node do."""
    tail = [wire.varint_field(3, seq)] if seq is not None else []
    return b"".join([wire.varint_field(1, time_ms), *metrics, *tail])


@dataclass(frozen=True, slots=True)
class ReadMetric:
    """One metric of a received payload; `name` "" and `alias` None when absent.

    Integers are as they stood on the wire: `signed` brings one to its type.
    """

    name: str
    alias: int | None
    time_ms: int
    datatype: int
    value: Value


@dataclass(frozen=True, slots=True)
class ReadPayload:
    """A received payload, as far as a command goes."""

    time_ms: int
    seq: int | None
    metrics: tuple[ReadMetric, ...]


def decode_payload(data: bytes) -> ReadPayload:
    """Read a command's payload; raises `wire.WireError` for what is none. Unknown fields are passed over."""
    time_ms, seq, metrics = 0, None, []
    for number, value in wire.read_fields(data):
        if number == 1:
            time_ms = wire.as_integer(value)
        elif number == 2:
            metrics.append(_decode_metric(wire.as_bytes(value)))
        elif number == 3:
            seq = wire.as_integer(value)
    return ReadPayload(time_ms, seq, tuple(metrics))


def signed(datatype: int, value: int) -> int:
    """An integer from the wire as its type means it, whether it was sent in the type's width or in 32 or 64 bits."""
    known = DataType(datatype)
    bits = WIDTHS[known]
    value &= (1 << bits) - 1
    return value - (1 << bits) if known in _SIGNED and value >> bits - 1 else value


def _encode_property(datatype: DataType, value: Value) -> bytes:
    if value is None:
        return wire.varint_field(1, datatype) + wire.varint_field(2, 1)
    return wire.varint_field(1, datatype) + encode_value(datatype, value, _PROPERTY_SHIFT)


def _decode_metric(data: bytes) -> ReadMetric:
    found: dict[int, int | bytes] = dict(wire.read_fields(data))  # of a field that comes twice the last counts
    return ReadMetric(
        name=wire.as_text(found.get(1, b"")),
        alias=wire.as_integer(found[2]) if 2 in found else None,
        time_ms=wire.as_integer(found.get(3, 0)),
        datatype=wire.as_integer(found.get(4, 0)),
        value=_decode_value(found),
    )


def _decode_value(found: Mapping[int, int | bytes]) -> Value:
    if found.get(7):
        return None
    readers: dict[int, Callable[[int | bytes], Value]] = {
        _INT: wire.as_integer,
        _LONG: wire.as_integer,
        _FLOAT: wire.as_float,
        _DOUBLE: wire.as_double,
        _BOOLEAN: lambda value: bool(wire.as_integer(value)),
        _STRING: wire.as_text,
    }
    for number, read in readers.items():
        if number in found:
            return read(found[number])
    return None
