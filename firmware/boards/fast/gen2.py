"""protocols/rfid/gen2.py for microcontrollers: the checksum of a tag in Viper, about twenty times as fast on an RP2040.

Knows machine words instead of objects, and so checks no bounds: the caller keeps them. Computes bit by bit what the
other takes from its table.
"""

import micropython
from micropython import const

EPC_WORDS_MAX = const(31)
EPC_SIZE_MAX = const(62)

_WORDS_SHIFT = const(11)


@micropython.viper
def tag_crc(buffer, start: int, size: int) -> int:
    """Return the tag's CRC-16 over `size` bytes from `start`: PC word, then EPC. Sent high byte first."""
    data = ptr8(buffer)  # noqa: F821  # Viper's own
    crc = 0xFFFF
    for at in range(start, start + size):
        crc ^= data[at] << 8
        for _ in range(8):
            crc = crc << 1
            if crc & 0x10000:
                crc ^= 0x11021
    return crc ^ 0xFFFF


def epc_size(pc: int) -> int:
    """Return how many bytes of EPC the PC word announces, 0 to 62."""
    return ((pc >> _WORDS_SHIFT) & EPC_WORDS_MAX) * 2


def pc_for(size: int) -> int:
    """Return the PC word of an EPC of `size` bytes (even, at most 62), its other bits 0."""
    return (size >> 1) << _WORDS_SHIFT
