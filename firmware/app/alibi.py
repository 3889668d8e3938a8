"""The alibi memory: a record of every registered weight on a medium that survives power cuts.

Knows the store port, the layout of a record and its chain. Must not know when a weight may be registered. Runs outside
the heap guard; allocates and waits for the store.

*Page*: ENTRIES records of consecutive numbers. Big-endian: magic u16, format u8, count u8, number of the first record
u32, seal of the record before the page (8 bytes), the records, CRC-16.
*Record*: number, id, gross, tare (u32, u32, i32, i32), flags, boot_count (u16), uptime_s (u32), calibration_count, e
(u16), seal (8 bytes).
*Seal*: first 8 bytes of HMAC-SHA256 with the device's key over the seal before and the record, so that no record can be
changed, added or taken out of the middle without the key.
*Head*: the page being filled. It is written whole to `alibi_a.bin` and `alibi_b.bin` in turn, so a write that is cut
leaves the other copy with every earlier record. A full head is stored as page file before the next head begins, over
the oldest page. Starting takes two reads, however many records there are.
"""

import struct

from firmware.app.auth import Authenticator
from firmware.control.weighbridge_memory import RECORD_COUNT, RECORD_SEQUENCE
from firmware.ports import STORE_ABSENT, STORE_FAILED, NullStore
from protocols.command import is_tag_equal
from protocols.compat import const
from protocols.crc import crc16

ENTRIES = const(8)
PAGES = const(64)
# What can be read back at any time; between this and ENTRIES more, depending on how full the head is.
CAPACITY = const(512)

HEAD_NAMES = ("alibi_a.bin", "alibi_b.bin")

_MAGIC = const(0x5341)
_FORMAT = const(1)
_PAGE_HEADER = ">HBBI"
_SEAL_AT = const(8)
_HEADER_SIZE = const(16)
_RECORD = ">IIiiHHIHH"  # in the order of RECORD_*
_RECORD_SIZE = const(28)
_SEAL_SIZE = const(8)
_ENTRY_SIZE = const(36)
PAGE_SIZE = const(306)  # _HEADER_SIZE + ENTRIES * _ENTRY_SIZE + 2

_NUMBER_MAX = const(0x3FFFFFFF)


