"""One slot of the event ring: how an event stands in the registers of every device.

Layout, big-endian, 16 bytes or 8 registers: sequence u32, uptime_s u32, millisecond u16, code u16,
argument i32. Which slot an event takes, and what the codes mean, is not known here.
"""

import struct

from protocols.bigendian import put_i32, put_u16
from protocols.compat import const

SLOT_SIZE = const(16)
SLOT_REGISTERS = const(8)


def write_slot(
    buffer: bytearray | memoryview,
    offset: int,
    sequence: int,
    uptime_s: int,
    millisecond: int,
    code: int,
    argument: int,
) -> None:
    """Write one event at byte `offset`; values wrap to the width of their field, nothing is allocated.

    The sequence number is written last, so a reader that finds it also finds the rest.
    """
    put_i32(buffer, offset + 4, uptime_s)
    put_u16(buffer, offset + 8, millisecond)
    put_u16(buffer, offset + 10, code)
    put_i32(buffer, offset + 12, argument)
    put_i32(buffer, offset, sequence)


def read_slot(buffer: bytes | bytearray | memoryview, offset: int) -> tuple[int, int, int, int, int]:
    """Return (sequence, uptime_s, millisecond, code, argument) of the slot at byte `offset`; for the host."""
    sequence, uptime_s, millisecond, code, argument = struct.unpack_from(">IIHHi", buffer, offset)
    return sequence, uptime_s, millisecond, code, argument
