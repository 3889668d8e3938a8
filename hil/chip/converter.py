"""A load-cell converter of the kind HX711 on the instrument connector of a carrier card.

Knows its two wires and its pulses. Must not know what its counts weigh, or when it converts.
"""

from __future__ import annotations

from firmware.boards.rp2 import wiring
from hil.chip.emulator import HIGH, LOW, Chip

_BITS = 24
_PULSES = 25  # of a read on channel A, gain 128


class Converter:
    """`offer` a conversion: DATA is low until it has been read, and high from the 25th pulse to the next one.

    `reads` counts whole reads.
    """

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self._counts = 0
        self._waiting: int | None = None
        self._pulses = 0
        self.reads = 0
        chip.on_pin(wiring.LINE_TX, self._on_clock)

    def offer(self, counts: int) -> None:
        """A conversion is done; it takes the place of one nobody has begun to read, and waits for the end of a read."""
        if 0 < self._pulses < _PULSES:
            self._waiting = counts
            return
        self._counts = counts
        self._pulses = 0
        self._chip.drive(wiring.LINE_RX, LOW)

    def _on_clock(self, level: int) -> None:
        if level != HIGH or self._pulses == _PULSES:
            return
        self._pulses += 1
        if self._pulses <= _BITS:
            self._chip.drive(wiring.LINE_RX, self._counts >> (_BITS - self._pulses) & 1)
            return
        self._chip.drive(wiring.LINE_RX, HIGH)
        self.reads += 1
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self.offer(waiting)
