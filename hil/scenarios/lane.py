"""Scenarios of a lane: trucks that come, commands to its two devices, failures in its field.

Knows: the statements of this kind. Must not know: how an action is carried out.
"""

from __future__ import annotations

from typing import Any, ClassVar

from edge.words import tr
from hil.faults.catalogue import LANE
from hil.scenarios.meaning import ON_OFF
from hil.scenarios.model import Action, LaneScenario, Scenario, TruckVisit
from hil.scenarios.reader import Reader
from hil.scenarios.statements import Read, Statements, read_command, read_duration
from hil.scenarios.units import Mistake, close_to, read_quantity
from hil.scenarios.vocabulary import LANE_ROLES, TRUCK_KINDS
from hil.scenarios.words import lane_words
from sim_devices.devices.field import SWITCHES as FIELD_SWITCHES
from sim_devices.plants.driver import Habits

SWITCHES = tuple(name for name in FIELD_SWITCHES if name != "MAINS_OK")  # that is the fault `mains`
_GROSS_KG = (500, 150_000)
# What may follow a truck's weight, and the habit it is; then what may with a time.
_ODDITIES = {
    "tailgates": "tailgates",
    "turns back under the boom": "turns_under_boom",
    "comes the wrong way": "comes_wrong_way",
    "stands at the line": "stands_at_line",
}
_HABITS = {
    "stops under the boom for": "under_boom_s",
    "backs out after": "leaves_after_s",
    "waits at red for": "patience_s",
}
_HABIT_FORMS = (*(f"{habit} TIME" for habit in _HABITS), *_ODDITIES)


class LaneStatements(Statements):
    """`command ROLE`, `set`, `truck`, `turn back` beside those of every kind."""

    def __init__(self) -> None:
        self.words = lane_words()
        super().__init__(LANE)

    def _own_actions(self) -> dict[str, Read]:
        return {"command": self._command, "truck": self._truck, "turn": self._turn, "set": self._set}

    def _command(self, rest: str) -> tuple[Action, ...]:
        role, _, command = rest.partition(" ")
        return (read_command(_known_role(role), command, role),)

    def _set(self, rest: str) -> tuple[Action, ...]:
        """`SWITCH[, SWITCH...] on|off`."""
        names, _, value = rest.rpartition(" ")
        for name in names.split(", "):
            if name not in SWITCHES:
                raise Mistake(tr("switch '{name}' is not in the lane", name=name) + close_to(name, SWITCHES))
        return tuple(Action("switch", name=name, argument=ON_OFF.read(value)) for name in names.split(", "))

    def _turn(self, rest: str) -> tuple[Action, ...]:
        if rest != "back":
            raise Mistake(tr("write 'turn back'"))
        return (Action("turn back"),)

    def _truck(self, rest: str) -> tuple[Action, ...]:
        """`KIND WEIGHT[, HABIT...]`."""
        body, *habits = rest.split(", ")
        kind, _, weight = body.partition(" ")
        if kind not in TRUCK_KINDS:
            raise Mistake(tr("truck '{kind}' is unknown", kind=kind) + close_to(kind, TRUCK_KINDS))
        gross_kg = float(read_quantity(weight, "kg"))
        if not _GROSS_KG[0] <= gross_kg <= _GROSS_KG[1]:
            limits = {"low": _GROSS_KG[0], "high": _GROSS_KG[1]}
            raise Mistake(tr("no truck weighs '{text}'; {low} kg to {high} kg are allowed", text=weight, **limits))
        visit = TruckVisit(kind, gross_kg, Habits(**dict(_habit(text) for text in habits)))
        return (Action("truck", argument=round(gross_kg), truck=visit),)


class LaneReader(Reader):
    KEYS: ClassVar[tuple[str, ...]] = (*Reader.KEYS, "settings")

    def _build(self, head: dict[str, Any]) -> Scenario:
        return LaneScenario(**self._common(head, LaneStatements()), settings=self._settings_by_role(head))

    def _settings_by_role(self, head: dict[str, Any]) -> tuple[tuple[str, tuple[tuple[str, int], ...]], ...]:
        table = head.get("settings", {})
        if not isinstance(table, dict) or not table.keys() <= set(LANE_ROLES):
            form = '{ barrier = { NAME = "VALUE" } }'
            self._problems.append(
                tr("'{key}' is {value!r}; write it as {form}", key="settings", value=table, form=form)
            )
            return ()
        return tuple((role, self._settings(settings, role)) for role, settings in table.items())


def _habit(text: str) -> tuple[str, Any]:
    if text in _ODDITIES:
        return _ODDITIES[text], True
    for words, name in _HABITS.items():
        if text.startswith(words + " "):
            return name, read_duration(text.removeprefix(words + " ")) / 1e6
    raise Mistake(tr("no driver does '{text}'; expected one of {names}", text=text, names=", ".join(_HABIT_FORMS)))


def _known_role(role: str) -> str:
    if role not in LANE_ROLES:
        raise Mistake(tr("device '{name}' is not in the lane", name=role) + close_to(role, LANE_ROLES))
    return role
