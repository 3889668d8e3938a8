"""An RFID core on the bench: default settings, and a simulated reader at its field line. Dual-run."""

import struct

from firmware.control.events import EventRing
from firmware.control.rfid import Rfid
from firmware.control.rfid_reads import CAPACITY
from protocols.events import SLOT_SIZE as EVENT_SIZE
from protocols.registers import rfid as reg
from protocols.rfid.read_slot import SLOT_SIZE, read_read
from sim_devices.devices.rfid_reader import R200Reader, RfidReader, TagField, Uhf18Reader, WiegandHead

SCAN_MS = 10
TICKS_MASK = 0x3FFFFFFF
RING_CAPACITY = 256
EPC = b"\x30\x75\x1f\xeb\x70\x5c\x59\x04\xe3\xd5\x0d\x70"


def default_settings() -> list[int]:
    """The settings of a device as delivered."""
    size = struct.calcsize(">HBBiii")
    return [struct.unpack_from(">HBBiii", reg.SETTINGS_TABLE, i * size)[5] for i in range(reg.SETTING_COUNT)]


def make_reader(protocol: str, field: TagField) -> RfidReader:
    """The reader that speaks `protocol`."""
    if protocol == "uhfreader18":
        return Uhf18Reader(field)
    return WiegandHead(field) if protocol == "wiegand" else R200Reader(field)


class RfidBench:
    """One core and its reader; scans every SCAN_MS. `elapsed_ms` is the reader's time and never wraps."""

    def __init__(self, protocol: str = "r200", start_ms: int = 0) -> None:
        self.settings = default_settings()
        self.ring_data = bytearray(RING_CAPACITY * EVENT_SIZE)
        self.ring = EventRing(self.ring_data, RING_CAPACITY)
        self.core = Rfid(self.settings, self.ring, protocol)
        self.core.hub_alive = 1
        self.field = TagField()
        self.reader = make_reader(protocol, self.field)
        self.is_connected = True
        self.start_ms = start_ms
        self.elapsed_ms = 0
        self.buffer = bytearray(128)
        self.events_read = 0
        self.reads_seen = 0
        for index in range(reg.IN_COUNT):
            self.core.quality[index] = 0

    def run(self, duration_ms: int) -> None:
        """Scan every SCAN_MS for duration_ms."""
        for _ in range(duration_ms // SCAN_MS):
            self.elapsed_ms += SCAN_MS
            self.scan()

    def now_ms(self) -> int:
        """The device's ticks."""
        return (self.start_ms + self.elapsed_ms) & TICKS_MASK

    def scan(self) -> None:
        """Bytes in, bytes out, step, as a poll of the device does."""
        self.exchange()
        self.step()

    def exchange(self) -> None:
        """Move the bytes of the field line both ways."""
        self.reader.antenna = 2 if self.core.outputs[reg.OUT_ANTENNA_2] else 1
        data = self.reader.advance(self.elapsed_ms)
        if self.is_connected:
            self.feed(data)
        size = self.core.line.transmit(self.buffer)
        if size and self.is_connected:
            self.reader.receive(bytes(self.buffer[:size]), self.elapsed_ms)

    def feed(self, data: bytes) -> None:
        """Let these bytes arrive now."""
        for start in range(0, len(data), 128):
            part = bytearray(data[start : start + 128])
            self.core.line.receive(part, len(part), self.now_ms())

    def step(self) -> None:
        """Step the core at the present time."""
        self.ring.uptime_s = self.elapsed_ms // 1000
        self.ring.millisecond = self.elapsed_ms % 1000
        self.core.step(self.now_ms())

    def put(self, index: int, value: int) -> None:
        """Set one input and scan at once."""
        self.core.inputs[index] = value
        self.scan()

    def spoil(self, index: int, quality: int) -> None:
        """Set one input's quality and scan at once."""
        self.core.quality[index] = quality
        self.scan()

    def command(self, opcode: int) -> int:
        """Give a command, scan at once, and return its result."""
        self.core.request_opcode = opcode
        self.scan()
        return self.core.request_result

    def state(self) -> int:
        """STATE_* of the last scan."""
        return self.core.status[reg.ST_STATE]

    def has_fault(self, number: int) -> bool:
        """Whether the fault of this bit number stands."""
        return self.core.status[reg.ST_FAULTS] & (1 << number) != 0

    def reads(self) -> list[tuple[int, int, int, int, int, bytes]]:
        """(sequence, antenna, direction, RSSI, kind, identifier) of the reads since the last call."""
        found = []
        head = self.core.status[reg.ST_READ_HEAD]
        while self.reads_seen < head:
            self.reads_seen += 1
            slot = read_read(self.core.reads.data, ((self.reads_seen - 1) % CAPACITY) * SLOT_SIZE)
            if slot[0] == self.reads_seen:
                found.append((slot[0], slot[3], slot[4], slot[5], slot[6], slot[9]))
        return found

    def events(self) -> list[tuple[int, int]]:
        """(code, argument) of every event since the last call."""
        found = []
        while self.events_read < self.ring.head:
            offset = (self.events_read % RING_CAPACITY) * EVENT_SIZE
            slot = struct.unpack_from(">IIHHi", self.ring_data, offset)
            self.events_read += 1
            found.append((slot[3], slot[4]))
        return found
