"""Scenario files of a bench: one device, its settings, its inputs one by one, its field line.

Knows: the tables and actions of this kind. Must not know: how an action is carried out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from hil.rig.plants import PLANTS
from hil.scenarios.model import Action, BenchScenario, Scenario
from hil.scenarios.reader import ARGUMENT_MAX, TIME_MS_MAX, Reader
from hil.scenarios.vocabulary import (
    ROLES,
    START,
    input_names,
    is_digital,
    setting_tags,
    whole_number,
)
from protocols.quality import BAD, GOOD, UNCERTAIN

_QUALITIES = {"GOOD": GOOD, "UNCERTAIN": UNCERTAIN, "BAD": BAD}
_PLAIN_ACTIONS = ("hub off", "hub on", "restart")
_FORMS = (
    "'wait MS', 'set INPUT VALUE [GOOD|UNCERTAIN|BAD]', 'free INPUT', 'plant KNOB VALUE', 'command OPCODE [ARGUMENT]', "
    "'line HEX', 'hang MS', 'jump MS', 'hub off', 'hub on', 'restart'"
)
# A second at 9600 baud: more at once is no instrument.
_LINE_SIZE_MAX = 960


class BenchReader(Reader):
    KEYS: ClassVar[dict[str, set[str]]] = {
        **Reader.KEYS,
        "scenario": Reader.KEYS["scenario"] | {"rig", "role", "settings", "inputs", "line_protocol", "plant"},
    }
    EVENT_FORMS = (
        f"{START}, device.POINT, device.in.INPUT, device.out.OUTPUT, device.quality.INPUT, device.event.EVENT, "
        "device.line.sent or command.OPCODE"
    )
    START = START

    def _build(self, head: dict[str, Any], data: dict[str, Any]) -> Scenario:
        role = self._text(head, "scenario", "role")
        if role not in ROLES:
            self._problems.append(f"scenario: role '{role}' is unknown; expected one of {', '.join(ROLES)}")
            role = ROLES[0]  # so that the other problems are told too
        self._role = role
        self._plant = self._choose_plant(head)
        return BenchScenario(
            **self._common(head, data),
            role=role,
            settings=self._settings(head),
            inputs=self._inputs(head),
            line_protocol=self._text(head, "scenario", "line_protocol", ""),
            plant=self._plant,
        )

    def _choose_plant(self, head: dict[str, Any]) -> str:
        plant = self._text(head, "scenario", "plant", "")
        fitting = [name for name, plant in PLANTS.items() if plant.role == self._role]
        if plant and plant not in fitting:
            expected = ", ".join(fitting) or "none"
            self._problems.append(f"scenario: plant '{plant}' does not fit {self._role}; expected one of {expected}")
            return ""
        return plant

    def _settings(self, head: dict[str, Any]) -> tuple[tuple[str, int], ...]:
        tags = setting_tags(self._role)
        table = self._table(head, "settings", tags, "setting")
        limits = {name: (tag.min or 0, tag.max or 0) for name, tag in tags.items()}
        return tuple((name, self._number(table, "settings", name, *limits[name])) for name in table)

    def _inputs(self, head: dict[str, Any]) -> tuple[tuple[str, int], ...]:
        table = self._table(head, "inputs", input_names(self._role), "input")
        return tuple((name, self._number(table, "inputs", name, *self._input_limits(name))) for name in table)

    def _table(
        self, head: dict[str, Any], key: str, names: Sequence[str] | dict[str, Any], what: str
    ) -> dict[str, Any]:
        """The entries of a table of numbers whose names exist."""
        table = head.get(key, {})
        if not isinstance(table, dict):
            self._problems.append(f"scenario: '{key}' is {table!r}; write it as [scenario.{key}] with NAME = NUMBER")
            return {}
        for name in table:
            if name not in names:
                self._problems.append(f"{key}: {what} '{name}' is unknown to {self._role}; expected {', '.join(names)}")
        return {name: value for name, value in table.items() if name in names}

    def _input_limits(self, name: str) -> tuple[int, int]:
        return (0, 1) if is_digital(self._role, name) else (-ARGUMENT_MAX - 1, ARGUMENT_MAX)

    def _action(self, words: list[str], text: str, where: str) -> Action:
        if text in _PLAIN_ACTIONS:
            return Action(text)
        action = None
        verb, count = words[0], len(words)
        if verb == "set" and count in (3, 4):
            action = self._set(words, where)
        elif verb == "free" and count == 2:
            action = Action("free", name=self._input(words[1], where))
        elif verb == "plant" and count == 3:
            action = self._knob(words, where)
        elif verb == "command" and count in (2, 3):
            opcode, argument = self._command(self._role, words[1:], where)
            action = Action("command", name=opcode, argument=argument)
        elif verb == "line" and count > 1:
            action = Action("line", data=self._bytes("".join(words[1:]), where))
        elif verb in ("hang", "jump") and count == 2:
            action = Action(verb, argument=self._time(verb, words[1], where))
        if action is None:
            self._problems.append(f"{where}: action '{text}' is unknown; expected {_FORMS}")
        return action or Action("wait")

    def _set(self, words: list[str], where: str) -> Action:
        name = self._input(words[1], where)
        value = whole_number(words[2])
        low, high = self._input_limits(name)
        if value is None or not low <= value <= high:
            self._problems.append(
                f"{where}: value '{words[2]}' of {words[1]} is wrong; a whole number from {low} to {high} is needed"
            )
        quality = words[3] if len(words) == 4 else "GOOD"
        if quality not in _QUALITIES:
            self._problems.append(
                f"{where}: quality '{quality}' of {words[1]} is unknown; expected one of {', '.join(_QUALITIES)}"
            )
        return Action("set", name=name, argument=value or 0, quality=_QUALITIES.get(quality, GOOD))

    def _input(self, name: str, where: str) -> str:
        names = input_names(self._role)
        if name in names:
            return name
        self._problems.append(f"{where}: input '{name}' is unknown to {self._role}; expected one of {', '.join(names)}")
        return names[0]

    def _knob(self, words: list[str], where: str) -> Action:
        knobs = PLANTS[self._plant].knobs if self._plant else {}
        if words[1] not in knobs:
            known = f"expected one of {', '.join(knobs)}" if knobs else "name a plant in [scenario] first"
            self._problems.append(f"{where}: knob '{words[1]}' is unknown to the plant '{self._plant}'; {known}")
            return Action("wait")
        low, high = knobs[words[1]]
        value = whole_number(words[2])
        if value is None or not low <= value <= high:
            self._problems.append(
                f"{where}: value '{words[2]}' of {words[1]} is wrong; a whole number from {low} to {high} is needed"
            )
        return Action("plant", name=words[1], argument=value or 0)

    def _bytes(self, text: str, where: str) -> bytes:
        try:
            data = bytes.fromhex(text)
        except ValueError:
            data = b""
        if not 0 < len(data) <= _LINE_SIZE_MAX:
            self._problems.append(
                f"{where}: 'line {text[:20]}' is wrong; 1 to {_LINE_SIZE_MAX} bytes in hexadecimal digits are needed"
            )
        return data

    def _time(self, verb: str, text: str, where: str) -> int:
        value, low = whole_number(text), -TIME_MS_MAX if verb == "jump" else 1
        if value is None or not low <= value <= TIME_MS_MAX:
            self._problems.append(
                f"{where}: '{verb} {text}' is wrong; a whole number from {low} to {TIME_MS_MAX} ms is needed"
            )
        return value or 0
