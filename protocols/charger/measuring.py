"""Frames of a charging post's measuring unit: what it measures at bus and plates, and the vehicle's last frame.

Knows both layouts, both faces, and how they stand among other frames of one line. Must not know what a post decides.
The unit is isolated from the post and the only talker on its line: what the power module says it passes on between its
own frames, untouched.

Frames, big-endian: 0xA5, kind, counter u8, flags u8, content, CRC-16 low byte first over everything before it
(protocols.crc).

*Measured* (kind 0x4D), every PERIOD_MS: flags bit n says that value n is good; plate voltage u16 (0.1 V), bus voltage
u16 (0.1 V), current s16 (0.1 A), post temperature s16 and plate temperature s16 (0.1 degree Celsius).

*Vehicle* (kind 0x56), with every frame the vehicle sends: flags are the vehicle's; sequence u16, id u32, chemistry
class u8, one byte of zero, battery voltage u16 (0.1 V), highest voltage u16, highest current u16 (0.1 A), battery
temperature s16 (0.1 degree Celsius), state of charge u16 (permille).
"""

from protocols.bigendian import get_i32, get_u16, put_i32, put_u16
from protocols.compat import const
from protocols.copying import copy_bytes
from protocols.crc import crc16

SYNC = const(0xA5)
MEASURED = const(0x4D)
VEHICLE = const(0x56)
MEASURED_COUNT = const(5)
VEHICLE_COUNT = const(9)
MEASURED_SIZE = const(16)
VEHICLE_SIZE = const(24)
ALL_GOOD = const(0x1F)
PERIOD_MS = const(20)
# Five frames: one lost in a noisy minute is no reason to stop, a tenth of a second without a voltage is.
SILENCE_MS = const(100)

_CONTENT_AT = const(4)
_BUFFER_SIZE = const(256)


def pack_measured(buffer: bytearray, counter: int, good: int, values: list[int]) -> int:
    """Write a frame with the five values to the start of `buffer`; returns MEASURED_SIZE."""
    for index in range(MEASURED_COUNT):
        put_u16(buffer, _CONTENT_AT + 2 * index, values[index])
    return _seal(buffer, MEASURED, counter, good, MEASURED_SIZE)


def pack_vehicle(buffer: bytearray, counter: int, values: list[int]) -> int:
    """Write a frame with the nine values of `vehicle` below to the start of `buffer`; returns VEHICLE_SIZE."""
    put_u16(buffer, 4, values[0])
    put_i32(buffer, 6, values[2])
    buffer[10] = values[3] & 0xFF
    buffer[11] = 0
    for index in range(4, VEHICLE_COUNT):
        put_u16(buffer, 4 + 2 * index, values[index])
    return _seal(buffer, VEHICLE, counter, values[1], VEHICLE_SIZE)


def _seal(buffer: bytearray, kind: int, counter: int, flags: int, size: int) -> int:
    buffer[0] = SYNC
    buffer[1] = kind
    buffer[2] = counter & 0xFF
    buffer[3] = flags & 0xFF
    check = crc16(buffer, 0, size - 2)
    buffer[size - 2] = check & 0xFF
    buffer[size - 1] = check >> 8
    return size


class UnitReceiver:
    """Takes the unit's frames out of a stream that may hold anything; `take` hands on what is not its own.

    `measured` are the five values in the frame's order, `good` their flags, `measured_count` moves with every good
    frame, modulo 2**16. `vehicle` are sequence, flags, id, chemistry, battery voltage, highest voltage and current,
    temperature and state of charge. `errors` counts frames with a wrong CRC. Allocates nothing after construction.
    """

    def __init__(self) -> None:
        self.measured = [0] * MEASURED_COUNT
        self.good = 0
        self.measured_count = 0
        self.vehicle = [0] * VEHICLE_COUNT
        self.errors = 0
        self._buffer = bytearray(_BUFFER_SIZE)
        self._size = 0

    def take(self, data: bytearray, size: int, rest: bytearray) -> int:
        """Take `size` bytes of `data`; write those that are no frame of the unit to `rest`, return how many.

        `size` is at most 128, and `rest` has room for that and a frame; it may be `data`.
        """
        buffer = self._buffer
        copy_bytes(buffer, self._size, data, 0, size)
        end = self._size + size
        at = 0
        count = 0
        while at < end:
            length = self._length(at, end) if buffer[at] == SYNC else 0
            if length < 0 or at + length > end:
                break  # it may become a frame
            if length and self._is_sound(at, length):
                at += length
                continue
            rest[count] = buffer[at]
            count += 1
            at += 1
        self._size = end - at
        copy_bytes(buffer, 0, buffer, at, self._size)
        return count

    def _length(self, at: int, end: int) -> int:
        """Bytes of the frame of the unit that begins here, 0 for another's, -1 while that is not known."""
        if at + 1 == end:
            return -1
        kind = self._buffer[at + 1]
        if kind == MEASURED:
            return MEASURED_SIZE
        return VEHICLE_SIZE if kind == VEHICLE else 0

    def _is_sound(self, at: int, length: int) -> bool:
        buffer = self._buffer
        check_at = at + length - 2
        if buffer[check_at] | buffer[check_at + 1] << 8 != crc16(buffer, at, length - 2):
            self.errors = (self.errors + 1) & 0xFFFF
            return False
        if length == MEASURED_SIZE:
            self._take_measured(at)
        else:
            self._take_vehicle(at)
        return True

    def _take_measured(self, at: int) -> None:
        buffer = self._buffer
        values = self.measured
        self.good = buffer[at + 3]
        values[0] = get_u16(buffer, at + 4)
        values[1] = get_u16(buffer, at + 6)
        values[2] = _signed(get_u16(buffer, at + 8))
        values[3] = _signed(get_u16(buffer, at + 10))
        values[4] = _signed(get_u16(buffer, at + 12))
        self.measured_count = (self.measured_count + 1) & 0xFFFF

    def _take_vehicle(self, at: int) -> None:
        buffer = self._buffer
        values = self.vehicle
        values[0] = get_u16(buffer, at + 4)
        values[1] = buffer[at + 3]
        values[2] = get_i32(buffer, at + 6)
        values[3] = buffer[at + 10]
        values[4] = get_u16(buffer, at + 12)
        values[5] = get_u16(buffer, at + 14)
        values[6] = get_u16(buffer, at + 16)
        values[7] = _signed(get_u16(buffer, at + 18))
        values[8] = get_u16(buffer, at + 20)


def _signed(value: int) -> int:
    return value - 0x10000 if value & 0x8000 else value
