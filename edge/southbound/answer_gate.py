"""Which received bytes are the answer to the request under way: strict, because a loose match mixes answers up.

Knows: the frame of an RTU and a TCP answer, its unit, function code and size. Must not know: pymodbus, ports, time.

An answer must have the unit, function code and exact size that were asked for, and a right CRC or MBAP header. Over
RTU an answer that comes too late looks like the answer to the next request of the same *shape* (unit, function code
and size). A device answers in order, so once a request of another shape was answered, no older answer can come. Until
then the unit is *unsettled* for that shape, and the caller must get an answer to a request of another shape first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocols.crc import crc16

READ_COILS = 1
READ_DISCRETES = 2
READ_HOLDINGS = 3
READ_INPUTS = 4
WRITE_REGISTERS = 16
LATE_ANSWER_MAX_MS = 2000  # no device answers later than this
SYNC_COUNT_MAX = 8
_BIT_READS = (READ_COILS, READ_DISCRETES)
_EXCEPTION_FLAG = 0x80
_MBAP_SIZE = 7
_CRC_SIZE = 2


@dataclass(frozen=True, slots=True)
class Shape:
    """What tells one request's answer from another's over RTU: `size` bytes of data in a read's answer, else 0."""

    unit_id: int
    function_code: int
    size: int

    @property
    def pdu_size(self) -> int:
        """Size of the answer's PDU."""
        return 2 + self.size if self.size else 5


def read_shape(unit_id: int, function_code: int, count: int) -> Shape:
    """The shape of a read of `count` registers or bits."""
    return Shape(unit_id, function_code, (count + 7) // 8 if function_code in _BIT_READS else 2 * count)


def write_shape(unit_id: int) -> Shape:
    """The shape of a write of registers."""
    return Shape(unit_id, WRITE_REGISTERS, 0)


def sync_counts(function_code: int, count: int) -> list[int]:
    """Counts of reads at the same address that a device which takes `count` should take too, of other sizes."""
    step = 8 if function_code in _BIT_READS else 1
    shorter = [step * number for number in range(1, SYNC_COUNT_MAX + 1) if step * number < count]
    return shorter or [count + step]


class AnswerGate:
    """Judges received bytes for one request at a time; counts what it keeps out."""

    def __init__(self, *, is_rtu: bool) -> None:
        self._is_rtu = is_rtu
        self._shape: Shape | None = None
        self._transaction_id = 0
        self._unsettled: dict[Shape, int] = {}  # when each of them was given up
        self._strays_now = 0
        self.bytes_seen = 0  # since the request was sent
        self.was_exception = False
        self.strays = 0  # answers that were not the one asked for, and noise before an answer

    def is_unsettled(self, shape: Shape, now_ms: int) -> bool:
        """Whether an older answer of this very shape could still come."""
        return self._is_rtu and now_ms - self._unsettled.get(shape, now_ms - LATE_ANSWER_MAX_MS) < LATE_ANSWER_MAX_MS

    def most_settled(self, shapes: Sequence[Shape], now_ms: int) -> int:
        """Which of `shapes` is the least likely to be taken for an older answer."""
        settled = [place for place, shape in enumerate(shapes) if not self.is_unsettled(shape, now_ms)]
        return settled[0] if settled else min(range(len(shapes)), key=lambda place: self._unsettled[shapes[place]])

    def open(self, shape: Shape) -> None:
        """A request of `shape` goes out."""
        self._shape = shape
        self._strays_now = 0
        self.bytes_seen = 0
        self.was_exception = False

    def sent(self, frame: bytes) -> None:
        """The request's bytes, to learn the transaction id of a TCP request."""
        self._transaction_id = int.from_bytes(frame[:2], "big")

    def shut(self, now_ms: int, *, answered: bool) -> None:
        """The request is over. Unanswered it leaves its shape unsettled; a plain answer settles the whole unit."""
        shape, self._shape = self._shape, None
        self.strays += self._strays_now
        if shape is None:
            return
        if not answered:
            self._unsettled[shape] = now_ms
        elif not self.was_exception and not self.is_unsettled(shape, now_ms):
            self._unsettled = {old: at for old, at in self._unsettled.items() if old.unit_id != shape.unit_id}

    def forget(self) -> None:
        """The connection is new: nothing old can come."""
        self._unsettled.clear()

    def pick(self, received: bytes) -> bytes:
        """The one frame in `received` (all bytes since the request) that is the answer, or nothing yet."""
        self.bytes_seen = max(self.bytes_seen, len(received))
        if self._shape is None:
            return b""
        found = self._pick_rtu(received, self._shape) if self._is_rtu else self._pick_tcp(received, self._shape)
        if found:
            self.was_exception = bool(found[1 if self._is_rtu else _MBAP_SIZE] & _EXCEPTION_FLAG)
        return found

    def data(self, frame: bytes) -> bytes:
        """What a read's answer that was picked carries."""
        return frame[3:-_CRC_SIZE] if self._is_rtu else frame[_MBAP_SIZE + 2 :]

    def exception_code(self, frame: bytes) -> int:
        """The exception that a picked answer tells, 0 for none."""
        pdu = frame[1:3] if self._is_rtu else frame[_MBAP_SIZE : _MBAP_SIZE + 2]
        return pdu[1] if pdu[0] & _EXCEPTION_FLAG else 0

    def _pick_rtu(self, received: bytes, shape: Shape) -> bytes:
        """Noise or a stray frame may stand before the answer, so every offset is tried; 16 CRC bits and size decide."""
        for start in range(len(received)):
            if received[start] != shape.unit_id:
                continue
            for function_code, pdu_size in ((shape.function_code, shape.pdu_size), (shape.function_code | 0x80, 2)):
                frame = received[start : start + 1 + pdu_size + _CRC_SIZE]
                if _is_rtu_frame(frame, function_code, pdu_size) and _has_byte_count(frame[1:], shape):
                    self._strays_now = 1 if start else 0
                    return frame
        return b""

    def _pick_tcp(self, received: bytes, shape: Shape) -> bytes:
        self._strays_now = 0
        while len(received) > _MBAP_SIZE:
            size = 6 + int.from_bytes(received[4:6], "big")
            frame, received = received[:size], received[size:]
            if frame[2:4] != b"\0\0" or len(frame) < size or size <= _MBAP_SIZE:
                return b""
            if self._is_answer_tcp(frame, shape):
                return frame
            self._strays_now += 1
        return b""

    def _is_answer_tcp(self, frame: bytes, shape: Shape) -> bool:
        if int.from_bytes(frame[:2], "big") != self._transaction_id or frame[6] != shape.unit_id:
            return False
        pdu = frame[_MBAP_SIZE:]
        if pdu[0] == shape.function_code | _EXCEPTION_FLAG:
            return len(pdu) == 2
        return pdu[0] == shape.function_code and len(pdu) == shape.pdu_size and _has_byte_count(pdu, shape)


def _is_rtu_frame(frame: bytes, function_code: int, pdu_size: int) -> bool:
    if len(frame) != 1 + pdu_size + _CRC_SIZE or frame[1] != function_code:
        return False
    crc = crc16(bytearray(frame), 0, len(frame) - _CRC_SIZE)
    return frame[-2] == crc & 0xFF and frame[-1] == crc >> 8


def _has_byte_count(pdu: bytes, shape: Shape) -> bool:
    """A read's answer says how many bytes follow; any other answer has no such field."""
    return not shape.size or pdu[0] & _EXCEPTION_FLAG != 0 or pdu[1] == shape.size
