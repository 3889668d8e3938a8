"""Sums over the closed buckets of a stability window: the one loop of it.

Knows rows of buckets in a ring. Must not know time or what stable means. A microcontroller's file set has
firmware/boards/fast/buckets.py in this place.
"""

from protocols.compat import const

# What `sum_buckets` finds, by its place in the row.
LOW = const(0)
HIGH = const(1)
SAMPLES = const(2)
OLDER_SUM = const(3)
OLDER_COUNT = const(4)
NEWER_SUM = const(5)
NEWER_COUNT = const(6)
FOUND_COUNT = const(7)

COUNTS_FAR = const(0x1000000)


def sum_buckets(
    lows: list[int], highs: list[int], means: list[int], counts: list[int], oldest: int, found: list[int]
) -> None:
    """Fill `found`: extremes and samples of all buckets, and sum and number of the means of the older and newer half.

    `oldest` is the place of the oldest bucket. A bucket without samples (`counts`) takes no part; without any, LOW is
    COUNTS_FAR and HIGH its negative.
    """
    size = len(counts)
    found[LOW] = COUNTS_FAR
    found[HIGH] = -COUNTS_FAR
    for place in range(SAMPLES, FOUND_COUNT):
        found[place] = 0
    index = oldest
    for age in range(size):
        if counts[index]:
            found[LOW] = min(found[LOW], lows[index])
            found[HIGH] = max(found[HIGH], highs[index])
            found[SAMPLES] += counts[index]
            half = OLDER_SUM if age < size // 2 else NEWER_SUM
            found[half] += means[index]
            found[half + 1] += 1
        index = index + 1 if index < size - 1 else 0
