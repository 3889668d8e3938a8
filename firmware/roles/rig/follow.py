"""Inputs of the device that follow its outputs: a test input answered, a contact wired to a relay, with their delays.

Knows levels and times. Must not know what they are called. A row wants its target on while one of its two sources is on
(inverted: while none is), and moves it when it has wanted so without a break for the delay of that direction. This is
how curtain, edge and loop of `sim_devices/sensors/` answer.
"""

from protocols.compat import const
from protocols.rig.messages import NONE, OFF

CAPACITY = const(16)


class Follow:
    """Rows are laid down with `add`; `update` looks at the sources, `move` lets a row that is due move its target."""

    def __init__(self) -> None:
        self.count = 0
        self._targets = bytearray(CAPACITY)
        self._first = bytearray(CAPACITY)
        self._second = bytearray(CAPACITY)
        self._inverted = bytearray(CAPACITY)
        self._shown = bytearray(CAPACITY)
        self._on_us = [0] * CAPACITY
        self._off_us = [0] * CAPACITY
        self._due_us = [-1] * CAPACITY

    def clear(self) -> None:
        """Forget every row."""
        self.count = 0

    def add(self, target: int, first: int, second: int, inverted: int, on_us: int, off_us: int) -> bool:
        """Lay down a row, which shows what it wants with every source off; False when there is no place."""
        if self.count == CAPACITY:
            return False
        index = self.count
        self._targets[index] = target
        self._first[index] = first
        self._second[index] = second
        self._inverted[index] = inverted
        self._shown[index] = inverted
        self._on_us[index] = on_us
        self._off_us[index] = off_us
        self._due_us[index] = -1
        self.count += 1
        return True

    def target(self, index: int) -> int:
        """The channel a row moves."""
        return self._targets[index]

    def shown(self, index: int) -> int:
        """What a row shows."""
        return self._shown[index]

    def update(self, levels: bytearray, at_us: int) -> None:
        """Sources changed at `at_us`: rows begin to wait, or cease."""
        for index in range(self.count):
            if self._wanted(index, levels) == self._shown[index]:
                self._due_us[index] = -1
            elif self._due_us[index] < 0:
                delay_us = self._off_us[index] if self._shown[index] else self._on_us[index]
                self._due_us[index] = at_us + delay_us

    def first_due(self) -> int:
        """The row that is due first, -1 when none waits."""
        first = -1
        for index in range(self.count):
            due_us = self._due_us[index]
            if due_us >= 0 and (first < 0 or due_us < self._due_us[first]):
                first = index
        return first

    def due_us(self, index: int) -> int:
        """When a row that waits is due."""
        return self._due_us[index]

    def move(self, index: int) -> None:
        """Let a row show what it has wanted."""
        self._shown[index] ^= 1
        self._due_us[index] = -1

    def _wanted(self, index: int, levels: bytearray) -> int:
        second = self._second[index]
        level = levels[self._first[index]] | (levels[second] if second != NONE else OFF)
        return level ^ self._inverted[index]
