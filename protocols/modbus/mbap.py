"""Modbus TCP frames (MODBUS Messaging on TCP/IP V1.0b, 3.1.3): a byte stream in, checked frames out.

Knows the MBAP header: transaction id, protocol id 0, length, unit id. Knows no sockets and nothing inside a PDU. A
stream has no silence to find the next frame by, so a bad header can only be answered by closing the connection.
"""

from protocols.bigendian import get_u16, put_u16
from protocols.compat import const
from protocols.modbus.rtu import FRAME_NONE, FRAME_OK

MBAP_SIZE = const(7)
MBAP_ADU_SIZE_MAX = const(260)
FRAME_BAD_HEADER = const(7)

_LENGTH_MIN = const(2)
_LENGTH_MAX = const(254)
_LENGTH_END = const(6)
_COUNTER_MASK = const(0xFFFF)


class MbapCollector:
    """Collects one frame at a time into a fixed buffer; allocates nothing after construction.

    After FRAME_OK the frame is `buffer[:size]` and its PDU the `pdu_size` bytes from MBAP_SIZE, untouched until the
    next `on_byte`, so requests that arrive back to back are served one by one. One collector serves one connection.
    """

    def __init__(self) -> None:
        self.buffer = bytearray(MBAP_ADU_SIZE_MAX)
        self.size = 0
        self._expected = _LENGTH_END
        self._ended = 0
        self._failed = 0
        self.frames = 0
        self.bad_headers = 0

    @property
    def pdu_size(self) -> int:
        """Size of the PDU of the last frame."""
        return self.size - MBAP_SIZE

    @property
    def unit_id(self) -> int:
        """Unit id of the last frame."""
        return self.buffer[6]

    @property
    def transaction_id(self) -> int:
        """Transaction id of the last frame."""
        return get_u16(self.buffer, 0)

    def reset(self) -> None:
        """Forget everything received, for a new connection; the counters go on."""
        self.size = 0
        self._expected = _LENGTH_END
        self._ended = 0
        self._failed = 0

    def on_byte(self, byte: int) -> int:
        """Take one byte; return FRAME_OK when it completes a frame, FRAME_NONE while one is under way.

        FRAME_BAD_HEADER means the stream is lost: close it. It stays so until `reset`.
        """
        if self._failed:
            return FRAME_BAD_HEADER
        if self._ended:
            self.reset()
        self.buffer[self.size] = byte
        self.size += 1
        if self.size < self._expected:
            return FRAME_NONE
        if self.size == _LENGTH_END:
            return self._take_header()
        self._ended = 1
        self.frames = (self.frames + 1) & _COUNTER_MASK
        return FRAME_OK

    def _take_header(self) -> int:
        """Judge protocol id and length as soon as they are in; the length counts unit id and PDU."""
        length = get_u16(self.buffer, 4)
        if get_u16(self.buffer, 2) != 0 or length < _LENGTH_MIN or length > _LENGTH_MAX:
            self._failed = 1
            self.bad_headers = (self.bad_headers + 1) & _COUNTER_MASK
            return FRAME_BAD_HEADER
        self._expected = _LENGTH_END + length
        return FRAME_NONE


def encode_mbap_into(buffer: bytearray, transaction_id: int, unit_id: int, pdu_size: int) -> int:
    """Put the header before the PDU that stands at MBAP_SIZE of `buffer`; return the size of the whole frame."""
    put_u16(buffer, 0, transaction_id)
    put_u16(buffer, 2, 0)
    put_u16(buffer, 4, pdu_size + 1)
    buffer[6] = unit_id
    return MBAP_SIZE + pdu_size
