"""What the barrier has on its medium besides its settings: learned travel times and the counters of its life.

Knows the record layout, the store port and when the core wants to be kept. Must not know what a value means. Runs
outside the heap guard, in a scan in which nothing moves.

*Copy*: one record, `retained_a.bin` or `retained_b.bin`. Big-endian: magic u16, format u8, count u8, sequence u32, one
u32 per value in the core's order, CRC-16. The copy with the higher sequence is in force, the other one is written next,
so a write that is cut leaves the values of the write before. A record of another count is not taken: it is of another
firmware, and its values would be read for what they are not.
"""

import struct

from firmware.app.settings import Settings
from firmware.control.barrier import RETAINED_COUNT, Barrier
from firmware.control.events import EventRing
from firmware.ports import RESET_POWER_ON, STORE_ABSENT, STORE_FAILED, NullStore
from protocols.compat import const
from protocols.crc import crc16
from protocols.registers import barrier as regs

COPY_NAMES = ("retained_a.bin", "retained_b.bin")

_MAGIC = const(0x5352)
_FORMAT = const(1)
_HEADER = ">HBBI"
_HEADER_SIZE = const(8)
_BROKEN = const(0)  # the first sequence is 1
_SIZE = _HEADER_SIZE + 4 * RETAINED_COUNT + 2
_SEQUENCE_MAX = const(0x3FFFFFFF)


class BarrierKeeper:
    """Loads the values into the core at the start, stores them when it asks. `is_usable`: the medium could be read."""

    def __init__(self, store: NullStore, settings: Settings, ring: EventRing, key: bytes) -> None:
        self.is_usable = False
        self._store = store
        self._settings = settings
        self._values = [0] * RETAINED_COUNT
        self._record = bytearray(_SIZE)
        self._scratch = bytearray(_SIZE + 1)
        self._sequence = 0
        self._next_copy = 0
        self._is_failing = False

    def start(self, core: Barrier, reset_cause: int) -> None:
        """Give the core what the medium knows and store it anew with this start. May block for the store."""
        core.restore(self._values, self._load())
        if reset_cause == RESET_POWER_ON:
            core.note_power_on()
        self.serve(core)

    def serve(self, core: Barrier) -> None:
        """Store what the core holds now over the older copy."""
        core.keep(self._values)
        if self._save():
            core.note_kept()
            if self._is_failing:
                self._settings.store_fault = False
            self._is_failing = False
        else:
            self._is_failing = True
            self._settings.store_fault = True

    def _load(self) -> int:
        """Take the newest whole copy into the values; return COUNTERS_SOURCE_*.

        A medium that cannot be read is not written either: the copies may be whole.
        """
        found = [self._examine(0), self._examine(1)]
        self.is_usable = STORE_FAILED not in found
        newest = 1 if found[1] > found[0] else 0
        if found[newest] <= _BROKEN:
            return regs.COUNTERS_SOURCE_NEW if found == [STORE_ABSENT, STORE_ABSENT] else regs.COUNTERS_SOURCE_LOST
        self._sequence = self._examine(newest)
        if self._sequence <= _BROKEN:
            self.is_usable = False
            return regs.COUNTERS_SOURCE_LOST
        self._next_copy = 1 - newest
        for index in range(RETAINED_COUNT):
            self._values[index] = struct.unpack_from(">I", self._scratch, _HEADER_SIZE + 4 * index)[0]
        return regs.COUNTERS_SOURCE_BOTH if found[1 - newest] > _BROKEN else regs.COUNTERS_SOURCE_ONE_COPY

    def _examine(self, copy: int) -> int:
        """Read one copy into the scratch; its sequence, _BROKEN, or STORE_*."""
        size = self._store.read(COPY_NAMES[copy], self._scratch)
        if size == STORE_FAILED:  # once more: a single failed read must not cost a good copy
            size = self._store.read(COPY_NAMES[copy], self._scratch)
        if size < 0:
            return size
        data = self._scratch
        if size != _SIZE or struct.unpack_from(">H", data, _SIZE - 2)[0] != crc16(data, 0, _SIZE - 2):
            return _BROKEN
        magic, layout, count, sequence = struct.unpack_from(_HEADER, data, 0)
        return int(sequence) if (magic, layout, count) == (_MAGIC, _FORMAT, RETAINED_COUNT) else _BROKEN

    def _save(self) -> bool:
        """True once the record is on the medium and read back; the newer copy is never touched."""
        if not self.is_usable or self._sequence >= _SEQUENCE_MAX:
            return False
        record = self._record
        struct.pack_into(_HEADER, record, 0, _MAGIC, _FORMAT, RETAINED_COUNT, self._sequence + 1)
        for index in range(RETAINED_COUNT):
            struct.pack_into(">I", record, _HEADER_SIZE + 4 * index, self._values[index])
        struct.pack_into(">H", record, _SIZE - 2, crc16(record, 0, _SIZE - 2))
        name = COPY_NAMES[self._next_copy]
        if not self._store.write(name, record, _SIZE):
            return False
        if self._store.read(name, self._scratch) != _SIZE or self._scratch[:_SIZE] != record:
            return False
        self._sequence += 1
        self._next_copy = 1 - self._next_copy
        return True
