"""Frames of the R200, M100 and JRD-4035 reader modules: R200 user protocol V2.3.3 (reference standards.md 3.2).

A frame is head 0xAA, type, command, length of the parameters (2 bytes, high first), parameters, sum, tail 0xDD; the sum
is the low byte of everything from the type to the last parameter. A related family uses 0xBB and 0x7E, hence head and
tail are parameters here. Both directions have the same frame, so this codec is both faces.

Knows no time and no reader's state.
"""

from protocols.bigendian import get_u16, put_u16
from protocols.compat import const
from protocols.rfid import gen2
from protocols.rfid.window import MORE, NO_FRAME, FrameWindow

HEAD = const(0xAA)
TAIL = const(0xDD)
HEAD_RCP = const(0xBB)
TAIL_RCP = const(0x7E)

TYPE_COMMAND = const(0)
TYPE_RESPONSE = const(1)
TYPE_NOTIFICATION = const(2)

CMD_MODULE_INFO = const(0x03)
CMD_SET_REGION = const(0x07)
CMD_SINGLE_POLL = const(0x22)
CMD_MULTI_POLL = const(0x27)
CMD_STOP_POLL = const(0x28)
CMD_SET_POWER = const(0xB6)
CMD_FAILURE = const(0xFF)

INFO_HARDWARE = const(0)
# First parameter of a multi poll, before the count of rounds.
MULTI_POLL_RESERVED = const(0x22)

# Parameter of a failure: nothing answered the round, the normal state of an empty lane.
ERROR_NO_TAG = const(0x15)
ERROR_BAD_COMMAND = const(0x17)
ERROR_FHSS = const(0x20)

# RSSI, PC word and CRC around the EPC of a tag notification.
_TAG_EXTRA = const(5)
PARAMETERS_MAX = const(96)
_OVERHEAD = const(7)
FRAME_MAX = const(103)

_AT_TYPE = const(1)
_AT_COMMAND = const(2)
_AT_LENGTH = const(3)
_AT_PARAMETERS = const(5)


class R200Window(FrameWindow):
    """Takes frames of either direction out of a stream; `kind`, `command`, `at` and `length` describe the frame taken.

    `at` is the index of the first parameter in `buffer`, `length` their number, 0 to PARAMETERS_MAX. A frame that
    claims more is garbage.
    """

    def __init__(self, head: int = HEAD, tail: int = TAIL) -> None:
        super().__init__(FRAME_MAX)
        self._head = head
        self._tail = tail
        self.kind = 0
        self.command = 0
        self.at = 0
        self.length = 0

    def _measure(self, count: int) -> int:
        buffer = self.buffer
        start = self.start
        if buffer[start] != self._head:
            return NO_FRAME
        if count > _AT_TYPE and buffer[start + _AT_TYPE] > TYPE_NOTIFICATION:
            return NO_FRAME
        if count < _AT_PARAMETERS:
            return MORE
        length = get_u16(buffer, start + _AT_LENGTH)
        return length + _OVERHEAD if length <= PARAMETERS_MAX else NO_FRAME

    def _is_whole(self, size: int) -> bool:
        buffer = self.buffer
        start = self.start
        last = start + size - 1
        if buffer[last] != self._tail or checksum(buffer, start, size) != buffer[last - 1]:
            return False
        self.kind = buffer[start + _AT_TYPE]
        self.command = buffer[start + _AT_COMMAND]
        self.at = start + _AT_PARAMETERS
        self.length = size - _OVERHEAD
        return True


def checksum(buffer: bytes | bytearray, start: int, size: int) -> int:
    """Return the sum byte of the frame of `size` bytes at `start`."""
    total = 0
    for at in range(start + _AT_TYPE, start + size - 2):
        total += buffer[at]
    return total & 0xFF


def finish_frame(buffer: bytearray, kind: int, command: int, length: int, head: int = HEAD, tail: int = TAIL) -> int:
    """Put the frame around the `length` parameters that stand at byte 5 of `buffer`; return its size."""
    size = length + _OVERHEAD
    buffer[0] = head
    buffer[_AT_TYPE] = kind
    buffer[_AT_COMMAND] = command
    put_u16(buffer, _AT_LENGTH, length)
    buffer[size - 2] = checksum(buffer, 0, size)
    buffer[size - 1] = tail
    return size


