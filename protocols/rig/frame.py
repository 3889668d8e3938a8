"""Frames between a host and a rig board: SYNC, payload size, kind, sequence, payload, CRC-16 (low byte first).

Knows where a frame begins and ends. Must not know what a payload means. One question at a time: the host waits for an
answer of the same sequence before it asks again, so neither side needs more than one frame of memory. The CRC covers
everything between SYNC and itself.
"""

from protocols.compat import const, ticks_diff
from protocols.crc import crc16

SYNC = const(0xA7)
PAYLOAD_MAX = const(64)
PAYLOAD_AT = const(4)
FRAME_MAX = const(70)
# A frame that pauses this long will not end any more: what follows is the next one.
GAP_US = const(50000)

_SIZE_AT = const(1)
_KIND_AT = const(2)
_SEQUENCE_AT = const(3)
_CRC_SIZE = const(2)


def finish_frame(buffer: bytearray, kind: int, sequence: int, size: int) -> int:
    """Put head and CRC around the `size` bytes of payload from PAYLOAD_AT; return the size of the frame."""
    buffer[0] = SYNC
    buffer[_SIZE_AT] = size
    buffer[_KIND_AT] = kind
    buffer[_SEQUENCE_AT] = sequence
    end = PAYLOAD_AT + size
    crc = crc16(buffer, _SIZE_AT, end - _SIZE_AT)
    buffer[end] = crc & 0xFF
    buffer[end + 1] = crc >> 8
    return end + _CRC_SIZE


class FrameReader:
    """Finds frames in bytes. After a `take` that set `found`, `kind`, `sequence`, `size` and `buffer` hold one.

    The payload stands in `buffer` from PAYLOAD_AT, until the next byte. `bad` counts frames that were no frames; it
    wraps at 2**16.
    """

    def __init__(self) -> None:
        self.buffer = bytearray(FRAME_MAX)
        self.found = False
        self.bad = 0
        self._filled = 0
        self._last_us = 0

    @property
    def kind(self) -> int:
        return self.buffer[_KIND_AT]

    @property
    def sequence(self) -> int:
        return self.buffer[_SEQUENCE_AT]

    @property
    def size(self) -> int:
        return self.buffer[_SIZE_AT]

    def take(self, data: bytes | bytearray, start: int, end: int, now_us: int) -> int:
        """Take `data[start:end]`, which came at `now_us`, up to the end of a frame; return where the rest begins.

        Bytes before a SYNC are dropped without a word: a line at rest.
        """
        self.found = False
        if self._filled and ticks_diff(now_us, self._last_us) > GAP_US:
            self._drop()
        self._last_us = now_us
        at = start
        while at < end and not self.found:
            at = self._fill(data, at, end) if self._filled else self._find_sync(data, at, end)
        return at

    def _find_sync(self, data: bytes | bytearray, at: int, end: int) -> int:
        while at < end and data[at] != SYNC:
            at += 1
        if at < end:
            self._filled = 1
            at += 1
        return at

    def _fill(self, data: bytes | bytearray, at: int, end: int) -> int:
        """Take bytes of the frame that has begun, as many as its size says."""
        buffer = self.buffer  # names of the function are found without looking them up
        filled = self._filled
        if filled == _SIZE_AT:
            buffer[_SIZE_AT] = data[at]
            self._filled = filled + 1
            if data[at] > PAYLOAD_MAX:
                self._drop()
            return at + 1
        whole = PAYLOAD_AT + buffer[_SIZE_AT] + _CRC_SIZE
        while at < end and filled < whole:
            buffer[filled] = data[at]
            filled += 1
            at += 1
        self._filled = filled
        if filled == whole:
            self._judge(whole - _CRC_SIZE)
        return at

    def _judge(self, end: int) -> None:
        if crc16(self.buffer, _SIZE_AT, end - _SIZE_AT) == self.buffer[end] | self.buffer[end + 1] << 8:
            self.found = True
            self._filled = 0
        else:
            self._drop()

    def _drop(self) -> None:
        self.bad = (self.bad + 1) & 0xFFFF
        self._filled = 0
