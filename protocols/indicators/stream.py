"""Finding frames in a stream of bytes that may begin anywhere and hold anything: the frame of every decoder here.

Knows a buffer as long as the longest frame of its format. Must not know a format: `_judge` of the class built on it
says what begins at the front of the buffer. What does not fit costs its first byte and is looked at again, so a frame
that follows garbage without a gap is found, and no byte is ever looked at more often than the buffer is long.
"""

from protocols.compat import const
from protocols.indicators.reading import Reading

# What `_judge` answers instead of the size of a whole frame.
MORE = const(0)
NO_FRAME = const(-1)

STX = const(0x02)
ETX = const(0x03)
LF = const(0x0A)
CR = const(0x0D)


class FrameStream:
    """`on_byte` takes one byte. `frames` counts whole frames, `garbage` bytes of none, both modulo 2**16."""

    def __init__(self, size_max: int) -> None:
        self.buffer = bytearray(size_max)
        self.size = 0
        self.frames = 0
        self.garbage = 0

    def on_byte(self, byte: int) -> bool:
        """Take a byte; True when it completed a frame. Allocates nothing and raises for no byte (0..255)."""
        self.buffer[self.size] = byte
        self.size += 1
        is_found = False
        while self.size:
            verdict = self._judge()
            if verdict == MORE:
                if self.size < len(self.buffer):
                    break
                verdict = NO_FRAME
            if verdict > 0:
                is_found = True
                self.frames = (self.frames + 1) & 0xFFFF
                self._drop(verdict)
            else:
                self.garbage = (self.garbage + 1) & 0xFFFF
                self._drop(1)
        return is_found

    def _judge(self) -> int:
        """Size of the frame at the front of the buffer, MORE or NO_FRAME; the format's own."""
        return NO_FRAME

    def _find(self, byte: int) -> int:
        """Place of the first `byte` in the buffer, -1 if it is not there."""
        for index in range(self.size):
            if self.buffer[index] == byte:
                return index
        return -1

    def _drop(self, count: int) -> None:
        left = self.size - count
        for index in range(left):
            self.buffer[index] = self.buffer[index + count]
        self.size = left


class IndicatorDecoder(FrameStream):
    """A host's side of one format: `reading` is the last whole frame.

    `poll_into` and `zero_into` write what the host has to send for a weight and to zero the indicator; they return
    the size, 0 where the format has no such command. `refused` is 1 when the last frame was the indicator's refusal of
    a command. `address` is the letter of an addressed indicator.
    """

    def __init__(self, size_max: int) -> None:
        FrameStream.__init__(self, size_max)
        self.reading = Reading()
        self.address = 0
        self.refused = 0

    def poll_into(self, buffer: bytearray) -> int:
        """An indicator that talks by itself is not asked."""
        return 0

    def zero_into(self, buffer: bytearray) -> int:
        """Without an answer there is no knowing whether it zeroed."""
        return 0


def xor_of(buffer: bytearray, start: int, end: int) -> int:
    """Exclusive or of the bytes from `start` up to `end`."""
    value = 0
    for index in range(start, end):
        value ^= buffer[index]
    return value


def put_xor(buffer: bytearray, at: int, value: int) -> int:
    """Write `value` as two characters 0-9, A-F, high half first; return the offset behind them."""
    buffer[at] = _to_character(value >> 4)
    buffer[at + 1] = _to_character(value & 15)
    return at + 2


def is_xor(buffer: bytearray, at: int, value: int) -> bool:
    """Tell whether the two characters at `at` are `value` as `put_xor` writes it."""
    return buffer[at] == _to_character(value >> 4) and buffer[at + 1] == _to_character(value & 15)


def put_bytes(buffer: bytearray, at: int, data: bytes) -> int:
    """Copy `data`; return the offset behind it."""
    for index in range(len(data)):
        buffer[at + index] = data[index]
    return at + len(data)


def has_bytes(buffer: bytearray, at: int, data: bytes) -> bool:
    """Tell whether `data` stands at `at`."""
    for index in range(len(data)):  # noqa: SIM110  a generator would allocate
        if buffer[at + index] != data[index]:
            return False
    return True


def _to_character(nibble: int) -> int:
    return nibble + 0x30 if nibble < 10 else nibble + 0x37
