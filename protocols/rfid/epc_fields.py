"""The fields of an EPC whose layout is known (protocols.rfid.epc), both ways: company prefix, reference, serial.

Bits and digits per kind and partition from GS1 Tag Data Translation 2.0.0. Fields are up to 45 bits wide, more than a
small integer, so they are decimal digits in a buffer.
"""

from protocols.compat import const
from protocols.rfid.epc import (
    HEADER_GIAI_96,
    HEADER_GRAI_96,
    HEADER_SGTIN_96,
    KIND_GRAI_96,
    KIND_OPAQUE,
    KIND_SGTIN_96,
    PARTITION_MAX,
    SIZE_96,
    filter_of,
    kind_of,
    partition_of,
)

DIGITS_MAX = const(14)
FIELDS_MAX = const(3)
_FIRST_FIELD_BIT = const(14)

# Per kind and partition: bits and decimal digits of company prefix, reference and serial; digits 0 in a field that has
# bits means that only zero fits, 255 that the number is written without leading zeros.
_FREE = const(255)
_ROWS = (
    (40, 12, 4, 1, 38, 255),
    (37, 11, 7, 2, 38, 255),
    (40, 12, 4, 0, 38, 255),
    (37, 11, 7, 1, 38, 255),
    (40, 12, 42, 255, 0, 0),
    (37, 11, 45, 255, 0, 0),
)


class EpcFields:
    """The fields of one EPC as decimal digits (values 0 to 9): company prefix, reference, serial.

    `digits[field]` holds `counts[field]` digits; `count` is the number of fields, 0 for an opaque EPC.
    """

    def __init__(self) -> None:
        self.kind = KIND_OPAQUE
        self.filter = 0
        self.count = 0
        self.counts = [0] * FIELDS_MAX
        self.digits = [bytearray(DIGITS_MAX) for _ in range(FIELDS_MAX)]

    def decode(self, epc: bytes | bytearray | memoryview, at: int, size: int) -> bool:
        """Take the fields of an EPC; False and opaque when its kind is not known or a field overflows its digits."""
        self.kind = kind_of(epc, at, size)
        self.count = 0
        if self.kind == KIND_OPAQUE:
            return False
        self.filter = filter_of(epc, at)
        row = _row(self.kind, partition_of(epc, at))
        bit = _FIRST_FIELD_BIT
        for field in range(FIELDS_MAX):
            bits = row[2 * field]
            if bits and not self._decode_field(epc, at, bit, bits, field, row[2 * field + 1]):
                self.kind = KIND_OPAQUE
                self.count = 0
                return False
            bit += bits
        return True

    def encode(self, epc: bytearray, at: int) -> bool:
        """Write the 12 bytes of `kind`, `filter` and the digits at `at`; False when they do not fit that kind."""
        partition = 12 - self.counts[0]
        if self.kind == KIND_OPAQUE or not 0 <= partition <= PARTITION_MAX:
            return False
        row = _row(self.kind, partition)
        for index in range(SIZE_96):
            epc[at + index] = 0
        epc[at] = _header(self.kind)
        epc[at + 1] = self.filter << 5 | partition << 2
        bit = _FIRST_FIELD_BIT
        for field in range(FIELDS_MAX):
            bits = row[2 * field]
            if bits and not self._encode_field(epc, at, bit, bits, field, row[2 * field + 1]):
                return False
            bit += bits
        return True

    def set_field(self, field: int, digits: bytes | bytearray) -> None:
        """Take `digits` (values 0 to 9, at most DIGITS_MAX) as field number `field`."""
        self.counts[field] = len(digits)
        for index in range(len(digits)):
            self.digits[field][index] = digits[index]

    def _decode_field(
        self, epc: bytes | bytearray | memoryview, at: int, bit: int, bits: int, field: int, width: int
    ) -> bool:
        digits = self.digits[field]
        for index in range(DIGITS_MAX):
            digits[index] = 0
        for position in range(bit, bit + bits):
            carry = (epc[at + (position >> 3)] >> (7 - (position & 7))) & 1
            for index in range(DIGITS_MAX - 1, -1, -1):
                value = digits[index] * 2 + carry
                carry = 1 if value > 9 else 0
                digits[index] = value - 10 if carry else value
        used = _used(digits)
        if width == _FREE:
            width = used if used else 1
        elif used > width:
            return False
        for index in range(width):
            digits[index] = digits[DIGITS_MAX - width + index]
        self.counts[field] = width
        self.count = field + 1
        return True

    def _encode_field(self, epc: bytearray, at: int, bit: int, bits: int, field: int, width: int) -> bool:
        count = self.counts[field]
        if width != _FREE and count != width:
            return False
        for index in range(count):
            carry = self.digits[field][index]
            for position in range(bit + bits - 1, bit - 1, -1):
                place = at + (position >> 3)
                mask = 0x80 >> (position & 7)
                value = (10 if epc[place] & mask else 0) + carry
                epc[place] = epc[place] | mask if value & 1 else epc[place] & ~mask
                carry = value >> 1
            if carry:
                return False
        return True


def _row(kind: int, partition: int) -> tuple[int, int, int, int, int, int]:
    return _ROWS[2 * (kind - 1) + partition]


def _header(kind: int) -> int:
    if kind == KIND_SGTIN_96:
        return HEADER_SGTIN_96
    return HEADER_GRAI_96 if kind == KIND_GRAI_96 else HEADER_GIAI_96


def _used(digits: bytearray) -> int:
    """How many digits are left after the leading zeros."""
    for index in range(DIGITS_MAX):
        if digits[index]:
            return DIGITS_MAX - index
    return 0
