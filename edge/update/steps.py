"""The update of one device, as a pure machine: what to ask or send next, told what came of it.

Knows: the device's states and reasons (protocols/registers/header.toml), frames, waits. Must not know: ports, clocks,
keys, lanes. The device says which byte of the bundle it wants, so whoever runs this may die at any point and another
one goes on; only what happened since the switch cannot be read off the device, and is handed in (`slot_before`).
Times are monotonic milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

# Registers of the device, as words of its map.
IDLE, RECEIVING_MANIFEST, VERIFYING, RECEIVING = "IDLE", "RECEIVING_MANIFEST", "VERIFYING", "RECEIVING"
CHECKING, READY, TRIAL, FAILED = "CHECKING", "READY", "TRIAL", "FAILED"
NO_SLOT = "NONE"
NOT_AT_REST, TRIAL_FAILED = "NOT_AT_REST", "TRIAL_FAILED"

# What a line says of a command that was not answered (edge/southbound/command_exchange.py).
NOT_SENT, OUTCOME_UNKNOWN = "not_sent", "outcome_unknown"

DATA_REGISTERS = 118
LOOK_MS = 250  # how often a device that works by itself is asked
BUSY_MS = 20  # a page of flash takes a few ms, a sector some 50
RETRY_MS = 1000
SILENCE_MAX_MS = 600_000  # a line that is down so long is somebody's work; the device keeps what it has
ABSENT_MS = 15_000  # of one that did not answer once
UNSENT_MAX_MS = 60_000  # commands that are lost on the way to a device that answers what is read
REST_WAIT_MS = 600_000  # something moves, or a vehicle charges
WORK_MAX_MS = 300_000  # a signature checked by a small chip, files copied and read back
TRIAL_MAX_MS = 180_000  # start, self-test, and back again if it fails
BEGINS_MAX = 3  # a device that failed by itself is begun, or switched, anew so often
STUCK_MAX = 20  # frames in a row that were refused while the device wants the same byte


class Verdict(StrEnum):
    """How an update ended."""

    CONFIRMED = "confirmed"  # the new version runs and has found itself healthy
    UNCHANGED = "unchanged"  # it ran before
    NOT_BEGUN = "not_begun"  # the device was sent nothing
    REFUSED = "refused"  # by the device, which runs what it ran
    RETURNED = "returned"  # the new version ran and failed; the old one runs again
    FAILED = "failed"  # no end was seen


# Why, where it is not a word of the device's update_reason.
SILENT = "SILENT"
STUCK = "STUCK"
SLOW = "SLOW"
NO_SLOTS = "NO_SLOTS"
UNSENT = "UNSENT"  # no command comes through to a device that answers
COMMAND = "COMMAND"  # the device did not take a command; `detail` is its word
ANOTHER = "ANOTHER"  # it holds another version than the bundle's after all


class Phase(StrEnum):
    """What goes on, for people."""

    LOOKING = "looking"
    SENDING = "sending"
    VERIFYING = "verifying"
    CHECKING = "checking"
    WAITING = "waiting"  # until the device is at rest
    SILENT = "silent"
    TRIAL = "trial"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Status:
    """What a device says of its update; `state`, `reason` and `slot` are words."""

    state: str
    reason: str
    want: int
    permille: int
    slot: str
    other_version: int
    version: int


@dataclass(frozen=True, slots=True)
class Look:
    """Read the status."""


@dataclass(frozen=True, slots=True)
class Send:
    """Write `size` bytes of the bundle from `offset`."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Command:
    """Send an authenticated command."""

    opcode: str
    argument: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Do nothing for so long."""

    ms: int


Step = Look | Send | Command | Pause


class DeviceUpdate:
    """Ask `next_step`, do it, report with the method of its kind, until `verdict` is set."""

    def __init__(
        self,
        size: int,
        ends: Sequence[int],
        version: int,
        *,
        now_ms: int,
        allow_older: int | None = None,
        slot_before: str = "",
        has_begun: bool = False,
        data_size: int = 2 * DATA_REGISTERS,
    ) -> None:
        """`ends` are where the parts of the bundle end; `slot_before` is the slot that ran before an earlier switch.

        `has_begun`: an update that is under way on the device is this one.
        """
        self._size = size
        self._ends = sorted(ends)
        self._version = version
        self._allow_older = allow_older
        self._data_size = data_size
        self.slot_before = slot_before
        self.phase = Phase.LOOKING
        self.permille = 0
        self.version_before = -1
        self.verdict: Verdict | None = None
        self.reason = ""
        self.detail = ""
        self.is_switched = bool(slot_before)
        self._next: Step = Look()
        self._then: Step = Look()  # after a pause
        self._want = 0
        self._begins = 0
        self._has_begun = has_begun
        self._switches = 0
        self._refusals = 0
        self._refused = ""  # the word with which the last command was refused, until its reason was read
        self._unsent_ms: int | None = None  # since when no command was taken or refused
        self._unrest_ms: int | None = None  # since when the device is not at rest, or busy
        self._heard_ms = now_ms
        self._since_ms = now_ms  # of the device's state
        self._state = ""

    def next_step(self) -> Step:
        """What to do now."""
        return self._next

    def on_pause(self) -> None:
        """The pause is over."""
        self._next = self._then

    def on_status(self, status: Status, now_ms: int) -> None:
        """The answer to a Look."""
        if self.phase is Phase.SILENT:
            self._forgive_silence(now_ms - self._heard_ms)
        self._heard_ms = now_ms
        if status.state != self._state:
            self._state, self._since_ms = status.state, now_ms
        self.permille = status.permille
        if self.version_before < 0 and not self.is_switched:
            self.version_before = status.version
        if status.slot == NO_SLOT:
            self._end(Verdict.REFUSED, NO_SLOTS)
        elif self.is_switched:
            self._judge_trial(status, now_ms)
        else:
            self._judge(status, now_ms)

    def on_sent(self, now_ms: int) -> None:
        """The device took the data."""
        assert isinstance(self._next, Send)
        self._heard_ms = now_ms
        self._refusals = 0
        self._unrest_ms = None
        self.phase = Phase.SENDING
        self._want = self._next.offset + self._next.size
        self._next = Look() if self._want in self._ends else self._frame()

    def on_busy(self, now_ms: int) -> None:
        """The device cannot take data now; the same is sent again."""
        self._heard_ms = now_ms
        if not self._is_rest_overdue(now_ms):
            self._pause(BUSY_MS, self._next)

    def on_refused(self, now_ms: int) -> None:
        """The device does not take these data: it wants others."""
        self._heard_ms = now_ms
        self._refusals += 1
        if self._refusals > STUCK_MAX:
            self._end(Verdict.FAILED, STUCK)
        else:
            self._next = Look()

    def on_silence(self, now_ms: int) -> None:
        """No answer, to whatever."""
        has_begun = bool(self._state) or self.is_switched
        limit_ms = TRIAL_MAX_MS if self.is_switched else SILENCE_MAX_MS if has_begun else ABSENT_MS
        if now_ms - self._heard_ms >= limit_ms:
            self._end(Verdict.FAILED if has_begun else Verdict.NOT_BEGUN, SILENT)
            return
        self.phase = Phase.TRIAL if self.is_switched else Phase.SILENT
        self._pause(RETRY_MS)

    def give_up(self, reason: str, detail: str) -> None:
        """It is not gone on with; a device that was switched is left to its trial."""
        self.detail = detail
        self._end(Verdict.FAILED if self._state else Verdict.NOT_BEGUN, reason)

    def on_command(self, ok: bool, word: str, now_ms: int) -> None:
        """What became of a Command; `word` is the device's, or the line's, when it was not taken.

        A switch whose outcome is unknown counts as one: the device may be starting already, and says if it is not.
        """
        assert isinstance(self._next, Command)
        opcode = self._next.opcode
        if opcode == "UPDATE_SWITCH" and (ok or word == OUTCOME_UNKNOWN):
            self._unsent_ms = None
            self._switched(now_ms)
        elif self._is_unsent_for_long(ok, word, now_ms):
            self._end(Verdict.FAILED, UNSENT)
        elif opcode == "UPDATE_ALLOW_OLDER" and ok:
            self._next = Command("UPDATE_BEGIN", self._size)
        elif ok or word in (NOT_SENT, OUTCOME_UNKNOWN):
            self._begins -= not ok and opcode != "UPDATE_SWITCH"
            self._switches -= opcode == "UPDATE_SWITCH" and self._switches > 0  # it was not sent
            self._pause(LOOK_MS)
        else:
            self._begins -= opcode != "UPDATE_SWITCH"
            self._refused = word
            self._next = Look()

    def _is_unsent_for_long(self, ok: bool, word: str, now_ms: int) -> bool:
        """Whether commands do not come through for longer than a line or a restart of the device explains."""
        if ok or word not in (NOT_SENT, OUTCOME_UNKNOWN):
            self._unsent_ms = None
            return False
        if self._unsent_ms is None:
            self._unsent_ms = now_ms
        return now_ms - self._unsent_ms >= UNSENT_MAX_MS

    def _forgive_silence(self, silent_ms: int) -> None:
        """Nothing was heard, so the time in between says nothing of commands."""
        self.phase = Phase.LOOKING
        if self._unsent_ms is not None:
            self._unsent_ms += silent_ms

    def _judge(self, status: Status, now_ms: int) -> None:
        """Before the switch."""
        if self._has_begun and status.state in _UNDER_WAY:
            self._begins = 1
        self._has_begun = False
        if self._refused:
            self._on_refused_command(status, now_ms)
        elif status.state == TRIAL:
            self.phase = Phase.TRIAL  # somebody else's, or ours of a life before that could not write it down
            self._wait(now_ms, TRIAL_MAX_MS)
        elif not self._begins or status.state == IDLE:
            self._begin(status)
        elif status.state == FAILED:
            self._on_failed(status)
        elif status.state == READY:
            self._switch(status, now_ms)
        elif status.state in _RECEIVING and status.want >= self._size:
            self._pause(BUSY_MS)  # it stores a part, or copies one that it has
        elif status.want >= self._size:
            self.phase = Phase.VERIFYING if status.state == VERIFYING else Phase.CHECKING
            self._wait(now_ms, WORK_MAX_MS)
        else:
            self.phase = Phase.SENDING
            self._want = status.want
            self._next = self._frame()

    def _on_refused_command(self, status: Status, now_ms: int) -> None:
        """Why, is what the device says now; what is not at rest may come to rest."""
        word, self._refused = self._refused, ""
        self.detail = word
        if status.reason in _FINAL:
            self._end(Verdict.REFUSED, status.reason)
        elif word not in _RESTLESS:
            self._end(Verdict.REFUSED, COMMAND)
        elif not self._is_rest_overdue(now_ms):
            self._pause(RETRY_MS)

    def _is_rest_overdue(self, now_ms: int) -> bool:
        """Whether the device has moved, or written, for longer than anybody waits; then that is the end."""
        if self._unrest_ms is None:
            self._unrest_ms = now_ms
        if now_ms - self._unrest_ms >= LOOK_MS:
            self.phase = Phase.WAITING
        if now_ms - self._unrest_ms < REST_WAIT_MS:
            return False
        self._end(Verdict.REFUSED, NOT_AT_REST)
        return True

    def _begin(self, status: Status) -> None:
        """The device decides whether it goes on with what it has."""
        if status.version == self._version:
            self._end(Verdict.UNCHANGED, "")
        elif self._begins >= BEGINS_MAX:
            self._end(Verdict.FAILED, status.reason)
        else:
            self._begins += 1
            is_older = self._version < status.version  # without a permission 0: one that an earlier update left is gone
            begin = Command("UPDATE_BEGIN", self._size)
            self._next = Command("UPDATE_ALLOW_OLDER", self._allow_older or 0) if is_older else begin

    def _on_failed(self, status: Status) -> None:
        """Flash that failed or data that were damaged may be better the next time; a judgement stays the same."""
        if status.reason in _PASSING and self._begins < BEGINS_MAX:
            self._begin(status)
        else:
            self._end(Verdict.FAILED if status.reason in _PASSING else Verdict.REFUSED, status.reason)

    def _switch(self, status: Status, now_ms: int) -> None:
        if status.other_version != self._version:
            self._end(Verdict.FAILED, ANOTHER)
            return
        is_restless = status.reason == NOT_AT_REST
        if is_restless and self._is_rest_overdue(now_ms):
            return
        if not is_restless and self._switches >= BEGINS_MAX:
            self._end(Verdict.FAILED, STUCK)
            return
        self._switches += not is_restless
        self.slot_before = status.slot
        self.phase = Phase.WAITING
        self._next = Command("UPDATE_SWITCH", 0)

    def _switched(self, now_ms: int) -> None:
        self.is_switched = True
        self.phase = Phase.TRIAL
        self._since_ms = self._heard_ms = now_ms
        self._pause(RETRY_MS)

    def _judge_trial(self, status: Status, now_ms: int) -> None:
        """After the switch: which slot runs tells how it went, and the state whether that is final."""
        self.phase = Phase.TRIAL
        if status.slot == self.slot_before and status.reason == TRIAL_FAILED:
            self._end(Verdict.RETURNED, status.reason)
        elif status.slot == self.slot_before:
            self._has_begun = True
            self.is_switched = False  # the command was lost after all, or the power before it
            self._judge(status, now_ms)
        elif status.state != TRIAL:
            self._end(Verdict.CONFIRMED, "")
        else:
            self._wait(now_ms, TRIAL_MAX_MS)

    def _wait(self, now_ms: int, limit_ms: int) -> None:
        if now_ms - self._since_ms >= limit_ms:
            self._end(Verdict.FAILED, SLOW)
        else:
            self._pause(LOOK_MS)

    def _pause(self, ms: int, then: Step | None = None) -> None:
        self._next, self._then = Pause(ms), then or Look()

    def _frame(self) -> Send:
        """From the wanted byte, not beyond the end of its part: what follows may not be wanted."""
        end = next(end for end in self._ends if end > self._want)
        return Send(self._want, min(self._data_size, end - self._want))

    def _end(self, verdict: Verdict, reason: str) -> None:
        self.verdict, self.reason, self.phase = verdict, reason, Phase.OVER


_RECEIVING = (RECEIVING_MANIFEST, RECEIVING)
_UNDER_WAY = (RECEIVING_MANIFEST, VERIFYING, RECEIVING, CHECKING, READY)
_FINAL = ("NO_SITE_KEY", NO_SLOTS)
_RESTLESS = ("REFUSED_STATE", "REFUSED_INTERLOCK")  # of a device that moves
_PASSING = ("HASH_MISMATCH", "STORE_FAILED", "ABORTED")
