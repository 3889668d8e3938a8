"""What the user asked for: scenarios by name or file, targets by name.

Knows: the collection and the names. Must not know: how anything is run.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path

from edge.words import tr
from hil.scenarios.load import load_scenario
from hil.scenarios.model import BenchScenario, Scenario
from hil.scenarios.vocabulary import LANE_ROLES
from hil.targets.table import TARGETS
from hil.targets.target import Options, Target, UsageError

SCENARIOS = Path(__file__).parents[1] / "scenarios"
DEFAULT_TARGETS = ("host", "vm")  # those that need nothing but this package


def scenario_names() -> list[str]:
    """Every scenario of the collection."""
    return sorted(path.stem for path in SCENARIOS.glob("*.toml"))


def find_scenario(name: str) -> Path:
    """A path as given, or a scenario of the collection by its name; raises UsageError."""
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        return path
    known = SCENARIOS / f"{name}.toml"
    if known.is_file():
        return known
    raise UsageError(tr("no scenario '{name}'; {hint}", name=name, hint=_hint(name, scenario_names())))


def find_scenarios(names: Sequence[str]) -> list[Path]:
    """The files of the named ones, of all when none is named; raises UsageError."""
    paths = [find_scenario(name) for name in names or scenario_names()]
    for path in paths:
        if sum(other.stem == path.stem for other in paths) > 1:
            said = tr("{file}: two scenarios are called '{name}'; name one of them", file=path, name=path.stem)
            raise UsageError(said)
    return paths


def load_scenarios(paths: Sequence[Path], seed: int | None = None) -> list[Scenario]:
    """What the files say, with their own seed or another; raises ScenarioError."""
    return [load_scenario(path, seed) for path in paths]


def make_targets(names: Sequence[str], options: Options) -> list[Target]:
    """One for each name, in this order; raises UsageError."""
    return [_make_target(name, options) for name in names or DEFAULT_TARGETS]


def roles_of(scenarios: Iterable[Scenario]) -> list[str]:
    """The roles that take part in any of them."""
    taking_part = ((item.role,) if isinstance(item, BenchScenario) else LANE_ROLES for item in scenarios)
    return sorted({role for roles in taking_part for role in roles})


def _make_target(name: str, options: Options) -> Target:
    if name in TARGETS:
        return TARGETS[name](options)
    raise UsageError(tr("no target '{name}'; expected one of {names}", name=name, names=", ".join(TARGETS)))


def _hint(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known)
    if close:
        return tr("did you mean {names}?", names=", ".join(close))
    return tr("`gate hil list` prints those of the collection")
