"""The load-cell converter, HX711 or ADS1232: 24 bits by two wires, channel A.

Knows the pulses. Must not know weights. Both chips pull DATA low when a conversion waits and hand it out bit by bit at
each CLOCK, highest first, in two's complement. A CLOCK that stays high for 60 us sends an HX711 to sleep (datasheet,
T3), so no interrupt and no garbage collection may come between two edges.
"""

import machine

from protocols.compat import const
from protocols.quality import BAD, GOOD

# 25 pulses: HX711 channel A at gain 128; on an ADS1232 the 25th only lets DATA go high.
_PULSES = const(25)
_BITS = const(24)
_SIGN = const(0x800000)
_RANGE = const(0x1000000)
# An HX711 settles for four conversions after it woke up (datasheet, 400 ms at 10 samples a second).
_SETTLING = const(4)


class Converter:
    """Fills two inputs: counts, and a sequence number modulo 2**16 that moves with every conversion."""

    def __init__(self, data, clock) -> None:
        self._data = data
        self._clock = clock
        self._counts = 0
        self._sequence = 0
        self._unsettled = _SETTLING
        clock(0)

    def read_into(self, values: list[int], quality: list[int], at: int) -> None:
        """Fetch a conversion if one waits; fill inputs `at` and `at` + 1, BAD until the chip has settled."""
        if not self._data():
            self._fetch()
        values[at] = self._counts
        values[at + 1] = self._sequence
        quality[at] = quality[at + 1] = BAD if self._unsettled else GOOD

    def _fetch(self) -> None:
        data = self._data
        clock = self._clock
        counts = 0
        state = machine.disable_irq()
        for _ in range(_PULSES):
            clock(1)
            counts = counts << 1 | data()
            clock(0)
        machine.enable_irq(state)
        counts >>= _PULSES - _BITS
        if self._unsettled:
            self._unsettled -= 1
            return
        self._counts = counts - _RANGE if counts & _SIGN else counts
        self._sequence = (self._sequence + 1) & 0xFFFF
