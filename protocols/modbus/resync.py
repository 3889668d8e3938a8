"""Finding frames in bytes whose pauses are not known: what a UART that is read in batches hands over.

Knows the length that a request or a response has by its own first bytes, and the CRC. Must not know a port or a clock.

A polled UART may deliver another device's answer and the next request in one piece, t3.5 between them unseen (the
silence of MODBUS over Serial Line 2.5.1 exists on the wire, not in the buffer). Such a piece is split by lengths, each
part proven by its CRC. Only a request at the very end can still be waiting for an answer; earlier ones are history.
"""

from protocols.compat import const
from protocols.crc import crc16
from protocols.modbus import pdu

# What `split` returns besides the place of a request.
SPLIT_GARBAGE = const(-1)
SPLIT_FOREIGN = const(-2)

_UNIT_ID_MAX = const(247)
_ADU_SIZE_MAX = const(256)
_ADU_SIZE_MIN = const(4)
# Bytes put through the CRC for one piece: the frames it can hold several times over, and a bound on what hostile bytes
# can cost.
_CRC_BYTES_MAX = const(4096)


class FrameSplitter:
    """`split` looks at `buffer[:size]`; a request it finds has `self.size` bytes."""

    def __init__(self, unit_id: int) -> None:
        self._unit_id = unit_id
        self._crc_bytes = 0
        self.size = 0

    def split(self, buffer: bytearray, size: int) -> int:
        """Return where a request to this unit stands at the end, or one of SPLIT_FOREIGN and SPLIT_GARBAGE.

        SPLIT_FOREIGN: nothing but whole frames, and the last is not for us.
        """
        self._crc_bytes = 0
        result = SPLIT_FOREIGN
        at = 0
        mine = -1
        while at < size:
            mine = -1
            count = self._whole(buffer, at, size, request_size(buffer, at, size))
            if count and buffer[at] == self._unit_id:
                mine = at
            if count == 0:
                count = self._whole(buffer, at, size, response_size(buffer, at, size))
            if count == 0:
                result = SPLIT_GARBAGE
                count = 1
            self.size = count
            at += count
        return mine if mine >= 0 else result

    def _whole(self, buffer: bytearray, at: int, size: int, count: int) -> int:
        """`count` when that many bytes from `at` are a frame with a right CRC, else 0."""
        if count < _ADU_SIZE_MIN or count > _ADU_SIZE_MAX or at + count > size or self._crc_bytes > _CRC_BYTES_MAX:
            return 0
        self._crc_bytes += count
        end = at + count - 2
        return count if crc16(buffer, at, count - 2) == buffer[end] | buffer[end + 1] << 8 else 0


def request_size(buffer: bytearray, at: int, size: int) -> int:
    """Bytes of the request frame that begins at `at`, as its first bytes tell; 0 when they are no request's."""
    if size - at < _ADU_SIZE_MIN or buffer[at] > _UNIT_ID_MAX:
        return 0
    function_code = buffer[at + 1]
    if pdu.READ_COILS <= function_code <= pdu.WRITE_SINGLE_REGISTER:
        return 8
    if function_code == pdu.WRITE_MULTIPLE_COILS or function_code == pdu.WRITE_MULTIPLE_REGISTERS:
        return 9 + buffer[at + 6] if size - at > 6 else 0
    if function_code == pdu.MASK_WRITE_REGISTER:
        return 10
    if function_code == pdu.READ_WRITE_MULTIPLE_REGISTERS:
        return 13 + buffer[at + 10] if size - at > 10 else 0
    return 7 if function_code == pdu.ENCAPSULATED_INTERFACE else 0


def response_size(buffer: bytearray, at: int, size: int) -> int:
    """Bytes of the response frame that begins at `at`; 0 when its first bytes are no response's we can measure."""
    if size - at < _ADU_SIZE_MIN or buffer[at] > _UNIT_ID_MAX:
        return 0
    function_code = buffer[at + 1]
    if function_code & pdu.EXCEPTION_FLAG:
        return 5
    if function_code <= pdu.READ_INPUT_REGISTERS or function_code == pdu.READ_WRITE_MULTIPLE_REGISTERS:
        return 5 + buffer[at + 2]
    if function_code == pdu.MASK_WRITE_REGISTER:
        return 10
    return 8 if function_code <= pdu.WRITE_MULTIPLE_REGISTERS else 0
