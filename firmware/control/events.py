"""The ring of numbered event records that every role writes and the hub reads over the register map.

Knows the slot layout of `protocols.events` and nothing of roles, registers or buses: the application lays the ring's
bytes over the input registers of the map, so a push is at once readable on the wire. Must not know a clock: the
application sets `uptime_s` and `millisecond` before every scan.

Event n (numbered from 1 at every boot) stands in slot (n - 1) modulo capacity; a reader that falls more than
`capacity` events behind sees that from the sequence numbers, so a loss is never silent.
"""

from protocols.compat import const
from protocols.events import SLOT_SIZE, write_slot

_SEQUENCE_MASK = const(0x3FFFFFFF)


class EventRing:
    """Event slots over a caller-owned buffer of `capacity * 16` bytes (bytearray or memoryview)."""

    def __init__(self, data: bytearray | memoryview, capacity: int) -> None:
        assert capacity > 0
        assert len(data) == capacity * SLOT_SIZE
        self.data = data
        self.capacity = capacity
        self.head = 0
        self.uptime_s = 0
        self.millisecond = 0

    def push(self, code: int, argument: int) -> None:
        """Append one event, overwriting the oldest; allocates nothing while all values are below 2**30."""
        offset = (self.head % self.capacity) * SLOT_SIZE
        self.head = (self.head + 1) & _SEQUENCE_MASK
        write_slot(self.data, offset, self.head, self.uptime_s, self.millisecond, code, argument)
