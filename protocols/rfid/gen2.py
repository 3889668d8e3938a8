"""What a Gen2 tag says of itself: the PC word and the CRC-16 over PC and EPC.

Knows the checksum (polynomial 0x1021, initial value and final xor 0xFFFF; reference standards.md 3.2, verified with the
worked example of the R200 user protocol V2.3.3) and that bits 15 to 11 of the PC word count the EPC's 16-bit words, as
in that example. The other bits of the PC word are carried, not interpreted.
"""

from protocols.compat import const

EPC_WORDS_MAX = const(31)
EPC_SIZE_MAX = const(62)

_WORDS_SHIFT = const(11)
# One entry per upper nibble: 32 bytes of table instead of 512, twice the steps.
_NIBBLES = (
    0x0000,
    0x1021,
    0x2042,
    0x3063,
    0x4084,
    0x50A5,
    0x60C6,
    0x70E7,
    0x8108,
    0x9129,
    0xA14A,
    0xB16B,
    0xC18C,
    0xD1AD,
    0xE1CE,
    0xF1EF,
)


def tag_crc(buffer: bytes | bytearray | memoryview, start: int, size: int) -> int:
    """Return the tag's CRC-16 over `size` bytes from `start`: PC word, then EPC. Sent high byte first."""
    crc = 0xFFFF
    nibbles = _NIBBLES
    for at in range(start, start + size):
        byte = buffer[at]
        crc = ((crc << 4) & 0xFFFF) ^ nibbles[(crc >> 12) ^ (byte >> 4)]
        crc = ((crc << 4) & 0xFFFF) ^ nibbles[(crc >> 12) ^ (byte & 0x0F)]
    return crc ^ 0xFFFF


def epc_size(pc: int) -> int:
    """Return how many bytes of EPC the PC word announces, 0 to 62."""
    return ((pc >> _WORDS_SHIFT) & EPC_WORDS_MAX) * 2


def pc_for(size: int) -> int:
    """Return the PC word of an EPC of `size` bytes (even, at most 62), its other bits 0."""
    return (size >> 1) << _WORDS_SHIFT
