"""Identifiers of tags, and tables of them: what was seen since the last scan, what was seen lately.

Knows bytes, sizes and kinds; must not know time, readers or registers. Nothing allocates after construction.
"""

from protocols.compat import const
from protocols.copying import copy_bytes
from protocols.rfid.gen2 import tag_crc
from protocols.rfid.read_slot import ID_SIZE, RSSI_NONE

# Different tags at one antenna between two scans: at 115200 baud a scan period of 30 ms brings no more frames.
SIGHTING_COUNT = const(16)


class Identifier:
    """One identifier: its first ID_SIZE bytes, its true size, its kind, and a checksum that covers all of it."""

    def __init__(self) -> None:
        self.data = bytearray(ID_SIZE)
        self.size = self.kind = self.check = 0

    def take(self, buffer: bytes | bytearray, at: int, size: int, kind: int) -> None:
        """Copy the identifier of `size` bytes (at most 255) at `at`."""
        self.size = size
        self.kind = kind
        self.check = tag_crc(buffer, at, size)
        kept = size if size < ID_SIZE else ID_SIZE
        copy_bytes(self.data, 0, buffer, at, kept)
        for index in range(kept, ID_SIZE):
            self.data[index] = 0


class TagTable:
    """`count` places for an identifier at an antenna."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.data = bytearray(count * ID_SIZE)
        self.sizes = bytearray(count)
        self.kinds = bytearray(count)
        self.checks = [0] * count
        self.antennas = bytearray(count)

    def find(self, tag: Identifier, antenna: int) -> int:
        """Return the place of `tag` at `antenna`, -1 when it has none. A place without a tag has antenna 0."""
        for place in range(self.count):
            if self.antennas[place] == antenna and self.checks[place] == tag.check and self._is(place, tag):
                return place
        return -1

    def put(self, place: int, tag: Identifier, antenna: int) -> None:
        """Replace what stands at `place`."""
        self.sizes[place] = tag.size
        self.kinds[place] = tag.kind
        self.checks[place] = tag.check
        self.antennas[place] = antenna
        copy_bytes(self.data, place * ID_SIZE, tag.data, 0, ID_SIZE)

    def get(self, place: int, tag: Identifier) -> None:
        """Copy the identifier at `place` into `tag`."""
        tag.size = self.sizes[place]
        tag.kind = self.kinds[place]
        tag.check = self.checks[place]
        copy_bytes(tag.data, 0, self.data, place * ID_SIZE, ID_SIZE)

    def forget(self) -> None:
        """Empty every place."""
        for place in range(self.count):
            self.antennas[place] = 0

    def _is(self, place: int, tag: Identifier) -> bool:
        """Size and bytes; its kind follows from these."""
        start = place * ID_SIZE
        different = self.sizes[place] ^ tag.size
        for index in range(ID_SIZE):
            different |= self.data[start + index] ^ tag.data[index]
        return different == 0


class Sightings:
    """Tags seen since the last scan, each once per antenna with its strongest RSSI; the rest is counted."""

    def __init__(self) -> None:
        self.table = TagTable(SIGHTING_COUNT)
        self.rssi_dbm = [RSSI_NONE] * SIGHTING_COUNT
        self.count = self.repeats = self.lost = 0

    def add(self, tag: Identifier, antenna: int, rssi_dbm: int) -> None:
        """Note one sighting."""
        place = self.table.find(tag, antenna)
        if place >= 0:
            self.repeats += 1
            self.rssi_dbm[place] = max(self.rssi_dbm[place], rssi_dbm)
        elif self.count == SIGHTING_COUNT:
            self.lost += 1
        else:
            self.table.put(self.count, tag, antenna)
            self.rssi_dbm[self.count] = rssi_dbm
            self.count += 1

    def clear(self) -> None:
        """All were dealt with."""
        if self.count:
            self.table.forget()
        self.count = self.repeats = self.lost = 0
