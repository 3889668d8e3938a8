"""Runs scenarios against broken devices and broken firmware, each break in a process of its own.

Knows: breaks, changes, scenarios, processes. Must not know: arguments, printing.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from hil.mutants.breaks import Break, BrokenTarget
from hil.mutants.firmware import Change
from hil.mutants.limit import EndlessError, at_most
from hil.mutants.score import CAUGHT, WRONG_REASON, Score, Sighting, judge
from hil.scenarios.model import BenchScenario, Scenario
from hil.scenarios.vocabulary import LANE_ROLES, input_names, names_of
from hil.suite.job import Job, run_job
from hil.targets.host import HostTarget
from hil.targets.target import Target

Broken = Break | Change
LIMIT_S = 60.0  # of processor time for one scenario; the longest takes three

_work: tuple[Sequence[Broken], Sequence[Scenario], bool] = ((), (), False)


def run_session(broken: Sequence[Broken], scenarios: Sequence[Scenario], workers: int, whole: bool) -> Iterator[Score]:
    """The score of each break, in order. Unless `whole`, a break that was caught is shown to no further scenario."""
    global _work
    _work = broken, scenarios, whole
    # A change of the firmware stays in its process, so no process is used twice.
    with multiprocessing.get_context("fork").Pool(workers, maxtasksperchild=1) as pool:
        yield from pool.imap(_score, range(len(broken)))


def run_unbroken(scenarios: Sequence[Scenario], workers: int) -> Iterator[Sighting]:
    """What each scenario makes of a device that nobody has broken: MISSED, or it says nothing about a broken one."""
    global _work
    _work = (), scenarios, False
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        yield from pool.imap(_look_unbroken, range(len(scenarios)))


def takes_part(role: str, scenario: Scenario) -> bool:
    """Whether a device of the role is in the scenario."""
    return role == scenario.role if isinstance(scenario, BenchScenario) else role in LANE_ROLES


def _score(index: int) -> Score:
    broken, scenarios, whole = _work
    one = broken[index]
    target = _break(one)
    sightings: list[Sighting] = []
    with tempfile.TemporaryDirectory(prefix="smartgate-mutants-") as folder:
        for number, scenario in enumerate(_in_turn(one.role, scenarios)):
            try:
                sightings.append(_look(Job(scenario, target, Path(folder) / str(number))))
            except EndlessError:  # any other one might take as long
                sightings.append(Sighting(scenario.name, WRONG_REASON, f"it did not end within {LIMIT_S:.0f} s"))
                break
            if sightings[-1].outcome == CAUGHT and not whole:
                break
    return Score(one.name, one.role, tuple(sightings))


def _look_unbroken(index: int) -> Sighting:
    with tempfile.TemporaryDirectory(prefix="smartgate-mutants-") as folder:
        return _look(Job(_work[1][index], HostTarget(), Path(folder)))


def _in_turn(role: str, scenarios: Sequence[Scenario]) -> list[Scenario]:
    """Those in which the role takes part: the bench before the lane, which takes longer, and what states most first."""
    mine = (each for each in scenarios if takes_part(role, each))
    return sorted(mine, key=lambda each: (not isinstance(each, BenchScenario), -len(each.steps)))


def _look(job: Job) -> Sighting:
    """What the scenario makes of the break; raises EndlessError after LIMIT_S of this process's own time."""
    with at_most(LIMIT_S):
        return judge(run_job(job))


def _break(one: Broken) -> Target:
    if isinstance(one, Change):
        one.apply()
        return HostTarget()
    return BrokenTarget(HostTarget(), one, input_names(one.role), names_of(one.role, "digital_outputs"))
