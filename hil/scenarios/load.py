"""Scenario files: TOML in, a Scenario or every problem at once out.

Knows: files, and which kind of scenario has which reader. Must not know: targets, clocks, how an action is carried out.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.words import tr
from hil.faults.catalogue import LANE
from hil.scenarios.bench import BenchReader
from hil.scenarios.hook import PYTHON_KEYS, read_hook
from hil.scenarios.lane import LaneReader
from hil.scenarios.model import Scenario
from hil.scenarios.reader import ScenarioError

_TABLE = "scenario"


def load_scenario(path: Path, seed: int | None = None) -> Scenario:
    """Read and validate a scenario file, with its own seed or another; raises ScenarioError."""
    head = _read(path)
    if seed is not None:
        head["seed"] = seed
    reader = LaneReader if head.get("role") == LANE else BenchReader
    return replace(reader(path).read(head), sha256=_sha256(files_of(path)))


def files_of(path: Path) -> list[Path]:
    """The scenario file and the Python files that it names; raises ScenarioError when it is no scenario."""
    texts = (text for key, text in _read(path).items() if key in PYTHON_KEYS)
    return [path, *dict.fromkeys(read_hook(path.parent, text).path for text in texts)]


def _sha256(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _read(path: Path) -> dict[str, Any]:
    """The one table of a scenario file."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        said = tr(
            "{file}: cannot be read ({why}); name a scenario file or one of hil/scenarios",
            file=path,
            why=error.strerror,
        )
        raise ScenarioError(said) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(
            tr("{file}: not a TOML file ({why}); mend the line it names", file=path, why=error)
        ) from error
    return _head(path, data)


def _head(path: Path, data: dict[str, Any]) -> dict[str, Any]:
    unknown = [key for key in data if key != _TABLE]
    if unknown:
        said = tr(
            "{file}: unknown table or key '{key}'; everything stands in the one table [{table}]",
            file=path,
            key=unknown[0],
            table=_TABLE,
        )
        raise ScenarioError(said)
    head = data.get(_TABLE)
    if not isinstance(head, dict):
        raise ScenarioError(tr("{file}: there is no table [{table}]; begin the file with it", file=path, table=_TABLE))
    return head
