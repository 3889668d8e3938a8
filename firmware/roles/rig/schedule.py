"""What is to happen at which time: a queue in the order of its times, of fixed size.

Knows times and two numbers beside each. Must not know what they mean. Entries of the same time keep their order.
"""

from protocols.compat import const

CAPACITY = const(256)


class Schedule:
    """`add` in any order, look at the first one and `drop` it; a full queue takes nothing. Nothing here allocates."""

    def __init__(self) -> None:
        self.count = 0
        self._head = 0
        self._times = [0] * CAPACITY
        self._channels = bytearray(CAPACITY)
        self._values = bytearray(CAPACITY)

    def clear(self) -> None:
        """Forget everything."""
        self.count = 0

    def add(self, at_us: int, channel: int, value: int) -> bool:
        """Put an entry behind those of the same time; False when there is no place."""
        if self.count == CAPACITY:
            return False
        free = self._place(self.count)
        for index in range(self.count - 1, -1, -1):
            other = self._place(index)
            if self._times[other] <= at_us:
                break
            self._move(other, free)
            free = other
        self._times[free] = at_us
        self._channels[free] = channel
        self._values[free] = value
        self.count += 1
        return True

    def next_us(self) -> int:
        """The time of the first entry, -1 when there is none."""
        return self._times[self._head] if self.count else -1

    @property
    def channel(self) -> int:
        """Of the first entry."""
        return self._channels[self._head]

    @property
    def value(self) -> int:
        """Of the first entry."""
        return self._values[self._head]

    def drop(self) -> None:
        """Forget the first entry."""
        self._head = self._place(1)
        self.count -= 1

    def _place(self, index: int) -> int:
        return (self._head + index) % CAPACITY

    def _move(self, source: int, target: int) -> None:
        self._times[target] = self._times[source]
        self._channels[target] = self._channels[source]
        self._values[target] = self._values[source]
