"""The HX711 load-cell converter behind two pins.

Knows its pulse counts, its settling and how it loses its gain. The number of pulses of one read selects channel and
gain of the *next* conversion; 25, 26 or 27, never another number. After power-down it is on channel A, gain 128, so
after a doubtful read it is told its channel again and four conversions are thrown away.
"""

from firmware.boards.load_cell_adc import LoadCellAdc
from protocols.compat import const

CHANNEL_A_128 = const(25)
CHANNEL_B_32 = const(26)
CHANNEL_A_64 = const(27)

_SETTLING_COUNT = const(4)


class Hx711:
    """`poll` it between scans; `adc` has what was read."""

    def __init__(self, adc: LoadCellAdc, pulses: int = CHANNEL_A_128) -> None:
        """`pulses` is the channel, one of CHANNEL_*."""
        if pulses < CHANNEL_A_128 or pulses > CHANNEL_A_64:
            raise ValueError("{} pulses: the HX711 takes 25, 26 or 27".format(pulses))
        self.adc = adc
        self._pulses = pulses
        self._is_started = False

    def poll(self) -> bool:
        """Take a conversion if one is ready; True if `adc.counts` is a new settled one. Never waits."""
        adc = self.adc
        if not self._is_started:
            self._is_started = True
            self._settle()
        if not adc.read(self._pulses):
            return False
        if adc.is_stalled():
            adc.resets = (adc.resets + 1) & 0xFFFF
            self._settle()
            return False
        if adc.is_torn():
            adc.torn = (adc.torn + 1) & 0xFFFF
            self._settle()
            return False
        return adc.keep()

    def _settle(self) -> None:
        """One more than the four: the first conversion after a reset may still be of the default channel."""
        self.adc.settle(_SETTLING_COUNT + 1, 0)
