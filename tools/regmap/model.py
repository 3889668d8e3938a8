"""What a register map is made of, and what may stand in one.

Knows the words of the TOML files (SunSpec's, plus Modbus table and 0-based wire address) and the limits of the device.
Must not know how maps are read, checked or written.

Terms: a *point* is one entry of a map; a *setting* is a holding register point that the SET command changes; *count* is
how many registers (or bits, for tables of bits) a point takes; `sf` is SunSpec's scale factor: value = raw * 10**sf.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

HEADER = "header"

REGISTER_TABLES = ("input_register", "holding_register")
BIT_TABLES = ("discrete_input", "coil")
TABLES = (*BIT_TABLES, *REGISTER_TABLES)

# Integer types: (registers, lowest, highest). Big-endian, high word first.
INTEGER_TYPES = {
    "uint16": (1, 0, 0xFFFF),
    "int16": (1, -0x8000, 0x7FFF),
    "enum16": (1, 0, 0xFFFF),
    "bitfield16": (1, 0, 0xFFFF),
    "uint32": (2, 0, 0xFFFFFFFF),
    "int32": (2, -0x80000000, 0x7FFFFFFF),
}
SIGNED_TYPES = ("int16", "int32")
SIZED_TYPES = ("bits", "block")
TYPES = (*INTEGER_TYPES, *SIZED_TYPES)
SYMBOL_TYPES = ("enum16", "bitfield16", "bits")

ACCESSES = ("R", "RW")
WRITES = ("command", "wire")

# One spelling per unit, so that the hub, the documents and the platform never meet two names of one thing.
UNITS = {
    "A": "current; tenths are written with sf = -1",
    "A/s": "slope of a current",
    "V": "voltage; tenths are written with sf = -1",
    "Wh": "energy",
    "degC": "temperature; tenths are written with sf = -1",
    "mAh": "charge",
    "count": "a bare number of things",
    "kg": "mass; tenths are written with sf = -1",
    "ms": "durations on the device",
    "permille": "share of a range, as an integer",
    "s": "long durations and uptime: milliseconds would pass the small-int limit after 12 days",
    "us": "scan durations",
}

ADDRESS_SPACE = 65536  # Modbus Application Protocol 1.1b3, 4.3: 65536 items in each table
ROLE_REGISTER_START = 64  # registers below belong to the header, in both register tables
SMALL_INT_MAX = 2**30 - 1  # MicroPython allocates for a larger integer; a setting is read in every scan
OPCODE_MAX = 255  # COMMAND_DONE carries opcode * 256 + result
EVENT_CODE_MAX = 0xFFFF  # one register in the event slot
SLOT_REGISTERS = 8  # an event slot: sequence (2), uptime_s (2), millisecond, code, argument (2)
COMMAND_BLOCK = "command_block"
WINDOW_HEAD = 2  # registers of the update window before the data: the offset
WRITE_REGISTERS_MAX = 123  # Modbus Application Protocol 1.1b3, 6.12
COMMAND_REGISTERS = 10  # opcode, target, argument (2), nonce_epoch, nonce_counter, tag (4)


@dataclass(frozen=True)
class Point:
    """One entry of a map; `count` is in registers, or in bits for a table of bits."""

    source: str
    name: str
    table: str
    address: int
    type: str
    count: int
    description: str
    units: str = ""
    sf: int = 0
    access: str = "R"
    write: str = "command"
    min: int | None = None
    max: int | None = None
    default: int | None = None
    mandatory: bool = False
    symbols: tuple[tuple[str, int], ...] = ()

    @property
    def end(self) -> int:
        """First address after the point."""
        return self.address + self.count

    @property
    def is_setting(self) -> bool:
        """True for a point the SET command changes."""
        return self.table == "holding_register" and self.access == "RW" and self.write == "command"


@dataclass(frozen=True)
class Opcode:
    """One command a device understands."""

    source: str
    name: str
    value: int
    description: str


@dataclass(frozen=True)
class Event:
    """One kind of record in the event ring; `argument` says what the record's argument means ('' for nothing)."""

    source: str
    name: str
    code: int
    description: str
    argument: str


@dataclass(frozen=True)
class Ring:
    """The event ring: `capacity` slots of SLOT_REGISTERS registers from `address` on."""

    source: str
    table: str
    address: int
    capacity: int
    description: str

    @property
    def end(self) -> int:
        """First address after the ring."""
        return self.address + self.capacity * SLOT_REGISTERS


@dataclass(frozen=True)
class Window:
    """Where the data of an update is written: `size` holding registers, offset (2) and data, which cannot be read."""

    source: str
    table: str
    address: int
    size: int
    description: str

    @property
    def end(self) -> int:
        """First address after the window."""
        return self.address + self.size


@dataclass
class MapFile:
    """One TOML file as read; `id` and `version` are 0 for the header."""

    source: str
    name: str
    id: int
    version: int
    description: str
    points: list[Point] = field(default_factory=list)
    opcodes: list[Opcode] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    ring: Ring | None = None
    update_window: Window | None = None


@dataclass(frozen=True)
class RoleMap:
    """The header and one role together: what a device of that role serves."""

    header: MapFile
    role: MapFile
    ring: Ring
    update_window: Window

    @property
    def points(self) -> list[Point]:
        """Header points first, then the role's, each in file order."""
        return self.header.points + self.role.points

    @property
    def opcodes(self) -> list[Opcode]:
        """Header opcodes first, then the role's."""
        return self.header.opcodes + self.role.opcodes

    @property
    def events(self) -> list[Event]:
        """Header events first, then the role's."""
        return self.header.events + self.role.events

    @property
    def settings(self) -> list[Point]:
        """Points of the settings list, in its order."""
        return [point for point in self.points if point.is_setting]

    @property
    def status(self) -> list[Point]:
        """Points of the core's status list, in its order: the role's input registers, its blocks left out."""
        return [point for point in self.role.points if point.table == "input_register" and point.type != "block"]

    @property
    def blocks(self) -> list[Point]:
        """Stretches of the role's input registers that the core fills itself, like the event ring."""
        return [point for point in self.role.points if point.table == "input_register" and point.type == "block"]

    def point(self, name: str) -> Point | None:
        """The point of that name, None when the map has none."""
        return next((point for point in self.points if point.name == name), None)


class Problems:
    """Everything wrong with the maps, collected so that all of it is reported at once."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, source: str, subject: str, what: str, remedy: str) -> None:
        """Note one problem: where, in which entry, what is wrong, what to do."""
        self._lines.append(f"{source}: {subject}: {what}; {remedy}")

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)
