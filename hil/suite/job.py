"""One scenario on one target: from the two of them to a result.

Knows: rigs, targets, the ledger. Must not know: which scenarios a run has, where results go.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from hil.board.rig import BoardRig
from hil.rig.bench_rig import BenchRig
from hil.rig.lane_rig import LaneRig
from hil.rig.stage import Stage
from hil.rig.verdict import Measured, Verdict
from hil.scenarios.model import BenchScenario, Hold, LaneScenario, Scenario, Until, Wait
from hil.scenarios.vocabulary import LANE_ROLES
from hil.suite.result import BLOCKED, FAILED, PASSED, Figure, Result
from hil.targets.board import BoardTarget
from hil.targets.ledger import needs_of, unmet
from hil.targets.target import BlockedError, SteppedTarget, Target, TargetError
from hil.trace.compare import compare
from hil.trace.event import Trace


@dataclass(frozen=True, slots=True)
class Job:
    """`directory` is the run's own.

    With `twice` the scenario is run again, in this process and so with a start of its own: the trace must be the same.
    """

    scenario: Scenario
    target: Target
    directory: Path
    twice: bool = False


def length_us(scenario: Scenario) -> int:
    """About how much work a run of it is, in scenario time of one device: what its steps say, a wait half of its limit.

    Which of two is the longer it tells well enough; how long either takes it does not.
    """
    told_us = 0
    for step in scenario.steps:
        if isinstance(step, Wait | Hold):
            told_us += step.duration_us
        elif isinstance(step, Until):
            told_us += step.within_us // 2
    return told_us * len(LANE_ROLES) if isinstance(scenario, LaneScenario) else told_us


def run_job(job: Job) -> Result:
    """Run it; raises UsageError when what the user named is wrong."""
    needs = needs_of(job.scenario) | ({"same_twice"} if job.twice else set())
    if reasons := unmet(needs, job.target.lacks()):
        return _result(job, BLOCKED, reasons)
    first = job.target.run_apart(lambda: _run_once(job, "first"))
    if not job.twice or first.trace is None:
        return first
    return _judge_twice(first, _run_once(job, "second"))


def _run_once(job: Job, place: str) -> Result:
    started = time.perf_counter()
    try:
        rig = _rig(job.scenario, job.target, job.directory / place)
        verdict = rig.run()
    except BlockedError as error:
        return _result(job, BLOCKED, (str(error),))
    except TargetError as error:
        return _result(job, FAILED, (str(error),))
    return _told(job, rig, verdict, time.perf_counter() - started)


def _rig(scenario: Scenario, target: Target, directory: Path) -> Stage:
    if isinstance(target, BoardTarget):
        assert isinstance(scenario, BenchScenario)  # a lane has several devices, which this target lacks
        return BoardRig(scenario, target, directory)
    assert isinstance(target, SteppedTarget)
    if isinstance(scenario, BenchScenario):
        return BenchRig(scenario, target, directory)
    assert isinstance(scenario, LaneScenario)
    return LaneRig(scenario, target, directory)


def _result(job: Job, word: str, reasons: tuple[str, ...]) -> Result:
    return Result(job.scenario.name, job.target.name, word, job.scenario.seed, reasons)


def _told(job: Job, rig: Stage, verdict: Verdict, wall_s: float) -> Result:
    return replace(
        _result(job, PASSED if verdict.passed else FAILED, verdict.problems),
        figures=tuple(_figure(item) for item in verdict.measured),
        trace=rig.trace,
        simulated_s=rig.trace.end_us / 1e6,
        wall_s=wall_s,
        scenario_sha256=job.scenario.sha256,
        besides=verdict.besides,
    )


def _figure(item: Measured) -> Figure:
    return Figure(item.name, item.value, item.units, item.low, item.high, str(item), item.within)


def _judge_twice(first: Result, second: Result) -> Result:
    assert first.trace is not None
    again = second.trace or Trace()
    if again.digest() == first.trace.digest():
        return first
    difference = compare(first.trace, again).describe("first", "again")
    return replace(first, word=FAILED, reasons=(*first.reasons, f"run again with the same seed: {difference}"))