def page_name(number: int) -> str:
    """Name of the page file that holds record `number`. Allocates."""
    return "alibi_{:02d}.bin".format((number - 1) // ENTRIES % PAGES)


class AlibiMemory:
    """`newest` is the number of the newest record, 0 before the first; `is_usable` is False after a failed start."""

    def __init__(self, store: NullStore, key: bytes) -> None:
        self.newest = 0
        self.is_usable = False
        self._store = store
        self._authenticator = Authenticator(key)
        self._head = bytearray(PAGE_SIZE)
        self._count = 0
        self._first = 1
        self._seal = bytes(_SEAL_SIZE)  # of the newest record
        self._next_copy = 0
        self._scratch = bytearray(PAGE_SIZE + 1)

    def load(self) -> None:
        """Find the newest record. A medium that cannot be read is not written either."""
        states = [self._examine(0), self._examine(1)]
        if STORE_FAILED in states:
            return
        newest = 1 if states[1] > states[0] else 0
        if states[newest] > 0:
            self._examine(newest)
            self._take_head(newest)
        elif STORE_ABSENT not in states:  # while one copy is absent, the write of the very first record was cut
            self._take_last_page()
        self.is_usable = True

    def append(self, record: list[int]) -> bool:
        """Store `record` (RECORD_* fields) under the next number; True only when it is on the medium.

        On False nothing was added: the number is given to the next one.
        """
        if not self.is_usable or self.newest >= _NUMBER_MAX:
            return False
        if self._count == ENTRIES and not self._turn_page():
            return False
        record[RECORD_SEQUENCE] = self.newest + 1
        at = _HEADER_SIZE + self._count * _ENTRY_SIZE
        struct.pack_into(_RECORD, self._head, at, *record)
        seal = self._seal_of(self._seal, self._head, at)
        self._head[at + _RECORD_SIZE : at + _ENTRY_SIZE] = seal
        if not self._write_head(self._count + 1):
            self._write_head(self._count)  # the refused record may be whole on the medium: take it back
            return False
        self._next_copy = 1 - self._next_copy
        self._count += 1
        self._seal = seal
        self.newest += 1
        return True

    def read(self, number: int, record: list[int]) -> bool:
        """Fill `record` with record `number`, 0 for the newest; False if it is not there any more or not genuine."""
        number = number or self.newest
        if number < 1 or number > self.newest:
            return False
        page = self._head
        if number < self._first:
            page = self._scratch
            size = self._store.read(page_name(number), page)
            if self._first_of(page, size) != number - (number - 1) % ENTRIES:
                return False
        return self._extract(page, number, record)

    def _examine(self, copy: int) -> int:
        """Read one head copy into the scratch; the number of its last record, 0 if broken, or STORE_*."""
        size = self._store.read(HEAD_NAMES[copy], self._scratch)
        if size == STORE_FAILED:
            size = self._store.read(HEAD_NAMES[copy], self._scratch)
        if size < 0:
            return size
        first = self._first_of(self._scratch, size)
        return first + self._scratch[3] - 1 if first else 0

    def _first_of(self, page: bytearray, size: int) -> int:
        """Number of the first record of a whole page, 0 if it is not one."""
        if size != PAGE_SIZE or struct.unpack_from(">H", page, PAGE_SIZE - 2)[0] != crc16(page, 0, PAGE_SIZE - 2):
            return 0
        magic, layout, count, first = struct.unpack_from(_PAGE_HEADER, page, 0)
        return int(first) if (magic, layout) == (_MAGIC, _FORMAT) and count <= ENTRIES else 0

    def _take_head(self, copy: int) -> None:
        self._head[:] = self._scratch[:PAGE_SIZE]
        self._count = self._head[3]
        self._first = struct.unpack_from(_PAGE_HEADER, self._head, 0)[3]
        self.newest = self._first + self._count - 1
        self._next_copy = 1 - copy
        end = _HEADER_SIZE + self._count * _ENTRY_SIZE
        start = end - _SEAL_SIZE if self._count else _SEAL_AT
        self._seal = bytes(self._head[start : start + _SEAL_SIZE])

    def _take_last_page(self) -> None:
        """Both heads are broken: go on behind the page that was lost with them, so that no number is given twice."""
        last = 0
        for page in range(PAGES):
            name = page_name(page * ENTRIES + 1)
            first = self._first_of(self._scratch, self._store.read(name, self._scratch))
            if first > last:
                last = first
                self._seal = bytes(self._scratch[PAGE_SIZE - 2 - _SEAL_SIZE : PAGE_SIZE - 2])
        self._first = last + 2 * ENTRIES if last else 1 + ENTRIES
        self.newest = self._first - 1
        self._begin_page()

    def _turn_page(self) -> bool:
        """Store the full head as a page, then begin an empty one in memory."""
        name = page_name(self._first)
        if not self._store.write(name, self._head, PAGE_SIZE) or not self._is_stored(name):
            return False
        self._first += ENTRIES
        self._begin_page()
        return True

    def _begin_page(self) -> None:
        self._count = 0
        for index in range(PAGE_SIZE):
            self._head[index] = 0
        self._head[_SEAL_AT:_HEADER_SIZE] = self._seal

    def _write_head(self, count: int) -> bool:
        """Write the head with `count` records over the older copy, and look whether it is there."""
        struct.pack_into(_PAGE_HEADER, self._head, 0, _MAGIC, _FORMAT, count, self._first)
        struct.pack_into(">H", self._head, PAGE_SIZE - 2, crc16(self._head, 0, PAGE_SIZE - 2))
        name = HEAD_NAMES[self._next_copy]
        return self._store.write(name, self._head, PAGE_SIZE) and self._is_stored(name)

    def _is_stored(self, name: str) -> bool:
        return self._store.read(name, self._scratch) == PAGE_SIZE and self._scratch[:PAGE_SIZE] == self._head

    def _extract(self, page: bytearray, number: int, record: list[int]) -> bool:
        """Fill `record` from a whole page after checking the chain up to it."""
        seal = page[_SEAL_AT:_HEADER_SIZE]
        at = _HEADER_SIZE
        for _ in range((number - 1) % ENTRIES + 1):
            found = self._seal_of(seal, page, at)
            seal = page[at + _RECORD_SIZE : at + _ENTRY_SIZE]
            if not is_tag_equal(seal, found):
                return False
            at += _ENTRY_SIZE
        fields = struct.unpack_from(_RECORD, page, at - _ENTRY_SIZE)
        for index in range(RECORD_COUNT):
            record[index] = fields[index]
        return bool(fields[RECORD_SEQUENCE] == number)

    def _seal_of(self, before: bytes | bytearray, page: bytearray, at: int) -> bytes:
        message = bytes(before) + bytes(page[at : at + _RECORD_SIZE])
        return self._authenticator.digest(message)[:_SEAL_SIZE]
