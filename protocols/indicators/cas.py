"""CAS of 22 bytes, AND of 18 bytes and the nineteen bytes of other makers: `ST,GS,` and a weight.

Knows their fields. Must not know a line or a clock. Sources: CAS CI-400 p. 103-106, CI-600D p. 74, NT-200 p. 48;
Selleton, General Measure M02 for the last. They tell themselves apart by where CR LF stands.

CAS: `ST`, `US` (moving) or `OL`, comma, `GS` or `NT`, comma, device id, lamps, comma, 8 characters, space, unit.
Lamps: bit 7 always, 6 stable, 4 hold, 2 gross, 1 tare, 0 zero; without bit 7 the byte is not taken for lamps.
"""

from protocols.compat import const
from protocols.indicators.reading import ERROR_HELD, NO, YES, Reading, put_number, put_unit, read_unit
from protocols.indicators.stream import CR, LF, MORE, NO_FRAME, IndicatorDecoder, has_bytes, put_bytes

CAS_SIZE = const(22)
AND_SIZE = const(18)
GENERIC_SIZE = const(19)

_HEAD_SIZE = const(6)
_COMMA = const(0x2C)
_LAMP_VALID = const(0x80)
_LAMP_STABLE = const(0x40)
_LAMP_ALWAYS = const(0x20)
_LAMP_HOLD = const(0x10)
_LAMP_GROSS = const(0x04)
_LAMP_TARE = const(0x02)
_LAMP_ZERO = const(0x01)


class CasDecoder(IndicatorDecoder):
    """None of the three has a checksum; commas, letters and digits in their places are all there is."""

    def __init__(self) -> None:
        IndicatorDecoder.__init__(self, CAS_SIZE)

    def _judge(self) -> int:
        if not self._is_head():
            return NO_FRAME
        if self.size >= AND_SIZE and self._ends_at(AND_SIZE):
            return AND_SIZE if self._read(_HEAD_SIZE, 8) else NO_FRAME
        if self.size >= GENERIC_SIZE and self._ends_at(GENERIC_SIZE):
            return GENERIC_SIZE if self._read(_HEAD_SIZE, 9) else NO_FRAME
        if self.size < CAS_SIZE:
            return MORE
        if not self._ends_at(CAS_SIZE) or self.buffer[8] != _COMMA:
            return NO_FRAME
        return CAS_SIZE if self._read(9, 9) else NO_FRAME

    def _is_head(self) -> bool:
        """Tell whether what is there so far may begin a frame."""
        first = self.buffer[0]
        if first != 0x53 and first != 0x55 and first != 0x4F:  # S, U, O
            return False
        return self.size < _HEAD_SIZE or self._read_head()

    def _read_head(self) -> bool:
        buffer = self.buffer
        is_load = has_bytes(buffer, 0, b"ST,") or has_bytes(buffer, 0, b"US,") or has_bytes(buffer, 0, b"OL,")
        return is_load and (has_bytes(buffer, 3, b"GS,") or has_bytes(buffer, 3, b"NT,"))

    def _ends_at(self, size: int) -> bool:
        return self.buffer[size - 2] == CR and self.buffer[size - 1] == LF

    def _read(self, at: int, width: int) -> bool:
        """Read a weight of `width` characters with its unit behind it; a space may end the weight of CAS."""
        buffer = self.buffer
        reading = self.reading
        reading.clear()
        reading.overload = 1 if buffer[0] == 0x4F else 0
        reading.motion = YES if buffer[0] == 0x55 else NO
        reading.net = YES if buffer[3] == 0x4E else NO
        reading.unit = read_unit(buffer, at + width, 2)
        if at > _HEAD_SIZE:
            self._read_lamps(buffer[7])
            width -= 1
            if buffer[at + width] != 0x20:
                return False
        if reading.overload:
            return True
        return reading.take_number(buffer, at, width)

    def _read_lamps(self, lamps: int) -> None:
        reading = self.reading
        if not lamps & _LAMP_VALID:
            return
        if not lamps & _LAMP_STABLE:
            reading.motion = YES
        reading.centre_of_zero = YES if lamps & _LAMP_ZERO else NO
        if lamps & _LAMP_HOLD:
            reading.error = ERROR_HELD


def encode_cas(buffer: bytearray, reading: Reading) -> int:
    """Write the 22 bytes of CAS with device id 1; return the size."""
    _put_head(buffer, reading)
    lamps = _LAMP_VALID | _LAMP_ALWAYS
    lamps |= _LAMP_STABLE if reading.motion != YES else 0
    lamps |= _LAMP_HOLD if reading.error == ERROR_HELD else 0
    lamps |= _LAMP_TARE if reading.net == YES else _LAMP_GROSS
    lamps |= _LAMP_ZERO if reading.centre_of_zero == YES else 0
    buffer[6], buffer[7], buffer[8] = 0x31, lamps, _COMMA
    end = put_number(buffer, 9, 8, reading.digits, reading.decimals)
    buffer[end] = 0x20
    return put_bytes(buffer, put_unit(buffer, end + 1, reading.unit), b"\r\n")


def encode_and(buffer: bytearray, reading: Reading) -> int:
    """Write the 18 bytes of AND; return the size."""
    _put_head(buffer, reading)
    end = put_number(buffer, _HEAD_SIZE, 8, reading.digits, reading.decimals)
    return put_bytes(buffer, put_unit(buffer, end, reading.unit), b"\r\n")


def _put_head(buffer: bytearray, reading: Reading) -> None:
    put_bytes(buffer, 0, b"US,GS," if reading.motion == YES else b"ST,GS,")
    if reading.overload:
        put_bytes(buffer, 0, b"OL")
    if reading.net == YES:
        put_bytes(buffer, 3, b"NT")
