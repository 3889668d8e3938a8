"""A row of deadlines, and the two loops over it that every scan runs.

Knows 30-bit ticks: a deadline is ticks, OFF, or DONE. Must not know what it is for. A microcontroller's file set has
firmware/boards/fast/deadlines.py in this place.
"""

from protocols.compat import const, ticks_diff

OFF = const(-1)
DONE = const(-2)


def expire(deadlines: list[int], now_ms: int) -> None:
    """Put DONE in the place of every deadline that has come."""
    for index in range(len(deadlines)):
        if deadlines[index] >= 0 and ticks_diff(deadlines[index], now_ms) <= 0:
            deadlines[index] = DONE


def find_next(deadlines: list[int], now_ms: int) -> int:
    """Return the time to the earliest deadline that has not come, -1 if there is none."""
    earliest = -1
    for deadline in deadlines:
        if deadline >= 0:
            remaining = ticks_diff(deadline, now_ms)
            if earliest < 0 or remaining < earliest:
                earliest = remaining
    return earliest
