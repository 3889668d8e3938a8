"""protocols/crc.py for microcontrollers: the same function in Viper, about fifteen times as fast on an RP2040.

Knows machine words instead of objects, and so checks no bounds: the caller keeps them. Computes bit by bit what the
other takes from its tables: a shift costs less here than a look into flash, and the tables stay in one file.
"""

import micropython


@micropython.viper
def crc16(buffer, start: int, size: int) -> int:
    """Return the CRC of `size` bytes of `buffer` from `start`. On the wire the low byte goes first."""
    data = ptr8(buffer)  # noqa: F821  # Viper's own
    crc = 0xFFFF
    for at in range(start, start + size):
        crc ^= data[at]
        for _ in range(8):
            if crc & 1:
                crc = (crc >> 1) ^ 0xA001
            else:
                crc >>= 1
    return crc
