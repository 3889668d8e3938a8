"""The host's end of the line to a rig board: one question, one answer, and what the board says of itself.

Knows: the rig's protocol. Must not know: scenarios, plants, how a port is made. A question is never asked twice: an
answer that does not come means a bench that is not as it should be, and the user is told so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.words import later, tr
from firmware.roles.rig import wiring
from hil.board.port import Table
from hil.targets.target import TargetError, UsageError
from protocols.bigendian import get_i32, get_u16, put_i32
from protocols.compat import TICKS_MASK
from protocols.rig import messages as m
from protocols.rig.frame import FRAME_MAX, PAYLOAD_AT, FrameReader, finish_frame

# A whole frame both ways is 12 ms at 115,200 baud, a board answers within 10 ms; USB adapters hold bytes for 16 ms.
ANSWER_LIMIT_US = 500_000
_SHOWN_BYTES = 12
_OTHER_VERSION = later("{port}: the rig board speaks protocol version {found}, expected {wanted}; {copy}")
_OTHER_WIRING = later(
    "{port}: the rig board is wired as '{found}', expected '{wanted}'; connect the other board, or {copy}"
)
_OTHER_FIRMWARE = later("{port}: the rig board runs firmware {found}, expected {wanted}; {copy}")
# The least an answer holds that is OK, with its result byte.
_SIZES = {m.HELLO: m.HELLO_SIZE, m.START: 5, m.QUEUE: 3, m.READ: m.READ_HEAD, m.STATUS: m.STATUS_SIZE}
_RESULTS = {
    m.FULL: "has no place left",
    m.WRONG: "does not understand it",
    m.NOT_NOW: "cannot do it now",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A level at a time of the run, as queued or as noted."""

    at_us: int
    channel: int
    value: int


@dataclass(frozen=True, slots=True)
class Hello:
    """What a rig board is."""

    version: int
    drivers: int
    senses: int
    queue_places: int
    log_places: int
    firmware: bytes
    wiring: str


@dataclass(frozen=True, slots=True)
class Noted:
    """What a board noted since it was asked last, and its clock when it answered."""

    clock_us: int
    lost: int
    late: int
    glitches: int
    entries: tuple[Entry, ...]

    @property
    def is_all(self) -> bool:
        """Whether nothing more waits on the board."""
        return len(self.entries) < m.ENTRIES_MAX


@dataclass(frozen=True, slots=True)
class Status:
    """How a board is; times in microseconds."""

    clock_us: int
    queued: int
    noted: int
    late: int
    latest_us: int
    lost: int
    glitches: int
    bad_frames: int
    chain_faults: int
    longest_pass_us: int
    is_running: bool


