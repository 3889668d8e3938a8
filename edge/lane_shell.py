"""The shell around one lane machine: facts in from the images, records to the journal, then commands to the line.

Knows: the order that makes a killed hub resume: records and the saved machine are durable before a command leaves.
Must not know: Modbus, SQLite, what the machine decides.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any

from edge.config import LaneConfig
from edge.journal.writer import JournalWriter
from edge.lane import sight, states
from edge.lane.actions import ROLE_BARRIER, Action, SendCommand, WriteRecord
from edge.lane.facts import OPERATOR_REQUESTS, CommandOutcome, LaneFacts, OperatorRequest
from edge.lane_facts import build_facts, build_plate
from edge.lane_memory import Moment, load_lane, save_lane
from edge.model import DeviceImage, PlateRead, Record

TICK_S = 0.05
OPERATOR_QUEUE_MAX = 8
OPERATOR_WAIT_S = 4.0  # a person who got no answer by then must not see the boom move later
PLATE_WAIT_S = 2.0  # cameras give a post up after a few seconds
PATH_OCCUPIED = "path_occupied"
COUNTED_KINDS = {
    "opened": "transaction_opened",
    "passed": "passed",
    "turned_back": "turned_back",
    "closed": "transaction_closed",
}

Submit = Callable[[str, str, int, int, Callable[[bool, str], None]], None]


class OperatorDoubtError(Exception):
    """An operator's request was taken, but whether it is durable is not known; the text says why."""


class LaneShell:
    """Run `run` as a task. `submit(device, opcode, argument, deadline_ms, on_outcome)` hands a command to its line.

    `expect(device)` tells the line that one is coming, before it is journalled.
    """

    def __init__(
        self,
        config: LaneConfig,
        saved: str,
        journal: JournalWriter,
        *,
        images: Callable[[], Mapping[str, DeviceImage]],
        submit: Submit,
        expect: Callable[[str], None] = lambda device: None,
    ) -> None:
        """`saved` is what `saved()` gave to the journal, "" for none."""
        self.config = config
        self._journal = journal
        self._images = images
        self._submit = submit
        self._expect = expect
        self._machine, self._plate = load_lane(config.settings, saved, _now())
        self._saved_memory: tuple[object, ...] = ()
        self._wake = asyncio.Event()
        self._outcomes: list[CommandOutcome] = []
        self._operator: deque[tuple[OperatorRequest, asyncio.Future[str]]] = deque()
        self._is_withheld = False
        self.counts: Counter[str] = Counter()
        self.plates = 0

    async def run(self) -> None:
        """Step on new data and every TICK_S, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(TICK_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            await self._step()

    @property
    def is_out_of_service(self) -> bool:
        """Whether the lane takes no truck, its boom down, until `withhold(False)`."""
        return self._machine.state == states.OUT_OF_SERVICE

    def withhold(self, is_withheld: bool) -> None:
        """Take the lane out of service as soon as the truck on it has gone, or give it back."""
        self._is_withheld = is_withheld
        self._wake.set()

    def on_change(self) -> None:
        """A device of this lane has a new image."""
        self._wake.set()

    async def on_plate(self, read: PlateRead) -> bool:
        """The lane's camera read a plate; True once the read would survive the hub, False if the camera should repeat.

        The lane uses the read at once either way. A repetition keeps the time of the first, and a look at which the
        camera could read nothing does not hide a good one before it.
        """
        plate = build_plate(read, _now().mono_ms)
        if self._plate is None or self._plate.read_id != plate.read_id:
            self.plates += 1
            if not plate.plate or plate.confidence < self.config.settings.min_confidence:
                return True
            self._plate = plate
            self._wake.set()
        if self._journal.degraded:
            return False
        try:
            async with asyncio.timeout(PLATE_WAIT_S):
                await self._journal.append([], {self.config.name: self.saved()})
        except TimeoutError:
            return False
        return True

    async def on_operator(self, asked: OperatorRequest) -> str:
        """Have the lane do what a person asks: "" once it is decided and journalled, else why it was refused.

        Raises ValueError for what is no request, OperatorDoubtError when the journal did not answer in time. A request
        that was not looked at in time is forgotten: nothing moves for a person who has turned away.
        """
        if asked.request not in OPERATOR_REQUESTS:
            known = ", ".join(OPERATOR_REQUESTS)
            raise ValueError(f"operator request {asked.request!r} is unknown, expected one of {known}")
        if len(self._operator) >= OPERATOR_QUEUE_MAX:
            return "too many requests wait already"
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        entry = asked, answer
        self._operator.append(entry)
        self._wake.set()
        try:
            async with asyncio.timeout(OPERATOR_WAIT_S):
                return await answer
        except TimeoutError:
            why = self._journal.degraded or "the disk is slow"
            if entry not in self._operator:
                raise OperatorDoubtError(f"the request was taken but is not journalled yet ({why})") from None
            self._operator.remove(entry)
            return f"the lane waits for the journal ({why})"

    def saved(self) -> str:
        """The lane as text, to be journalled."""
        return save_lane(self._machine, self._plate, _now())

    def view(self) -> dict[str, Any]:
        """The lane for people."""
        return self._machine.view() | {"counts": {name: self.counts[kind] for name, kind in COUNTED_KINDS.items()}}

    async def _step(self) -> None:
        asked, answer = self._operator.popleft() if self._operator else (None, None)
        outcomes, self._outcomes = tuple(self._outcomes), []
        actions = self._machine.step(_now().mono_ms, self._facts(outcomes, asked))
        refusal = self._machine.operator_refusal
        if actions or self._machine.memory() != self._saved_memory:
            await self._carry_out(actions)
        if answer is not None and not answer.done():
            answer.set_result(refusal)

    def _facts(self, outcomes: tuple[CommandOutcome, ...] = (), asked: OperatorRequest | None = None) -> LaneFacts:
        images = self._images()
        barrier, weighbridge = images[self.config.barrier], images[self.config.weighbridge]
        return build_facts(
            barrier, weighbridge, self._plate, outcomes=outcomes, operator=asked, is_withheld=self._is_withheld
        )

    async def _carry_out(self, actions: list[Action]) -> None:
        time_ms = _now().wall_ms
        written = [action for action in actions if isinstance(action, WriteRecord)]
        records = [Record(action.kind, self.config.name, "", action.data, time_ms) for action in written]
        self._saved_memory = self._machine.memory()
        for action in actions:
            if isinstance(action, SendCommand):
                self._expect(self._device_of(action))
        await self._journal.append(records, {self.config.name: self.saved()})
        self.counts.update(record.kind for record in records)
        for action in actions:
            if isinstance(action, SendCommand):
                self._send(action)

    def _device_of(self, command: SendCommand) -> str:
        return self.config.barrier if command.role == ROLE_BARRIER else self.config.weighbridge

    def _send(self, command: SendCommand) -> None:
        device = self._device_of(command)

        def on_outcome(ok: bool, reason: str) -> None:
            self._outcomes.append(CommandOutcome(command.token, ok, reason))
            self._wake.set()

        if command.opcode == "CLOSE" and sight.is_path_occupied(self._facts()):
            on_outcome(False, PATH_OCCUPIED)  # came into the path while the journal wrote
            return
        self._submit(device, command.opcode, command.argument, command.deadline_ms, on_outcome)


def _now() -> Moment:
    return Moment(time.monotonic_ns() // 1_000_000, time.time_ns() // 1_000_000)
