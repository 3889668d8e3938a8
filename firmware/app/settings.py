"""Settings that survive power loss: two copies, each whole or recognisably broken, never a mixture.

Knows the record layout, the store port and the limits of the role's SETTINGS_TABLE. Must not know what a setting
means. Runs at start and on the command path only, so it may allocate; never inside a locked scan.

*Copy*: one record (protocols/settings_record.py), `settings_a.bin` or `settings_b.bin`.
*Sequence*: moves with every write; the higher good copy is in force and the other one is overwritten next.
*Epoch*: high part of the command nonce. It is stored before it is offered, so no nonce is ever used twice, and a block
that a device refuses because its store fails is not right after a later start either.
"""

import struct

from firmware.ports import STORE_ABSENT, STORE_FAILED, NullEntropy, NullStore
from protocols.command import NO_EPOCH
from protocols.compat import const
from protocols.settings_record import (
    BOOT_COUNT,
    CALIBRATION_COUNT,
    FLAG_LOST,
    FLAG_RECALIBRATE,
    FLAGS,
    GENERATION,
    NONCE_EPOCH,
    SEQUENCE,
    is_record,
    pack_record_into,
    record_size,
    unpack_head,
    unpack_value,
)

COPY_NAMES = ("settings_a.bin", "settings_b.bin")

SOURCE_BOTH = const(0)
SOURCE_A = const(1)
SOURCE_B = const(2)
SOURCE_DEFAULTS = const(3)

EPOCH_LAST = const(65534)
# No medium lives to see as many writes: a copy that claims more is damaged, and what follows it could not be stored.
SEQUENCE_LAST = const(0x3FFFFFFF)

_ENTRY = ">HBBiii"
_ENTRY_SIZE = const(16)
_GOOD = const(0)
_BAD = const(1)
_ABSENT = const(2)
_UNREADABLE = const(3)


