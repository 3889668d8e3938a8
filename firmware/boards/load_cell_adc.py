"""What the two load-cell converters have in common: 24 bits shifted out behind a ready signal, without waiting.

Knows two pins (`dout.value()`, `sck.on()`, `sck.off()`), the interrupts and a microsecond clock, all handed in. Must
not know which chip it is, weights, or registers.

A conversion is on offer while DOUT is low. SCK must never stay high for long: the HX711 powers down after 60 us and
comes back with its gain reset (SparkFun's data sheet: 50 us at the most). So interrupts are off while SCK is high, and
how long it was is measured all the same: a stall nobody could mask (flash, another core) throws the conversion away.
SCK may stay low for any time, so interrupts are on again between the pulses.
"""

from protocols import quality as qualities
from protocols.compat import TICKS_MASK, const, ticks_add, ticks_diff

BITS = const(24)
HIGH_MAX_US = const(50)

_SIGN = const(0x800000)
_RANGE = const(0x1000000)


class LoadCellAdc:
    """`counts` is the last settled conversion, `sequence` its number modulo 2**16, `quality` BAD until there is one.

    `resets` counts how often the chip had to settle anew because its clock was stalled, `torn` the conversions that
    did not end as the chip ends them; both wrap at 2**16. Nothing here allocates.
    """

    def __init__(self, dout, sck, disable_irq, enable_irq, clock_us) -> None:  # type: ignore[no-untyped-def]  # the board's
        """`disable_irq()` returns what `enable_irq(state)` takes; `clock_us()` counts microseconds, 30 bits."""
        self.counts = 0
        self.sequence = 0
        self.quality = qualities.BAD
        self.resets = 0
        self.torn = 0
        self._dout_value = dout.value  # made once: in a read they would allocate
        self._sck_on = sck.on
        self._sck_off = sck.off
        self._disable_irq = disable_irq
        self._enable_irq = enable_irq
        self._clock_us = clock_us
        self._discard_left = 0
        self._is_timed = False
        self._settled_at_us = 0
        self._longest_us = 0
        self._value = 0
        sck.off()

    def is_ready(self) -> bool:
        """Return True while a conversion is on offer."""
        return not self._dout_value()

    def settle(self, conversions: int, duration_us: int) -> None:
        """Begin to settle: `conversions` are thrown away, and every one that comes before `duration_us` is over."""
        self.quality = qualities.BAD
        self._discard_left = conversions
        self._is_timed = duration_us > 0
        self._settled_at_us = ticks_add(self._clock_us(), duration_us)

    def read(self, pulses: int) -> bool:
        """Take a conversion on offer with `pulses` clock pulses; False if none is ready.

        The caller looks at `is_stalled` and `is_torn`, and then drops the conversion or has `keep` publish it.
        """
        if self._dout_value():
            return False
        disable_irq = self._disable_irq  # names of the function are found without looking them up
        enable_irq = self._enable_irq
        clock_us = self._clock_us
        dout = self._dout_value
        high = self._sck_on
        low = self._sck_off
        longest_us = 0
        value = 0
        for pulse in range(pulses):
            state = disable_irq()
            begun_us = clock_us()
            high()
            low()
            ended_us = clock_us()
            bit = dout()
            enable_irq(state)
            lasted_us = (ended_us - begun_us) & TICKS_MASK
            if lasted_us > longest_us:
                longest_us = lasted_us
            if pulse < BITS:
                value = value << 1 | bit
        self._longest_us = longest_us
        self._value = value - _RANGE if value & _SIGN else value
        return True

    def is_stalled(self) -> bool:
        """Return True if SCK was high for too long in the last read: the chip may have powered down."""
        return self._longest_us > HIGH_MAX_US

    def is_torn(self) -> bool:
        """Return True if DOUT is low right after a read: both chips drive it high with the 25th pulse."""
        return self.is_ready()

    def show(self, values: list[int], quality: list[int], at: int) -> None:
        """Fill the two inputs of the converter, `at` and the one behind."""
        values[at] = self.counts
        values[at + 1] = self.sequence
        quality[at] = self.quality
        quality[at + 1] = self.quality

    def keep(self) -> bool:
        """Publish the conversion just read unless the chip is still settling; True if it is a new one."""
        if self._is_timed and ticks_diff(self._clock_us(), self._settled_at_us) < 0:
            return False
        self._is_timed = False
        if self._discard_left:
            self._discard_left -= 1
            return False
        self.counts = self._value
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.quality = qualities.GOOD
        return True
