"""Toledo continuous output: 17 bytes, 18 with checksum, and the short form without tare.

Knows the status words SWA, SWB, SWC. Must not know a line or a clock. Sources: METTLER TOLEDO Wildcat technical manual
p. 6-4 and 6-5, IND445 p. 50, Rockwell 57C428 appendix D; short form: Cardinal type 2.

Layout: STX, SWA, SWB, SWC, 6 characters of displayed weight, 6 of tare (not in the short form), CR, checksum. The
checksum brings the sum of all bytes, 7 bits each, to 0 modulo 128. Whether one is sent is a setting of the indicator,
and no frame tells: its value may be that of STX. Bits that the format calls constant are not looked at, since clones
have others there.
"""

from protocols.compat import const
from protocols.indicators.reading import (
    ERROR_EXPANDED,
    ERROR_NOT_ZEROED,
    NO,
    UNIT_G,
    UNIT_KG,
    UNIT_LB,
    UNIT_OTHER,
    YES,
    Reading,
    put_digits,
)
from protocols.indicators.stream import CR, MORE, NO_FRAME, STX, IndicatorDecoder

LONG_SIZE = const(17)
SHORT_SIZE = const(11)

# SWA: the place of the point in bits 0-2, 2 = as it stands. The increment in bits 3-4 is written as 1 and not read.
_POINT_MASK = const(7)
_POINT_NONE = const(2)
_SWA_BASE = const(0x28)
_SWB_NET = const(0x01)
_SWB_NEGATIVE = const(0x02)
_SWB_OUT_OF_RANGE = const(0x04)
_SWB_MOTION = const(0x08)
_SWB_KG = const(0x10)
_SWB_NOT_ZEROED = const(0x40)
_SWC_UNIT = const(0x07)
_SWC_EXPANDED = const(0x10)
_ALWAYS = const(0x20)

_SPACE = const(0x20)
_FIELD = const(6)


class ToledoDecoder(IndicatorDecoder):
    """`has_checksum` says what the indicator is set to; without one, only form and digits tell a frame from noise."""

    def __init__(self, has_checksum: bool) -> None:
        IndicatorDecoder.__init__(self, LONG_SIZE + 1)
        self._sum_size = 1 if has_checksum else 0

    def _judge(self) -> int:
        buffer = self.buffer
        if buffer[0] != STX:
            return NO_FRAME
        if self.size < SHORT_SIZE:
            return MORE
        body = SHORT_SIZE if buffer[SHORT_SIZE - 1] == CR else LONG_SIZE
        if self.size < body + self._sum_size:
            return MORE
        if buffer[body - 1] != CR:
            return NO_FRAME
        if self._sum_size and checksum_of(buffer, body) != buffer[body]:
            return NO_FRAME
        return body + self._sum_size if self._read(body) else NO_FRAME

    def _read(self, body: int) -> bool:
        buffer = self.buffer
        reading = self.reading
        swb = buffer[2]
        reading.clear()
        if swb & _SWB_OUT_OF_RANGE:
            if not _is_printable(buffer, 4, body - 1):
                return False
            reading.overload = 0 if swb & _SWB_NEGATIVE else 1
            reading.underload = 1 - reading.overload
        elif not self._read_digits(body):
            return False
        self._read_status(swb, buffer[3])
        return True

    def _read_digits(self, body: int) -> bool:
        buffer = self.buffer
        reading = self.reading
        if body == LONG_SIZE:
            if not _read_field(reading, buffer, 10):
                return False
            reading.has_tare = 1
            reading.tare_digits = reading.digits
        if not _read_field(reading, buffer, 4):
            return False
        if buffer[2] & _SWB_NEGATIVE:
            reading.digits = -reading.digits
        reading.decimals = (buffer[1] & _POINT_MASK) - _POINT_NONE
        return True

    def _read_status(self, swb: int, swc: int) -> None:
        reading = self.reading
        reading.net = YES if swb & _SWB_NET else NO
        reading.motion = YES if swb & _SWB_MOTION else NO
        reading.unit = UNIT_KG if swb & _SWB_KG else UNIT_LB
        if swc & _SWC_UNIT:
            reading.unit = UNIT_G if swc & _SWC_UNIT == 1 else UNIT_OTHER
        if swb & _SWB_NOT_ZEROED:
            reading.error = ERROR_NOT_ZEROED
        elif swc & _SWC_EXPANDED:
            reading.error = ERROR_EXPANDED


def make_toledo() -> ToledoDecoder:
    """A decoder of frames without checksum."""
    return ToledoDecoder(False)


def make_toledo_checksum() -> ToledoDecoder:
    """A decoder of frames with checksum."""
    return ToledoDecoder(True)


def checksum_of(buffer: bytearray, size: int) -> int:
    """Two's complement of the sum of the low 7 bits of `size` bytes, in 7 bits."""
    total = 0
    for index in range(size):
        total += buffer[index] & 0x7F
    return -total & 0x7F


def encode_toledo(buffer: bytearray, reading: Reading) -> int:
    """Write the long form without checksum; return its size. Units: kg, g, lb."""
    swb = _ALWAYS | (_SWB_KG if reading.unit != UNIT_LB else 0)
    swb |= _SWB_NET if reading.net == YES else 0
    swb |= _SWB_NEGATIVE if reading.digits < 0 or reading.underload else 0
    swb |= _SWB_OUT_OF_RANGE if reading.overload or reading.underload else 0
    swb |= _SWB_MOTION if reading.motion == YES else 0
    swb |= _SWB_NOT_ZEROED if reading.error == ERROR_NOT_ZEROED else 0
    buffer[0] = STX
    buffer[1] = _SWA_BASE | reading.decimals + _POINT_NONE
    buffer[2] = swb
    buffer[3] = _ALWAYS | (1 if reading.unit == UNIT_G else 0)
    buffer[3] |= _SWC_EXPANDED if reading.error == ERROR_EXPANDED else 0
    put_digits(buffer, 4, _FIELD, reading.digits, 0, _SPACE)
    put_digits(buffer, 10, _FIELD, reading.tare_digits, 0, _SPACE)
    buffer[16] = CR
    return LONG_SIZE


def encode_toledo_checksum(buffer: bytearray, reading: Reading) -> int:
    """Write the long form with checksum; return its size."""
    encode_toledo(buffer, reading)
    buffer[LONG_SIZE] = checksum_of(buffer, LONG_SIZE)
    return LONG_SIZE + 1


def _read_field(reading: Reading, buffer: bytearray, at: int) -> bool:
    """Six characters: spaces, then digits, no point."""
    end = at + _FIELD
    while at < end and buffer[at] == _SPACE:
        at += 1
    return reading.take_digits(buffer, at, end - at) and reading.decimals == 0


def _is_printable(buffer: bytearray, start: int, end: int) -> bool:
    for index in range(start, end):  # noqa: SIM110  a generator would allocate
        if buffer[index] < _SPACE or buffer[index] > 0x7E:
            return False
    return True
