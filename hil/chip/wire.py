"""Characters on their way into a UART of an emulated chip, one character time apart.

Knows the chip's clock. Must not know who sent them, or what they say.
"""

from __future__ import annotations

from hil.chip.emulator import Chip


class Wire:
    """`put` bytes; each arrives when the one before it has."""

    def __init__(self, chip: Chip, uart: int, character_us: int) -> None:
        self.character_us = character_us
        self._chip = chip
        self._uart = uart
        self._queue = bytearray()
        self._alarm = chip.create_alarm(self._arrive)

    def put(self, data: bytes, after_us: int = -1) -> None:
        """Let bytes arrive, the first after `after_us` or else a character time; behind those on their way already."""
        is_free = not self._queue
        self._queue += data
        if is_free and data:
            self._alarm(self.character_us if after_us < 0 else after_us)

    @property
    def is_busy(self) -> bool:
        """Whether a character is on its way."""
        return bool(self._queue)

    def _arrive(self) -> None:
        self._chip.feed_uart(self._uart, self._queue[0])
        del self._queue[0]
        if self._queue:
            self._alarm(self.character_us)


def character_us(bits: int, baud: int) -> int:
    """Time of one character of `bits` bits, rounded up."""
    return -(-bits * 1_000_000 // baud)
