"""MT-SICS: lines of text that the host asks for and the balance answers.

Knows the lines of S, SI, Z and T. Must not know a line or a clock. Sources: Mettler AT and AL-IC manuals, BTEK T104 p.
44. A command is upper-case ASCII and CR LF, parameters are separated by one space; `S S` is a stable weight, `S D` a
dynamic one, `S I` not executable, `S +` overload, `S -` underload.

S and SI send the net weight and no mark of a tare (JS series operating instructions p. 30). The width of the weight
field and the letters of error lines could not be confirmed; so the weight may have any width, and a line that begins
with E counts as a refusal whatever follows.
"""

from protocols.compat import const
from protocols.indicators.reading import (
    ERROR_NO_ANSWER,
    NO,
    UNIT_G,
    UNIT_LB,
    UNIT_T,
    YES,
    Reading,
    put_number,
    read_unit,
)
from protocols.indicators.stream import CR, LF, MORE, NO_FRAME, FrameStream, IndicatorDecoder, has_bytes, put_bytes

# The longest line that is read: command, status, 20 characters of weight and a unit have room.
LINE_SIZE = const(32)

_SPACE = const(0x20)
_PLUS = const(0x2B)
_MINUS = const(0x2D)
_D = const(0x44)
_E = const(0x45)
_I = const(0x49)
_S = const(0x53)
_WEIGHT_FIELD = const(10)
_UNIT_SIZE_MAX = const(3)


class MtSics(IndicatorDecoder):
    """The host: asks for the weight whatever it does (SI), and zeroes when stable (Z)."""

    def __init__(self) -> None:
        IndicatorDecoder.__init__(self, LINE_SIZE)

    def poll_into(self, buffer: bytearray) -> int:
        """Ask for the weight at once."""
        return put_bytes(buffer, 0, b"SI\r\n")

    def zero_into(self, buffer: bytearray) -> int:
        """Ask for zero, once stable."""
        return put_bytes(buffer, 0, b"Z\r\n")

    def _judge(self) -> int:
        first = self.buffer[0]
        if first not in b"SZTE":
            return NO_FRAME
        end = self._find(LF)
        if end < 0:
            return MORE
        if end < 2 or self.buffer[end - 1] != CR:
            return NO_FRAME
        return end + 1 if self._read(end - 1) else NO_FRAME

    def _read(self, end: int) -> bool:
        """Read the line of `end` characters."""
        buffer = self.buffer
        self.refused = 0
        self.reading.clear()
        if buffer[0] == _E:
            self.refused = 1
            return end == 2
        if end < 3 or buffer[1] != _SPACE:
            return False
        if buffer[0] != _S:
            return self._read_answer(end)
        return self._read_status(buffer[2], end)

    def _read_answer(self, end: int) -> bool:
        """Zero and tare: a letter says done; I, + and - say that it was not."""
        status = self.buffer[2]
        if status in b"I+-":
            self.refused = 1
            return end == 3
        return status in b"ADS"

    def _read_status(self, status: int, end: int) -> bool:
        reading = self.reading
        if status in b"SD":
            reading.motion = YES if status == _D else NO
            return self._read_weight(end)
        if end != 3:
            return False
        if status == _I:
            self.refused = 1
            reading.error = ERROR_NO_ANSWER
            return True
        reading.overload = 1 if status == _PLUS else 0
        reading.underload = 1 if status == _MINUS else 0
        return status in b"+-"

    def _read_weight(self, end: int) -> bool:
        """`S S` was read; a space, the weight, a space, the unit."""
        buffer = self.buffer
        split = end - 1
        while split > 3 and buffer[split] != _SPACE:
            split -= 1
        if split <= 4 or buffer[3] != _SPACE or end - split - 1 > _UNIT_SIZE_MAX or end - split < 2:
            return False
        self.reading.unit = read_unit(buffer, split + 1, end - split - 1)
        return self.reading.take_number(buffer, 4, split - 4)


class LineRequest(FrameStream):
    """The balance: `on_byte` is True for a command line; its letters are `buffer[:command_size]` of `command`."""

    def __init__(self) -> None:
        FrameStream.__init__(self, LINE_SIZE)
        self.command = bytearray(LINE_SIZE)
        self.command_size = 0

    def is_command(self, name: bytes) -> bool:
        """Tell whether the last line was exactly `name`."""
        return self.command_size == len(name) and has_bytes(self.command, 0, name)

    def _judge(self) -> int:
        end = self._find(LF)
        if end < 0:
            return MORE
        if end < 1 or self.buffer[end - 1] != CR:
            return NO_FRAME
        self.command_size = end - 1
        for index in range(end - 1):
            self.command[index] = self.buffer[index]
        return end + 1


def encode_mt_sics(buffer: bytearray, reading: Reading) -> int:
    """Write the balance's answer to SI; return its size."""
    buffer[0], buffer[1] = _S, _SPACE
    if reading.overload or reading.underload or reading.error:
        status = _PLUS if reading.overload else _MINUS if reading.underload else _I
        buffer[2], buffer[3], buffer[4] = status, CR, LF
        return 5
    buffer[2], buffer[3] = _D if reading.motion == YES else _S, _SPACE
    end = put_number(buffer, 4, _WEIGHT_FIELD, reading.digits, reading.decimals)
    buffer[end] = _SPACE
    unit = b"lb" if reading.unit == UNIT_LB else b"g" if reading.unit == UNIT_G else b"kg"
    end = put_bytes(buffer, end + 1, b"t" if reading.unit == UNIT_T else unit)
    return put_bytes(buffer, end, b"\r\n")
