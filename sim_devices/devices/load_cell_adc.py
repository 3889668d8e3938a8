"""Load-cell converters on their two wires: the HX711 and the ADS1232 bit by bit, with their timing and their traps.

Wire face: pins with `value`, `on`, `off`, and a microsecond clock that moves with every access, as a processor's does.
Bench face: `level` (what an ideal converter would read at gain 128), `stall`, `violations`. Knows the data sheets'
figures (SparkFun HX711, TI SBAS350F). Must not know drivers, decks or registers.
"""

from __future__ import annotations

HIGH_MAX_US = 50
POWER_DOWN_US = 60
SETTLING_US = 400_000
ACCESS_US = 2  # a pin access of a slow interpreter

_BITS = 24
_MASK = 0xFFFFFF
_COUNTS_MAX = 0x7FFFFF
_COUNTS_MIN = -0x800000
_HX711_SCALE = {25: (1, 1), 26: (1, 4), 27: (1, 2)}  # gain 128, 32, 64


class PinView:
    """One wire as a driver sees it."""

    def __init__(self, chip: AdcChip, wire: str) -> None:
        self._chip = chip
        self._wire = wire

    def value(self) -> int:
        """The level on the wire."""
        self._chip.pass_time()
        return self._chip.dout_level() if self._wire == "dout" else self._chip.sck_level

    def on(self) -> None:
        """Drive it high."""
        self._chip.drive(self._wire, 1)

    def off(self) -> None:
        """Drive it low."""
        self._chip.drive(self._wire, 0)


class AdcChip:
    """What both chips share: conversions at `rate_sps`, 24 bits shifted out, timing watched.

    `violations` lists what a data sheet forbids and the driver did. `now_us` may be moved forward by the bench.
    """

    def __init__(self, rate_sps: int = 10) -> None:
        self.now_us = 0
        self.level = 0
        self.sck_level = 0
        self.violations: list[str] = []
        self.conversions = 0
        self.is_guarded = False
        self._period_us = 1_000_000 // rate_sps
        self._rose_us = 0
        self._pulses = 0
        self._ready = False
        self._word = 0
        self._ready_us = SETTLING_US
        self._stalls: dict[int, int] = {}
        self._rises = 0
        self._is_on = True

    def pin(self, wire: str) -> PinView:
        """The view of one wire: dout, sck, or power_down of an ADS1232."""
        return PinView(self, wire)

    def stall(self, rise: int, duration_us: int) -> None:
        """Keep SCK high for `duration_us` at its `rise`-th rising edge from now, as a stalled processor would."""
        self._stalls[self._rises + rise] = duration_us

    def disable_irq(self) -> int:
        """The processor's interrupts, off; returns the state before."""
        before, self.is_guarded = self.is_guarded, True
        return int(not before)

    def enable_irq(self, state: int) -> None:
        """Back to `state`."""
        self.is_guarded = not state

    def clock_us(self) -> int:
        """The processor's microsecond counter, 30 bits."""
        return self.now_us & 0x3FFFFFFF

    def dout_level(self) -> int:
        """Low while a conversion waits; the bits while it is shifted out."""
        self._convert()
        if not self._is_on or (self._pulses == 0 and not self._ready):
            return 1
        if self._pulses == 0:
            return 0
        return self._word >> (_BITS - self._pulses) & 1 if self._pulses <= _BITS else 1

    def pass_time(self) -> None:
        """An access takes its time."""
        self.now_us += ACCESS_US

    def drive(self, wire: str, level: int) -> None:
        """A driver's edge on a wire."""
        self.pass_time()
        if wire != "sck":
            self._drive_other(wire, level)
        elif level != self.sck_level:
            self.sck_level = level
            if level:
                self._rise()
            else:
                self._fall()

    def _rise(self) -> None:
        self._convert()
        self._rises += 1
        self._rose_us = self.now_us
        if not self.is_guarded:
            self.violations.append("SCK high with interrupts on")
        if not self._is_on:
            return
        if not self._ready and self._pulses == 0:
            self.violations.append("pulse without a conversion")
            return
        self._pulses += 1
        self.now_us += self._stalls.pop(self._rises, 0)

    def _fall(self) -> None:
        high_us = self.now_us - self._rose_us
        if high_us > HIGH_MAX_US:
            self.violations.append(f"SCK high for {high_us} us")
        if high_us > POWER_DOWN_US:
            self._power_down()

    def _convert(self) -> None:
        """Finish the conversion that is due. A frame that was begun ends when the next conversion is there."""
        if not self._is_on or self.now_us < self._ready_us:
            return
        if self._pulses:
            self._end_frame(self._pulses)
        while self._ready_us <= self.now_us:
            self._ready_us += self._period_us
            self.conversions += 1
        self._pulses = 0
        self._ready = True
        self._word = self._measure() & _MASK

    def _measure(self) -> int:
        return max(_COUNTS_MIN, min(_COUNTS_MAX, self.level))

    def _end_frame(self, pulses: int) -> None:
        raise NotImplementedError

    def _power_down(self) -> None:
        raise NotImplementedError

    def _drive_other(self, wire: str, level: int) -> None:
        raise ValueError(f"wire {wire!r} is no input of this chip")

    def _begin(self, wait_us: int) -> None:
        """Nothing to offer until `wait_us` from now."""
        self._pulses = 0
        self._ready = False
        self._ready_us = self.now_us + wait_us


class Hx711Chip(AdcChip):
    """The pulses of a frame choose the channel of the next conversion; a change of it takes four to settle.

    `pulses` is the channel in force. While it settles after a reset or a change, it reads what is half way to `level`.
    """

    def __init__(self, rate_sps: int = 10) -> None:
        super().__init__(rate_sps)
        self.pulses = 25
        self._settling = 4
        self._ready_us = self._period_us

    def _measure(self) -> int:
        up, down = _HX711_SCALE[self.pulses]
        if self._settling:
            self._settling -= 1
            return self.level * up // down // 2
        return max(_COUNTS_MIN, min(_COUNTS_MAX, self.level * up // down))

    def _end_frame(self, pulses: int) -> None:
        if pulses not in _HX711_SCALE:
            self.violations.append(f"{pulses} pulses in a frame")
        elif pulses != self.pulses:
            self.pulses = pulses
            self._settling = 4

    def _power_down(self) -> None:
        """SCK was high too long; it is low again, so the chip starts over on channel A with gain 128."""
        self.pulses = 25
        self._settling = 4
        self._begin(self._period_us)


class Ads1232Chip(AdcChip):
    """Silent for SETTLING_US after power-up and calibration, settled then. `offset` is taken out by a calibration."""

    def __init__(self, rate_sps: int = 10, offset: int = 0) -> None:
        super().__init__(rate_sps)
        self.offset = offset
        self.calibrations = 0

    def _measure(self) -> int:
        return max(_COUNTS_MIN, min(_COUNTS_MAX, self.level + self.offset))

    def _fall(self) -> None:
        super()._fall()
        if self._pulses == 26:
            self.calibrations += 1
            self.offset = 0
            self._begin(2 * SETTLING_US)

    def _end_frame(self, pulses: int) -> None:
        if pulses != 25:
            self.violations.append(f"{pulses} pulses in a frame")

    def _power_down(self) -> None:
        """SCK held high is standby for this chip; it converts again once SCK is low."""
        self._begin(SETTLING_US)

    def _drive_other(self, wire: str, level: int) -> None:
        if wire != "power_down":
            super()._drive_other(wire, level)
        self._is_on = bool(level)
        self._begin(SETTLING_US)
