"""Scenario files of a lane: trucks that come, commands to its two devices, failures of the bus.

Knows: the tables and actions of this kind. Must not know: how an action is carried out.
"""

from __future__ import annotations

from typing import Any, ClassVar

from hil.scenarios.model import Action, LaneScenario, Scenario, ScenarioTruck
from hil.scenarios.reader import TIME_MS_MAX, Reader
from hil.scenarios.vocabulary import LANE_ROLES, TRUCK_KINDS

_PLAIN_ACTIONS = ("cut bus", "restore bus", "turn back")


class LaneReader(Reader):
    KEYS: ClassVar[dict[str, set[str]]] = {
        **Reader.KEYS,
        "truck": {"kind", "enters_at_ms", "gross_kg", "stops_under_boom_ms", "reverses_out"},
    }
    EVENT_FORMS = "field.KIND, ROLE.POINT, ROLE.in.INPUT, ROLE.out.OUTPUT, ROLE.event.EVENT or command.ROLE.OPCODE"

    def _build(self, head: dict[str, Any], data: dict[str, Any]) -> Scenario:
        trucks = tuple(self._truck(item, f"truck {n}") for n, item in enumerate(data.get("truck", []), 1))
        return LaneScenario(**self._common(head, data), trucks=trucks)

    def _truck(self, item: dict[str, Any], where: str) -> ScenarioTruck:
        kind = self._text(item, where, "kind")
        if kind not in TRUCK_KINDS:
            self._problems.append(f"{where}: kind '{kind}' is unknown; expected one of {', '.join(TRUCK_KINDS)}")
        return ScenarioTruck(
            kind=kind,
            enters_at_ms=self._number(item, where, "enters_at_ms", 0, TIME_MS_MAX),
            gross_kg=self._number(item, where, "gross_kg", 500, 150_000),
            stops_under_boom_ms=self._number(item, where, "stops_under_boom_ms", 0, TIME_MS_MAX, 0),
            reverses_out=self._flag(item, where, "reverses_out"),
        )

    def _flag(self, item: dict[str, Any], where: str, key: str) -> bool:
        value = item.get(key, False)
        if not isinstance(value, bool):
            self._problems.append(f"{where}: '{key}' is {value!r}; true or false is needed")
        return value is True

    def _action(self, words: list[str], text: str, where: str) -> Action:
        if text in _PLAIN_ACTIONS:
            return Action(text)
        if len(words) == 2 and words[0] == "kill" and words[1] in LANE_ROLES:
            return Action("kill", words[1])
        if len(words) in (3, 4) and words[0] == "command" and words[1] in LANE_ROLES:
            return Action("command", words[1], *self._command(words[1], words[2:], where))
        self._problems.append(
            f"{where}: action '{text}' is unknown; expected 'wait MS', 'command ROLE OPCODE [ARGUMENT]', 'kill ROLE', "
            + ", ".join(f"'{plain}'" for plain in _PLAIN_ACTIONS)
        )
        return Action("wait")
