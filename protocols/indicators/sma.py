"""SMA SCP-0499: the host sends LF, a letter, CR; the scale answers with one standard reply of 20 bytes.

Knows the reply and the requests W, Z and T. Must not know a line or a clock. Sources: Sartorius PR 5210/5211/5220, BTEK
T419S p. 61, Cardinal 190. Reply: LF, status, range, gross/tare/net, motion, reserved, 10 characters of weight, 3 of
unit, CR. Status: Z centre of zero, O over capacity, U under capacity, E zero error, I initial zero, T tare error.
"""

from protocols.compat import const
from protocols.indicators.reading import (
    ERROR_NO_ANSWER,
    ERROR_NONE,
    ERROR_NOT_ZEROED,
    ERROR_OTHER,
    ERROR_TARE,
    ERROR_ZERO,
    NO,
    YES,
    Reading,
    put_number,
    put_unit,
    read_unit,
)
from protocols.indicators.stream import CR, LF, MORE, NO_FRAME, FrameStream, IndicatorDecoder, put_bytes

REPLY_SIZE = const(20)
COMMAND_WEIGHT = const(0x57)
COMMAND_ZERO = const(0x5A)
COMMAND_TARE = const(0x54)

_UNKNOWN_SIZE = const(3)
_WEIGHT_AT = const(6)
_WEIGHT_SIZE = const(10)
_UNIT_AT = const(16)
_SPACE = const(0x20)
_DASH = const(0x2D)
_QUESTION = const(0x3F)
_UNDERLINE = const(0x5F)
_G = const(0x47)
_M = const(0x4D)
_N = const(0x4E)
_T = const(0x54)
_UPPER = const(0xDF)

# Status letters and what they mean, in two strings of one order.
_STATUS = b" ZOUEIT_"
_ERRORS = bytes((ERROR_NONE, ERROR_NONE, ERROR_NONE, ERROR_NONE, ERROR_ZERO, ERROR_NOT_ZEROED, ERROR_TARE, 0))
_AT_ZERO = const(1)
_AT_OVER = const(2)
_AT_UNDER = const(3)


class Sma(IndicatorDecoder):
    """The host: asks for the weight whatever it does (W), and for zero (Z)."""

    def __init__(self) -> None:
        IndicatorDecoder.__init__(self, REPLY_SIZE)

    def poll_into(self, buffer: bytearray) -> int:
        """Ask for the weight at once."""
        return put_bytes(buffer, 0, b"\nW\r")

    def zero_into(self, buffer: bytearray) -> int:
        """Ask for zero."""
        return put_bytes(buffer, 0, b"\nZ\r")

    def _judge(self) -> int:
        buffer = self.buffer
        if buffer[0] != LF:
            return NO_FRAME
        if self.size < 2:
            return MORE
        if buffer[1] == _QUESTION:
            return self._judge_unknown()
        if buffer[1] not in _STATUS:
            return NO_FRAME
        if self.size < REPLY_SIZE:
            return MORE
        return REPLY_SIZE if buffer[REPLY_SIZE - 1] == CR and self._read() else NO_FRAME

    def _judge_unknown(self) -> int:
        if self.size < _UNKNOWN_SIZE:
            return MORE
        if self.buffer[2] != CR:
            return NO_FRAME
        self.reading.clear()
        self.refused = 1
        return _UNKNOWN_SIZE

    def _read(self) -> bool:
        buffer = self.buffer
        reading = self.reading
        kind = buffer[3] & _UPPER  # lower case: high resolution
        motion = buffer[4]
        if (kind != _G and kind != _N and kind != _T) or (motion != _M and motion != _SPACE and motion != _UNDERLINE):
            return False
        reading.clear()
        reading.net = YES if kind == _N else NO
        reading.motion = YES if motion == _M else NO
        reading.unit = read_unit(buffer, _UNIT_AT, 3)
        place = 0
        while _STATUS[place] != buffer[1]:
            place += 1
        self._take_status(place)
        self.refused = 1 if reading.error == ERROR_ZERO else 0
        return self._read_weight(kind == _T)

    def _take_status(self, place: int) -> None:
        reading = self.reading
        reading.error = _ERRORS[place]
        reading.centre_of_zero = YES if place == _AT_ZERO else NO
        reading.overload = 1 if place == _AT_OVER else 0
        reading.underload = 1 if place == _AT_UNDER else 0

    def _read_weight(self, is_tare: bool) -> bool:
        """Digits, or dashes where there is no weight; digits beside an error or out of range do not count."""
        buffer = self.buffer
        reading = self.reading
        for index in range(_WEIGHT_AT, _UNIT_AT):
            if buffer[index] != _DASH:
                break
        else:
            if not reading.overload and not reading.underload and reading.error == ERROR_NONE:
                reading.error = ERROR_NO_ANSWER
            return True
        if not reading.take_number(buffer, _WEIGHT_AT, _WEIGHT_SIZE):
            return False
        if is_tare and reading.error == ERROR_NONE:
            reading.error = ERROR_OTHER
        if reading.error != ERROR_NONE or reading.overload or reading.underload:
            reading.has_weight = 0
        return True


class SmaRequest(FrameStream):
    """The scale: `on_byte` is True for LF, a letter, CR; the letter is in `command`."""

    def __init__(self) -> None:
        FrameStream.__init__(self, _UNKNOWN_SIZE)
        self.command = 0

    def _judge(self) -> int:
        if self.buffer[0] != LF:
            return NO_FRAME
        if self.size < _UNKNOWN_SIZE:
            return MORE
        if self.buffer[2] != CR:
            return NO_FRAME
        self.command = self.buffer[1]
        return _UNKNOWN_SIZE


def encode_sma(buffer: bytearray, reading: Reading) -> int:
    """Write the standard reply of range 1; return its size."""
    place = _AT_ZERO if reading.centre_of_zero == YES else 0
    place = _AT_OVER if reading.overload else _AT_UNDER if reading.underload else place
    for index in range(len(_ERRORS)):
        if reading.error != ERROR_NONE and _ERRORS[index] == reading.error:
            place = index
    put_bytes(buffer, 0, b"\n 1G  ----------   \r")
    buffer[1] = _STATUS[place]
    buffer[3] = _N if reading.net == YES else _G
    buffer[4] = _M if reading.motion == YES else _SPACE
    if reading.error == ERROR_NONE:
        put_number(buffer, _WEIGHT_AT, _WEIGHT_SIZE, reading.digits, reading.decimals)
    put_unit(buffer, _UNIT_AT, reading.unit)
    if buffer[_UNIT_AT] == _SPACE:  # one letter stands at the left here
        buffer[_UNIT_AT], buffer[_UNIT_AT + 1] = buffer[_UNIT_AT + 1], _SPACE
    return REPLY_SIZE
