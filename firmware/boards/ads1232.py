"""The ADS1232 load-cell converter behind two pins and, where it is wired, its power-down pin.

Knows its pulse counts, settling and offset calibration: 24 pulses for the bits, a 25th that drives DOUT high, a 26th
that begins an offset calibration (TI SBAS350F). Gain, channel and speed are strapped on the card.
"""

from firmware.boards.load_cell_adc import LoadCellAdc
from protocols.compat import const

_PULSES = const(25)
_PULSES_CALIBRATE = const(26)

# After power-up, a change of channel or speed, or a calibration: the longest the data sheet has, that of 10 SPS.
_SETTLING_US = const(401000)


class Ads1232:
    """`poll` it between scans; `adc` has what was read."""

    def __init__(self, adc: LoadCellAdc, power_down=None) -> None:  # type: ignore[no-untyped-def]  # a pin or None
        """`power_down` is the PDWN pin, low = off, or None when it is tied high."""
        self.adc = adc
        self._power_down = power_down
        self._is_on = False
        self._pulses = _PULSES
        if power_down is not None:
            power_down.off()

    def poll(self) -> bool:
        """Take a conversion if one is ready; True if `adc.counts` is a new settled one. Never waits."""
        adc = self.adc
        if not self._is_on:
            self._switch_on()
            return False
        if not adc.read(self._pulses):
            return False
        calibrates = self._pulses == _PULSES_CALIBRATE
        self._pulses = _PULSES
        if adc.is_stalled():
            adc.resets = (adc.resets + 1) & 0xFFFF
            self._settle()
            return False
        if adc.is_torn():
            adc.torn = (adc.torn + 1) & 0xFFFF
            self._settle()
            return False
        if calibrates:
            self._settle()
            return False
        return adc.keep()

    def calibrate_offset(self) -> None:
        """Have the chip measure its own offset after the next conversion; it is silent meanwhile, then settles."""
        self._pulses = _PULSES_CALIBRATE

    def restart(self) -> None:
        """Switch the chip off until the next poll, for one that fell silent. Does nothing without its pin."""
        if self._power_down is not None:
            self._power_down.off()
            self._is_on = False

    def _switch_on(self) -> None:
        if self._power_down is not None:
            self._power_down.on()
        self._is_on = True
        self._settle()

    def _settle(self) -> None:
        self.adc.settle(0, _SETTLING_US)
