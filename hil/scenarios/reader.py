"""What all kinds of scenario files have in common: form of the tables, steps, conditions, measurements.

Knows: tables and values of TOML. Must not know: which actions and events a kind has; its reader says so.
"""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from hil.scenarios.capabilities import CAPABILITIES
from hil.scenarios.model import Action, Condition, Measurement, Scenario, Step
from hil.scenarios.vocabulary import event_names, opcode_names, value_of, whole_number

TIME_MS_MAX = 3_600_000
ARGUMENT_MAX = 2**31 - 1


class ScenarioError(Exception):
    """The scenario file's fault; the message lists every problem, one a line."""


class Reader(ABC):
    """Collects problems while it builds the values, so that all of them are told at once."""

    KEYS: ClassVar[dict[str, set[str]]] = {
        "scenario": {"name", "duration_ms", "seed", "needs"},
        "step": {"when", "do"},
        "expect": {"event"},
        "never": {"event"},
        "measure": {"name", "from", "to", "units", "min", "max"},
    }
    EVENT_FORMS = ""
    START = ""  # the condition of a step without `when`; "" when every step needs one

    def __init__(self, path: Path) -> None:
        self._path = path
        self._problems: list[str] = []
        self._role = ""  # of the device on a bench

    def read(self, data: dict[str, Any]) -> Scenario:
        """Build the scenario; raises ScenarioError."""
        data = self._check_form(data)
        scenario = self._build(data.get("scenario", {}), data)
        if self._problems:
            raise ScenarioError("\n".join(f"{self._path}: {problem}" for problem in self._problems))
        return scenario

    @abstractmethod
    def _build(self, head: dict[str, Any], data: dict[str, Any]) -> Scenario:
        """Build the scenario of this kind."""

    @abstractmethod
    def _action(self, words: list[str], text: str, where: str) -> Action:
        """Read one action that is not `wait`."""

    def _common(self, head: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        measures = enumerate(data.get("measure", []), 1)
        return {
            "name": self._text(head, "scenario", "name"),
            "duration_ms": self._number(head, "scenario", "duration_ms", 1, TIME_MS_MAX),
            "seed": self._number(head, "scenario", "seed", 0, 2**31),
            "steps": tuple(self._step(item, f"step {n}") for n, item in enumerate(data.get("step", []), 1)),
            "expectations": self._events(data, "expect"),
            "nevers": self._events(data, "never"),
            "measurements": tuple(self._measurement(item, f"measure {n}") for n, item in measures),
            "needs": self._needs(head),
        }

    def _needs(self, head: dict[str, Any]) -> tuple[str, ...]:
        names = head.get("needs", [])
        if not isinstance(names, list) or not all(isinstance(name, str) and name in CAPABILITIES for name in names):
            self._problems.append(f"scenario: 'needs' is {names!r}; a list of names of docs/hil-ledger.md is needed")
            return ()
        return tuple(names)

    def _check_form(self, data: dict[str, Any]) -> dict[str, Any]:
        """The tables that have their form, whatever their values are."""
        known: dict[str, Any] = {}
        for table, content in data.items():
            items = [content] if table == "scenario" else content
            if table not in self.KEYS:
                self._problems.append(f"unknown table [{table}]; expected one of {', '.join(self.KEYS)}")
            elif not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                wanted = f"[{table}]" if table == "scenario" else f"[[{table}]]"
                self._problems.append(f"'{table}' has the wrong form; write it as {wanted}")
            else:
                known[table] = content
                self._check_keys(table, items)
        return known

    def _check_keys(self, table: str, items: list[dict[str, Any]]) -> None:
        unknown = (key for item in items for key in item if key not in self.KEYS[table])
        self._problems += [
            f"unknown key '{key}' in [{table}]; expected {', '.join(sorted(self.KEYS[table]))}" for key in unknown
        ]

    def _text(self, item: dict[str, Any], where: str, key: str, default: str | None = None) -> str:
        value = item.get(key, default)
        if isinstance(value, str) and (value or default is not None):
            return value
        self._problems.append(f"{where}: '{key}' is {value!r}; a non-empty text is needed")
        return ""

    def _number(
        self, item: dict[str, Any], where: str, key: str, low: int, high: int, default: int | None = None
    ) -> int:
        value = item.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self._problems.append(f"{where}: '{key}' is {value!r}; a whole number from {low} to {high} is needed")
        return low

    def _condition(self, text: str, where: str) -> Condition:
        name, equals, wanted = (part.strip() for part in text.partition("="))
        if text and name not in event_names(self._role):
            close = difflib.get_close_matches(name, sorted(event_names(self._role)))
            hint = f"did you mean {' or '.join(close)}?" if close else f"expected {self.EVENT_FORMS}"
            self._problems.append(f"{where}: no rig ever tells '{name}'; {hint}")
            return Condition(name, None, text)
        if not equals:
            return Condition(name, None, text)
        meaning = value_of(name, wanted, self._role)
        if meaning is None:
            self._problems.append(
                f"{where}: '{wanted}' is no value of {name}; use a symbol of docs/registers or a number it can have"
            )
            return Condition(name, None, text)
        return Condition(name, meaning[0], text, meaning[1])

    def _events(self, data: dict[str, Any], table: str) -> tuple[Condition, ...]:
        items = enumerate(data.get(table, []), 1)
        return tuple(self._condition(self._text(item, f"{table} {n}", "event"), f"{table} {n}") for n, item in items)

    def _step(self, item: dict[str, Any], where: str) -> Step:
        texts = item.get("do")
        if not isinstance(texts, list) or not texts:
            self._problems.append(f"{where}: 'do' is {texts!r}; a list of actions is needed")
            texts = []
        actions = tuple(self._read_action(str(text), where) for text in texts)
        return Step(self._condition(self._text(item, where, "when", self.START or None), where), actions)

    def _read_action(self, text: str, where: str) -> Action:
        words = text.split()
        time_ms = whole_number(words[1]) if len(words) == 2 and words[0] == "wait" else None
        if time_ms is not None and 0 <= time_ms <= TIME_MS_MAX:
            return Action("wait", argument=time_ms)
        return self._action(words or [""], text, where)

    def _command(self, role: str, words: list[str], where: str) -> tuple[str, int]:
        """Opcode and argument of a command's words."""
        opcode = words[0]
        if opcode not in opcode_names(role):
            self._problems.append(
                f"{where}: opcode '{opcode}' is unknown to {role}; expected one of {', '.join(opcode_names(role))}"
            )
        argument = whole_number(words[1]) if len(words) == 2 else 0
        if argument is None or abs(argument) > ARGUMENT_MAX:
            self._problems.append(f"{where}: argument '{words[1]}' of {opcode} is no whole number of 32 bits")
        return opcode, argument or 0

    def _measurement(self, item: dict[str, Any], where: str) -> Measurement:
        if item.get("units") != "ms":
            self._problems.append(f"{where}: 'units' is {item.get('units')!r}; only 'ms' is measured")
        low = self._number(item, where, "min", 0, TIME_MS_MAX)
        return Measurement(
            name=self._text(item, where, "name"),
            start=self._condition(self._text(item, where, "from"), where),
            end=self._condition(self._text(item, where, "to"), where),
            low=low,
            high=self._number(item, where, "max", low, TIME_MS_MAX),
        )
