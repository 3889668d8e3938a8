"""Scenario files: TOML in, a Scenario or every problem at once out.

Knows: the file format. Must not know: targets, clocks, how an action is carried out.
"""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any

from hil.scenarios.model import Action, Condition, Measurement, Scenario, ScenarioTruck, Step
from hil.scenarios.vocabulary import ROLES, TRUCK_KINDS, event_names, opcode_names, value_of, whole_number

_KEYS = {
    "scenario": {"name", "duration_ms", "seed"},
    "truck": {"kind", "enters_at_ms", "gross_kg", "stops_under_boom_ms", "reverses_out"},
    "step": {"when", "do"},
    "expect": {"event"},
    "never": {"event"},
    "measure": {"name", "from", "to", "units", "min", "max"},
}
_PLAIN_ACTIONS = {"cut bus", "restore bus", "turn back"}
_TIME_MS_MAX = 3_600_000
_ARGUMENT_MAX = 2**31 - 1
_EVENT_FORMS = "field.KIND, ROLE.POINT, ROLE.in.INPUT, ROLE.out.OUTPUT, ROLE.event.EVENT or command.ROLE.OPCODE"


class ScenarioError(Exception):
    """The scenario file's fault; the message lists every problem, one a line."""


def load_scenario(path: Path) -> Scenario:
    """Read and validate a scenario file; raises ScenarioError."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScenarioError(
            f"{path}: cannot be read ({error.strerror}); name a scenario file or one of hil/scenarios"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: not a TOML file ({error}); mend the line it names") from error
    return _Reader(path).read(data)


class _Reader:
    """Collects problems while it builds the values, so that all of them are told at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._problems: list[str] = []

    def read(self, data: dict[str, Any]) -> Scenario:
        data = self._check_form(data)
        head = data.get("scenario", {})
        scenario = Scenario(
            name=self._text(head, "scenario", "name"),
            duration_ms=self._number(head, "scenario", "duration_ms", 1, _TIME_MS_MAX),
            seed=self._number(head, "scenario", "seed", 0, 2**31),
            trucks=tuple(self._truck(item, f"truck {n}") for n, item in enumerate(data.get("truck", []), 1)),
            steps=tuple(self._step(item, f"step {n}") for n, item in enumerate(data.get("step", []), 1)),
            expectations=self._events(data, "expect"),
            nevers=self._events(data, "never"),
            measurements=tuple(
                self._measurement(item, f"measure {n}") for n, item in enumerate(data.get("measure", []), 1)
            ),
        )
        if self._problems:
            raise ScenarioError("\n".join(f"{self._path}: {problem}" for problem in self._problems))
        return scenario

    def _check_form(self, data: dict[str, Any]) -> dict[str, Any]:
        """The tables that have their form, whatever their values are."""
        known: dict[str, Any] = {}
        for table, content in data.items():
            items = [content] if table == "scenario" else content
            if table not in _KEYS:
                self._problems.append(f"unknown table [{table}]; expected one of {', '.join(_KEYS)}")
            elif not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                wanted = f"[{table}]" if table == "scenario" else f"[[{table}]]"
                self._problems.append(f"'{table}' has the wrong form; write it as {wanted}")
            else:
                known[table] = content
                self._check_keys(table, items)
        return known

    def _check_keys(self, table: str, items: list[dict[str, Any]]) -> None:
        unknown = (key for item in items for key in item if key not in _KEYS[table])
        self._problems += [
            f"unknown key '{key}' in [{table}]; expected {', '.join(sorted(_KEYS[table]))}" for key in unknown
        ]

    def _text(self, item: dict[str, Any], where: str, key: str) -> str:
        value = item.get(key)
        if isinstance(value, str) and value:
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

    def _truck(self, item: dict[str, Any], where: str) -> ScenarioTruck:
        kind = self._text(item, where, "kind")
        if kind not in TRUCK_KINDS:
            self._problems.append(f"{where}: kind '{kind}' is unknown; expected one of {', '.join(TRUCK_KINDS)}")
        return ScenarioTruck(
            kind=kind,
            enters_at_ms=self._number(item, where, "enters_at_ms", 0, _TIME_MS_MAX),
            gross_kg=self._number(item, where, "gross_kg", 500, 150_000),
            stops_under_boom_ms=self._number(item, where, "stops_under_boom_ms", 0, _TIME_MS_MAX, 0),
            reverses_out=self._flag(item, where, "reverses_out"),
        )

    def _flag(self, item: dict[str, Any], where: str, key: str) -> bool:
        value = item.get(key, False)
        if not isinstance(value, bool):
            self._problems.append(f"{where}: '{key}' is {value!r}; true or false is needed")
        return value is True

    def _condition(self, text: str, where: str) -> Condition:
        name, equals, wanted = (part.strip() for part in text.partition("="))
        if text and name not in event_names():
            close = difflib.get_close_matches(name, sorted(event_names()))
            hint = f"did you mean {' or '.join(close)}?" if close else f"expected {_EVENT_FORMS}"
            self._problems.append(f"{where}: no rig ever tells '{name}'; {hint}")
            return Condition(name, None, text)
        if not equals:
            return Condition(name, None, text)
        meaning = value_of(name, wanted)
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
        actions = tuple(self._action(str(text), where) for text in texts)
        return Step(self._condition(self._text(item, where, "when"), where), actions)

    def _action(self, text: str, where: str) -> Action:
        words = text.split()
        if text in _PLAIN_ACTIONS:
            return Action(text)
        wait_ms = whole_number(words[1]) if len(words) == 2 and words[0] == "wait" else None
        if wait_ms is not None and 0 <= wait_ms <= _TIME_MS_MAX:
            return Action("wait", argument=wait_ms)
        if len(words) == 2 and words[0] == "kill" and words[1] in ROLES:
            return Action("kill", role=words[1])
        if len(words) in (3, 4) and words[0] == "command" and words[1] in ROLES:
            return self._command(words, where)
        self._problems.append(
            f"{where}: action '{text}' is unknown; expected 'wait MS', 'command ROLE OPCODE [ARGUMENT]', 'kill ROLE', "
            + ", ".join(f"'{plain}'" for plain in sorted(_PLAIN_ACTIONS))
        )
        return Action("wait")

    def _command(self, words: list[str], where: str) -> Action:
        role, opcode = words[1], words[2]
        if opcode not in opcode_names(role):
            self._problems.append(
                f"{where}: opcode '{opcode}' is unknown to {role}; expected one of {', '.join(opcode_names(role))}"
            )
        argument = whole_number(words[3]) if len(words) == 4 else 0
        if argument is None or abs(argument) > _ARGUMENT_MAX:
            self._problems.append(f"{where}: argument '{words[3]}' of {opcode} is no whole number of 32 bits")
        return Action("command", role, opcode, argument or 0)

    def _measurement(self, item: dict[str, Any], where: str) -> Measurement:
        if item.get("units") != "ms":
            self._problems.append(f"{where}: 'units' is {item.get('units')!r}; only 'ms' is measured")
        low = self._number(item, where, "min", 0, _TIME_MS_MAX)
        return Measurement(
            name=self._text(item, where, "name"),
            start=self._condition(self._text(item, where, "from"), where),
            end=self._condition(self._text(item, where, "to"), where),
            low=low,
            high=self._number(item, where, "max", low, _TIME_MS_MAX),
        )
