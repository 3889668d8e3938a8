"""Modbus RTU frames (MODBUS over Serial Line V1.02, 2.5.1): bytes and silences in, checked frames out.

Knows address, CRC and the rule that silence ends a frame. Knows no clock and no port: the shell measures t1.5 and t3.5
and reports them as `on_gap` and `on_silence`. Knows nothing inside a PDU.

*Gap*: t1.5 passed without a byte; a byte after a gap makes the frame unusable.
*Silence*: t3.5 passed without a byte; the frame is over.
"""

from protocols.compat import const
from protocols.copying import copy_bytes
from protocols.crc import crc16
from protocols.modbus.resync import SPLIT_FOREIGN, FrameSplitter

BROADCAST = const(0)
ADU_SIZE_MAX = const(256)
ADU_SIZE_MIN = const(4)
PDU_START = const(1)

FRAME_NONE = const(0)
FRAME_OK = const(1)
FRAME_BAD_CRC = const(2)
FRAME_TOO_SHORT = const(3)
FRAME_TOO_LONG = const(4)
FRAME_GAP = const(5)
FRAME_NOT_MINE = const(6)

_COUNTER_MASK = const(0xFFFF)
_FIXED_ABOVE_BAUD = const(19200)


class RtuCollector:
    """Collects one frame at a time into a fixed buffer; allocates nothing after construction.

    `on_silence` ends a frame and says what it was. After FRAME_OK the frame is `buffer[:size]` and its PDU the
    `pdu_size` bytes from PDU_START, both untouched until the next byte. Every frame is counted once, in the
    counter named after its result; counters wrap at 2**16.
    """

    def __init__(self, unit_id: int, size: int = ADU_SIZE_MAX, is_timed: bool = True) -> None:
        """A port that cannot tell pauses (`is_timed` false) may hand over two or three frames as one; `size` then has
        room for as many, and a request among them is found by its length and CRC.
        """
        self.unit_id = unit_id
        self._splitter = None if is_timed else FrameSplitter(unit_id)
        self.buffer = bytearray(size)
        self.size = 0
        self._limit = size
        self._ended = 1
        self._gap = 0
        self._broken = FRAME_NONE
        self.frames = 0
        self.crc_errors = 0
        self.short_frames = 0
        self.long_frames = 0
        self.gap_frames = 0
        self.foreign_frames = 0

    @property
    def pdu_size(self) -> int:
        """Size of the PDU of the last frame, without address and CRC."""
        return self.size - 3

    def is_broadcast(self) -> bool:
        """Tell whether the last frame is addressed to every unit, and so must not be answered."""
        return self.buffer[0] == BROADCAST

    def on_byte(self, byte: int) -> None:
        """Take one received byte."""
        self._begin()
        at = self.size
        if at < self._limit:
            self.buffer[at] = byte
            self.size = at + 1
        else:
            self._broken = FRAME_TOO_LONG

    def on_bytes(self, data: bytes | bytearray, start: int, count: int) -> None:
        """Take `count` received bytes of `data` from `start`, at least one, with no gap between them."""
        self._begin()
        at = self.size
        if count > self._limit - at:
            count = self._limit - at
            self._broken = FRAME_TOO_LONG
        copy_bytes(self.buffer, at, data, start, count)
        self.size = at + count

    def on_gap(self) -> None:
        """Note that t1.5 passed since the last byte. Harmless when t3.5 follows, so it is judged by the next byte."""
        if not self._ended:
            self._gap = 1

    def on_silence(self) -> int:
        """Note that t3.5 passed since the last byte; return what the frame so ended was, FRAME_NONE without one."""
        if self._ended:
            return FRAME_NONE
        result = self._judge()
        self._ended = 1
        self._gap = 0
        self._broken = FRAME_NONE
        self._count(result)
        return result

    def _begin(self) -> None:
        if self._ended:
            self._ended = 0
            self.size = 0
        if self._gap:
            self._gap = 0
            self._broken = FRAME_GAP

    def _judge(self) -> int:
        if self._broken:
            return self._broken
        if self.size < ADU_SIZE_MIN:
            return FRAME_TOO_SHORT
        end = self.size - 2
        if crc16(self.buffer, 0, end) != self.buffer[end] | self.buffer[end + 1] << 8:
            return FRAME_BAD_CRC if self._splitter is None else self._split(self._splitter)
        address = self.buffer[0]
        return FRAME_OK if address == self.unit_id or address == BROADCAST else FRAME_NOT_MINE

    def _split(self, splitter: FrameSplitter) -> int:
        """Take the frames apart; a request found is moved to the start of the buffer."""
        start = splitter.split(self.buffer, self.size)
        if start < 0:
            return FRAME_NOT_MINE if start == SPLIT_FOREIGN else FRAME_BAD_CRC
        for index in range(splitter.size):
            self.buffer[index] = self.buffer[start + index]
        self.size = splitter.size
        return FRAME_OK

    def _count(self, result: int) -> None:
        if result == FRAME_OK:
            self.frames = (self.frames + 1) & _COUNTER_MASK
        elif result == FRAME_NOT_MINE:
            self.foreign_frames = (self.foreign_frames + 1) & _COUNTER_MASK
        elif result == FRAME_BAD_CRC:
            self.crc_errors = (self.crc_errors + 1) & _COUNTER_MASK
        elif result == FRAME_GAP:
            self.gap_frames = (self.gap_frames + 1) & _COUNTER_MASK
        elif result == FRAME_TOO_SHORT:
            self.short_frames = (self.short_frames + 1) & _COUNTER_MASK
        else:
            self.long_frames = (self.long_frames + 1) & _COUNTER_MASK


def encode_adu_into(unit_id: int, buffer: bytearray, pdu_size: int) -> int:
    """Put address and CRC around the PDU that stands at PDU_START of `buffer`; return the size of the whole frame.

    `buffer` has room for `pdu_size` + 3 bytes.
    """
    buffer[0] = unit_id
    end = pdu_size + PDU_START
    crc = crc16(buffer, 0, end)
    buffer[end] = crc & 0xFF
    buffer[end + 1] = crc >> 8
    return end + 2


def t15_us(baud: int) -> int:
    """Return the longest pause inside a frame in us: 1.5 characters of 11 bits, fixed above 19200 baud (2.5.1.1)."""
    return 750 if baud > _FIXED_ABOVE_BAUD else (16_500_000 + baud - 1) // baud


def t35_us(baud: int) -> int:
    """Return the silence that ends a frame in us: 3.5 characters of 11 bits, fixed above 19200 baud (2.5.1.1)."""
    return 1750 if baud > _FIXED_ABOVE_BAUD else (38_500_000 + baud - 1) // baud
