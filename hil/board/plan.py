"""What a rig board can do of a scenario: actions as entries, the plant as rows, and what it cannot, in a sentence.

Knows: rows and faults as levels. Must not know: clocks, questions.
"""

from __future__ import annotations

from collections.abc import Iterator

from hil.board.levels import SUPPLY, Levels
from hil.board.link import RigLink
from hil.faults.catalogue import faults_of
from hil.scenarios.content import actions_of
from hil.scenarios.model import Action, BenchScenario, Do
from hil.targets.board_rows import FAULTS, LEFT_OUT, NO_ROWS, Rows
from hil.targets.target import BlockedError
from protocols.rig.messages import FREE, NONE, OFF, ON

DIP_US = 100_000  # a brown-out: the supply is gone for so long
_LINE = "bus"
_EXACT = ("set", "free", "knob", "fault")

Change = tuple[int, int, int]
"""Microseconds later, channel, value."""


class Plan:
    """`changes` of an action; raises BlockedError for a scenario with something the board cannot do."""

    def __init__(self, scenario: BenchScenario, rows: Rows) -> None:
        self.levels = Levels(scenario.role, rows)
        self.rows = rows
        self._faults = faults_of(scenario.role, scenario.plant)
        self._broken: dict[str, tuple[str, ...]] = {}  # per fault, the levels it holds
        if scenario.plant in NO_ROWS:
            raise BlockedError(f"needs the plant {scenario.plant}, but {NO_ROWS[scenario.plant]}")
        for action in actions_of(scenario.steps):
            self._check(action)

    def is_exact(self, act: Do) -> bool:
        """Whether the board can be told everything of it in advance."""
        return all(action.verb in _EXACT and not self.is_line(action) for action in act.actions)

    def is_line(self, action: Action) -> bool:
        """Whether it is a fault of the RS-485 line, which is the host's to bring about."""
        return action.verb == "fault" and action.name == _LINE

    def changes(self, action: Action) -> Iterator[Change]:
        """What the board must do for it."""
        channels = self.levels.channels
        if action.verb == "set":
            yield 0, channels[f"in.{action.name}"], action.argument
        elif action.verb == "free":
            yield 0, channels[f"in.{action.name}"], FREE
        elif action.verb == "knob":
            yield 0, channels[f"knob.{action.name}"], action.argument
        elif action.name == "node":
            yield from self._supply(self._faults["node"].kind_of(action.argument))
        else:
            yield from self._fault(action)

    def lay_down(self, link: RigLink) -> None:
        """Give the board its rows."""
        rows, channels = self.rows, self.levels.channels
        for row in rows.follows:
            sources = [channels[name] for name in row.sources]
            link.follow(channels[f"in.{row.target}"], sources, row.inverted, row.on_us, row.off_us)
        if rows.axis is not None:
            axis = rows.axis
            enable = channels[axis.enable] if axis.enable else NONE
            relays = channels[axis.plus], channels[axis.minus], enable
            link.axis(*relays, axis.start, axis.top, axis.ramp, axis.brake)
        for limit in rows.limits:
            link.limit(channels[f"in.{limit.target}"], limit.on_at, limit.off_at)

    def _supply(self, kind: str) -> Iterator[Change]:
        supply = self.levels.channels[SUPPLY]
        if kind:
            yield 0, supply, OFF
        if kind != "power_cut":
            yield DIP_US if kind else 0, supply, ON

    def _fault(self, action: Action) -> Iterator[Change]:
        """Levels held, or let go again."""
        kind = self._faults[action.name].kind_of(action.argument)
        held = FAULTS[f"{action.name} {kind}"] if kind else {}
        for name in self._broken.pop(action.name, ()):
            if name not in held:
                yield 0, self.levels.channels[name], FREE if name.startswith("in.") else ON
        self._broken[action.name] = tuple(held)
        for name, level in held.items():
            yield 0, self.levels.channels[name], level

    def _check(self, action: Action) -> None:
        name = action.name
        if action.verb == "fault" and name != "node" and not self.is_line(action):
            kind = self._faults[name].kind_of(action.argument)
            name = f"{action.name} {kind}"
            if not kind or name in FAULTS:
                return
        if name in LEFT_OUT:
            raise BlockedError(f"needs {name}, but {LEFT_OUT[name]}")
