"""firmware/control/deadlines.py for microcontrollers: the same functions in Viper, over rows of machine words.

Knows machine words, and so takes no other row than its own; the distance of two ticks is written out instead of called.
A tick has 30 bits: in OFF and DONE, which are negative, bit 30 is set, whatever width a word has.
"""

import micropython
from micropython import const

OFF = const(-1)
DONE = const(-2)


@micropython.viper
def expire(row, ticks: int):
    """Put DONE in the place of every deadline that has come."""
    words = ptr32(row)  # noqa: F821  # Viper's own
    for index in range(int(len(row))):  # noqa: RUF046  # an object to Viper
        each = words[index]
        if not (each >> 30) & 1:
            left = (each - ticks) & 0x3FFFFFFF
            if left == 0 or (left >> 29) & 1:  # a distance of the upper half is one back
                words[index] = -2


@micropython.viper
def find_next(row, ticks: int) -> int:
    """Return the time to the earliest deadline that has not come, -1 if there is none."""
    words = ptr32(row)  # noqa: F821  # Viper's own
    earliest = -1
    for index in range(int(len(row))):  # noqa: RUF046  # an object to Viper
        each = words[index]
        if not (each >> 30) & 1:
            left = (each - ticks) & 0x3FFFFFFF
            if (left >> 29) & 1:
                left -= 0x3FFFFFFF
                left -= 1
            if earliest < 0 or left < earliest:
                earliest = left
    return earliest
