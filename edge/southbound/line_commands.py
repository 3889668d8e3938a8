"""The commands that wait on one line, each with its exchange and deadline, and who is told of the outcome.

Knows: exchanges, deadlines, the plan that gives them their turns. Must not know: ports, devices' values, who asked.
Every command that was submitted gets exactly one outcome, at its deadline at the latest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from edge.poll.plan import PollPlan
from edge.southbound.command_exchange import CommandExchange

OnOutcome = Callable[[bool, str], None]


@dataclass
class _Command:
    exchange: CommandExchange
    on_outcome: OnOutcome


class LineCommands:
    """First come, first served for each unit; times are monotonic."""

    def __init__(self, plan: PollPlan, unit_ids: Iterable[int]) -> None:
        self._plan = plan
        self._waiting: dict[int, list[_Command]] = {unit_id: [] for unit_id in unit_ids}
        self.earliest_deadline_ms = 0  # 0: nothing waits

    def add(self, unit_id: int, exchange: CommandExchange, on_outcome: OnOutcome, *, is_planned: bool) -> None:
        """Put a command last; `is_planned`: the plan knows the unit, so it can be given a turn."""
        waiting = self._waiting[unit_id]
        waiting.append(_Command(exchange, on_outcome))
        if len(waiting) == 1 and is_planned:
            self._plan.request_command(unit_id)
        self._note_deadlines()

    def current(self, unit_id: int) -> CommandExchange | None:
        """The exchange whose turn it is."""
        waiting = self._waiting[unit_id]
        return waiting[0].exchange if waiting else None

    def refuse(self, unit_id: int, reason: str) -> None:
        """The current command ends here."""
        self._waiting[unit_id].pop(0).on_outcome(False, reason)
        self._note_deadlines()

    def settle(self, unit_id: int, now_ms: int) -> None:
        """Tell the outcome of the current command if it has one, and ask for a turn if one is left."""
        waiting = self._waiting[unit_id]
        if waiting:
            waiting[0].exchange.on_time(now_ms)
            outcome = waiting[0].exchange.outcome
            if outcome is not None:
                waiting.pop(0).on_outcome(*outcome)
                self._note_deadlines()
        if waiting:
            self._plan.request_command(unit_id)

    def plan_again(self, unit_id: int) -> None:
        """The line is new: a unit with commands gets one turn."""
        self._plan.drop_commands(unit_id)
        if self._waiting[unit_id]:
            self._plan.request_command(unit_id)

    def expire(self, now_ms: int) -> None:
        """End every command whose deadline has passed."""
        if not self.earliest_deadline_ms or now_ms < self.earliest_deadline_ms:
            return
        for unit_id, waiting in self._waiting.items():
            for command in [command for command in waiting if command.exchange.deadline_ms <= now_ms]:
                waiting.remove(command)
                command.exchange.on_time(now_ms)
                command.on_outcome(*(command.exchange.outcome or (False, "")))
            if not waiting:
                self._plan.drop_commands(unit_id)
        self._note_deadlines()

    def _note_deadlines(self) -> None:
        deadlines = [command.exchange.deadline_ms for waiting in self._waiting.values() for command in waiting]
        self.earliest_deadline_ms = min(deadlines, default=0)
