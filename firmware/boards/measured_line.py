"""A field line on which a measuring unit talks: its values become inputs, everything else goes to the core as ever.

Knows the unit's frames, the port and a clock. Must not know a role. Values older than SILENCE_MS are BAD: nobody knows
what stands on the plates then.
"""

from firmware.ports import NullClock, NullUart
from protocols.charger.measuring import MEASURED_COUNT, SILENCE_MS, VEHICLE_COUNT, UnitReceiver
from protocols.compat import const, ticks_diff
from protocols.quality import BAD, GOOD

# Beside the unit's bits of what is good.
_SILENT = const(-1)
_NOTHING_SHOWN = const(-2)
_CHUNK_SIZE = const(96)  # what is left of a frame and this fit into what the field line takes from a port at once


class MeasuredLine(NullUart):
    """`show` fills the inputs behind the digital ones: the five measured values, then the vehicle's last frame."""

    def __init__(self, port, clock: NullClock) -> None:  # type: ignore[no-untyped-def]  # the board's serial port
        self.timed = 0
        self.silence_us = 0
        self.receiver = UnitReceiver()
        self._port = port
        self._clock = clock
        self._chunk = bytearray(_CHUNK_SIZE)
        self._count = 0
        self._heard_ms = 0
        self._is_silent = True  # until the first frame
        self._is_new = True
        self._shown: list[int] = []
        self._good = _NOTHING_SHOWN

    def write(self, buffer: bytearray, size: int) -> int:
        """Send."""
        return self._port.write(buffer, size)

    def read_into(self, buffer: bytearray) -> int:
        """Move received bytes that are not the unit's."""
        size = self._port.read_into(self._chunk)
        if not size:
            return 0
        self._is_new = True
        receiver = self.receiver
        size = receiver.take(self._chunk, size, buffer)
        if receiver.measured_count != self._count:
            self._count = receiver.measured_count
            self._heard_ms = self._clock.now_ms()
            self._is_silent = False
        return size

    def show(self, values: list[int], quality: list[int], at: int) -> None:
        """Fill the inputs from `at`, if anything came or went; a value keeps its last number when it is BAD.

        The lists are the same in every scan, and nobody else writes what is behind `at`.
        """
        if not self._is_silent and not 0 <= ticks_diff(self._clock.now_ms(), self._heard_ms) <= SILENCE_MS:
            self._is_silent = self._is_new = True
        is_fresh = values is not self._shown
        if not self._is_new and not is_fresh:
            return
        self._is_new = False
        self._shown = values
        receiver = self.receiver
        measured = receiver.measured
        for index in range(MEASURED_COUNT):
            values[at + index] = measured[index]
        vehicle = receiver.vehicle
        for index in range(VEHICLE_COUNT):
            values[at + MEASURED_COUNT + index] = vehicle[index]
        good = _SILENT if self._is_silent else receiver.good
        if good != self._good or is_fresh:
            self._good = good
            self._judge(quality, at)

    def _judge(self, quality: list[int], at: int) -> None:
        """The qualities, which seldom change: those of the unit's bits, and a vehicle's frame as long as it speaks."""
        good = 0 if self._is_silent else self._good
        for index in range(MEASURED_COUNT):
            quality[at + index] = GOOD if good >> index & 1 else BAD
        alive = BAD if self._is_silent else GOOD
        for index in range(MEASURED_COUNT, MEASURED_COUNT + VEHICLE_COUNT):
            quality[at + index] = alive
