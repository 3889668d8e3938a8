"""Command mode tF=1 of Yaohua XK3190 and Keli XK3118K9: the host asks one addressed indicator, which answers.

Knows both sides of it. Must not know a line or a clock. Sources: manuals of XK3190-A9+ p. 10, DS3 p. 8, Keli
XK3118K9-R p. 9. Request: STX, address A-Z, command, XOR of the two as two characters, ETX. Reply: STX, address,
command, data, XOR of all between STX and itself, ETX; data of gross, tare and net: sign, 6 digits, decimals.

Of the commands, handshake and the three weights are here. Truck and cargo numbers are the hub's affair, and for the
further commands of Keli (clear, zero, tare) the manuals at hand do not give the reply.
"""

from protocols.compat import const
from protocols.indicators.reading import NO, YES, Reading
from protocols.indicators.stream import (
    ETX,
    MORE,
    NO_FRAME,
    STX,
    FrameStream,
    IndicatorDecoder,
    is_xor,
    put_xor,
    xor_of,
)
from protocols.indicators.yaohua import put_weight, read_weight

COMMAND_HANDSHAKE = const(0x41)
COMMAND_GROSS = const(0x42)
COMMAND_TARE = const(0x43)
COMMAND_NET = const(0x44)

SHORT_SIZE = const(6)
WEIGHT_SIZE = const(14)

ADDRESS_FIRST = const(0x41)
ADDRESS_LAST = const(0x5A)


class YaohuaTf1(IndicatorDecoder):
    """The host: asks `address` for its gross weight, so a tare at the indicator does not matter."""

    def __init__(self, address: int = ADDRESS_FIRST) -> None:
        IndicatorDecoder.__init__(self, WEIGHT_SIZE)
        self.address = address
        self.command = 0

    def poll_into(self, buffer: bytearray) -> int:
        """Ask for the gross weight."""
        return encode_request(buffer, self.address, COMMAND_GROSS)

    def _judge(self) -> int:
        buffer = self.buffer
        if buffer[0] != STX or (self.size > 1 and buffer[1] != self.address):
            return NO_FRAME
        if self.size < 3:
            return MORE
        command = buffer[2]
        if command < COMMAND_HANDSHAKE or command > COMMAND_NET:
            return NO_FRAME
        size = SHORT_SIZE if command == COMMAND_HANDSHAKE else WEIGHT_SIZE
        if self.size < size:
            return MORE
        if buffer[size - 1] != ETX or not is_xor(buffer, size - 3, xor_of(buffer, 1, size - 3)):
            return NO_FRAME
        return size if self._read(command) else NO_FRAME

    def _read(self, command: int) -> bool:
        reading = self.reading
        self.command = command
        if command == COMMAND_HANDSHAKE:
            reading.clear()
            return True
        if not read_weight(self.buffer, 3, reading):
            return False
        reading.net = YES if command == COMMAND_NET else NO
        if command == COMMAND_TARE:
            reading.has_weight = 0
            reading.has_tare = 1
            reading.tare_digits = reading.digits
        return True


class RequestDecoder(FrameStream):
    """The indicator: `on_byte` is True for a request to `address`, its letter is in `command`."""

    def __init__(self, address: int = ADDRESS_FIRST) -> None:
        FrameStream.__init__(self, SHORT_SIZE)
        self.address = address
        self.command = 0

    def _judge(self) -> int:
        buffer = self.buffer
        if buffer[0] != STX or (self.size > 1 and buffer[1] != self.address):
            return NO_FRAME
        if self.size < SHORT_SIZE:
            return MORE
        if buffer[5] != ETX or not is_xor(buffer, 3, buffer[1] ^ buffer[2]):
            return NO_FRAME
        self.command = buffer[2]
        return SHORT_SIZE


def encode_request(buffer: bytearray, address: int, command: int) -> int:
    """Write a request; return its size."""
    return _finish(buffer, address, command, 3)


def encode_reply(buffer: bytearray, address: int, command: int, reading: Reading) -> int:
    """Write the reply to `command`; return its size, 0 for a command that is not answered here."""
    if command < COMMAND_HANDSHAKE or command > COMMAND_NET:
        return 0
    digits = reading.digits
    if command == COMMAND_GROSS:
        digits = reading.gross_digits()
    elif command == COMMAND_TARE:
        digits = reading.tare_digits
    size = 3 if command == COMMAND_HANDSHAKE else put_weight(buffer, 3, digits, reading.decimals)
    return _finish(buffer, address, command, size)


def _finish(buffer: bytearray, address: int, command: int, size: int) -> int:
    buffer[0], buffer[1], buffer[2] = STX, address, command
    end = put_xor(buffer, size, xor_of(buffer, 1, size))
    buffer[end] = ETX
    return end + 1
