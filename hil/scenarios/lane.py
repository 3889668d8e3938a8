"""Scenarios of a lane: trucks that come, commands to its two devices, failures in its field.

Knows: the statements of this kind. Must not know: how an action is carried out.
"""

from __future__ import annotations

from typing import Any

from hil.faults.catalogue import LANE
from hil.scenarios.model import Action, LaneScenario, Scenario, TruckVisit
from hil.scenarios.reader import Reader
from hil.scenarios.statements import Read, Statements, read_command, read_duration
from hil.scenarios.units import Mistake, close_to, read_quantity
from hil.scenarios.vocabulary import LANE_ROLES, TRUCK_KINDS
from hil.scenarios.words import lane_words

_GROSS_KG = (500, 150_000)
_TAILGATES = "tailgates"
# What may follow a truck's weight with a time, and the habit it is.
_HABITS = {
    "stops under the boom for": "under_boom_s",
    "backs out after": "leaves_after_s",
    "waits at red for": "patience_s",
}
_HABIT_FORMS = (*(f"{habit} TIME" for habit in _HABITS), _TAILGATES)


class LaneStatements(Statements):
    """`command ROLE`, `truck`, `turn back` beside those of every kind."""

    def __init__(self) -> None:
        self.words = lane_words()
        super().__init__(LANE)

    def _own_actions(self) -> dict[str, Read]:
        return {"command": self._command, "truck": self._truck, "turn": self._turn}

    def _command(self, rest: str) -> tuple[Action, ...]:
        role, _, command = rest.partition(" ")
        return (read_command(_known_role(role), command, role),)

    def _turn(self, rest: str) -> tuple[Action, ...]:
        if rest != "back":
            raise Mistake("write 'turn back'")
        return (Action("turn back"),)

    def _truck(self, rest: str) -> tuple[Action, ...]:
        """`KIND WEIGHT[, HABIT...]`."""
        body, *habits = rest.split(", ")
        kind, _, weight = body.partition(" ")
        if kind not in TRUCK_KINDS:
            raise Mistake(f"truck '{kind}' is unknown{close_to(kind, TRUCK_KINDS)}")
        gross_kg = float(read_quantity(weight, "kg"))
        if not _GROSS_KG[0] <= gross_kg <= _GROSS_KG[1]:
            raise Mistake(f"no truck weighs '{weight}'; {_GROSS_KG[0]} kg to {_GROSS_KG[1]} kg are allowed")
        visit = TruckVisit(kind, gross_kg, **dict(_habit(text) for text in habits))
        return (Action("truck", argument=round(gross_kg), truck=visit),)


class LaneReader(Reader):
    def _build(self, head: dict[str, Any]) -> Scenario:
        return LaneScenario(**self._common(head, LaneStatements()))


def _habit(text: str) -> tuple[str, Any]:
    if text == _TAILGATES:
        return _TAILGATES, True
    for words, name in _HABITS.items():
        if text.startswith(words + " "):
            return name, read_duration(text.removeprefix(words + " ")) / 1e6
    raise Mistake(f"no driver does '{text}'; expected one of {', '.join(_HABIT_FORMS)}")


def _known_role(role: str) -> str:
    if role not in LANE_ROLES:
        raise Mistake(f"device '{role}' is not in the lane{close_to(role, LANE_ROLES)}")
    return role
