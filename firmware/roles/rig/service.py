"""Answers a host's questions: one frame in, one frame out.

Knows the layouts of `protocols/rig/messages.py` and the engine. Must not know a port. A question that is wrong changes
nothing and is answered with the reason.
"""

from firmware.roles.rig import log, schedule
from firmware.roles.rig.engine import Engine
from protocols.bigendian import get_i32, put_i32, put_u16
from protocols.compat import const
from protocols.rig import messages as m
from protocols.rig.frame import FRAME_MAX, PAYLOAD_AT, FrameReader, finish_frame

_RESULT_AT = PAYLOAD_AT
_BODY_AT = PAYLOAD_AT + 1
_SMALL = const(0x40)  # the high byte of 2**30


class Service:
    """`answer` a frame the reader has found; the answer stands in `reply`."""

    def __init__(self, engine: Engine, reader: FrameReader, identity: bytes, wiring: bytes) -> None:
        """`identity` is the hash of the firmware, `wiring` the name of the wiring it was made for."""
        self.reply = bytearray(FRAME_MAX)
        self._engine = engine
        self._reader = reader
        self._identity = identity
        self._wiring = wiring

    def answer(self, now_us: int, senses: int) -> int:
        """Do what the question in the reader asks for; return the size of the answer in `reply`."""
        reader = self._reader
        self.reply[_RESULT_AT] = m.OK
        size = self._do(reader.kind, reader.size, now_us, senses)
        return finish_frame(self.reply, reader.kind | m.ANSWER, reader.sequence, size)

    def _do(self, kind: int, size: int, now_us: int, senses: int) -> int:
        """Returns the size of the answer's payload."""
        if kind == m.READ and size == 0:
            return self._read(now_us)
        if kind == m.QUEUE:
            return self._queue(size, now_us)
        if kind == m.STATUS and size == 0:
            return self._status(now_us)
        if kind == m.HELLO:
            return self._hello()
        self.reply[_RESULT_AT] = self._lay_down(kind, size, now_us, senses)
        if kind == m.START:
            put_i32(self.reply, _BODY_AT, now_us)
            return 5
        return 1

    def _lay_down(self, kind: int, size: int, now_us: int, senses: int) -> int:
        """What is only done before a run; returns the result."""
        engine = self._engine
        if kind == m.CLEAR and size == 0:
            engine.clear(now_us, senses)
            return m.OK
        if engine.is_running:
            return m.NOT_NOW
        if kind == m.START and size == 0:
            engine.start(now_us)
            return m.OK
        if kind == m.FOLLOW and size == m.FOLLOW_SIZE:
            return self._add_follow()
        if kind == m.AXIS and size == m.AXIS_SIZE:
            return self._define_axis()
        if kind == m.LIMIT and size == m.LIMIT_SIZE:
            return self._add_limit()
        return m.WRONG

    def _hello(self) -> int:
        reply = self.reply
        reply[_BODY_AT] = m.VERSION
        reply[_BODY_AT + 1] = m.DRIVERS
        reply[_BODY_AT + 2] = m.SENSES
        reply[_BODY_AT + 3] = m.KNOBS
        put_u16(reply, _BODY_AT + 4, schedule.CAPACITY)
        put_u16(reply, _BODY_AT + 6, log.CAPACITY)
        _copy(reply, PAYLOAD_AT + m.HASH_AT, self._identity)
        reply[PAYLOAD_AT + m.HELLO_SIZE - 1] = len(self._wiring)
        _copy(reply, PAYLOAD_AT + m.HELLO_SIZE, self._wiring)
        return m.HELLO_SIZE + len(self._wiring)

    def _add_follow(self) -> int:
        data = self._reader.buffer
        target = data[PAYLOAD_AT]
        first = data[PAYLOAD_AT + 1]
        second = data[PAYLOAD_AT + 2]
        if target >= m.DRIVERS or not _is_source(first) or not (second == m.NONE or _is_source(second)):
            return m.WRONG
        on_us = _get(data, PAYLOAD_AT + 4)
        off_us = _get(data, PAYLOAD_AT + 8)
        if not (_is_time(on_us) and _is_time(off_us)):
            return m.WRONG
        added = self._engine.follow.add(target, first, second, data[PAYLOAD_AT + 3] & 1, on_us, off_us)
        return m.OK if added else m.FULL

    def _define_axis(self) -> int:
        data = self._reader.buffer
        plus = data[PAYLOAD_AT]
        minus = data[PAYLOAD_AT + 1]
        enable = data[PAYLOAD_AT + 2]
        if not (_is_source(plus) and _is_source(minus) and (enable == m.NONE or _is_source(enable))):
            return m.WRONG
        for at in range(PAYLOAD_AT + 3, PAYLOAD_AT + m.AXIS_SIZE, 4):
            if not 0 <= _get(data, at) <= m.AXIS_ONE:
                return m.WRONG
        self._engine.axis.define(
            plus,
            minus,
            enable,
            _get(data, PAYLOAD_AT + 3),
            _get(data, PAYLOAD_AT + 7),
            _get(data, PAYLOAD_AT + 11),
            _get(data, PAYLOAD_AT + 15),
        )
        return m.OK

    def _add_limit(self) -> int:
        data = self._reader.buffer
        on_at = _get(data, PAYLOAD_AT + 1)
        off_at = _get(data, PAYLOAD_AT + 5)
        if data[PAYLOAD_AT] >= m.DRIVERS or not (0 <= on_at <= m.AXIS_ONE and 0 <= off_at <= m.AXIS_ONE):
            return m.WRONG
        return m.OK if self._engine.axis.add_limit(data[PAYLOAD_AT], on_at, off_at) else m.FULL

    def _queue(self, size: int, now_us: int) -> int:
        engine = self._engine
        count = size // m.ENTRY_SIZE
        self.reply[_RESULT_AT] = self._judge_entries(size, count)
        if self.reply[_RESULT_AT] == m.OK:
            data = self._reader.buffer
            for index in range(count):
                at = PAYLOAD_AT + index * m.ENTRY_SIZE
                at_us = _get(data, at)
                if at_us == m.NOW:
                    at_us = engine.elapsed_us(now_us)
                engine.schedule.add(at_us, data[at + 4], data[at + 5])
        put_u16(self.reply, _BODY_AT, schedule.CAPACITY - engine.schedule.count)
        return 3

    def _judge_entries(self, size: int, count: int) -> int:
        """All entries are taken or none."""
        data = self._reader.buffer
        if size != count * m.ENTRY_SIZE:
            return m.WRONG
        for index in range(count):
            at = PAYLOAD_AT + index * m.ENTRY_SIZE
            at_us = _get(data, at)
            if not _is_driven(data[at + 4], data[at + 5]) or not (_is_time(at_us) or at_us == m.NOW):
                return m.WRONG
            if at_us == m.NOW and not self._engine.is_running:
                return m.NOT_NOW
        return m.OK if self._engine.schedule.count + count <= schedule.CAPACITY else m.FULL

    def _read(self, now_us: int) -> int:
        engine = self._engine
        reply = self.reply
        put_i32(reply, _BODY_AT, now_us)
        put_u16(reply, _BODY_AT + 4, engine.log.lost)
        put_u16(reply, _BODY_AT + 6, engine.late)
        put_u16(reply, _BODY_AT + 8, engine.glitches)
        moved = engine.log.take_into(reply, PAYLOAD_AT + m.READ_HEAD, m.ENTRIES_MAX)
        return m.READ_HEAD + moved * m.ENTRY_SIZE

    def _status(self, now_us: int) -> int:
        engine = self._engine
        reply = self.reply
        put_i32(reply, _BODY_AT, now_us)
        put_u16(reply, _BODY_AT + 4, engine.schedule.count)
        put_u16(reply, _BODY_AT + 6, engine.log.count)
        put_u16(reply, _BODY_AT + 8, engine.late)
        put_i32(reply, _BODY_AT + 10, engine.latest_us)
        put_u16(reply, _BODY_AT + 14, engine.log.lost)
        put_u16(reply, _BODY_AT + 16, engine.glitches)
        put_u16(reply, _BODY_AT + 18, self._reader.bad)
        put_u16(reply, _BODY_AT + 20, engine.chain_faults)
        put_i32(reply, _BODY_AT + 22, engine.longest_pass_us)
        reply[_BODY_AT + 26] = 1 if engine.is_running else 0
        return m.STATUS_SIZE


def _is_source(channel: int) -> bool:
    return m.SENSE_AT <= channel < m.SENSE_AT + m.SENSES or m.KNOB_AT <= channel < m.KNOB_AT + m.KNOBS


def _is_time(value: int) -> bool:
    return 0 <= value < m.TIME_MAX_US


def _is_driven(channel: int, value: int) -> bool:
    """Whether an entry may set this channel to this value."""
    if channel < m.DRIVERS:
        return value <= m.FREE
    return value <= m.ON and (channel == m.POWER or m.KNOB_AT <= channel < m.KNOB_AT + m.KNOBS)


def _get(data: bytearray, at: int) -> int:
    """The number at `at`, -1 for one that would be no small integer: no question has a use for it."""
    return get_i32(data, at) if data[at] < _SMALL else -1


def _copy(target: bytearray, at: int, source: bytes) -> None:
    for index in range(len(source)):
        target[at + index] = source[index]
