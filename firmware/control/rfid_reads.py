"""From sightings to reads: what is reported, what is suppressed, and the list the hub takes its reads from.

Knows thresholds, the window per tag and antenna, directions and the read list; must not know readers or commands. The
list lies over the input registers of the map (`place`), so a read is at once readable on the wire.

Read n (numbered from 1 at every boot) stands in slot (n - 1) modulo capacity, and the newest overwrite the oldest: a
reader that falls behind sees the gap in the numbers. What this device knows itself to be lost, it counts.
"""

from firmware.control.events import EventRing
from firmware.control.rfid_inputs import RfidInputs
from firmware.control.rfid_links import Link
from firmware.control.rfid_memory import TAG_COUNT, TIMER_BEEP, TIMER_READ_OK, TIMER_TAG, RfidMemory
from firmware.control.rfid_tags import Identifier, TagTable
from firmware.control.timer import TimerBank
from protocols.bigendian import get_u16, put_u16
from protocols.compat import const
from protocols.registers import rfid as reg
from protocols.rfid.read_slot import (
    ID_SIZE,
    RSSI_NONE,
    SLOT_SIZE,
    commit_read,
    write_id,
    write_read,
)

CAPACITY = const(32)
LIST_SIZE = const(1024)
_SEQUENCE_MASK = const(0x3FFFFFFF)
_COUNTER_MASK = const(0xFFFF)
_LOST = 1 << reg.FAULTS_READS_LOST
# Per place of the table: antenna, size, check, identifier.
_PLACE_SIZE = const(20)
SAVE_SIZE = TAG_COUNT * _PLACE_SIZE


class RfidReads:
    """The read list and the tags seen lately."""

    def __init__(
        self, memory: RfidMemory, timers: TimerBank, inputs: RfidInputs, settings: list[int], ring: EventRing
    ) -> None:
        assert CAPACITY * SLOT_SIZE == LIST_SIZE
        self.memory = memory
        self.timers = timers
        self.inputs = inputs
        self.settings = settings
        self.ring = ring
        self.data: bytearray | memoryview = bytearray(LIST_SIZE)
        self.table = TagTable(TAG_COUNT)
        self._tag = Identifier()
        self._fields = [0] * 6

    def place(self, registers: bytearray | memoryview) -> None:
        """Lay the list over the input registers of the map, whose bytes are `registers`. May allocate."""
        start = reg.AT_READ_LIST * 2
        assert len(registers) >= start + LIST_SIZE
        self.data = memoryview(registers)[start : start + LIST_SIZE]

    def step(self, link: Link, reading: int, hub_alive: int) -> None:
        """Deal with every sighting of this scan."""
        memory = self.memory
        sightings = link.sightings
        if hub_alive:
            memory.orphans = 0
        memory.duplicates = (memory.duplicates + sightings.repeats) & _COUNTER_MASK
        for place in range(sightings.count):
            sightings.table.get(place, self._tag)
            self._judge(sightings.table.antennas[place], sightings.rssi_dbm[place], reading, hub_alive)
        if sightings.lost and reading:
            self._lose(sightings.lost)

    def _judge(self, antenna: int, rssi_dbm: int, reading: int, hub_alive: int) -> None:
        memory = self.memory
        if not reading:
            memory.gated_reads = (memory.gated_reads + 1) & _COUNTER_MASK
        elif rssi_dbm != RSSI_NONE and rssi_dbm < self.settings[reg.SET_MIN_RSSI_DBM]:
            memory.weak_reads = (memory.weak_reads + 1) & _COUNTER_MASK
        elif self._is_repetition(antenna):
            memory.duplicates = (memory.duplicates + 1) & _COUNTER_MASK
        else:
            self._report(antenna, rssi_dbm, hub_alive)

    def _is_repetition(self, antenna: int) -> bool:
        """Whether the tag was seen there within the window, which begins anew with this sighting."""
        place = self.table.find(self._tag, antenna)
        known = place >= 0 and self.timers.is_running(TIMER_TAG + place)
        if place < 0:
            place = self._free_place()
            self.table.put(place, self._tag, antenna)
        self.timers.start(TIMER_TAG + place, self.settings[reg.SET_DUPLICATE_MS])
        return known

    def _free_place(self) -> int:
        """A place whose window is over, else the one not seen for longest: its tag may be reported once more."""
        timers = self.timers
        best = 0
        for place in range(TAG_COUNT):
            if timers.remaining_ms(TIMER_TAG + place) < timers.remaining_ms(TIMER_TAG + best):
                best = place
        return best

    def _report(self, antenna: int, rssi_dbm: int, hub_alive: int) -> None:
        memory = self.memory
        tag = self._tag
        fields = self._fields
        memory.read_head = (memory.read_head + 1) & _SEQUENCE_MASK
        offset = ((memory.read_head - 1) % CAPACITY) * SLOT_SIZE
        fields[0] = antenna
        fields[1] = self._direction(antenna)
        fields[2] = rssi_dbm
        fields[3] = tag.kind
        fields[4] = tag.size
        fields[5] = self.inputs.seal
        write_read(self.data, offset, self.ring.uptime_s, self.ring.millisecond, fields)
        write_id(self.data, offset, tag.data, 0, tag.size)
        commit_read(self.data, offset, memory.read_head)
        self._note_orphan(hub_alive)
        self.timers.start(TIMER_READ_OK, self.settings[reg.SET_READ_OK_MS])
        self.timers.start(TIMER_BEEP, self.settings[reg.SET_BEEP_MS])

    def _direction(self, antenna: int) -> int:
        """By the setting: of the vehicle that is there, or by the antenna that saw this tag before."""
        memory = self.memory
        source = self.settings[reg.SET_DIRECTION_SOURCE]
        if source == reg.DIRECTION_SOURCE_ANTENNAS:
            before = self.table.find(self._tag, 3 - antenna)
            memory.direction = reg.DIRECTION_UNKNOWN
            if before >= 0 and self.timers.is_running(TIMER_TAG + before):
                memory.direction = reg.DIRECTION_IN if antenna == 2 else reg.DIRECTION_OUT
        return memory.direction

    def _note_orphan(self, hub_alive: int) -> None:
        """Without a hub nobody takes reads: the one that a 33rd overwrites is lost for certain."""
        if hub_alive:
            return
        if self.memory.orphans < CAPACITY:
            self.memory.orphans += 1
        else:
            self._lose(1)

    def _lose(self, count: int) -> None:
        self.memory.reads_lost = (self.memory.reads_lost + count) & _COUNTER_MASK
        self.memory.latched |= _LOST

    def save(self, buffer: bytearray, offset: int) -> int:
        """Write the tags seen lately (SAVE_SIZE bytes); return the offset behind them."""
        for place in range(TAG_COUNT):
            buffer[offset] = self.table.antennas[place]
            buffer[offset + 1] = self.table.sizes[place]
            put_u16(buffer, offset + 2, self.table.checks[place])
            for index in range(ID_SIZE):
                buffer[offset + 4 + index] = self.table.data[place * ID_SIZE + index]
            offset += _PLACE_SIZE
        return offset

    def load(self, buffer: bytes | bytearray, offset: int) -> int:
        """Take over what save wrote; return the offset behind it."""
        for place in range(TAG_COUNT):
            self.table.antennas[place] = buffer[offset]
            self.table.sizes[place] = buffer[offset + 1]
            self.table.checks[place] = get_u16(buffer, offset + 2)
            for index in range(ID_SIZE):
                self.table.data[place * ID_SIZE + index] = buffer[offset + 4 + index]
            offset += _PLACE_SIZE
        return offset