class RigLink:
    """Questions to one rig board. Raises UsageError when what answers is no rig of ours, TargetError when it fails."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._reader = FrameReader()
        self._sequence = 0
        self._heard = bytearray()
        self.has_answered = False
        self.round_trip_us = 0  # of the newest question

    @property
    def name(self) -> str:
        return self._table.rig.name

    def hello(self) -> Hello:
        """Ask the board what it is."""
        data = self._ask(m.HELLO, bytes([m.VERSION]))
        text = data[m.HELLO_SIZE : m.HELLO_SIZE + data[m.HELLO_SIZE - 1]]
        firmware = data[m.HASH_AT : m.HASH_AT + m.HASH_SIZE]
        places = get_u16(data, 5), get_u16(data, 7)
        return Hello(data[1], data[2], data[3], *places, firmware, repr(text)[2:-1])  # fit for a terminal

    def check(self, firmware: bytes) -> Hello:
        """Raise UsageError unless the board is of this version, this wiring and runs exactly this firmware."""
        hello = self.hello()
        if hello.version != m.VERSION:
            raise UsageError(self._not_ours(_OTHER_VERSION, str(hello.version), str(m.VERSION)))
        if hello.wiring != wiring.NAME:
            raise UsageError(self._not_ours(_OTHER_WIRING, hello.wiring, wiring.NAME))
        if hello.firmware != firmware:
            raise UsageError(self._not_ours(_OTHER_FIRMWARE, hello.firmware.hex(), firmware.hex()))
        return hello

    def _not_ours(self, sentence: str, found: str, wanted: str) -> str:
        copy = tr("copy build/deploy/rig-rp2 onto it (make mpy, docs/bench/README.md)")
        return tr(sentence, port=self.name, found=found, wanted=wanted, copy=copy)

    def clear(self) -> None:
        """End a run, if one is under way: drivers off, supply on, nothing queued, no rows."""
        self._ask(m.CLEAR)

    def follow(self, target: int, sources: Sequence[int], inverted: bool, on_us: int, off_us: int) -> None:
        """Lay down a row: `target` follows one or two sources."""
        first, second = (*sources, m.NONE)[:2]
        self._ask(m.FOLLOW, bytes([target, first, second, inverted]) + _numbers(on_us, off_us))

    def axis(self, plus: int, minus: int, enable: int, start: int, top: int, ramp: int, brake: int) -> None:
        """Lay down what travels."""
        self._ask(m.AXIS, bytes([plus, minus, enable]) + _numbers(start, top, ramp, brake))

    def limit(self, target: int, on_at: int, off_at: int) -> None:
        """Lay down a switch of what travels."""
        self._ask(m.LIMIT, bytes([target]) + _numbers(on_at, off_at))

    def start(self) -> int:
        """Begin a run; returns the board's clock of its time 0."""
        return get_i32(self._ask(m.START), 1)

    def queue(self, entries: Sequence[Entry]) -> int:
        """Hand over what is to happen, m.NOW for at once; returns how many places are left."""
        left = 0
        for at in range(0, len(entries), m.ENTRIES_MAX):
            part = entries[at : at + m.ENTRIES_MAX]
            data = b"".join(_numbers(entry.at_us) + bytes([entry.channel, entry.value]) for entry in part)
            left = get_u16(self._ask(m.QUEUE, data), 1)
        return left

    def read(self) -> Noted:
        """Fetch what the board has noted, as much as one answer holds."""
        data = self._ask(m.READ)
        rows = range(m.READ_HEAD, len(data), m.ENTRY_SIZE)
        entries = tuple(Entry(get_i32(data, at), data[at + 4], data[at + 5]) for at in rows)
        return Noted(get_i32(data, 1), get_u16(data, 5), get_u16(data, 7), get_u16(data, 9), entries)

    def status(self) -> Status:
        """Ask how the board is."""
        data = self._ask(m.STATUS)
        return Status(
            clock_us=get_i32(data, 1),
            queued=get_u16(data, 5),
            noted=get_u16(data, 7),
            late=get_u16(data, 9),
            latest_us=get_i32(data, 11),
            lost=get_u16(data, 15),
            glitches=get_u16(data, 17),
            bad_frames=get_u16(data, 19),
            chain_faults=get_u16(data, 21),
            longest_pass_us=get_i32(data, 23),
            is_running=bool(data[27]),
        )

    def _ask(self, kind: int, payload: bytes = b"") -> bytes:
        """The answer's payload, its result byte in front."""
        table = self._table
        self._sequence = (self._sequence + 1) & 0xFF
        self._heard.clear()
        table.rig.take()
        table.rig.send(_frame(kind, self._sequence, payload))
        asked_us = table.now_us
        while table.now_us - asked_us < ANSWER_LIMIT_US:
            table.wait(asked_us + ANSWER_LIMIT_US)
            answer = self._look(kind)
            if answer is not None:
                self.round_trip_us = table.now_us - asked_us
                return self._judge(kind, answer)
        raise self._silence()

    def _look(self, kind: int) -> bytes | None:
        data = self._table.rig.take()
        self._heard += data
        at = 0
        while at < len(data):
            at = self._reader.take(data, at, len(data), self._table.now_us & TICKS_MASK)
            is_answer = (self._reader.kind, self._reader.sequence) == (kind | m.ANSWER, self._sequence)
            if self._reader.found and is_answer and self._reader.size:
                return bytes(self._reader.buffer[PAYLOAD_AT : PAYLOAD_AT + self._reader.size])
        return None

    def _judge(self, kind: int, answer: bytes) -> bytes:
        self.has_answered = True
        if answer[0] != m.OK:
            reason = _RESULTS.get(answer[0], f"answers {answer[0]}")
            raise TargetError(f"{self.name}: the rig board was asked question {kind} and {reason}")
        entries = len(answer) - m.READ_HEAD
        if len(answer) < _SIZES.get(kind, 1) or (kind == m.READ and entries % m.ENTRY_SIZE):
            raise UsageError(
                tr(
                    "{port}: the rig board answers question {kind} with {data}, which no version of it does; "
                    "connect the right one",
                    port=self.name,
                    kind=kind,
                    data=answer.hex(),
                )
            )
        return answer

    def _silence(self) -> UsageError | TargetError:
        ms = ANSWER_LIMIT_US // 1000
        if self.has_answered:
            return TargetError(
                f"{self.name}: the rig board answers no more within {ms} ms; look at its supply and its cable"
            )
        if self._heard:
            said = tr(
                "{port}: what is there sent '{shown}' within {ms} ms, expected the answer of a rig board; name the "
                "rig's port with --rig",
                port=self.name,
                shown=bytes(self._heard[:_SHOWN_BYTES]).hex(" "),
                ms=ms,
            )
            return UsageError(said)
        said = tr(
            "{port}: nothing answers within {ms} ms, expected a rig board; look at its supply, TX and RX, or name "
            "another port with --rig",
            port=self.name,
            ms=ms,
        )
        return UsageError(said)


def _frame(kind: int, sequence: int, payload: bytes) -> bytes:
    buffer = bytearray(FRAME_MAX)
    buffer[PAYLOAD_AT : PAYLOAD_AT + len(payload)] = payload
    return bytes(buffer[: finish_frame(buffer, kind, sequence, len(payload))])


def _numbers(*values: int) -> bytes:
    data = bytearray(4 * len(values))
    for index, value in enumerate(values):
        put_i32(data, 4 * index, value)
    return bytes(data)
