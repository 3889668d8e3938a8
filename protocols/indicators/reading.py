"""What one frame of a weighing indicator says, in the same words for every format.

Knows digits, decimals, units and flags. Must not know a format, a scale interval or a clock. Weights are kept as the
digits on the display and the place of the point, so nothing is rounded; `to_kg_x10` converts only what is exact.
"""

from protocols.compat import const

# The unit in the frame. UNIT_NONE: the format has no field for it, so it is whatever the indicator is set to.
UNIT_NONE = const(0)
UNIT_KG = const(1)
UNIT_G = const(2)
UNIT_T = const(3)
UNIT_LB = const(4)
UNIT_OTHER = const(5)

# A flag that the format may not carry.
NO = const(0)
YES = const(1)
UNKNOWN = const(2)

# Why a whole frame holds no weight that could be used (`error`).
ERROR_NONE = const(0)
ERROR_NOT_ZEROED = const(1)
ERROR_HELD = const(2)
ERROR_EXPANDED = const(3)
ERROR_NO_ANSWER = const(4)
ERROR_ZERO = const(5)
ERROR_TARE = const(6)
ERROR_OTHER = const(7)

# Nine digits still are a small integer; no display has more.
_DIGITS_MAX = const(9)

NOT_EXACT = const(0x3FFFFFFF)
TOO_LARGE = const(0x3FFFFFFE)

_SPACE = const(0x20)
_PLUS = const(0x2B)
_MINUS = const(0x2D)
_POINT = const(0x2E)
_ZERO = const(0x30)


class Reading:
    """One frame. The weight is `digits` / 10**`decimals` in `unit`; `decimals` is -2..8.

    `has_weight` is 0 in a frame without digits that count. `tare_digits` has the weight's decimals and unit.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Say nothing; what the format does not carry stays UNKNOWN."""
        self.has_weight = 0
        self.digits = 0
        self.decimals = 0
        self.unit = UNIT_NONE
        self.motion = UNKNOWN
        self.net = UNKNOWN
        self.centre_of_zero = UNKNOWN
        self.overload = 0
        self.underload = 0
        self.error = ERROR_NONE
        self.has_tare = 0
        self.tare_digits = 0

    def take_number(self, buffer: bytearray, at: int, size: int) -> bool:
        """Read spaces, a sign, spaces, digits with at most one point; False and no weight for anything else."""
        end = at + size
        at = _skip_spaces(buffer, at, end)
        is_negative = at < end and buffer[at] == _MINUS
        if at < end and (buffer[at] == _MINUS or buffer[at] == _PLUS):
            at = _skip_spaces(buffer, at + 1, end)
        if not self.take_digits(buffer, at, end - at):
            return False
        if is_negative:
            self.digits = -self.digits
        return True

    def take_digits(self, buffer: bytearray, at: int, size: int) -> bool:
        """Read an unsigned number of digits with at most one point; False and no weight for anything else."""
        value = 0
        count = 0
        decimals = -1
        for index in range(at, at + size):
            byte = buffer[index]
            if byte == _POINT and decimals < 0:
                decimals = 0
                continue
            digit = byte - _ZERO
            if digit < 0 or digit > 9 or count == _DIGITS_MAX:
                return False
            value = value * 10 + digit
            count += 1
            if decimals >= 0:
                decimals += 1
        if count == 0:
            return False
        self.digits = value
        self.decimals = max(decimals, 0)
        self.has_weight = 1
        return True

    def gross_digits(self) -> int:
        """Gross weight of a reading that shows net with a tare beside it, or shows gross."""
        return self.digits + self.tare_digits if self.net == YES else self.digits


def to_kg_x10(digits: int, decimals: int, unit: int) -> int:
    """Return the weight in 0.1 kg, exact; NOT_EXACT when there is none, TOO_LARGE beyond the small integers.

    Kilograms (and no unit), grams and tonnes differ by powers of ten. Pounds never come out exact and are refused.
    """
    exponent = 1 - decimals
    if unit == UNIT_T:
        exponent += 3
    elif unit == UNIT_G:
        exponent -= 3
    elif unit != UNIT_KG and unit != UNIT_NONE:
        return NOT_EXACT
    size = -digits if digits < 0 else digits
    while exponent < 0:
        if size % 10:
            return NOT_EXACT
        size //= 10
        exponent += 1
    while exponent > 0:
        if size > TOO_LARGE // 10:
            return TOO_LARGE
        size *= 10
        exponent -= 1
    return -size if digits < 0 else min(size, TOO_LARGE)


def put_digits(buffer: bytearray, at: int, size: int, digits: int, decimals: int, fill: int) -> int:
    """Write the magnitude of `digits` right-aligned into `size` bytes, with a point when `decimals` > 0.

    `fill` stands in front: a space or "0". Return the offset behind the field. Digits that find no room are cut off
    at the front, as on a display.
    """
    value = -digits if digits < 0 else digits
    decimals = max(decimals, 0)
    count = 0
    is_point_due = decimals > 0
    for place in range(at + size - 1, at - 1, -1):
        if is_point_due and count == decimals:
            buffer[place] = _POINT
            is_point_due = False
        elif value == 0 and count > decimals:
            buffer[place] = fill
        else:
            buffer[place] = _ZERO + value % 10
            value //= 10
            count += 1
    return at + size


def put_number(buffer: bytearray, at: int, size: int, digits: int, decimals: int) -> int:
    """Write a signed number right-aligned into `size` bytes, spaces in front and the minus before the first digit."""
    end = put_digits(buffer, at, size, digits, decimals, _SPACE)
    if digits < 0:
        place = at
        while place < end - 1 and buffer[place + 1] == _SPACE:
            place += 1
        buffer[place] = _MINUS
    return end


def put_unit(buffer: bytearray, at: int, unit: int) -> int:
    """Write two letters of a unit: "kg", " g", " t" or "lb"; return the offset behind them."""
    if unit == UNIT_LB:
        buffer[at], buffer[at + 1] = 0x6C, 0x62
    elif unit == UNIT_G:
        buffer[at], buffer[at + 1] = _SPACE, 0x67
    elif unit == UNIT_T:
        buffer[at], buffer[at + 1] = _SPACE, 0x74
    else:
        buffer[at], buffer[at + 1] = 0x6B, 0x67
    return at + 2


def read_unit(buffer: bytearray, at: int, size: int) -> int:
    """Unit in the letters of `size` bytes, spaces around them ignored; UNIT_OTHER for what is none of ours."""
    end = at + size
    at = _skip_spaces(buffer, at, end)
    while end > at and buffer[end - 1] == _SPACE:
        end -= 1
    if end - at == 1:
        return UNIT_G if buffer[at] == 0x67 else UNIT_T if buffer[at] == 0x74 else UNIT_OTHER
    if end - at != 2:
        return UNIT_OTHER
    if buffer[at] == 0x6B and buffer[at + 1] == 0x67:
        return UNIT_KG
    return UNIT_LB if buffer[at] == 0x6C and buffer[at + 1] == 0x62 else UNIT_OTHER


def _skip_spaces(buffer: bytearray, at: int, end: int) -> int:
    while at < end and buffer[at] == _SPACE:
        at += 1
    return at
