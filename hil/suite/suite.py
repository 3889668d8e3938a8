"""A whole run: every scenario on every target, and how the traces of the targets compare.

Knows: jobs, targets, comparisons. Must not know: arguments, printing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hil.scenarios.model import Scenario
from hil.suite.choice import roles_of
from hil.suite.job import Job
from hil.suite.pool import run_jobs
from hil.suite.result import BLOCKED, FAILED, Account, Result
from hil.targets.target import BlockedError, Target, TargetError
from hil.trace.bands import bands_between
from hil.trace.compare import compare
from hil.trace.outcome import Comparison

Tell = Callable[[Result], None]


@dataclass(frozen=True, slots=True)
class Suite:
    """What is run. `workers` scenarios go on at one time; with `twice` each runs again and must be the same."""

    scenarios: Sequence[Scenario]
    targets: Sequence[Target]
    workers: int
    twice: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """How one scenario's traces of two targets compare; `number` is the place of the second one among the targets."""

    scenario: str
    left: str
    right: str
    number: int
    comparison: Comparison


def run_suite(suite: Suite, directory: Path, tell: Tell) -> list[Account]:
    """Run target by target below `directory`, telling each result in the order of the scenarios; raises UsageError."""
    return [
        _run_target(suite, target, directory / f"{number}-{target.name}", tell)
        for number, target in enumerate(suite.targets)  # a place for each: a target may be named twice
    ]


def compare_accounts(accounts: Sequence[Account]) -> Iterator[Compared]:
    """The first target's traces against those of each other one, for every scenario that ran on both."""
    for number, other in enumerate(accounts[1:], 1):
        for left, right in zip(accounts[0].results, other.results, strict=True):
            if left.trace is not None and right.trace is not None:
                bands = bands_between(left.target, right.target, left.trace.bands_us)
                comparison = compare(left.trace, right.trace, bands)
                yield Compared(left.scenario, left.target, right.target, number, comparison)


def _run_target(suite: Suite, target: Target, directory: Path, tell: Tell) -> Account:
    started = time.perf_counter()
    unready = make_ready(target, roles_of(suite.scenarios), directory / "shared")
    results = []
    for result in _run_all(suite, target, directory) if unready is None else _all(suite, unready):
        results.append(result)
        tell(result)
    identity = target.identity() if unready is None else {}
    return Account(target.name, tuple(results), time.perf_counter() - started, identity)


def make_ready(target: Target, roles: Sequence[str], directory: Path) -> Result | None:
    """None when the target can run these roles, else what becomes of any scenario on it; raises UsageError."""
    try:
        target.prepare(roles, directory)
    except BlockedError as error:
        return Result("", target.name, BLOCKED, 0, (str(error),))
    except TargetError as error:
        return Result("", target.name, FAILED, 0, (str(error),))
    return None


def _run_all(suite: Suite, target: Target, directory: Path) -> Iterator[Result]:
    numbered = enumerate(suite.scenarios)
    jobs = [Job(scenario, target, directory / str(number), suite.twice) for number, scenario in numbered]
    return run_jobs(jobs, 1 if target.is_one_bench else suite.workers)


def _all(suite: Suite, result: Result) -> Iterator[Result]:
    return (replace(result, scenario=scenario.name, seed=scenario.seed) for scenario in suite.scenarios)
