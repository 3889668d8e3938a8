"""The shell around one lane machine: facts in from the images, records to the journal, then commands to the line.

Knows: the order that makes a killed hub resume: records and the saved machine are durable before a command leaves.
Must not know: Modbus, SQLite, what the machine decides.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any

from edge.config import LaneConfig
from edge.journal.writer import JournalWriter
from edge.lane.actions import ROLE_BARRIER, Action, SendCommand, WriteRecord
from edge.lane.facts import OPERATOR_REQUESTS, CommandOutcome, PlateFact
from edge.lane.machine import LaneMachine, LaneStateError
from edge.lane_facts import build_facts, build_plate
from edge.model import DeviceImage, PlateRead, Record

TICK_S = 0.05
OPERATOR_QUEUE_MAX = 8
COUNTED_KINDS = {
    "opened": "transaction_opened",
    "passed": "passed",
    "turned_back": "turned_back",
    "closed": "transaction_closed",
}
_log = logging.getLogger(__name__)

Submit = Callable[[str, str, int, int, Callable[[bool, str], None]], None]


class LaneShell:
    """Run `run` as a task. `submit(device, opcode, argument, deadline_ms, on_outcome)` hands a command to its line."""

    def __init__(
        self,
        config: LaneConfig,
        saved: str,
        journal: JournalWriter,
        *,
        images: Callable[[], Mapping[str, DeviceImage]],
        submit: Submit,
    ) -> None:
        """`saved` is the machine's state as journalled, "" for none."""
        self.config = config
        self._journal = journal
        self._images = images
        self._submit = submit
        self._machine = _load_machine(config, saved)
        self._saved_state = ""
        self._wake = asyncio.Event()
        self._plate: PlateFact | None = None
        self._outcomes: list[CommandOutcome] = []
        self._operator: deque[str] = deque(maxlen=OPERATOR_QUEUE_MAX)
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

    def on_change(self) -> None:
        """A device of this lane has a new image."""
        self._wake.set()

    def on_plate(self, read: PlateRead) -> None:
        """The lane's camera read a plate."""
        self.plates += 1
        self._plate = build_plate(read, _now_ms())
        self._wake.set()

    def on_operator(self, request: str) -> None:
        """An operator asks for one of OPERATOR_REQUESTS; raises ValueError for anything else."""
        if request not in OPERATOR_REQUESTS:
            raise ValueError(f"operator request {request!r} is unknown, expected one of {', '.join(OPERATOR_REQUESTS)}")
        self._operator.append(request)
        self._wake.set()

    def saved(self) -> str:
        """The machine as text, to be journalled."""
        return json.dumps(self._machine.save(), separators=(",", ":"))

    def view(self) -> dict[str, Any]:
        """The lane for people."""
        return self._machine.view() | {"counts": {name: self.counts[kind] for name, kind in COUNTED_KINDS.items()}}

    async def _step(self) -> None:
        images = self._images()
        outcomes, self._outcomes = tuple(self._outcomes), []
        facts = build_facts(
            images[self.config.barrier],
            images[self.config.weighbridge],
            self._plate,
            outcomes=outcomes,
            operator=self._operator.popleft() if self._operator else None,
        )
        actions = self._machine.step(_now_ms(), facts)
        if actions or self._machine.state != self._saved_state:
            await self._carry_out(actions)

    async def _carry_out(self, actions: list[Action]) -> None:
        time_ms = time.time_ns() // 1_000_000
        written = [action for action in actions if isinstance(action, WriteRecord)]
        records = [Record(action.kind, self.config.name, "", action.data, time_ms) for action in written]
        self._saved_state = self._machine.state
        await self._journal.append(records, {self.config.name: self.saved()})
        self.counts.update(record.kind for record in records)
        for action in actions:
            if isinstance(action, SendCommand):
                self._send(action)

    def _send(self, command: SendCommand) -> None:
        device = self.config.barrier if command.role == ROLE_BARRIER else self.config.weighbridge

        def on_outcome(ok: bool, reason: str) -> None:
            self._outcomes.append(CommandOutcome(command.token, ok, reason))
            self._wake.set()

        self._submit(device, command.opcode, command.argument, command.deadline_ms, on_outcome)


def _load_machine(config: LaneConfig, saved: str) -> LaneMachine:
    if not saved:
        return LaneMachine(config.settings, None, _now_ms())
    try:
        return LaneMachine(config.settings, json.loads(saved), _now_ms())
    except (LaneStateError, ValueError) as error:
        raise LaneStateError(
            f"lane {config.name}: its saved state cannot be continued ({error}); start the hub version that wrote it"
        ) from error


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
