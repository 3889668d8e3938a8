"""What has happened and when, until the host fetches it: a ring of fixed size.

Knows entries as they go over the wire. Must not know what a channel is. A full log keeps what it has and counts what
it lost: the beginning of a run explains more than its end.
"""

from protocols.bigendian import put_i32
from protocols.compat import const
from protocols.rig.messages import ENTRY_SIZE

CAPACITY = const(512)


class Log:
    """`add` one entry, `take_into` a frame. `lost` wraps at 2**16. Nothing here allocates."""

    def __init__(self) -> None:
        self.count = 0
        self.lost = 0
        self._head = 0
        self._entries = bytearray(CAPACITY * ENTRY_SIZE)

    def clear(self) -> None:
        """Forget everything, the count of what was lost included."""
        self.count = 0
        self.lost = 0

    def add(self, at_us: int, channel: int, value: int) -> None:
        """Keep an entry, or count it as lost."""
        if self.count == CAPACITY:
            self.lost = (self.lost + 1) & 0xFFFF
            return
        at = (self._head + self.count) % CAPACITY * ENTRY_SIZE
        put_i32(self._entries, at, at_us)
        self._entries[at + 4] = channel
        self._entries[at + 5] = value
        self.count += 1

    def take_into(self, buffer: bytearray, at: int, most: int) -> int:
        """Move the oldest entries to `buffer[at]`, at most `most`; return how many."""
        moved = 0
        while moved < most and self.count:
            source = self._head * ENTRY_SIZE
            for offset in range(ENTRY_SIZE):
                buffer[at + offset] = self._entries[source + offset]
            at += ENTRY_SIZE
            self._head = (self._head + 1) % CAPACITY
            self.count -= 1
            moved += 1
        return moved
