"""What all kinds of scenario files have in common: the keys of their one table, and their steps.

Knows: values of TOML. Must not know: which statements and words a kind has; its reader says so.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from edge.words import tr
from hil.scenarios.capabilities import CAPABILITIES
from hil.scenarios.conditions import read_condition
from hil.scenarios.hook import PYTHON_KEYS, Hook, read_hook
from hil.scenarios.model import Condition, Scenario, Step
from hil.scenarios.statements import Statements, read_setting
from hil.scenarios.units import Mistake, close_to, read_time_us
from hil.trace.bands import TIMES_US

SEED_MAX = 2**31
_HOOK = "hook"


class ScenarioError(Exception):
    """The scenario file's fault; the message lists every problem, one a line."""


class Reader(ABC):
    """Collects problems while it builds the values, so that all of them are told at once."""

    KEYS: ClassVar[tuple[str, ...]] = ("name", "role", "seed", "steps", "never", "needs", "bands", *PYTHON_KEYS)

    def __init__(self, path: Path) -> None:
        self._path = path
        self._problems: list[str] = []

    def read(self, head: dict[str, Any]) -> Scenario:
        """Build the scenario; raises ScenarioError."""
        for key in head:
            if key not in self.KEYS:
                self._problems.append(tr("unknown key '{key}'", key=key) + close_to(key, self.KEYS))
        scenario = self._build(head)
        if self._problems or scenario is None:
            raise ScenarioError("\n".join(f"{self._path}: {problem}" for problem in dict.fromkeys(self._problems)))
        return scenario

    @abstractmethod
    def _build(self, head: dict[str, Any]) -> Scenario | None:
        """Build the scenario of this kind; None when a problem keeps everything else from being read."""

    def _common(self, head: dict[str, Any], statements: Statements) -> dict[str, Any]:
        return {
            "name": self._name(head),
            "seed": self._seed(head),
            "steps": tuple(self._steps(head, statements)),
            "nevers": tuple(self._nevers(head, statements)),
            "needs": tuple(self._needs(head)),
            "check": self._hook(head, "check"),
            "bands": tuple(self._bands(head)),
        }

    def _steps(self, head: dict[str, Any], statements: Statements) -> Iterator[Step]:
        for number, text in enumerate(self._lines(head), 1):
            try:
                yield statements.read(number, text)
            except Mistake as mistake:
                self._problems.append(tr("step {number} '{text}': {reason}", number=number, text=text, reason=mistake))

    def _lines(self, head: dict[str, Any]) -> list[str]:
        """The lines of the steps; those that a function writes stand in the place of `hook`."""
        lines, hook = self._texts(head, "steps"), self._hook(head, "hook")
        if not lines:
            said = tr("there is no step, so nothing could be shown; write what is done and expected in 'steps'")
            self._problems.append(said)
        if ("hook" in head) != (_HOOK in lines):
            self._problems.append(tr("'hook' needs one step 'hook', and that step the key: they go together"))
        if _HOOK not in lines:
            return lines
        if hook is None:  # what is wrong was told
            return []
        place = lines.index(_HOOK)
        try:
            return [*lines[:place], *hook.lines(random.Random(self._seed(head))), *lines[place + 1 :]]
        except Mistake as mistake:
            self._problems.append(str(mistake))
            return []

    def _hook(self, head: dict[str, Any], key: str) -> Hook | None:
        try:
            return read_hook(self._path.parent, head[key]) if key in head else None
        except Mistake as mistake:
            self._problems.append(f"{key}: {mistake}")
            return None

    def _nevers(self, head: dict[str, Any], statements: Statements) -> Iterator[Condition]:
        for text in self._texts(head, "never"):
            try:
                yield read_condition(text, statements.words)
            except Mistake as mistake:
                self._problems.append(f"never '{text}': {mistake}")

    def _needs(self, head: dict[str, Any]) -> Iterator[str]:
        for name in self._texts(head, "needs"):
            if name not in CAPABILITIES:
                said = tr("need '{name}' is none of docs/hil-ledger.md", name=name)
                self._problems.append(said + close_to(name, CAPABILITIES))
            yield name

    def _bands(self, head: dict[str, Any]) -> Iterator[tuple[str, int]]:
        table = head.get("bands", {})
        if not isinstance(table, dict):
            form = '{ output = "200 ms" }'
            self._problems.append(tr("'{key}' is {value!r}; write it as {form}", key="bands", value=table, form=form))
            return
        for name, value in table.items():
            if name not in TIMES_US:
                known = ", ".join(TIMES_US)
                self._problems.append(tr("band '{name}' is unknown; expected one of {names}", name=name, names=known))
                continue
            try:
                yield name, read_time_us(str(value))
            except Mistake as mistake:
                self._problems.append(tr("band '{name}': {reason}", name=name, reason=mistake))

    def _settings(self, table: object, role: str) -> tuple[tuple[str, int], ...]:
        """Raw settings of a device by name."""
        if not isinstance(table, dict):
            form = '{ NAME = "VALUE" }'
            self._problems.append(
                tr("'{key}' is {value!r}; write it as {form}", key="settings", value=table, form=form)
            )
            return ()
        found = []
        for name, value in table.items():
            try:
                found.append((name, read_setting(role, name, str(value))))
            except Mistake as mistake:
                self._problems.append(str(mistake))
        return tuple(found)

    def _texts(self, head: dict[str, Any], key: str) -> list[str]:
        texts = head.get(key, [])
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            self._problems.append(tr("'{key}' is {value!r}; a list of lines in quotes is needed", key=key, value=texts))
            return []
        return texts

    def _text(self, head: dict[str, Any], key: str, default: str | None = None) -> str:
        value = head.get(key, default)
        if not isinstance(value, str):
            self._problems.append(tr("'{key}' is {value!r}; a text in quotes is needed", key=key, value=value))
            return ""
        return value

    def _name(self, head: dict[str, Any]) -> str:
        """That of the file: what a run writes of a scenario is called so, and no two may take each other's place."""
        stem, name = self._path.stem, head.get("name")
        if name != stem:
            said = tr("'name' is {name!r}; write \"{stem}\", the file's name without .toml", name=name, stem=stem)
            self._problems.append(said)
        return stem

    def _seed(self, head: dict[str, Any]) -> int:
        value = head.get("seed")
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= SEED_MAX:
            said = tr("'seed' is {value!r}; a whole number from 0 to {most} is needed", value=value, most=SEED_MAX)
            self._problems.append(said)
            return 0
        return value
