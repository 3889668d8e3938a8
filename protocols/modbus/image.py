"""The register image: what a Modbus server reads and writes, and which writes it lets through.

Knows four tables of 0-based wire addresses and the ranges the wire may write. Knows no function codes, no
frames and no meaning of a register. Registers are big-endian byte pairs, so a block read is a plain copy; a coil
or discrete input is one byte, 0 or 1.

*Range*: an (address, count) pair of `>HH`. A range is taken whole or not at all, since a half-written command is
no command; a range with RANGE_PARTIAL set in its count may be written in parts.
"""

from protocols.bigendian import get_i32, get_u16, put_i32, put_u16
from protocols.compat import const

COILS = const(0)
DISCRETES = const(1)
HOLDINGS = const(2)
INPUTS = const(3)

RANGE_PARTIAL = const(0x8000)
_COUNT_MASK = const(0x7FFF)
_RANGE_SIZE = const(4)
_COUNTER_MASK = const(0xFFFF)


class RegisterImage:
    """Four preallocated tables; the owner fills them with put_*, the server serves them.

    `store_fault` is set by the owner while it cannot take a write; writes are then answered with exception 04.
    `write_count` (wrapping at 2**16) and `last_write_*` tell the owner what the wire wrote last.
    """

    def __init__(
        self,
        coil_count: int,
        discrete_count: int,
        holding_count: int,
        input_count: int,
        writable: bytes,
        writable_coils: bytes = b"",
    ) -> None:
        self.coils = bytearray(coil_count)
        self.discretes = bytearray(discrete_count)
        self.holdings = bytearray(holding_count * 2)
        self.inputs = bytearray(input_count * 2)
        self._writable = writable
        self._writable_coils = writable_coils
        self.store_fault = 0
        self.write_count = 0
        self.last_write_table = HOLDINGS
        self.last_write_address = 0
        self.last_write_count = 0

    def data(self, table: int) -> bytearray:
        """Return the bytes behind `table`."""
        if table == INPUTS:
            return self.inputs
        if table == HOLDINGS:
            return self.holdings
        return self.coils if table == COILS else self.discretes

    def put_u16(self, table: int, address: int, value: int) -> None:
        """Set one register from the low 16 bits of `value`, signed or not."""
        put_u16(self.data(table), address * 2, value)

    def get_u16(self, table: int, address: int) -> int:
        """Return one register, unsigned."""
        return get_u16(self.data(table), address * 2)

    def put_i32(self, table: int, address: int, value: int) -> None:
        """Set two registers, high word first, from the low 32 bits of `value`, signed or not."""
        put_i32(self.data(table), address * 2, value)

    def get_i32(self, table: int, address: int) -> int:
        """Return two registers, high word first, signed."""
        return get_i32(self.data(table), address * 2)

    def put_bit(self, table: int, address: int, value: int) -> None:
        """Set one coil or discrete input."""
        # Through a name: as part of an assignment target MicroPython would allocate the bound method `self.data`.
        bits = self.data(table)
        bits[address] = 1 if value else 0

    def get_bit(self, table: int, address: int) -> int:
        """Return one coil or discrete input, 0 or 1."""
        return self.data(table)[address]

    def has(self, table: int, address: int, count: int) -> bool:
        """Tell whether `count` entries from `address` all exist."""
        size = len(self.data(table))
        if table >= HOLDINGS:
            size >>= 1
        return address + count <= size

    def can_write(self, table: int, address: int, count: int) -> bool:
        """Tell whether the wire may write exactly this stretch: inside one range, and all of it unless partial."""
        if not self.has(table, address, count):
            return False
        ranges = self._writable if table == HOLDINGS else self._writable_coils
        for at in range(0, len(ranges), _RANGE_SIZE):
            first = ranges[at] << 8 | ranges[at + 1]
            size = ranges[at + 2] << 8 | ranges[at + 3]
            if size & RANGE_PARTIAL:
                if address >= first and address + count <= first + (size & _COUNT_MASK):
                    return True
            elif address == first and count == size:
                return True
        return False

    def note_write(self, table: int, address: int, count: int) -> None:
        """Record an accepted write from the wire for the owner of the image."""
        self.last_write_table = table
        self.last_write_address = address
        self.last_write_count = count
        self.write_count = (self.write_count + 1) & _COUNTER_MASK