def put_module_info(buffer: bytearray) -> int:
    """Ask for the hardware version, which every module answers; return the size."""
    buffer[_AT_PARAMETERS] = INFO_HARDWARE
    return finish_frame(buffer, TYPE_COMMAND, CMD_MODULE_INFO, 1)


def put_set_region(buffer: bytearray, region: int) -> int:
    """Choose the region by the module's own code (1 is China 900 MHz)."""
    buffer[_AT_PARAMETERS] = region
    return finish_frame(buffer, TYPE_COMMAND, CMD_SET_REGION, 1)


def put_set_power(buffer: bytearray, power_dbm_x100: int) -> int:
    """Set the transmit power in 0.01 dBm."""
    put_u16(buffer, _AT_PARAMETERS, power_dbm_x100)
    return finish_frame(buffer, TYPE_COMMAND, CMD_SET_POWER, 2)


def put_single_poll(buffer: bytearray) -> int:
    """Ask for one inventory round."""
    return finish_frame(buffer, TYPE_COMMAND, CMD_SINGLE_POLL, 0)


def put_multi_poll(buffer: bytearray, rounds: int) -> int:
    """Ask for `rounds` inventory rounds, 1 to 65535."""
    buffer[_AT_PARAMETERS] = MULTI_POLL_RESERVED
    put_u16(buffer, _AT_PARAMETERS + 1, rounds)
    return finish_frame(buffer, TYPE_COMMAND, CMD_MULTI_POLL, 3)


def put_stop_poll(buffer: bytearray) -> int:
    """End a multi poll."""
    return finish_frame(buffer, TYPE_COMMAND, CMD_STOP_POLL, 0)


def put_tag(buffer: bytearray, rssi_dbm: int, epc: bytes | bytearray, size: int) -> int:
    """A module's notification of one tag: RSSI (-128..127 dBm), PC word, EPC of `size` bytes, tag CRC."""
    at = _AT_PARAMETERS
    buffer[at] = rssi_dbm & 0xFF
    put_u16(buffer, at + 1, gen2.pc_for(size))
    for index in range(size):
        buffer[at + 3 + index] = epc[index]
    put_u16(buffer, at + 3 + size, gen2.tag_crc(buffer, at + 1, size + 2))
    return finish_frame(buffer, TYPE_NOTIFICATION, CMD_SINGLE_POLL, size + _TAG_EXTRA)


def put_response(buffer: bytearray, command: int, value: int) -> int:
    """A module's answer with one byte of parameters: a result, or with CMD_FAILURE the error."""
    buffer[_AT_PARAMETERS] = value
    return finish_frame(buffer, TYPE_RESPONSE, command, 1)


def is_tag(frame: R200Window) -> bool:
    """Tell whether the frame taken notifies of a tag, with an EPC of at least one byte."""
    is_poll = frame.kind == TYPE_NOTIFICATION and frame.command == CMD_SINGLE_POLL
    return is_poll and _TAG_EXTRA < frame.length <= _TAG_EXTRA + gen2.EPC_SIZE_MAX


def is_tag_crc_right(frame: R200Window) -> bool:
    """Tell whether the tag of the frame taken was read without error."""
    inside = frame.length - 3
    return gen2.tag_crc(frame.buffer, frame.at + 1, inside) == get_u16(frame.buffer, frame.at + 1 + inside)


def tag_rssi_dbm(frame: R200Window) -> int:
    """Return the RSSI of the tag taken, -128 to 127 dBm."""
    value = frame.buffer[frame.at]
    return value - 256 if value > 127 else value


def tag_epc_at(frame: R200Window) -> int:
    """Return the index of the EPC in the frame's buffer."""
    return frame.at + 3


def tag_epc_size(frame: R200Window) -> int:
    """Return the size of the EPC in bytes, from the frame's own length."""
    return frame.length - _TAG_EXTRA
