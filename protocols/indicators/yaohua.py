"""Continuous formats of Yaohua XK3190 indicators and Keli XK3118K9: tF=0, the two "=" formats, and A12(E).

Knows the bytes of one frame each, both ways. Must not know a line, a clock or what a weight is used for. Sources:
manuals of XK3190-A9+ p. 9, A26 p. 10, A23p p. 23 and Keli XK3118K9-R p. 9 (tF=0 and "="), XK3190-A12(E) p. 13.

None of them says whether the load moves; tF=0 and "=" name neither unit nor gross or net, and know no overload.
"""

from protocols.compat import const
from protocols.indicators.reading import NO, UNIT_KG, YES, Reading, put_digits, put_number
from protocols.indicators.stream import (
    CR,
    ETX,
    LF,
    MORE,
    NO_FRAME,
    STX,
    IndicatorDecoder,
    has_bytes,
    is_xor,
    put_bytes,
    put_xor,
    xor_of,
)

TF0_SIZE = const(12)
EQUALS_SIZE = const(9)
A12_SIZE = const(15)

# Places after the point that byte 8 of tF=0 may name.
TF0_DECIMALS_MAX = const(4)

_SPACE = const(0x20)
_PLUS = const(0x2B)
_MINUS = const(0x2D)
_POINT = const(0x2E)
_ZERO = const(0x30)
_EQUALS = const(0x3D)
_GROSS = const(0x47)
_NET = const(0x4E)
_W = const(0x57)
_FIELD = const(7)
_A12_OVERLOAD = b"         OL"
_A12_UNDERLOAD = b"         LO"


def put_weight(buffer: bytearray, at: int, digits: int, decimals: int) -> int:
    """Write sign, six digits and the number of decimals, as tF=0 and tF=1 have them; return the offset behind."""
    buffer[at] = _MINUS if digits < 0 else _PLUS
    put_digits(buffer, at + 1, 6, digits, 0, _ZERO)
    buffer[at + 7] = _ZERO + decimals
    return at + 8


def read_weight(buffer: bytearray, at: int, reading: Reading) -> bool:
    """Read what `put_weight` writes; False for anything else."""
    decimals = buffer[at + 7] - _ZERO
    if decimals < 0 or decimals > TF0_DECIMALS_MAX or (buffer[at] != _PLUS and buffer[at] != _MINUS):
        return False
    reading.clear()
    for index in range(at + 1, at + 7):
        if buffer[index] == _POINT:
            return False
    if not reading.take_digits(buffer, at + 1, 6):
        return False
    reading.decimals = decimals
    if buffer[at] == _MINUS:
        reading.digits = -reading.digits
    return True


class YaohuaTf0(IndicatorDecoder):
    """STX, sign, 6 digits, decimals, XOR of bytes 1-8 as two characters, ETX. A wrong byte shows 255 times in 256."""

    def __init__(self) -> None:
        IndicatorDecoder.__init__(self, TF0_SIZE)

    def _judge(self) -> int:
        buffer = self.buffer
        if buffer[0] != STX:
            return NO_FRAME
        if self.size < TF0_SIZE:
            return MORE
        if buffer[11] != ETX or not is_xor(buffer, 9, xor_of(buffer, 1, 9)):
            return NO_FRAME
        return TF0_SIZE if read_weight(buffer, 1, self.reading) else NO_FRAME


def encode_tf0(buffer: bytearray, reading: Reading) -> int:
    """Write a tF=0 frame with 0..4 decimals; return its size."""
    buffer[0] = STX
    put_weight(buffer, 1, reading.digits, reading.decimals)
    put_xor(buffer, 9, xor_of(buffer, 1, 9))
    buffer[11] = ETX
    return TF0_SIZE


