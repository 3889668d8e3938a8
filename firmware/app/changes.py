"""What differs between two lists of values is written into registers: the one loop of the publication.

Knows the packed status table of the generated maps: address u16, width in registers, type. Must not know what a value
means. A microcontroller's file set has firmware/boards/fast/changes.py in this place.
"""

from protocols.bigendian import put_i32, put_u16
from protocols.compat import const

_ENTRY_SIZE = const(4)


def put_changes(values: list[int], seen: list[int], table: bytes, registers: bytearray) -> None:
    """Write every value that is not the one seen, and note it as seen. Entry `i` of the table says where `i` goes.

    `registers` are the bytes of the input registers; 16-bit points take the low half of their value.
    """
    for index in range(len(seen)):
        value = values[index]
        if value != seen[index]:
            seen[index] = value
            entry = index * _ENTRY_SIZE
            at = (table[entry] << 8 | table[entry + 1]) * 2
            if table[entry + 2] == 1:
                put_u16(registers, at, value)
            else:
                put_i32(registers, at, value)
