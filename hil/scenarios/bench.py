"""Scenarios of a bench: one device of a role, its settings, its inputs one by one, its field line.

Knows: the statements and keys of this kind. Must not know: how an action is carried out.
"""

from __future__ import annotations

from typing import Any, ClassVar

from edge.words import tr
from firmware.boards.host import load_role
from hil.faults.catalogue import LANE
from hil.rig.plants import PLANTS
from hil.scenarios.meaning import QUALITY
from hil.scenarios.model import Action, BenchScenario, Scenario
from hil.scenarios.reader import Reader
from hil.scenarios.statements import (
    ARGUMENT_MAX,
    TIME_US_MAX,
    Read,
    Statements,
    read_command,
    read_duration,
)
from hil.scenarios.units import Mistake, close_to, read_time_us
from hil.scenarios.vocabulary import ROLES, input_meaning, input_names
from hil.scenarios.words import bench_words
from protocols.quality import GOOD

# A second at 9600 baud: more at once is no instrument.
_LINE_SIZE_MAX = 960
_QUALITIES = tuple(name for name, _ in QUALITY.symbols)


class BenchStatements(Statements):
    """`command`, `set`, `free`, `line`, `hang`, `jump` beside those of every kind."""

    def __init__(self, role: str, plant: str) -> None:
        self._role, self._plant = role, plant
        self._inputs = input_names(role)
        self._knobs = PLANTS[plant].knobs if plant else {}
        self.words = bench_words(role)
        super().__init__(role, plant)

    def _own_actions(self) -> dict[str, Read]:
        return {
            "command": lambda rest: (read_command(self._role, rest),),
            "set": self._set,
            "free": self._free,
            "line": self._line,
            "hang": lambda rest: (Action("hang", argument=read_duration(rest)),),
            "jump": self._jump,
        }

    def _set(self, rest: str) -> tuple[Action, ...]:
        """`NAME[, NAME...] VALUE [QUALITY]`."""
        *names, last = rest.split(", ")
        name, _, value = last.partition(" ")
        quality = GOOD
        head, _, word = value.rpartition(" ")
        if word in _QUALITIES and head:
            value, quality = head, QUALITY.read(word)
        if not value:
            said = tr("'{text}' says no value; write 'set NAME VALUE' or 'set NAME VALUE QUALITY'", text=rest)
            raise Mistake(said)
        return tuple(self._set_one(each, value, quality) for each in (*names, name))

    def _set_one(self, name: str, value: str, quality: int) -> Action:
        if name in self._knobs:
            if quality != GOOD:
                said = tr("{name} belongs to the plant and has no quality; set the quality of an input", name=name)
                raise Mistake(said)
            return Action("knob", name=name, argument=self._knobs[name].read(name, value))
        meaning = input_meaning(self._role, self._known_input(name, (*self._inputs, *self._knobs)))
        try:
            raw = meaning.read(value)
        except Mistake as mistake:
            raise Mistake(tr("input {name}: {reason}", name=name, reason=mistake)) from None
        if abs(raw) > ARGUMENT_MAX:
            raise Mistake(tr("'{text}' of {name} does not fit 32 bits", text=value, name=name))
        return Action("set", name=name, argument=raw, quality=quality)

    def _free(self, rest: str) -> tuple[Action, ...]:
        return tuple(Action("free", name=self._known_input(name, self._inputs)) for name in rest.split(", "))

    def _known_input(self, name: str, known: tuple[str, ...]) -> str:
        if name in self._inputs:
            return name
        names = {"name": name, "role": self._role}
        if self._plant:
            said = tr("'{name}' is no input or knob of {role} and its plant", **names)
        else:
            said = tr("'{name}' is no input or knob of {role} (no plant is named)", **names)
        raise Mistake(said + close_to(name, known))

    def _line(self, rest: str) -> tuple[Action, ...]:
        try:
            data = bytes.fromhex(rest)
        except ValueError:
            data = b""
        if not 0 < len(data) <= _LINE_SIZE_MAX:
            said = tr(
                "'{text}' is wrong; 1 to {most} bytes in hexadecimal digits are needed",
                text=rest[:20],
                most=_LINE_SIZE_MAX,
            )
            raise Mistake(said)
        return (Action("line", data=data),)

    def _jump(self, rest: str) -> tuple[Action, ...]:
        time_us = read_time_us(rest)
        if abs(time_us) > TIME_US_MAX:
            raise Mistake(tr("'{text}' is too far; -1 h to 1 h are allowed", text=rest))
        return (Action("jump", argument=time_us),)


class BenchReader(Reader):
    KEYS: ClassVar[tuple[str, ...]] = (*Reader.KEYS, "plant", "line_protocol", "settings")

    def _build(self, head: dict[str, Any]) -> Scenario | None:
        role = str(head.get("role", ""))
        if role not in ROLES:
            self._problems.append(tr("role '{role}' is unknown", role=role) + close_to(role, (*ROLES, LANE)))
            return None
        plant = self._plant(head, role)
        return BenchScenario(
            **self._common(head, BenchStatements(role, plant)),
            role=role,
            settings=self._settings(head.get("settings", {}), role),
            line_protocol=self._line_protocol(head, role),
            plant=plant,
        )

    def _line_protocol(self, head: dict[str, Any], role: str) -> str:
        name, known = self._text(head, "line_protocol", ""), load_role(role).protocols
        if name and name not in known:
            said = tr("line_protocol '{name}' does not fit {role}", name=name, role=role)
            self._problems.append(said + (close_to(name, known) if known else ""))
        return name

    def _plant(self, head: dict[str, Any], role: str) -> str:
        plant = self._text(head, "plant", "")
        fitting = [name for name, each in PLANTS.items() if each.role == role]
        if plant and plant not in fitting:
            said = tr("plant '{plant}' does not fit {role}", plant=plant, role=role)
            self._problems.append(said + close_to(plant, fitting))
            return ""
        return plant