class EqualsDecoder(IndicatorDecoder):
    """`=` and 8 characters without a checksum: plain (A26 format 2: sign, then 7 of the weight, the first digit first)
    or reversed (A26 format 1, A23p format 2: 7 of the weight, the last digit first, then the sign). The sign is `0` or
    `-`.

    Which of the two an indicator sends cannot be told from one frame: it is a setting, and a wrong one reads wrong
    weights.
    """

    def __init__(self, is_reversed: bool) -> None:
        IndicatorDecoder.__init__(self, EQUALS_SIZE)
        self._is_reversed = is_reversed
        self._field = bytearray(_FIELD)

    def _judge(self) -> int:
        buffer = self.buffer
        if buffer[0] != _EQUALS:
            return NO_FRAME
        if self.size < EQUALS_SIZE:
            return MORE
        sign = buffer[8] if self._is_reversed else buffer[1]
        if sign != _ZERO and sign != _MINUS:
            return NO_FRAME
        for index in range(_FIELD):
            self._field[index] = buffer[7 - index] if self._is_reversed else buffer[2 + index]
        reading = self.reading
        reading.clear()
        if not reading.take_digits(self._field, 0, _FIELD):
            return NO_FRAME
        if sign == _MINUS:
            reading.digits = -reading.digits
        return EQUALS_SIZE


def make_equals_plain() -> EqualsDecoder:
    """A decoder of the plain format."""
    return EqualsDecoder(False)


def make_equals_reversed() -> EqualsDecoder:
    """A decoder of the reversed format."""
    return EqualsDecoder(True)


def encode_equals_plain(buffer: bytearray, reading: Reading) -> int:
    """Write `=`, sign and 7 characters, the first digit first; return the size."""
    buffer[0] = _EQUALS
    buffer[1] = _MINUS if reading.digits < 0 else _ZERO
    return put_digits(buffer, 2, _FIELD, reading.digits, reading.decimals, _ZERO)


def encode_equals_reversed(buffer: bytearray, reading: Reading) -> int:
    """Write `=`, 7 characters, the last digit first, and the sign; return the size."""
    buffer[0] = _EQUALS
    put_digits(buffer, 1, _FIELD, reading.digits, reading.decimals, _ZERO)
    for index in range(_FIELD // 2):
        front, back = buffer[1 + index], buffer[_FIELD - index]
        buffer[1 + index], buffer[_FIELD - index] = back, front
    buffer[8] = _MINUS if reading.digits < 0 else _ZERO
    return EQUALS_SIZE


class YaohuaA12(IndicatorDecoder):
    """`W`, `G` or `N`, 7 characters, `kg`, XOR of bytes 0-10 as two characters, CR LF; overload and underload in
    words: `OL` above Max + 9 e, `LO` below -20 d."""

    def __init__(self) -> None:
        IndicatorDecoder.__init__(self, A12_SIZE)

    def _judge(self) -> int:
        buffer = self.buffer
        if buffer[0] != _W and buffer[0] != _SPACE:
            return NO_FRAME
        if self.size < A12_SIZE:
            return MORE
        if buffer[13] != CR or buffer[14] != LF or not is_xor(buffer, 11, xor_of(buffer, 0, 11)):
            return NO_FRAME
        return A12_SIZE if self._read() else NO_FRAME

    def _read(self) -> bool:
        buffer = self.buffer
        reading = self.reading
        reading.clear()
        if buffer[0] == _SPACE:
            reading.overload = 1 if has_bytes(buffer, 0, _A12_OVERLOAD) else 0
            reading.underload = 1 if has_bytes(buffer, 0, _A12_UNDERLOAD) else 0
            return reading.overload != 0 or reading.underload != 0
        if (buffer[1] != _GROSS and buffer[1] != _NET) or not has_bytes(buffer, 9, b"kg"):
            return False
        reading.net = YES if buffer[1] == _NET else NO
        reading.unit = UNIT_KG
        return reading.take_number(buffer, 2, _FIELD)


def encode_a12(buffer: bytearray, reading: Reading) -> int:
    """Write an A12(E) frame; return its size."""
    if reading.overload or reading.underload:
        put_bytes(buffer, 0, _A12_OVERLOAD if reading.overload else _A12_UNDERLOAD)
    else:
        buffer[0] = _W
        buffer[1] = _NET if reading.net == YES else _GROSS
        if reading.digits < 0:
            put_number(buffer, 2, _FIELD, reading.digits, reading.decimals)
        else:
            put_digits(buffer, 2, _FIELD, reading.digits, reading.decimals, _ZERO)
        put_bytes(buffer, 9, b"kg")
    put_xor(buffer, 11, xor_of(buffer, 0, 11))
    buffer[13], buffer[14] = CR, LF
    return A12_SIZE
