"""Scenario files: TOML in, a Scenario or every problem at once out.

Knows: files, and which kind of scenario has which reader. Must not know: targets, clocks, how an action is carried out.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from hil.scenarios.bench import BenchReader
from hil.scenarios.lane import LaneReader
from hil.scenarios.model import Scenario
from hil.scenarios.reader import Reader, ScenarioError

_BENCH = "bench"


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
    return _reader(path, data).read(data)


def _reader(path: Path, data: dict[str, Any]) -> Reader:
    head = data.get("scenario", {})
    rig = head.get("rig") if isinstance(head, dict) else None
    if rig is None:
        return LaneReader(path)
    if rig == _BENCH:
        return BenchReader(path)
    raise ScenarioError(f"{path}: scenario: 'rig' is {rig!r}; write \"{_BENCH}\", or leave it out for a lane")
