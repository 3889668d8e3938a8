"""firmware/control/buckets.py for microcontrollers: the same function in Viper, over rows of machine words.

Knows machine words, and so checks no bounds: the four rows have one length, and `found` has seven places.
"""

import micropython
from micropython import const

LOW = const(0)
HIGH = const(1)
SAMPLES = const(2)
OLDER_SUM = const(3)
OLDER_COUNT = const(4)
NEWER_SUM = const(5)
NEWER_COUNT = const(6)
FOUND_COUNT = const(7)

COUNTS_FAR = const(0x1000000)

# Makes any count positive, so that a word of more than 32 bits orders negative ones as one of 32 does.
_LIFT = const(0x2000000)


@micropython.viper
def sum_buckets(lows, highs, means, counts, oldest: int, found):
    """Fill `found`: extremes and samples of all buckets, sum and number of the means of the older and newer half."""
    low = ptr32(lows)  # noqa: F821  # Viper's own
    high = ptr32(highs)  # noqa: F821
    mean = ptr32(means)  # noqa: F821
    count = ptr32(counts)  # noqa: F821
    into = ptr32(found)  # noqa: F821
    size = int(len(counts))  # noqa: RUF046  # an object to Viper
    samples = 0
    older_sum = 0
    older_count = 0
    newer_sum = 0
    newer_count = 0
    lowest = COUNTS_FAR + _LIFT
    highest = _LIFT - COUNTS_FAR
    index = oldest
    for age in range(size):
        if count[index]:
            value = (low[index] + _LIFT) & 0x3FFFFFFF
            if value < lowest:
                lowest = value
            value = (high[index] + _LIFT) & 0x3FFFFFFF
            if value > highest:
                highest = value
            samples += count[index]
            if age < size >> 1:
                older_sum += mean[index]
                older_count += 1
            else:
                newer_sum += mean[index]
                newer_count += 1
        index += 1
        if index == size:
            index = 0
    into[0] = lowest - _LIFT
    into[1] = highest - _LIFT
    into[2] = samples
    into[3] = older_sum
    into[4] = older_count
    into[5] = newer_sum
    into[6] = newer_count
