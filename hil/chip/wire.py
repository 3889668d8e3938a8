"""Characters on their way into a UART of an emulated chip, one character time apart, and the UART's FIFO.

Knows the chip's clock. Must not know who sent them, or what they say. A UART interrupts its processor when its FIFO has
filled up to the level the program has set, or when a character waits there and none followed for 32 bit times (RP2040
data sheet 4.2.6.3); the emulator's does at each character. So characters are kept here until then.
"""

from __future__ import annotations

from hil.chip.emulator import Chip

_TIMEOUT_BITS = 32


class Wire:
    """`put` bytes; each arrives when the one before it has."""

    def __init__(self, chip: Chip, uart: int, bits: int, baud: int) -> None:
        """`bits` are those of a character, with start and stop."""
        self.character_us = _bits_us(bits, baud)
        self._timeout_us = _bits_us(_TIMEOUT_BITS, baud)
        self._chip = chip
        self._uart = uart
        self._queue = bytearray()
        self._fifo = bytearray()
        self._arrival = chip.create_alarm(self._arrive)
        self._timeout = chip.create_alarm(self._interrupt)

    def put(self, data: bytes, after_us: int = -1) -> None:
        """Let bytes arrive, the first after `after_us` or else a character time; behind those on their way already."""
        is_free = not self._queue
        self._queue += data
        if is_free and data:
            self._arrival(self.character_us if after_us < 0 else after_us)

    @property
    def is_busy(self) -> bool:
        """Whether a character is on its way."""
        return bool(self._queue or self._fifo)

    def _arrive(self) -> None:
        self._fifo.append(self._queue[0])
        del self._queue[0]
        if len(self._fifo) >= self._chip.uart_level(self._uart):
            self._interrupt()
        else:
            self._timeout(self._timeout_us)
        if self._queue:
            self._arrival(self.character_us)

    def _interrupt(self) -> None:
        for byte in self._fifo:
            self._chip.feed_uart(self._uart, byte)
        self._fifo.clear()


def _bits_us(bits: int, baud: int) -> int:
    """Time of `bits` bits, rounded up."""
    return -(-bits * 1_000_000 // baud)
