"""A device's settings as it stores them: one record, whole or recognisably broken. Both ends of a board swap use it.

Knows the layout; must not know what a setting means or where a record is kept.

*Record*, big-endian: magic u16, format u16, map_id u16, map_version u16, sequence u32, setting count u16, generation
u16, boot_count u16, nonce_epoch u16, calibration_count u16, flags u16, one i32 per setting, CRC-16 u16.
"""

import struct

from protocols.compat import const
from protocols.crc import crc16

HEADER_SIZE = const(24)
FLAG_LOST = const(1)  # defaults took the place of lost settings and nobody has set anything since
FLAG_RECALIBRATE = const(2)  # calibrated with another board, and no span has been calibrated with this one

# Where they stand in what `unpack_head` returns.
SEQUENCE = const(4)
COUNT = const(5)
GENERATION = const(6)
BOOT_COUNT = const(7)
NONCE_EPOCH = const(8)
CALIBRATION_COUNT = const(9)
FLAGS = const(10)

_MAGIC = const(0x5347)
_FORMAT = const(1)
_HEADER = ">HHHHIHHHHHH"


def record_size(count: int) -> int:
    """Bytes of a record of `count` settings."""
    return HEADER_SIZE + 4 * count + 2


def pack_record_into(record: bytearray, map_id: int, map_version: int, head: list[int], values: list[int]) -> None:
    """Fill `record` (record_size(len(values)) bytes).

    `head` is sequence, generation, boot_count, nonce_epoch, calibration_count, flags.
    """
    size = record_size(len(values))
    struct.pack_into(_HEADER, record, 0, _MAGIC, _FORMAT, map_id, map_version, head[0], len(values), *head[1:])
    for index in range(len(values)):
        struct.pack_into(">i", record, HEADER_SIZE + 4 * index, values[index])
    struct.pack_into(">H", record, size - 2, crc16(record, 0, size - 2))


def is_record(data: bytes | bytearray, size: int, map_id: int, map_version: int, count: int) -> bool:
    """Tell whether the first `size` bytes are a whole record of this map with `count` settings."""
    if size != record_size(count) or struct.unpack_from(">H", data, size - 2)[0] != crc16(data, 0, size - 2):
        return False
    head = unpack_head(data)
    return head[:4] == (_MAGIC, _FORMAT, map_id, map_version) and head[COUNT] == count


def unpack_head(data: bytes | bytearray) -> tuple[int, ...]:
    """Return the eleven fields before the settings."""
    return struct.unpack_from(_HEADER, data, 0)


def unpack_value(data: bytes | bytearray, index: int) -> int:
    """Return setting `index` of a record."""
    return int(struct.unpack_from(">i", data, HEADER_SIZE + 4 * index)[0])
