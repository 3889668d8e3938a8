"""pytest plugin: every scenario file is a test on each target, and one more for how the traces of two targets compare.

Knows: pytest. Must not know: how a scenario is run (`hil.suite`). A scenario that is BLOCKED is skipped with a reason
that begins with that word. Nothing is ever run again: one run, one verdict.

Options: `--target`, `--uf2`, `--rig`, `--dut`, `--seed`; the ini value `hil_targets` says what runs without `--target`,
`hil_sample` which scenarios are not marked long on slow targets.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hil.report.junit import properties
from hil.scenarios.load import load_scenario
from hil.scenarios.model import Scenario
from hil.scenarios.reader import ScenarioError
from hil.suite.choice import DEFAULT_TARGETS, make_targets, roles_of
from hil.suite.job import Job, run_job
from hil.suite.result import BLOCKED, EXIT_BAD_INPUT, FAILED, Result
from hil.suite.suite import make_ready
from hil.targets.target import Options, Target, UsageError
from hil.trace.bands import bands_between
from hil.trace.compare import compare

_HEAD = "[scenario]"
_SLOW = "long"  # the mark of what takes seconds: everything but the default targets


@dataclass(slots=True)
class _Bench:
    """The targets of a session, made ready when the first of their scenarios runs, and the results so far."""

    targets: dict[str, Target]
    seed: int | None
    directory: tempfile.TemporaryDirectory[str]
    roles: list[str] = field(default_factory=list)
    unready: dict[str, Result | None] = field(default_factory=dict)
    results: dict[tuple[Path, str], Result] = field(default_factory=dict)

    def result(self, path: Path, scenario: Scenario, name: str) -> Result:
        """Of its one run in this process, whoever asks first; raises UsageError."""
        return self.results.get((path, name)) or self._run(path, scenario, name)

    def _run(self, path: Path, scenario: Scenario, name: str) -> Result:
        target, place = self.targets[name], Path(self.directory.name) / f"{name}-{len(self.results)}"
        result = self._make_ready(target) or run_job(Job(scenario, target, place))
        self.results[path, name] = result
        return result

    def _make_ready(self, target: Target) -> Result | None:
        """None when it can run, else what is then the result of every scenario."""
        if target.name not in self.unready:
            self.unready[target.name] = make_ready(target, self.roles, Path(self.directory.name) / target.name)
        return self.unready[target.name]


_BENCH = pytest.StashKey[_Bench]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("gate hil", "scenarios")
    group.addoption("--target", action="append", default=[], help="run scenarios on this target; repeat for more")
    group.addoption("--uf2", type=Path, help="MicroPython image of the emulated RP2040")
    group.addoption("--rig", default="", metavar="PORT", help="serial port of the board that runs the rig firmware")
    group.addoption("--dut", default="", metavar="PORT", help="serial port of the board under test")
    group.addoption("--seed", type=int, help="take this seed instead of each scenario's own")
    parser.addini("hil_targets", "targets of scenarios without --target", "args", list(DEFAULT_TARGETS))
    parser.addini("hil_sample", f"the scenarios that are not marked '{_SLOW}' on slow targets; default all", "args", [])


def pytest_configure(config: pytest.Config) -> None:
    options = Options(config.getoption("--uf2"), config.getoption("--rig"), config.getoption("--dut"))
    try:
        targets = make_targets(config.getoption("--target") or config.getini("hil_targets"), options)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    directory = tempfile.TemporaryDirectory(prefix="smartgate-hil-")
    by_name = {target.name: target for target in targets}
    config.stash[_BENCH] = _Bench(by_name, config.getoption("--seed"), directory)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _BENCH in config.stash:
        config.stash[_BENCH].directory.cleanup()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ScenarioFile | None:
    if file_path.suffix == ".toml" and _HEAD in file_path.read_text(encoding="utf-8", errors="replace").splitlines():
        return ScenarioFile.from_parent(parent, path=file_path)
    return None


def pytest_collection_finish(session: pytest.Session) -> None:
    scenarios = [item.scenario for item in session.items if isinstance(item, _Item)]
    session.config.stash[_BENCH].roles = roles_of(scenarios)


class ScenarioFile(pytest.File):
    """One scenario: an item for each target, and one for each target that is compared with the first."""

    def collect(self) -> Iterator[pytest.Item]:
        bench = self.config.stash[_BENCH]
        try:
            scenario = load_scenario(self.path, bench.seed)
        except ScenarioError as error:
            raise self.CollectError(str(error)) from None
        names = list(bench.targets)
        for name in names:
            label = f"{self.path.stem}[{name}]"
            yield self._marked(name, ScenarioItem.from_parent(self, name=label, scenario=scenario, target=name))
        for other in names[1:]:
            label = f"{self.path.stem}[{names[0]}~{other}]"
            pair = ComparisonItem.from_parent(self, name=label, scenario=scenario, left=names[0], right=other)
            yield self._marked(other, pair)

    def _marked(self, target: str, item: pytest.Item) -> pytest.Item:
        sample = self.config.getini("hil_sample")
        if sample and target not in DEFAULT_TARGETS and self.path.stem not in sample:
            item.add_marker(_SLOW)
        return item


class _Item(pytest.Item):
    def __init__(self, *, scenario: Scenario, **rest: Any) -> None:
        super().__init__(**rest)
        self.scenario = scenario

    def result_on(self, target: str) -> Result:
        try:
            return self.config.stash[_BENCH].result(self.path, self.scenario, target)
        except UsageError as error:
            pytest.exit(str(error), returncode=EXIT_BAD_INPUT)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, ScenarioFailedError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name


class ScenarioFailedError(Exception):
    """What was wrong, a sentence a line."""


class ScenarioItem(_Item):
    """A scenario on a target."""

    def __init__(self, *, target: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.target = target

    def runtest(self) -> None:
        result = self.result_on(self.target)
        self.user_properties += properties(result)
        if result.word == BLOCKED:
            pytest.skip(f"BLOCKED: {'; '.join(result.reasons)}")
        if result.word == FAILED:
            raise ScenarioFailedError("\n".join(result.reasons))


class ComparisonItem(_Item):
    """How the traces of two targets compare. It stands behind the two items that make them; where these are not run,
    or in another process, it makes them itself: no comparison is left out without a word."""

    def __init__(self, *, left: str, right: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.left, self.right = left, right

    def runtest(self) -> None:
        left, right = (self.result_on(name).trace for name in (self.left, self.right))
        if left is None or right is None:
            pytest.skip(f"BLOCKED: there is no trace of {self.right if left else self.left} to compare")
        comparison = compare(left, right, bands_between(self.left, self.right, left.bands_us))
        if not comparison.agrees:
            raise ScenarioFailedError(comparison.describe(self.left, self.right))
