"""Which request a line sends next: a pure plan in virtual time, told what was answered and what was not.

Knows: units, blocks, periods, failures and commands waiting. Must not know: registers' meanings, sockets, clocks.

Rules, in this order:
1. A unit that just cost a time-out lets the others through first, so no dead unit delays them by more than one.
2. Commands go ahead of polls, but COMMANDS_IN_A_ROW of them let one due poll pass.
3. Whatever is due longest goes first. A late job is due again at once, not several times, so an overloaded line
   gives everybody the same share instead of starving the slow ones.
4. A unit that failed FAILURES_UNTIL_PROBED times in a row is no longer polled but probed, ever more rarely.
5. A transfer goes while nothing else is due for as long as it takes. A line that is never free so long serves it like
   a poll that was due TRANSFER_PATIENCE_MS after it was asked for, and after TRANSFER_WAIT_MAX_MS before any poll.

The schedule has a fixed rate: a poll is due a period after it was due, not after it was done, and what was missed is
skipped without a shift. Each unit has a phase, so that devices with one period are not all asked in the same moment.
Units wait in a heap by their earliest due, the polls of each in a heap of its own, so a job costs the logarithm of what
there is to do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from heapq import heappop, heappush

from edge.poll.lateness import Lateness
from edge.poll.merge import Block

COMMANDS_IN_A_ROW = 3
FAILURES_UNTIL_PROBED = 3
PROBE_FIRST_MS = 250
PROBE_MAX_MS = 2000  # a device that comes back is seen within this time
TRANSFER_PATIENCE_MS = 20  # what a poll is late by on a busy line, beside the frame that is on its way
TRANSFER_WAIT_MAX_MS = 100  # of a line that is late with everything; a largest frame takes 30 ms, so polls keep most
SCAN_PERIOD_MS = 10_000
SCAN_UNITS = range(1, 33)  # addresses looked at for devices nobody configured
NEVER = -1
PHASE_STEP_MS = 25  # polls of many lines that fall together share one waking of the hub, which costs as much as a poll
_GOLDEN = 0.6180339887  # multiples of it spread evenly over 0..1, however many there are


class JobKind(Enum):
    """What a job is for."""

    POLL = "poll"
    PROBE = "probe"
    EVENTS = "events"
    COMMAND = "command"
    SCAN = "scan"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True)
class Job:
    """One request to send now. `block` is None for a command (its exchange knows it), a scan and a transfer."""

    kind: JobKind
    unit_id: int
    block: Block | None = None


class _Poll:
    """One block of a unit; `due_ms` is when it was wanted, while its job is under way too."""

    def __init__(self, block: Block, due_ms: int, *, is_new: bool = False) -> None:
        """`is_new`: due before its time, to be read at once."""
        self.block = block
        self.due_ms = due_ms
        self.is_new = is_new


class _Unit:
    """What one unit wants. `polls` is a heap of (due, order, poll), without the one whose job is under way."""

    def __init__(self, unit_id: int, phase: float) -> None:
        self.unit_id = unit_id
        self.phase = phase
        self.polls: list[tuple[int, int, _Poll]] = []
        self.taken: _Poll | None = None
        self.probe_block: Block | None = None
        self.events: _Poll | None = None
        self.failures = 0
        self.has_answered = False
        self.retry_due_ms = 0  # whatever is due, not before: after a failure everybody else goes first
        self.probe_due_ms = 0
        self.probe_period_ms = PROBE_FIRST_MS
        self.version = 0  # of its newest place in the plan's heap; older ones are void
        self.lateness = Lateness()

    @property
    def is_dead(self) -> bool:
        return self.failures >= FAILURES_UNTIL_PROBED

    @property
    def is_suspect(self) -> bool:
        """Whether asking it is likely to cost a time-out."""
        return self.failures > 0 or not self.has_answered

    def due_ms(self) -> int:
        """When it is to be asked next, NEVER for not at all."""
        if self.is_dead:
            return self.probe_due_ms if self.probe_block else NEVER
        due_ms = self.polls[0][0] if self.polls else NEVER
        if self.events is not None and (due_ms == NEVER or self.events.due_ms < due_ms):
            due_ms = self.events.due_ms
        return due_ms if due_ms == NEVER else max(due_ms, self.retry_due_ms)

    def take(self, now_ms: int) -> Job:
        """The job that is due first; there is one."""
        if self.is_dead:
            return Job(JobKind.PROBE, self.unit_id, self.probe_block)
        if self.events is not None and not (self.polls and self.polls[0][0] <= self.events.due_ms):
            block, self.events = self.events.block, None
            return Job(JobKind.EVENTS, self.unit_id, block)
        self.taken = heappop(self.polls)[2]
        if not self.taken.is_new:
            self.lateness.on_start(self.taken.block, self.taken.due_ms, now_ms)
        return Job(JobKind.POLL, self.unit_id, self.taken.block)


class PollPlan:
    """The plan of one line. Times are monotonic milliseconds; `next_job` and `finish` alternate."""

    def __init__(self, *, scan: bool = False, now_ms: int = 0, phase: float = 0.0) -> None:
        """`phase` (0..1) is the line's; its units are spread from there."""
        self._units: dict[int, _Unit] = {}
        self._queue: list[tuple[int, int, int, _Unit]] = []  # (due, order, version, unit)
        self._phase = phase
        self._order = 0  # among those due at the same time, who came first goes first
        self._commands: deque[int] = deque()
        self._commands_in_a_row = 0
        self._failed_unit = 0  # the unit whose last job failed, until another unit was served; 0 = none
        self._transfer: tuple[int, int, int] | None = None  # unit, when it is due at last, how long it takes
        self._scan_due_ms = now_ms + SCAN_PERIOD_MS if scan else NEVER
        self._scan_index = 0

    def set_blocks(self, unit_id: int, blocks: Sequence[Block], now_ms: int) -> None:
        """Poll `unit_id` by `blocks` from now on; its failures are kept, an event read that waits is dropped."""
        if unit_id not in self._units:
            self._units[unit_id] = _Unit(unit_id, (self._phase + _GOLDEN * len(self._units)) % 1)
        unit = self._units[unit_id]
        unit.polls, unit.taken, unit.events = [], None, None
        unit.probe_block = blocks[0] if blocks else None
        unit.lateness.set_blocks(blocks)
        for block in blocks:
            self._push(unit, self._new_poll(unit, block, now_ms))
        self._enqueue(unit)

    def request_events(self, unit_id: int, block: Block, now_ms: int) -> None:
        """Read `block` once, due now; a request that waits keeps its place and takes the newer block."""
        unit = self._units[unit_id]
        if unit.events is not None:
            unit.events.block = block
            return
        unit.events = _Poll(block, now_ms)
        self._enqueue(unit)

    def request_command(self, unit_id: int) -> None:
        """Give `unit_id` one command job ahead of the polls."""
        self._commands.append(unit_id)

    def drop_commands(self, unit_id: int) -> None:
        """Forget command jobs of `unit_id` that were not given yet."""
        self._commands = deque(unit for unit in self._commands if unit != unit_id)

    def request_transfer(self, unit_id: int, cost_ms: int, now_ms: int) -> None:
        """Give `unit_id` one transfer job that takes `cost_ms`; one at a time, which waits while the unit is dead."""
        self._transfer = (unit_id, now_ms + TRANSFER_PATIENCE_MS, cost_ms)

    def drop_transfer(self) -> None:
        """Forget a transfer job that was not given yet."""
        self._transfer = None

    def next_job(self, now_ms: int) -> Job | None:
        """The job to do now, or None when nothing is due."""
        if self._is_transfers_turn(now_ms):
            return self._transfer_job()
        is_scan_due = self._scan_due_ms != NEVER and self._scan_due_ms <= now_ms
        if self._failed_unit or is_scan_due or (self._commands and self._commands_in_a_row < COMMANDS_IN_A_ROW):
            job = self._choose(now_ms, is_scan_due=is_scan_due)
        else:
            unit = self._pop_due(now_ms)
            job = self._command_job() if unit is None else unit.take(now_ms)
        if job is not None:
            self._commands_in_a_row = self._commands_in_a_row + 1 if job.kind is JobKind.COMMAND else 0
        return job

    def due_ms(self) -> int:
        """When something is due, NEVER when only a new command could bring work."""
        if self._commands:
            return 0
        due_ms = self._due_poll_ms()
        if self._transfer is not None and not self.is_dead(self._transfer[0]):
            due_ms = self._transfer[1] if due_ms == NEVER else min(due_ms, self._transfer[1])
        return due_ms

    def finish(self, job: Job, now_ms: int, *, answered: bool) -> None:
        """Tell how `job` ended; any answer, even an exception code, shows that the unit lives."""
        self._failed_unit = 0 if answered else job.unit_id
        if job.kind is JobKind.SCAN:
            return
        unit = self._units[job.unit_id]
        if job.kind is JobKind.TRANSFER and answered and not unit.is_suspect:
            return  # nothing is due at another time for it, and the unit keeps its place among those due with it
        poll, unit.taken = unit.taken, None
        if answered:
            self._on_answer(unit, poll, now_ms, probed=job.block if job.kind is JobKind.PROBE else None)
        else:
            self._on_failure(unit, poll, now_ms)
        self._enqueue(unit)

    def is_dead(self, unit_id: int) -> bool:
        """Whether the unit is only probed now."""
        return self._units[unit_id].is_dead

    def lateness(self, unit_id: int) -> Lateness:
        """How punctually the unit is asked."""
        return self._units[unit_id].lateness

    def _due_poll_ms(self) -> int:
        """When a poll, a probe or a scan is due, NEVER for none."""
        due_ms = self._queue[0][0] if self._clean() else NEVER
        if self._scan_due_ms != NEVER and (due_ms == NEVER or self._scan_due_ms < due_ms):
            return self._scan_due_ms
        return due_ms

    def _is_transfers_turn(self, now_ms: int) -> bool:
        """Rule 5; what just cost a time-out, or only answers a probe now and then, waits."""
        if self._transfer is None or self._commands:
            return False
        unit_id, latest_ms, cost_ms = self._transfer
        if self.is_dead(unit_id):
            return False
        due_ms = self._due_poll_ms()
        if latest_ms <= now_ms and (due_ms == NEVER or latest_ms <= due_ms):
            return True
        if latest_ms + TRANSFER_WAIT_MAX_MS - TRANSFER_PATIENCE_MS <= now_ms:
            return True
        return self._failed_unit != unit_id and (due_ms == NEVER or due_ms >= now_ms + cost_ms)

    def _transfer_job(self) -> Job:
        assert self._transfer is not None
        unit_id, self._transfer, self._commands_in_a_row = self._transfer[0], None, 0
        return Job(JobKind.TRANSFER, unit_id)

    def _choose(self, now_ms: int, *, is_scan_due: bool) -> Job | None:
        """With commands, a scan or a time-out just suffered in play: rules 1 and 2 before rule 3."""
        units = self._pop_all_due(now_ms)
        command = self._units[self._commands[0]] if self._commands else None
        patient = [unit for unit in units if unit.unit_id != self._failed_unit]
        healthy = [unit for unit in patient if not unit.is_suspect]
        may_command = command is not None and command.unit_id != self._failed_unit
        if self._failed_unit and (healthy or (may_command and command is not None and not command.is_suspect)):
            chosen, may_command = healthy, may_command and command is not None and not command.is_suspect
            is_scan_due = False
        elif patient or may_command or is_scan_due:
            chosen = patient
        else:
            chosen, may_command = units, command is not None
        return self._take(units, chosen, now_ms, may_command=may_command, is_scan_due=is_scan_due)

    def _take(
        self, units: list[_Unit], chosen: list[_Unit], now_ms: int, *, may_command: bool, is_scan_due: bool
    ) -> Job | None:
        """One job out of `chosen`, a command or a scan; all `units` but the one served wait on."""
        scanned = self._scan_unit() if is_scan_due else 0
        served: _Unit | None = None
        job: Job | None = None
        if may_command and not ((chosen or scanned) and self._commands_in_a_row >= COMMANDS_IN_A_ROW):
            job = self._command_job()
        elif scanned and not (chosen and chosen[0].due_ms() <= self._scan_due_ms):
            job = self._scan_job(scanned)
        elif chosen:
            served = chosen[0]
            job = served.take(now_ms)
        for unit in units:
            if unit is not served:
                self._enqueue(unit)
        return job

    def _command_job(self) -> Job | None:
        return Job(JobKind.COMMAND, self._commands.popleft()) if self._commands else None

    def _scan_job(self, unit_id: int) -> Job:
        self._scan_due_ms += SCAN_PERIOD_MS
        self._scan_index = (self._scan_index + 1) % len(SCAN_UNITS)
        return Job(JobKind.SCAN, unit_id)

    def _scan_unit(self) -> int:
        """The next address nobody configured; 0 when every address is, and then none is looked at again."""
        for step in range(len(SCAN_UNITS)):
            index = (self._scan_index + step) % len(SCAN_UNITS)
            if SCAN_UNITS[index] not in self._units:
                self._scan_index = index
                return SCAN_UNITS[index]
        self._scan_due_ms = NEVER
        return 0

    def _on_answer(self, unit: _Unit, poll: _Poll | None, now_ms: int, *, probed: Block | None) -> None:
        if unit.is_dead:  # what it missed is due now, all of it once
            blocks = [entry[2].block for entry in unit.polls]
            unit.polls = []
            for block in blocks:
                poll_anew = self._new_poll(unit, block, now_ms)
                if block == probed:
                    poll_anew.due_ms += block.period_ms
                self._push(unit, poll_anew)
        unit.failures = unit.retry_due_ms = 0
        unit.has_answered = True
        unit.probe_period_ms = PROBE_FIRST_MS
        if poll is not None:
            missed = max(0, (now_ms - poll.due_ms) // poll.block.period_ms - 1)
            unit.lateness.skipped += missed
            poll.due_ms += (1 + missed) * poll.block.period_ms
            poll.is_new = False
            self._push(unit, poll)

    def _on_failure(self, unit: _Unit, poll: _Poll | None, now_ms: int) -> None:
        unit.failures += 1
        unit.retry_due_ms = now_ms + unit.lateness.fastest_ms
        if poll is not None:
            poll.due_ms = now_ms + poll.block.period_ms
            self._push(unit, poll)
        if unit.is_dead:
            unit.probe_due_ms = now_ms + unit.probe_period_ms
            unit.probe_period_ms = min(2 * unit.probe_period_ms, PROBE_MAX_MS)

    def _new_poll(self, unit: _Unit, block: Block, now_ms: int) -> _Poll:
        """A poll that is due now, and then in the unit's phase."""
        offset_ms = int(unit.phase * block.period_ms) // PHASE_STEP_MS * PHASE_STEP_MS
        return _Poll(block, now_ms - (now_ms - offset_ms) % block.period_ms, is_new=True)

    def _push(self, unit: _Unit, poll: _Poll) -> None:
        self._order += 1
        heappush(unit.polls, (poll.due_ms, self._order, poll))

    def _enqueue(self, unit: _Unit) -> None:
        """Give the unit its place by its earliest due; the place it had is void."""
        unit.version += 1
        due_ms = unit.due_ms()
        if due_ms != NEVER:
            self._order += 1
            heappush(self._queue, (due_ms, self._order, unit.version, unit))

    def _clean(self) -> bool:
        """Drop void places from the top of the heap; whether any unit waits."""
        queue = self._queue
        while queue and queue[0][2] != queue[0][3].version:
            heappop(queue)
        return bool(queue)

    def _pop_due(self, now_ms: int) -> _Unit | None:
        """Take the unit that is due longest out of the heap."""
        if not self._clean() or self._queue[0][0] > now_ms:
            return None
        return heappop(self._queue)[3]

    def _pop_all_due(self, now_ms: int) -> list[_Unit]:
        units = []
        while (unit := self._pop_due(now_ms)) is not None:
            units.append(unit)
        return units
