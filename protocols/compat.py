"""What differs between MicroPython and CPython, and the tick arithmetic both share.

The only file that asks which interpreter runs it. Everything here fits small integers of
32-bit MicroPython (31 bits with sign), so nothing allocates.

Ticks are milliseconds or microseconds of a free running counter of 30 bits; they wrap, so they
are never compared with `<` but only through `ticks_diff`.
"""

try:
    from micropython import const
except ImportError:

    def const(value: int) -> int:
        """Mark a compile-time constant; MicroPython folds it, CPython just passes it on."""
        return value


TICKS_MASK = const(0x3FFFFFFF)
_MASK = const(0x3FFFFFFF)
_HALF = const(0x20000000)


def ticks_add(ticks: int, delta: int) -> int:
    """Return `ticks` moved by `delta`, wrapped to 30 bits.

    `ticks` is 0..2**30-1, `delta` is -2**29..2**29-1. The sum itself is never formed when it
    would leave the small integers.
    """
    room = _MASK - ticks
    if delta > room:
        return delta - room - 1
    return (ticks + delta) & _MASK


def ticks_diff(later: int, earlier: int) -> int:
    """Return `later - earlier` as the signed distance -2**29..2**29-1 across the wrap."""
    distance = (later - earlier) & _MASK
    return distance if distance < _HALF else (distance - _MASK) - 1
