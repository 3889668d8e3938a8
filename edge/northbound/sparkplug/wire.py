"""Protobuf's wire form, as far as Sparkplug B needs it: varints, fields, and a reader that trusts nothing.

Knows: protobuf's encoding. Must not know: which message has which field.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # the wire types in use; 3 and 4 (groups) are refused
_VARINT_SIZE_MAX = 10
_U64_MASK = 2**64 - 1
_DOUBLE = struct.Struct("<d")
_FLOAT = struct.Struct("<f")


class WireError(ValueError):
    """The bytes are no protobuf message; the text says where they end to be one."""


def varint(value: int) -> bytes:
    """`value` (0 to 2**64 - 1) in groups of seven bits, lowest first."""
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def key(number: int, wire_type: int) -> bytes:
    """What stands before a field's value."""
    return varint(number << 3 | wire_type)


def varint_field(number: int, value: int) -> bytes:
    """An integer or boolean field; a negative integer must be brought to its width before."""
    return key(number, VARINT) + varint(value)


def bytes_field(number: int, data: bytes) -> bytes:
    """Bytes, text in UTF-8, or a message within the message."""
    return key(number, BYTES) + varint(len(data)) + data


def text_field(number: int, text: str) -> bytes:
    """Text."""
    return bytes_field(number, text.encode())


def double_field(number: int, value: float) -> bytes:
    """A 64-bit float."""
    return key(number, FIXED64) + _DOUBLE.pack(value)


def float_field(number: int, value: float) -> bytes:
    """A 32-bit float, the nearest to `value`; beyond its range it is infinite."""
    try:
        return key(number, FIXED32) + _FLOAT.pack(value)
    except OverflowError:
        return key(number, FIXED32) + _FLOAT.pack(float("inf") if value > 0 else float("-inf"))


def read_fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of every field of one message: an integer for varints, bytes for the rest (floats as packed)."""
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        value: int | bytes
        if wire_type == VARINT:
            value, at = _read_varint(data, at)
        else:
            size, at = _size_of(data, at, wire_type)
            if at + size > len(data):
                raise WireError(f"field {number} needs {size} bytes, {len(data) - at} are left")
            value, at = data[at : at + size], at + size
        if number == 0:
            raise WireError("a field has the number 0")
        yield number, value


def as_double(data: int | bytes) -> float:
    """The float packed in a 64-bit field."""
    return float(_DOUBLE.unpack(_sized(data, 8))[0])


def as_float(data: int | bytes) -> float:
    """The float packed in a 32-bit field."""
    return float(_FLOAT.unpack(_sized(data, 4))[0])


def as_integer(value: int | bytes) -> int:
    """A varint field's value."""
    if not isinstance(value, int):
        raise WireError("bytes stand where a number is expected")
    return value


def as_bytes(value: int | bytes) -> bytes:
    """A length-delimited field's value."""
    if not isinstance(value, bytes):
        raise WireError("a number stands where bytes are expected")
    return value


def as_text(value: int | bytes) -> str:
    """A text field's value."""
    try:
        return as_bytes(value).decode()
    except UnicodeDecodeError:
        raise WireError("a text is not UTF-8") from None


def _sized(data: int | bytes, size: int) -> bytes:
    if len(as_bytes(data)) != size:
        raise WireError(f"a float of {len(as_bytes(data))} bytes, expected {size}")
    return as_bytes(data)


def _size_of(data: bytes, at: int, wire_type: int) -> tuple[int, int]:
    if wire_type == BYTES:
        return _read_varint(data, at)
    if wire_type == FIXED64:
        return 8, at
    if wire_type == FIXED32:
        return 4, at
    raise WireError(f"wire type {wire_type} is not used by Sparkplug")


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count in range(_VARINT_SIZE_MAX):
        if at + count >= len(data):
            raise WireError("the message ends within a number")
        byte = data[at + count]
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return value & _U64_MASK, at + count + 1
    raise WireError(f"a number has more than {_VARINT_SIZE_MAX} bytes")
