"""Frames of the UHFReader18 family (ZK-RFID102, Chafon CF-RU): reference standards.md 3.3.

A command is Len, Adr, Cmd, data, CRC; a response Len, Adr, reCmd, Status, data, CRC. Len does not count itself. The CRC
(polynomial 0x8408 reflected, initial value 0xFFFF, no final xor) covers everything before it and goes low byte first.
Tags of an inventory are Num, then per tag a length in bytes and the EPC; status 03 says that more frames follow.
Status FB (no tag) and F8 (antenna) are named by the vendor's ReaderB demonstration program; that the data of an
unsolicited frame is the tag itself is taken from a recorded one: 1100EE002000708C2B380B2D00000000E056.

There is no head byte: after garbage every byte is tried as a length, if a command that this product uses follows. That
keeps the checksum from being computed at every byte, and chance frames rare. Knows no time and no reader's state.
"""

from protocols.compat import const
from protocols.rfid.window import MORE, NO_FRAME, FrameWindow

CMD_UNKNOWN = const(0x00)
CMD_INVENTORY = const(0x01)
CMD_READER_INFO = const(0x21)
CMD_ACTIVE = const(0xEE)

STATUS_OK = const(0x00)
STATUS_FINISHED = const(0x01)
STATUS_TIME_OVER = const(0x02)
STATUS_MORE = const(0x03)
STATUS_MEMORY_FULL = const(0x04)
STATUS_ANTENNA = const(0xF8)
STATUS_NO_TAG = const(0xFB)

ADDRESS_BROADCAST = const(0xFF)

_AT_ADDRESS = const(1)
_AT_COMMAND = const(2)
_AT_STATUS = const(3)
_AT_DATA = const(4)
_LENGTH_MIN = const(4)
FRAME_MAX = const(256)
UNLIMITED = const(-1)

# One entry per lower nibble of the reflected CRC.
_NIBBLES = (
    0x0000,
    0x1081,
    0x2102,
    0x3183,
    0x4204,
    0x5285,
    0x6306,
    0x7387,
    0x8408,
    0x9489,
    0xA50A,
    0xB58B,
    0xC60C,
    0xD68D,
    0xE70E,
    0xF78F,
)


def crc16(buffer: bytes | bytearray | memoryview, start: int, size: int) -> int:
    """Return the CRC over `size` bytes from `start`; 0 over a whole frame with its CRC."""
    crc = 0xFFFF
    nibbles = _NIBBLES
    for at in range(start, start + size):
        byte = buffer[at]
        crc = (crc >> 4) ^ nibbles[(crc ^ byte) & 0x0F]
        crc = (crc >> 4) ^ nibbles[(crc ^ (byte >> 4)) & 0x0F]
    return crc


class Uhf18Window(FrameWindow):
    """Takes frames of either direction out of a stream; `address`, `command`, `status` describe the frame taken.

    `budget` is how many bytes may still be checksummed, UNLIMITED for any number: a stream made to look like beginnings
    of frames would otherwise cost a checksum per byte. Without budget a frame is garbage.

    `at` is the index of the first byte behind the status in `buffer`, `length` the number of data bytes there; a
    command has no status: its first data byte stands in `status`, and `length` is one less than its data, -1 for none.
    """

    def __init__(self) -> None:
        super().__init__(FRAME_MAX)
        self.budget = UNLIMITED
        self.address = 0
        self.command = 0
        self.status = 0
        self.at = 0
        self.length = 0

    def _measure(self, count: int) -> int:
        length = self.buffer[self.start]
        if length < _LENGTH_MIN:
            return NO_FRAME
        if count > _AT_COMMAND and not _is_known(self.buffer[self.start + _AT_COMMAND]):
            return NO_FRAME
        return length + 1 if count > length else MORE

    def _is_whole(self, size: int) -> bool:
        buffer = self.buffer
        start = self.start
        if self.budget != UNLIMITED:
            if size > self.budget:
                return False
            self.budget -= size
        if crc16(buffer, start, size):
            return False
        self.address = buffer[start + _AT_ADDRESS]
        self.command = buffer[start + _AT_COMMAND]
        self.status = buffer[start + _AT_STATUS]
        self.at = start + _AT_DATA
        self.length = size - _AT_DATA - 2
        return True


def _is_known(command: int) -> bool:
    return command <= CMD_INVENTORY or command in (CMD_READER_INFO, CMD_ACTIVE)


def finish_frame(buffer: bytearray, size: int) -> int:
    """Put Len and CRC around the `size` bytes from the address (byte 1) on; return the size of the frame."""
    buffer[0] = size + 2
    crc = crc16(buffer, 0, size + 1)
    buffer[size + 1] = crc & 0xFF
    buffer[size + 2] = crc >> 8
    return size + 3


def put_command(buffer: bytearray, address: int, command: int) -> int:
    """A command without data; return its size."""
    buffer[_AT_ADDRESS] = address
    buffer[_AT_COMMAND] = command
    return finish_frame(buffer, 2)


def put_response(buffer: bytearray, address: int, command: int, status: int, length: int) -> int:
    """A reader's frame around the `length` data bytes that stand at byte 4 of `buffer`; return its size."""
    buffer[_AT_ADDRESS] = address
    buffer[_AT_COMMAND] = command
    buffer[_AT_STATUS] = status
    return finish_frame(buffer, length + 3)


def put_tag(buffer: bytearray, at: int, epc: bytes | bytearray, size: int) -> int:
    """Append one tag of an inventory at `at`; return the index behind it."""
    buffer[at] = size
    for index in range(size):
        buffer[at + 1 + index] = epc[index]
    return at + 1 + size


def has_tags(status: int) -> bool:
    """Tell whether an inventory's frame with this status carries tags."""
    return STATUS_FINISHED <= status <= STATUS_MEMORY_FULL
