"""Reads Sparkplug B payloads (Sparkplug 3.0, 6.4): the receiving side, written apart from the hub's sending side.

Knows: the wire form of protocol buffers as far as a payload needs it. Must not know: topics, sessions, who sent it.
Metrics are read one by one, so whoever needs the first alone pays for the first alone. Anything that is no payload
raises ValueError.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

Value = int | float | str | bool | bytes | None
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_PAYLOAD_TIME, _PAYLOAD_METRIC, _PAYLOAD_SEQ = 1, 2, 3
_NAME, _ALIAS, _TIME, _TYPE, _HISTORICAL, _NULL = 1, 2, 3, 4, 5, 7
_INT, _LONG, _FLOAT, _DOUBLE, _BOOLEAN, _STRING, _RAW = 10, 11, 12, 13, 14, 15, 16
_TEXTS = (_NAME, _STRING)


@dataclass(slots=True)
class Metric:
    """One metric. Integers are as on the wire, unsigned: a message that is no birth does not say their type."""

    name: str = ""
    alias: int | None = None
    time_ms: int = 0
    datatype: int = 0
    is_historical: bool = False
    value: Value = None


def read_metrics(payload: bytes) -> Iterator[Metric]:
    """The metrics of a payload in their order."""
    for number, value in _fields(payload):
        if number == _PAYLOAD_METRIC:
            if not isinstance(value, bytes):
                raise ValueError("a metric is no message")
            yield _metric(value)


def read_seq(payload: bytes) -> int | None:
    """The payload's sequence number, None when it has none."""
    return next((value for number, value in _fields(payload) if number == _PAYLOAD_SEQ and type(value) is int), None)


def first_metrics(payload: bytes, count: int) -> list[Metric]:
    """At most `count` metrics from the beginning."""
    return list(islice(read_metrics(payload), count))


def _metric(body: bytes) -> Metric:
    metric = Metric()
    for number, value in _fields(body):
        _put(metric, number, value)
    return metric


def _put(metric: Metric, number: int, value: int | bytes) -> None:
    if isinstance(value, bytes):
        if number == _NAME:
            metric.name = value.decode()
        elif number == _STRING:
            metric.value = value.decode()
        elif number == _RAW:
            metric.value = value
        elif number in (_FLOAT, _DOUBLE):
            form = "<f" if number == _FLOAT else "<d"
            if len(value) != struct.calcsize(form):
                raise ValueError("a float has a wrong size")
            metric.value = float(struct.unpack(form, value)[0])
    elif number == _ALIAS:
        metric.alias = value
    elif number == _TIME:
        metric.time_ms = value
    elif number == _TYPE:
        metric.datatype = value
    elif number == _HISTORICAL:
        metric.is_historical = bool(value)
    elif number in (_INT, _LONG):
        metric.value = value
    elif number == _BOOLEAN:
        metric.value = bool(value)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field number and content: an integer of a varint, the bytes of everything else."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"wire type {kind} is none of a payload's")
        if at + size > end:
            raise ValueError("the payload is cut off")
        yield number, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while shift < 70:
        if at >= len(data):
            raise ValueError("the payload is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("an integer is longer than 64 bits")
