"""Frames between a charging post and its power module: setpoints one way, measurements the other, both as heartbeats.

Knows the frame layout, both faces. Must not know what a post or a module does with the values. The content is that of
the process data a CANopen charger exchanges cyclically (status, actual values, setpoints; CiA 419 as the model),
carried over a serial line in a frame of the project's own, since not every supported board has a CAN controller.

Frame, big-endian: 0xA5, kind, counter u8, flags u8, voltage u16 (0.1 V), current u16 (0.1 A), extra u16, CRC-16 low
byte first over everything before it (protocols.crc). Always FRAME_SIZE bytes.

*Setpoint* (kind 0x53): flags bit 0 enable; extra 0. *Status* (kind 0x41): flags bits 0 to 1 MODULE_*, extra is the
counter of the last good setpoint frame in the low byte and the temperature in degrees Celsius plus 100 in the high
byte.

Each side counts its own frames modulo 256. A module that has had no good setpoint frame for SILENCE_MS switches its
output off by itself; a post that sees no new status counter, or its own setpoints not coming back, treats the module
as silent.
"""

from protocols.bigendian import get_u16, put_u16
from protocols.compat import const
from protocols.crc import crc16

FRAME_SIZE = const(12)
SETPOINT = const(0x53)
STATUS = const(0x41)
MODULE_OFF = const(0)
MODULE_ON = const(1)
MODULE_FAULT = const(2)
# Five setpoint frames: one lost frame in a noisy minute is no reason to stop, half a second without command is.
SILENCE_MS = const(500)
PERIOD_MS = const(100)

_SYNC = const(0xA5)
_TEMP_OFFSET = const(100)
_CRC_AT = const(10)


class Frame:
    """Fields of one frame; `kind` is 0 while nothing was received. `extra` is told in the module's text."""

    def __init__(self) -> None:
        self.kind = 0
        self.counter = 0
        self.flags = 0
        self.voltage_v_x10 = 0
        self.current_a_x10 = 0
        self.extra = 0

    def pack(self, buffer: bytearray | memoryview) -> int:
        """Write the frame to the start of `buffer`; values wrap to their width. Returns FRAME_SIZE."""
        buffer[0] = _SYNC
        buffer[1] = self.kind
        buffer[2] = self.counter & 0xFF
        buffer[3] = self.flags & 0xFF
        put_u16(buffer, 4, self.voltage_v_x10)
        put_u16(buffer, 6, self.current_a_x10)
        put_u16(buffer, 8, self.extra)
        check = crc16(buffer, 0, _CRC_AT)
        buffer[_CRC_AT] = check & 0xFF
        buffer[_CRC_AT + 1] = check >> 8
        return FRAME_SIZE

    def take(self, buffer: bytes | bytearray) -> None:
        """Read the fields of a frame the collector found good."""
        self.kind = buffer[1]
        self.counter = buffer[2]
        self.flags = buffer[3]
        self.voltage_v_x10 = get_u16(buffer, 4)
        self.current_a_x10 = get_u16(buffer, 6)
        self.extra = get_u16(buffer, 8)


def status_extra(heard_counter: int, temp_c: int) -> int:
    """Return `extra` of a status frame; the temperature is held within -100..155 degrees Celsius."""
    return (min(max(temp_c + _TEMP_OFFSET, 0), 255) << 8) | (heard_counter & 0xFF)


def heard_counter(extra: int) -> int:
    """Counter of the last setpoint frame the module took."""
    return extra & 0xFF


def module_temp_c(extra: int) -> int:
    """Temperature of the module, degrees Celsius."""
    return (extra >> 8) - _TEMP_OFFSET


class FrameCollector:
    """Finds frames of one kind in a stream of bytes that may hold anything; `errors` counts what was thrown away.

    A byte that cannot begin a frame is dropped silently, a whole frame with a wrong CRC is one error, after which the
    search goes on behind its first byte: a good frame inside garbage is never lost.
    """

    def __init__(self, kind: int) -> None:
        self.frame = Frame()
        self.errors = 0
        self._kind = kind
        self._buffer = bytearray(FRAME_SIZE)
        self._size = 0

    def on_byte(self, byte: int) -> bool:
        """Take one byte; True when it completed a good frame, now in `frame`."""
        buffer = self._buffer
        buffer[self._size] = byte
        self._size += 1
        if self._size == FRAME_SIZE:
            if buffer[_CRC_AT] | buffer[_CRC_AT + 1] << 8 == crc16(buffer, 0, _CRC_AT):
                self.frame.take(buffer)
                self._size = 0
                return True
            self.errors = (self.errors + 1) & 0xFFFF
            self._drop(1)
        elif not self._can_begin(0):
            self._drop(1)
        return False

    def _drop(self, start: int) -> None:
        """Move the rest to the front, from the first place at or after `start` where a frame could begin."""
        size = self._size
        while start < size and not self._can_begin(start):
            start += 1
        buffer = self._buffer
        for index in range(start, size):
            buffer[index - start] = buffer[index]
        self._size = size - start

    def _can_begin(self, at: int) -> bool:
        buffer = self._buffer
        if buffer[at] != _SYNC:
            return False
        return at + 1 >= self._size or buffer[at + 1] == self._kind
