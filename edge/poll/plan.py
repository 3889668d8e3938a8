"""Which request a line sends next: a pure plan in virtual time, told what was answered and what was not.

Knows: units, blocks, periods, failures and commands waiting. Must not know: registers' meanings, sockets, clocks.

Rules, in this order:
1. A unit that just cost a time-out lets the others through first, so no dead unit delays them by more than one.
2. Commands go ahead of polls, but COMMANDS_IN_A_ROW of them let one due poll pass.
3. Whatever is due longest goes first. A late job is due again at once, not several times, so an overloaded line
   gives everybody the same share instead of starving the slow ones.
4. A unit that failed FAILURES_UNTIL_PROBED times in a row is no longer polled but probed, ever more rarely.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from edge.poll.merge import Block

COMMANDS_IN_A_ROW = 3
FAILURES_UNTIL_PROBED = 3
PROBE_FIRST_MS = 250
PROBE_MAX_MS = 2000  # a device that comes back is seen within this time
SCAN_PERIOD_MS = 10_000
SCAN_UNITS = range(1, 33)  # addresses looked at for devices nobody configured
NEVER = -1


class JobKind(Enum):
    """What a job is for."""

    POLL = "poll"
    PROBE = "probe"
    EVENTS = "events"
    COMMAND = "command"
    SCAN = "scan"


@dataclass(frozen=True, slots=True)
class Job:
    """One request to send now. `block` is None for a command (its exchange knows the request) and a scan."""

    kind: JobKind
    unit_id: int
    block: Block | None = None


@dataclass
class _Due:
    block: Block
    due_ms: int


@dataclass
class _Unit:
    polls: list[_Due]
    events: _Due | None = None
    failures: int = 0
    has_answered: bool = False
    probe_due_ms: int = 0
    probe_period_ms: int = PROBE_FIRST_MS

    @property
    def is_dead(self) -> bool:
        return self.failures >= FAILURES_UNTIL_PROBED


@dataclass(frozen=True, slots=True)
class _Candidate:
    due_ms: int
    job: Job


class PollPlan:
    """The plan of one line. Times are monotonic milliseconds; `next_job` and `finish` alternate."""

    def __init__(self, *, scan: bool = False, now_ms: int = 0) -> None:
        self._units: dict[int, _Unit] = {}
        self._commands: deque[int] = deque()
        self._commands_in_a_row = 0
        self._failed_unit = 0  # the unit whose last job failed, until another unit was served; 0 = none
        self._scan_due_ms = now_ms + SCAN_PERIOD_MS if scan else NEVER
        self._scan_index = 0

    def set_blocks(self, unit_id: int, blocks: Sequence[Block], now_ms: int) -> None:
        """Poll `unit_id` by `blocks` from now on; its failures are kept, an event read that waits is dropped."""
        unit = self._units.setdefault(unit_id, _Unit([]))
        unit.polls = [_Due(block, now_ms) for block in blocks]
        unit.events = None

    def request_events(self, unit_id: int, block: Block, now_ms: int) -> None:
        """Read `block` once, due now; a request that waits keeps its place and takes the newer block."""
        unit = self._units[unit_id]
        unit.events = _Due(block, unit.events.due_ms if unit.events else now_ms)

    def request_command(self, unit_id: int) -> None:
        """Give `unit_id` one command job ahead of the polls."""
        self._commands.append(unit_id)

    def drop_commands(self, unit_id: int) -> None:
        """Forget command jobs of `unit_id` that were not given yet."""
        self._commands = deque(unit for unit in self._commands if unit != unit_id)

    def next_job(self, now_ms: int) -> Job | None:
        """The job to do now, or None when nothing is due."""
        candidates = self._candidates(now_ms)
        patient = [candidate for candidate in candidates if candidate.job.unit_id != self._failed_unit]
        healthy = [candidate for candidate in patient if not self._is_suspect(candidate.job)]
        chosen = self._choose(healthy if self._failed_unit and healthy else patient or candidates)
        if chosen is None:
            return None
        self._take(chosen.job)
        return chosen.job

    def due_ms(self) -> int:
        """When something is due, NEVER when only a new command could bring work."""
        if self._commands:
            return 0
        dues = [due for unit in self._units.values() for due in _unit_dues(unit)]
        if self._scan_due_ms != NEVER:
            dues.append(self._scan_due_ms)
        return min(dues, default=NEVER)

    def finish(self, job: Job, now_ms: int, *, answered: bool) -> None:
        """Tell how `job` ended; any answer, even an exception code, shows that the unit lives."""
        if job.kind is JobKind.SCAN:
            self._failed_unit = 0 if answered else job.unit_id
            return
        unit = self._units[job.unit_id]
        self._failed_unit = 0 if answered else job.unit_id
        if answered:
            self._on_answer(unit, job, now_ms)
        else:
            self._on_failure(unit, job, now_ms)

    def is_dead(self, unit_id: int) -> bool:
        """Whether the unit is only probed now."""
        return self._units[unit_id].is_dead

    def _candidates(self, now_ms: int) -> list[_Candidate]:
        found = [_Candidate(now_ms, Job(JobKind.COMMAND, unit_id)) for unit_id in list(self._commands)[:1]]
        for unit_id, unit in self._units.items():
            found += [candidate for candidate in _unit_candidates(unit_id, unit) if candidate.due_ms <= now_ms]
        if self._scan_due_ms != NEVER and self._scan_due_ms <= now_ms:
            scanned = self._scan_unit()
            if scanned:
                found.append(_Candidate(self._scan_due_ms, Job(JobKind.SCAN, scanned)))
        return found

    def _choose(self, candidates: list[_Candidate]) -> _Candidate | None:
        commands = [candidate for candidate in candidates if candidate.job.kind is JobKind.COMMAND]
        others = [candidate for candidate in candidates if candidate.job.kind is not JobKind.COMMAND]
        if commands and not (others and self._commands_in_a_row >= COMMANDS_IN_A_ROW):
            return commands[0]
        return min(others, key=lambda candidate: candidate.due_ms, default=None)

    def _take(self, job: Job) -> None:
        self._commands_in_a_row = self._commands_in_a_row + 1 if job.kind is JobKind.COMMAND else 0
        if job.kind is JobKind.COMMAND:
            self._commands.remove(job.unit_id)
        elif job.kind is JobKind.EVENTS:
            self._units[job.unit_id].events = None
        elif job.kind is JobKind.SCAN:
            self._scan_due_ms += SCAN_PERIOD_MS
            self._scan_index = (self._scan_index + 1) % len(SCAN_UNITS)

    def _is_suspect(self, job: Job) -> bool:
        """Whether the job is likely to cost a time-out."""
        if job.kind is JobKind.SCAN:
            return True
        unit = self._units[job.unit_id]
        return unit.failures > 0 or not unit.has_answered

    def _scan_unit(self) -> int:
        """The next address nobody configured; 0 when every address is."""
        for step in range(len(SCAN_UNITS)):
            index = (self._scan_index + step) % len(SCAN_UNITS)
            if SCAN_UNITS[index] not in self._units:
                self._scan_index = index
                return SCAN_UNITS[index]
        return 0

    def _on_answer(self, unit: _Unit, job: Job, now_ms: int) -> None:
        was_dead = unit.is_dead
        unit.failures = 0
        unit.has_answered = True
        unit.probe_period_ms = PROBE_FIRST_MS
        for poll in unit.polls:
            if was_dead:
                poll.due_ms = now_ms + poll.block.period_ms if poll.block == job.block else now_ms
            elif poll.block == job.block:
                poll.due_ms = max(poll.due_ms + poll.block.period_ms, now_ms)

    def _on_failure(self, unit: _Unit, job: Job, now_ms: int) -> None:
        unit.failures += 1
        for poll in unit.polls:
            if poll.block == job.block:
                poll.due_ms = now_ms + poll.block.period_ms
        if unit.is_dead:
            unit.probe_due_ms = now_ms + unit.probe_period_ms
            unit.probe_period_ms = min(2 * unit.probe_period_ms, PROBE_MAX_MS)


def _unit_candidates(unit_id: int, unit: _Unit) -> list[_Candidate]:
    """All that the unit could be asked, with its dues; a dead unit has one probe: its first block."""
    if unit.is_dead:
        block = unit.polls[0].block if unit.polls else None
        return [_Candidate(unit.probe_due_ms, Job(JobKind.PROBE, unit_id, block))] if block else []
    found = [_Candidate(poll.due_ms, Job(JobKind.POLL, unit_id, poll.block)) for poll in unit.polls]
    if unit.events is not None:
        found.append(_Candidate(unit.events.due_ms, Job(JobKind.EVENTS, unit_id, unit.events.block)))
    return found


def _unit_dues(unit: _Unit) -> list[int]:
    return [candidate.due_ms for candidate in _unit_candidates(0, unit)]
