"""Changes of the senses as an interrupt sees them, until the loop takes them: a ring of fixed size.

Knows clocks and levels. Must not know pins. One writer, the interrupt; one reader, the loop.
"""

from protocols.compat import const

_SIZE = const(128)


class Edges:
    """`put` from the interrupt; `take` moves the oldest into `at_us` and `levels`. `lost` wraps at 2**16."""

    def __init__(self) -> None:
        self.at_us = 0
        self.levels = 0
        self.lost = 0
        self._clocks = [0] * _SIZE
        self._levels = [0] * _SIZE
        self._head = 0
        self._tail = 0

    def put(self, now_us: int, levels: int) -> None:
        """Keep one look at the pins, or count it as lost."""
        head = (self._head + 1) % _SIZE
        if head == self._tail:
            self.lost = (self.lost + 1) & 0xFFFF
            return
        self._clocks[self._head] = now_us
        self._levels[self._head] = levels
        self._head = head

    def take(self) -> bool:
        """Move the oldest look out; False when there is none."""
        if self._tail == self._head:
            return False
        self.at_us = self._clocks[self._tail]
        self.levels = self._levels[self._tail]
        self._tail = (self._tail + 1) % _SIZE
        return True
