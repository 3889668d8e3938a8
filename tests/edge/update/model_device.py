"""A device that takes an update, as far as its registers tell, with faults; and what runs a machine against it.

Knows: the protocol of an update (docs/update.md). Must not know: the machine's inside. No flash, no signature: what a
device judges is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from edge.update.steps import Command, DeviceUpdate, Look, Pause, Send, Status

NOTHING_WANTED = 0xFFFFFFFF
WORK_LOOKS = 2  # so many looks find the device working


@dataclass
class ModelDevice:
    """Wants the bundle `data` part by part; `has` are parts by number that it has already."""

    data: bytes
    ends: tuple[int, ...]
    new_version: int
    version: int = 0x0101
    slot: str = "A"
    state: str = "IDLE"
    reason: str = "NONE"
    has: set[int] = field(default_factory=set)
    judgement: str = "NONE"  # what it says of the manifest
    fate: str = "confirmed"  # of the trial
    unrest: int = 0  # commands and data refused as not at rest or busy
    is_busy: bool = False  # for as long as the test wants
    got: bytearray = field(default_factory=bytearray)
    want: int = NOTHING_WANTED
    work: int = 0
    log: list[str] = field(default_factory=list)
    allowed_older: int = -1
    damage: int = 0  # so many checks find a hash wrong

    def status(self) -> Status:
        self._advance()
        other = self.new_version if self.state == "READY" else 0
        permille = 1000 * min(self.want, len(self.data)) // len(self.data)
        return Status(self.state, self.reason, self.want, permille, self.slot, other, self.version)

    def take(self, offset: int, data: bytes) -> str:
        """`taken`, `busy` or `refused`."""
        if self.state not in ("RECEIVING_MANIFEST", "RECEIVING") or offset != self.want:
            return "refused"
        if self.unrest or self.is_busy:
            self.unrest = max(0, self.unrest - 1)
            return "busy"
        self.got[offset : offset + len(data)] = data
        self._want_from(offset + len(data))
        return "taken"

    def command(self, opcode: str, argument: int) -> tuple[bool, str]:
        self.log.append(opcode)
        if opcode == "UPDATE_ALLOW_OLDER":
            self.allowed_older = argument
            return True, ""
        if opcode == "UPDATE_BEGIN":
            return self._begin(argument)
        if opcode == "UPDATE_SWITCH":
            return self._switch()
        return False, "UNKNOWN_OPCODE"

    def _begin(self, size: int) -> tuple[bool, str]:
        if self.unrest:
            self.unrest -= 1
            self.reason = "NOT_AT_REST"
            return False, "REFUSED_STATE"
        if self.reason == "NO_SITE_KEY":
            return False, "REFUSED_STATE"
        assert size == len(self.data)
        self.reason = "NONE"
        if self.state not in ("RECEIVING_MANIFEST", "RECEIVING", "CHECKING", "READY"):
            self.state, self.want, self.got = "RECEIVING_MANIFEST", 0, bytearray(size)
        return True, ""

    def _switch(self) -> tuple[bool, str]:
        if self.state != "READY":
            return False, "REFUSED_STATE"
        if self.unrest:
            self.unrest -= 1
            self.reason = "NOT_AT_REST"
            return False, "REFUSED_STATE"
        self.reason = "NONE"
        self.slot, self.version, self.state = "B", self.new_version, "TRIAL"
        self.work = WORK_LOOKS
        return True, ""

    def _want_from(self, offset: int) -> None:
        """The next byte that the device has not."""
        if self.state == "RECEIVING_MANIFEST" and offset >= self.ends[1]:
            self.state, self.want, self.work = "VERIFYING", NOTHING_WANTED, WORK_LOOKS
            return
        starts = (0, *self.ends[:-1])
        while offset < len(self.data) and offset in starts and starts.index(offset) in self.has:
            number = starts.index(offset)
            self.got[offset : self.ends[number]] = self.data[offset : self.ends[number]]
            offset = self.ends[number]
        self.want = offset
        if offset >= len(self.data):
            self.state, self.want, self.work = "CHECKING", NOTHING_WANTED, WORK_LOOKS

    def _advance(self) -> None:
        if self.work:
            self.work -= 1
            return
        if self.state == "VERIFYING":
            if self.judgement != "NONE" and self.allowed_older != self.new_version:
                self.state, self.reason = "FAILED", self.judgement
            else:
                self.state = "RECEIVING"
                self._want_from(self.ends[1])
        elif self.state == "CHECKING":
            self.damage -= 1
            wrong = bytes(self.got) != self.data or self.damage >= 0
            self.state, self.reason = ("FAILED", "HASH_MISMATCH") if wrong else ("READY", "NONE")
        elif self.state == "TRIAL":
            self._end_trial()

    def _end_trial(self) -> None:
        if self.fate == "confirmed":
            self.state = "IDLE"
        elif self.fate == "returned":
            self.slot, self.version, self.state, self.reason = "A", 0x0101, "FAILED", "TRIAL_FAILED"


def drive(
    update: DeviceUpdate, device: ModelDevice, fault: Iterator[str], *, now_ms: int = 0, steps_max: int = 200_000
) -> Iterator[int]:
    """Run `update` against `device`; yields the time before every step. Each step takes the next `fault`: "" for none,
    "lost" (not arrived), "unheard" (arrived, the answer did not)."""
    for _ in range(steps_max):
        if update.verdict is not None:
            return
        yield now_ms
        step = update.next_step()
        now_ms += 30
        if isinstance(step, Pause):
            now_ms += step.ms
            update.on_pause()
            continue
        what = next(fault)
        if isinstance(step, Look):
            _look(update, device, what, now_ms)
        elif isinstance(step, Send):
            _send(update, device, step, what, now_ms)
        else:
            _command(update, device, step, what, now_ms)
    raise AssertionError(f"no end: {update.phase} {device.state}")


def _look(update: DeviceUpdate, device: ModelDevice, what: str, now_ms: int) -> None:
    if what:
        update.on_silence(now_ms)
    else:
        update.on_status(device.status(), now_ms)


def _send(update: DeviceUpdate, device: ModelDevice, step: Send, what: str, now_ms: int) -> None:
    assert 0 < step.size <= 236
    data = device.data[step.offset : step.offset + step.size]
    answer = device.take(step.offset, data) if what != "lost" else ""
    report: dict[str, Callable[[int], None]] = {
        "taken": update.on_sent,
        "busy": update.on_busy,
        "refused": update.on_refused,
    }
    report[answer](now_ms) if not what else update.on_silence(now_ms)


def _command(update: DeviceUpdate, device: ModelDevice, step: Command, what: str, now_ms: int) -> None:
    ok, word = device.command(step.opcode, step.argument) if what != "lost" else (False, "not_sent")
    if what == "unheard":
        ok, word = False, "outcome_unknown"
    update.on_command(ok, word, now_ms)
