"""The Wiegand pulse catcher: two wires idle high, a pulse on one of them is one bit.

Knows edges. Must not know frames of bits. Stands where a serial port would: one byte per bit, 0 or 1.
"""

from firmware.ports import NullUart
from protocols.compat import const

# Two frames of 37 bits between two polls.
_SIZE = const(128)


class PulseCatcher(NullUart):
    """`lost` counts bits that found the buffer full, wrapping at 2**16."""

    def __init__(self, zero, one, falling: int) -> None:
        """`zero` and `one` are the pins of the two wires, `falling` the port's number for a falling edge."""
        self.timed = 0
        self.silence_us = 0
        self.stream = None  # select cannot wait for pulses
        self.lost = 0
        self._bits = bytearray(_SIZE)
        self._head = 0
        self._tail = 0
        zero.irq(self._on_zero, falling)
        one.irq(self._on_one, falling)

    def has_received(self) -> bool:
        """Tell whether bits wait."""
        return self._head != self._tail

    def read_into(self, buffer: bytearray) -> int:
        """Move the bits caught since the last call."""
        count = 0
        while self._tail != self._head and count < len(buffer):
            buffer[count] = self._bits[self._tail]
            self._tail = (self._tail + 1) % _SIZE
            count += 1
        return count

    def write(self, buffer: bytearray, size: int) -> int:
        """A Wiegand reader is not spoken to."""
        return 0

    def _on_zero(self, pin) -> None:
        self._put(0)

    def _on_one(self, pin) -> None:
        self._put(1)

    def _put(self, bit: int) -> None:
        head = (self._head + 1) % _SIZE
        if head == self._tail:
            self.lost = (self.lost + 1) & 0xFFFF
            return
        self._bits[self._head] = bit
        self._head = head
