"""One slot of the read list: how a tag that was read stands in the registers of an RFID device.

Layout, big-endian, 32 bytes or 16 registers: sequence u32, uptime_s u32, millisecond u16, antenna u8, direction u8,
RSSI i8 (dBm, RSSI_NONE when the reader tells none), kind u8 (protocols.rfid.epc, or KIND_WIEGAND_*), length u8 (bytes
of the identifier), seal u8 (protocols.rfid.eseal), then 16 bytes of identifier, filled up with zeros. A longer
identifier shows its first 16 bytes and its true length. Which slot a read takes is not known here.
"""

import struct

from protocols.bigendian import put_i32, put_u16
from protocols.compat import const

SLOT_SIZE = const(32)
SLOT_REGISTERS = const(16)
ID_SIZE = const(16)
RSSI_NONE = const(-128)
KIND_WIEGAND_26 = const(4)
KIND_WIEGAND_34 = const(5)

_AT_ID = const(16)


def write_read(buffer: bytearray | memoryview, offset: int, uptime_s: int, millisecond: int, fields: list[int]) -> None:
    """Write all but number and identifier at byte `offset`; `fields` are antenna, direction, RSSI, kind, length, seal.

    The sequence number is written by `commit_read`, last, so that a reader that finds it also finds the rest.
    """
    put_i32(buffer, offset + 4, uptime_s)
    put_u16(buffer, offset + 8, millisecond)
    for index in range(6):
        buffer[offset + 10 + index] = fields[index] & 0xFF


def write_id(buffer: bytearray | memoryview, offset: int, data: bytes | bytearray, at: int, size: int) -> None:
    """Write the first ID_SIZE bytes of an identifier of `size` bytes at `at` of `data`; the rest of the slot is 0."""
    for index in range(ID_SIZE):
        buffer[offset + _AT_ID + index] = data[at + index] if index < size else 0


def commit_read(buffer: bytearray | memoryview, offset: int, sequence: int) -> None:
    """Write the sequence number: the slot is this read's from now on."""
    put_i32(buffer, offset, sequence)


def read_read(
    buffer: bytes | bytearray | memoryview, offset: int
) -> tuple[int, int, int, int, int, int, int, int, int, bytes]:
    """Return sequence, uptime_s, millisecond, antenna, direction, RSSI, kind, length, seal, id; for the host."""
    values = struct.unpack_from(">IIHBBbBBB", buffer, offset)
    length = values[7]
    start = offset + _AT_ID
    return values + (bytes(buffer[start : start + (length if length < ID_SIZE else ID_SIZE)]),)
