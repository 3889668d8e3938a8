"""Which received bytes are the answer to the request under way: strict, because a loose match mixes answers up.

Knows: the frame of an RTU and a TCP answer, its unit, function code and size. Must not know: pymodbus, ports, time.

An answer must have the unit, function code and exact size that were asked for, and a right CRC or MBAP header. Over
RTU an answer that comes too late looks like the answer to the next request of the same *shape* (unit, function code
and size). A device answers in order, so once a request of another shape was answered, no older answer can come. Until
then the unit is *unsettled* for that shape, and the caller must get an answer to a request of another shape first.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocols.crc import crc16

READ_INPUTS = 4
WRITE_REGISTERS = 16
LATE_ANSWER_MAX_MS = 2000  # no device answers later than this
_SYNC_COUNTS = range(1, 9)  # header registers, which every device has
_EXCEPTION_FLAG = 0x80
_MBAP_SIZE = 7
_CRC_SIZE = 2


@dataclass(frozen=True, slots=True)
class Shape:
    """What tells one request's answer from another's over RTU."""

    unit_id: int
    function_code: int
    count: int

    @property
    def pdu_size(self) -> int:
        """Size of the answer's PDU."""
        return 2 + 2 * self.count if self.function_code == READ_INPUTS else 5


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

    def sync_shape(self, unit_id: int, now_ms: int) -> Shape:
        """A read of the first header registers whose answer cannot be taken for an older one."""
        shapes = [Shape(unit_id, READ_INPUTS, count) for count in _SYNC_COUNTS]
        settled = [shape for shape in shapes if not self.is_unsettled(shape, now_ms)]
        return settled[0] if settled else min(shapes, key=self._unsettled.__getitem__)

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
    return pdu[0] != READ_INPUTS or pdu[1] == 2 * shape.count
