"""Frames of somebody else's conversation: chunks of bytes with their times in, whole requests and answers out.

Knows: how long a frame is by its own first bytes, the CRC, and that an answer follows its request. Must not know:
ports, clocks, register names.

A listener cannot rely on pauses: a USB adapter hands bytes over in batches of several milliseconds. So frames are found
by length and CRC; bytes that begin no frame are told as broken. Times are those at which chunks came.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from protocols.crc import crc16
from protocols.modbus import pdu, rtu
from protocols.modbus.resync import request_size, response_size

_IDENTIFICATION_HEAD = 8  # unit id, function code, MEI type, code, conformity, more, next, count of objects


class Kind(StrEnum):
    """What a stretch of bytes is."""

    REQUEST = "request"
    RESPONSE = "response"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Frame:
    """`data` from unit id to CRC; `begin_us` and `end_us` are when its first and last byte came."""

    kind: Kind
    begin_us: int
    end_us: int
    data: bytes

    @property
    def unit_id(self) -> int:
        """The unit that is asked or answers."""
        return self.data[0]

    @property
    def function_code(self) -> int:
        """Without the mark of an exception."""
        return self.data[1] & ~pdu.EXCEPTION_FLAG


class FrameFinder:
    """`take` bytes as they come; `end` when the line has been silent: what still waits then is broken."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._times: list[int] = []
        self._broken = 0  # bytes at the head that begin no frame
        self._asked: Frame | None = None

    def take(self, now_us: int, data: bytes) -> list[Frame]:
        """The frames that are complete with `data`."""
        self._data += data
        self._times += [now_us] * len(data)
        return self._cut(at_end=False)

    def end(self) -> list[Frame]:
        """The line is silent: no frame goes on."""
        return self._cut(at_end=True)

    def _cut(self, *, at_end: bool) -> list[Frame]:
        frames: list[Frame] = []
        while self._broken < len(self._data):
            size, kind = self._match()
            if size:
                frames += [*self._take_broken(), self._remove(size, kind)]
            elif not at_end and self._may_grow():
                break
            else:
                self._broken += 1
        return [*frames, *self._take_broken()] if at_end else frames

    def _match(self) -> tuple[int, Kind]:
        """Size and kind of the frame behind the broken bytes, size 0 when none stands there whole."""
        sizes = self._sizes()
        order = [Kind.REQUEST, Kind.RESPONSE]
        if self._is_answer():
            order.reverse()
        for kind in order:
            size = sizes[kind]
            if size and self._broken + size <= len(self._data) and self._is_sound(size):
                return size, kind
        return 0, Kind.BROKEN

    def _sizes(self) -> dict[Kind, int]:
        at, end = self._broken, len(self._data)
        response = response_size(self._data, at, end)
        if end - at > 1 and self._data[at + 1] == pdu.ENCAPSULATED_INTERFACE:
            response = _identification_size(self._data, at)
        return {Kind.REQUEST: request_size(self._data, at, end), Kind.RESPONSE: response}

    def _may_grow(self) -> bool:
        """Whether bytes that come later could make a frame of what stands here."""
        waiting = len(self._data) - self._broken
        return waiting < rtu.ADU_SIZE_MIN or waiting < min(max(self._sizes().values()), rtu.ADU_SIZE_MAX)

    def _is_answer(self) -> bool:
        """Whether what stands here begins as the answer to the last request; a request said again may look alike."""
        asked = self._asked
        head = self._data[self._broken : self._broken + 3]
        if asked is None or len(head) < 3 or (head[0], head[1] & ~pdu.EXCEPTION_FLAG) != (asked.unit_id, asked.data[1]):
            return False
        if head[1] in (pdu.READ_HOLDING_REGISTERS, pdu.READ_INPUT_REGISTERS):
            return head[2] == 2 * int.from_bytes(asked.data[4:6], "big")
        return True

    def _is_sound(self, size: int) -> bool:
        end = self._broken + size - 2
        return crc16(self._data, self._broken, size - 2) == self._data[end] | self._data[end + 1] << 8

    def _take_broken(self) -> list[Frame]:
        size, self._broken = self._broken, 0
        return [self._remove(size, Kind.BROKEN)] if size else []

    def _remove(self, size: int, kind: Kind) -> Frame:
        frame = Frame(kind, self._times[0], self._times[size - 1], bytes(self._data[:size]))
        del self._data[:size], self._times[:size]
        self._asked = frame if kind is Kind.REQUEST else None
        return frame


def _identification_size(data: bytearray, at: int) -> int:
    """Bytes of an answer to function code 43/14 from `at` (V1.1b3, 6.21); at least so many when it is not whole yet."""
    size = _IDENTIFICATION_HEAD
    if len(data) - at < size:
        return size + 2
    for _ in range(data[at + size - 1]):
        if len(data) - at < size + 2:
            return size + 4
        size += 2 + data[at + size + 1]
    return size + 2
