"""A whole run: every scenario on every target, and how the traces of the targets compare.

Knows: jobs, targets, comparisons. Must not know: arguments, printing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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
    """How one scenario's traces of two targets compare."""

    scenario: str
    left: str
    right: str
    comparison: Comparison


def run_suite(suite: Suite, directory: Path, tell: Tell) -> list[Account]:
    """Run target by target below `directory`, telling each result in the order of the scenarios; raises UsageError."""
    return [
        _run_target(suite, target, directory / f"{number}-{target.name}", tell)
        for number, target in enumerate(suite.targets)  # a place for each: a target may be named twice
    ]


def compare_accounts(accounts: Sequence[Account]) -> Iterator[Compared]:
    """The first target's traces against those of each other one, for every scenario that ran on both."""
    for other in accounts[1:]:
        for left, right in zip(accounts[0].results, other.results, strict=True):
            if left.trace is not None and right.trace is not None:
                bands = bands_between(left.target, right.target)
                yield Compared(left.scenario, left.target, right.target, compare(left.trace, right.trace, bands))


def _run_target(suite: Suite, target: Target, directory: Path, tell: Tell) -> Account:
    started = time.perf_counter()
    results = []
    for result in _results(suite, target, directory):
        results.append(result)
        tell(result)
    return Account(target.name, tuple(results), time.perf_counter() - started)


def _results(suite: Suite, target: Target, directory: Path) -> Iterator[Result]:
    try:
        target.prepare(roles_of(suite.scenarios), directory / "shared")
    except BlockedError as error:
        yield from _all(suite, target, BLOCKED, str(error))
    except TargetError as error:
        yield from _all(suite, target, FAILED, str(error))
    else:
        places = (directory / str(number) for number in range(len(suite.scenarios)))
        jobs = [
            Job(scenario, target, place, suite.twice) for scenario, place in zip(suite.scenarios, places, strict=True)
        ]
        yield from run_jobs(jobs, suite.workers)


def _all(suite: Suite, target: Target, word: str, reason: str) -> Iterator[Result]:
    return (Result(scenario.name, target.name, word, scenario.seed, (reason,)) for scenario in suite.scenarios)
