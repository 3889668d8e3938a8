"""The field link: frames between a simulated field and the VM process that runs a node, both directions.

Knows: the byte layout, little-endian. Must not know: pipes, processes, what an input means.
The device's side of it is in firmware/boards/unix.

Field to VM: header `<BBHIIHH` (magic 0xA5, inputs, serial bytes, now_ms, now_us, flags, field line bytes), then per
input `<iB` (value, quality), then serial bytes, then field line bytes. VM to field: header `<BBHIIHH` (magic 0x5A,
outputs, serial bytes, wait_us, scan count, flags, field line bytes), then per output one byte 0 or 1, then serial
bytes, then field line bytes. Serial bytes are the bus and exist in lockstep only; the field line leads to an
instrument.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

HEADER_SIZE = 16
TICKS_MASK = 2**30 - 1
FLAG_STEP = 1
FLAG_QUIT = 2
_MAGIC_FIELD = 0xA5
_MAGIC_DEVICE = 0x5A
_FED = 1
_OVERRUN = 2
_HEADER = struct.Struct("<BBHIIHH")
_INPUT = struct.Struct("<iB")


@dataclass(frozen=True, slots=True)
class DeviceHeader:
    """What stands before the outputs in a frame from the VM."""

    output_count: int
    sent_size: int
    wait_us: int
    scan_count: int
    watchdog_fed: bool
    overrun: bool
    field_size: int

    @property
    def body_size(self) -> int:
        """Bytes that follow the header: outputs, serial bytes, field line bytes."""
        return self.output_count + self.sent_size + self.field_size


def encode_field_frame(
    now_us: int,
    values: Sequence[int],
    qualities: Sequence[int],
    received: bytes = b"",
    flags: int = 0,
    field_received: bytes = b"",
) -> bytes:
    """One frame to the VM at `now_us`, any non-negative time; the frame carries it as 30-bit ticks."""
    ticks_ms, ticks_us = (now_us // 1000) & TICKS_MASK, now_us & TICKS_MASK
    header = _HEADER.pack(_MAGIC_FIELD, len(values), len(received), ticks_ms, ticks_us, flags, len(field_received))
    inputs = b"".join(_INPUT.pack(value, quality) for value, quality in zip(values, qualities, strict=True))
    return header + inputs + received + field_received


def decode_header(data: bytes) -> DeviceHeader | None:
    """The header of a frame from the VM; None when `data` is not one."""
    if len(data) != HEADER_SIZE or data[0] != _MAGIC_DEVICE:
        return None
    _, output_count, sent_size, wait_us, scan_count, flags, field_size = _HEADER.unpack(data)
    return DeviceHeader(
        output_count, sent_size, wait_us, scan_count, bool(flags & _FED), bool(flags & _OVERRUN), field_size
    )
