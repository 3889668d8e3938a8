"""Big-endian integers in place: how every register, slot and message of the project is laid out.

Values wrap to their width instead of raising, the same on both interpreters, and nothing is
allocated for values a small integer can hold. `struct` differs in both points.
"""


def put_u16(buffer: bytearray | memoryview, at: int, value: int) -> None:
    """Write the low 16 bits of `value` (signed or unsigned) at byte `at`."""
    buffer[at] = (value >> 8) & 0xFF
    buffer[at + 1] = value & 0xFF


def get_u16(buffer: bytes | bytearray | memoryview, at: int) -> int:
    """Return the unsigned 16-bit value at byte `at`."""
    return buffer[at] << 8 | buffer[at + 1]


def put_i32(buffer: bytearray | memoryview, at: int, value: int) -> None:
    """Write the low 32 bits of `value` (signed or unsigned) at byte `at`, high byte first."""
    buffer[at] = (value >> 24) & 0xFF
    buffer[at + 1] = (value >> 16) & 0xFF
    buffer[at + 2] = (value >> 8) & 0xFF
    buffer[at + 3] = value & 0xFF


def get_i32(buffer: bytes | bytearray | memoryview, at: int) -> int:
    """Return the signed 32-bit value at byte `at`.

    The sign is applied to the high byte first, so values within 31 bits never pass through a
    big integer on 32-bit boards.
    """
    high = buffer[at]
    if high > 127:
        high -= 256
    return high * 0x1000000 + (buffer[at + 1] << 16 | buffer[at + 2] << 8 | buffer[at + 3])