class Settings:
    """The settings list and what is stored with it.

    `values` is shared with the control core and changed in place. After `load`: `source` tells where the values came
    from, `one_copy` whether fewer than two good copies exist, `defaulted` whether defaults stand for lost settings,
    `recalibration_due` whether they were calibrated with another board,
    `store_fault` whether the store failed last time, `epoch_usable` whether `nonce_epoch` is on the medium.
    """

    def __init__(self, map_id: int, map_version: int, table: bytes) -> None:
        self._map_id = map_id
        self._map_version = map_version
        self._table = table
        self.count = len(table) // _ENTRY_SIZE
        self.values = [self.limits(index)[2] for index in range(self.count)]
        self.source = SOURCE_DEFAULTS
        self.generation = 0
        self.boot_count = 0
        self.nonce_epoch = 0
        self.calibration_count = 0
        self.recalibration_due = False
        self.epoch_usable = False
        self.one_copy = True
        self.defaulted = False
        self.store_fault = False
        self._lost = False
        self._sequence = 0
        self._next_copy = 0
        self._copy_states = [_ABSENT, _ABSENT]
        self._size = record_size(self.count)
        self._record = bytearray(self._size)
        self._copies = [bytearray(self._size + 1), bytearray(self._size + 1)]
        self._sealed = False
        self._store = NullStore()

    def address(self, index: int) -> int:
        """Return the holding register of setting `index`."""
        return self._table[index * _ENTRY_SIZE] << 8 | self._table[index * _ENTRY_SIZE + 1]

    def width(self, index: int) -> int:
        """Return how many registers setting `index` takes, 1 or 2."""
        return self._table[index * _ENTRY_SIZE + 2]

    def limits(self, index: int) -> tuple[int, int, int]:
        """Return (min, max, default) of setting `index`. Allocates."""
        entry = struct.unpack_from(_ENTRY, self._table, index * _ENTRY_SIZE)
        return entry[3], entry[4], entry[5]

    def index_of(self, address: int) -> int:
        """Return the index of the setting whose holding register is `address`, or -1."""
        for index in range(self.count):
            if self.address(index) == address:
                return index
        return -1

    def is_allowed(self, index: int, value: int) -> bool:
        """Tell whether `value` lies within the limits of setting `index`."""
        low, high, _ = self.limits(index)
        return low <= value <= high

    def load(self, store: NullStore, entropy: NullEntropy) -> None:
        """Take the newest good copy into `values`, count this start and store it before anything is served.

        Never raises. When both copies exist but cannot be read, nothing is written either: they may be whole.
        """
        self._store = store
        sequences = [self._examine(0), self._examine(1)]
        states = self._copy_states
        self._choose(sequences)
        if self.source == SOURCE_DEFAULTS:
            self._start_from_defaults(entropy)
        self.boot_count = (self.boot_count + 1) & 0xFFFF
        if _UNREADABLE in states and self.source == SOURCE_DEFAULTS:
            self._sealed = True
            self.store_fault = True
            return
        self.save()
        if states[self._next_copy] != _GOOD:
            self.save()

    def save(self) -> bool:
        """Write the older copy and read it back; False leaves the newer copy alone and sets `store_fault`."""
        if self._sealed:
            return False
        self._pack(self._sequence + 1)
        copy = self._next_copy
        name = COPY_NAMES[copy]
        taken = self._store.write(name, self._record, self._size) and self._is_stored(name)
        self.store_fault = not taken
        self._copy_states[copy] = _GOOD if taken else _BAD
        self.one_copy = self._copy_states != [_GOOD, _GOOD]
        if taken:
            self._sequence += 1
            self._next_copy = 1 - copy
            self.epoch_usable = 0 < self.nonce_epoch <= EPOCH_LAST
        return taken

    def change(self, index: int, value: int, sealed: bool, is_recalibrated: bool = False) -> bool:
        """Store setting `index` as `value` (within its limits); on False nothing has changed in force.

        The refused record may be whole on the medium all the same, so the old set is then written over it: unless the
        store fails again, a refused value does not come into force at the next start. A change of a `sealed` setting is
        counted in `calibration_count`, stored in the same record; so is that this board `is_recalibrated` with it.
        """
        before = self.values[index], self.generation, self.calibration_count, self._lost
        was_due = self.recalibration_due
        self.values[index] = value
        self.generation = (self.generation + 1) & 0xFFFF
        if sealed and value != before[0]:
            self.calibration_count = (self.calibration_count + 1) & 0xFFFF
        self._lost = False
        if is_recalibrated:
            self.recalibration_due = False
        if self.save():
            self.defaulted = False
            return True
        self.values[index], self.generation, self.calibration_count, self._lost = before
        self.recalibration_due = was_due
        self.save()
        self.store_fault = True
        return False

    def offered_epoch(self) -> int:
        """Return the epoch the next command must carry, NO_EPOCH while `nonce_epoch` is not on the medium."""
        return self.nonce_epoch if self.epoch_usable else NO_EPOCH

    def next_epoch(self) -> bool:
        """Store the next epoch before it is used; False when the store failed or the epochs are used up."""
        if self.nonce_epoch >= EPOCH_LAST:
            return False
        before = self.nonce_epoch
        self.epoch_usable = False
        self.nonce_epoch += 1
        if self.save():
            return True
        self.nonce_epoch = before
        return False

    def _examine(self, copy: int) -> int:
        """Judge one copy into `_copy_states`; return its sequence, -1 unless it is good."""
        data = self._copies[copy]
        size = self._store.read(COPY_NAMES[copy], data)
        if size == STORE_FAILED:  # once more: a single failed read must not cost a good copy
            size = self._store.read(COPY_NAMES[copy], data)
        if size < 0:
            self._copy_states[copy] = _ABSENT if size == STORE_ABSENT else _UNREADABLE
            return -1
        good = self._is_record(data, size)
        self._copy_states[copy] = _GOOD if good else _BAD
        return unpack_head(data)[SEQUENCE] if good else -1

    def _is_record(self, data: bytearray, size: int) -> bool:
        good = is_record(data, size, self._map_id, self._map_version, self.count)
        return good and unpack_head(data)[SEQUENCE] < SEQUENCE_LAST

    def _choose(self, sequences: list[int]) -> None:
        """Take the newest good copy and decide which copy is written next."""
        newest = 1 if sequences[1] > sequences[0] else 0
        if sequences[newest] < 0:
            return
        self._next_copy = 1 - newest
        if sequences[1 - newest] >= 0:
            self.source = SOURCE_BOTH
        else:
            self.source = SOURCE_B if newest else SOURCE_A
        self._unpack(self._copies[newest])
        # The lost copy may have been the newer one, by one write and so by one epoch.
        self._move_epoch(1 if self.source == SOURCE_BOTH else 2)

    def _start_from_defaults(self, entropy: NullEntropy) -> None:
        """Keep the defaults. A device that lost its settings says so and starts its epochs at a random one.

        A device without any record is new: its defaults stand for nothing that was lost.
        """
        self.defaulted = self._copy_states != [_ABSENT, _ABSENT]
        self._lost = _BAD in self._copy_states
        self.nonce_epoch = 1 + entropy.read_u15() if self._lost else 1

    def _move_epoch(self, distance: int) -> None:
        """Never wraps: a device that used up its epochs takes no more commands until it gets a new key."""
        self.nonce_epoch = min(self.nonce_epoch + distance, EPOCH_LAST + 1)

    def _pack(self, sequence: int) -> None:
        flags = (FLAG_LOST if self._lost else 0) | (FLAG_RECALIBRATE if self.recalibration_due else 0)
        head = [sequence, self.generation, self.boot_count, self.nonce_epoch, self.calibration_count, flags]
        pack_record_into(self._record, self._map_id, self._map_version, head, self.values)

    def _unpack(self, data: bytearray) -> None:
        """Take a good record; a value outside its limits is replaced by its default and flagged."""
        head = unpack_head(data)
        self._sequence, self.generation, self.boot_count = head[SEQUENCE], head[GENERATION], head[BOOT_COUNT]
        self.nonce_epoch, self.calibration_count = head[NONCE_EPOCH], head[CALIBRATION_COUNT]
        self._lost = bool(head[FLAGS] & FLAG_LOST)
        self.recalibration_due = bool(head[FLAGS] & FLAG_RECALIBRATE)
        for index in range(self.count):
            value = unpack_value(data, index)
            if not self.is_allowed(index, value):
                value = self.limits(index)[2]
                self._lost = True
            self.values[index] = value
        self.defaulted = self._lost

    def _is_stored(self, name: str) -> bool:
        data = self._copies[0]
        return self._store.read(name, data) == self._size and data[: self._size] == self._record
