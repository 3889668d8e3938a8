"""The USB console of an emulated RP2040 as a board's port, in the chip's own time.

Knows: when USB is gone and back. Must not know: what is said. Nothing here looks at a wall clock, so that a measurement
repeats; a host that is slow to answer is therefore not in it.
"""

from __future__ import annotations

from edge.boards.wire import GoneError, Wire
from hil.chip.emulator import Chip

PORT = "the emulated RP2040"
_TURN_US = 100


class ChipWire(Wire):
    """The port is gone when the chip resets, as USB is; then it is opened anew."""

    def __init__(self, chip: Chip) -> None:
        super().__init__(PORT)
        self._chip = chip
        self._resets = len(chip.resets)
        chip.console.clear()

    @property
    def now_s(self) -> float:
        return self._chip.now_us / 1_000_000

    def receive(self, timeout_s: float) -> bytes:
        until_us = self._chip.now_us + int(timeout_s * 1_000_000)
        while not self._chip.console and self._chip.now_us < until_us:
            self._chip.advance(_TURN_US)
            self._check()
        data = bytes(self._chip.console)
        self._chip.console.clear()
        return data

    def inWaiting(self) -> int:  # mpremote calls it so
        self._chip.advance(_TURN_US)  # or nothing would ever come while it is asked
        return super().inWaiting()

    def write(self, data: bytes) -> None:
        self._check()
        self._chip.say(data)
        self._check()

    def close(self) -> None:
        """Nothing is held."""

    def _check(self) -> None:
        if len(self._chip.resets) != self._resets:
            raise GoneError("the emulated RP2040 has reset")
