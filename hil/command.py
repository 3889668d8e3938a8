"""`gate hil`: run scenarios on targets, compare their traces.

Knows: arguments, printing, exit codes. Must not know: how a rig works.
Exit codes: 0 passed, 1 failed or diverged, 2 bad input, 3 blocked (a target cannot be had here, nothing failed on the
others).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hil.rig.bench_rig import BenchRig
from hil.rig.lane_rig import LaneRig
from hil.rig.rig import Rig
from hil.rig.verdict import Verdict
from hil.scenarios.load import load_scenario
from hil.scenarios.model import BenchScenario, LaneScenario, Scenario
from hil.scenarios.reader import ScenarioError
from hil.targets import TARGETS
from hil.targets.ledger import unmet
from hil.targets.target import BlockedError, Options, Target, TargetError, UsageError
from hil.trace.compare import compare
from hil.trace.event import Trace

EXIT_PASSED, EXIT_FAILED, EXIT_BAD_INPUT, EXIT_BLOCKED = 0, 1, 2, 3
SCENARIOS = Path(__file__).parent / "scenarios"


@dataclass(frozen=True, slots=True)
class Run:
    """One scenario on one target: its trace, its verdict, and the wall time it took."""

    target: str
    trace: Trace
    verdict: Verdict
    wall_s: float


def run_scenario(scenario: Scenario, target: str, directory: Path) -> Run:
    """Run a scenario on the target called `target`; raises BlockedError, TargetError and UsageError."""
    made = TARGETS[target](Options())
    if reasons := unmet(scenario, made.lacks()):
        raise BlockedError("; ".join(reasons))
    started = time.perf_counter()
    rig = _rig(scenario, made, directory / target)
    verdict = rig.run()
    return Run(target, rig.trace, verdict, time.perf_counter() - started)


def _rig(scenario: Scenario, target: Target, directory: Path) -> Rig:
    if isinstance(scenario, BenchScenario):
        return BenchRig(scenario, target, directory)
    assert isinstance(scenario, LaneScenario)
    return LaneRig(scenario, target, directory)


def find_scenario(name: str) -> Path:
    """A path as given, or a scenario of the collection by its name."""
    path = Path(name)
    return path if path.suffix == ".toml" or path.is_file() else SCENARIOS / f"{name}.toml"


def main(argv: list[str]) -> int:
    """Entry of `gate hil`."""
    arguments = _parser().parse_args(argv)
    if arguments.action == "list":
        for path in sorted(SCENARIOS.glob("*.toml")):
            print(path.stem)
        return EXIT_PASSED
    try:
        scenario = load_scenario(find_scenario(arguments.scenario))
    except ScenarioError as error:
        print(error)
        return EXIT_BAD_INPUT
    with tempfile.TemporaryDirectory(prefix="smartgate-hil-") as directory:
        return _run_on_all(scenario, arguments.target or sorted(TARGETS), arguments.trace, Path(directory))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gate hil", description="Run scenarios on simulated lanes with real firmware."
    )
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="print the scenarios of the collection")
    run = actions.add_parser("run", help="run a scenario; with two targets, compare their traces event by event")
    run.add_argument("scenario", help="a scenario file, or a name that `gate hil list` prints")
    run.add_argument("--target", action="append", choices=sorted(TARGETS), help="repeat for more than one; default all")
    run.add_argument("--trace", type=Path, help="write the first target's trace to this file")
    return parser


def _run_on_all(scenario: Scenario, targets: Sequence[str], trace: Path | None, directory: Path) -> int:
    """Run on every target, whatever becomes of the others; the worst exit code."""
    codes: list[int] = []
    runs: list[Run] = []
    for number, target in enumerate(targets):  # a place for each run: a target may be named twice
        try:
            runs.append(run_scenario(scenario, target, directory / str(number)))
        except BlockedError as error:
            print(f"BLOCKED {scenario.name} on {target}: {error}")
            codes.append(EXIT_BLOCKED)
        except UsageError as error:
            print(error)
            codes.append(EXIT_BAD_INPUT)
        except TargetError as error:
            print(f"FAILED {scenario.name} on {target}: {error}")
            codes.append(EXIT_FAILED)
        else:
            _print_run(scenario, runs[-1])
    codes += [_judge(runs), _write_trace(runs, trace)]
    return next((code for code in (EXIT_FAILED, EXIT_BAD_INPUT, EXIT_BLOCKED) if code in codes), EXIT_PASSED)


def _judge(runs: Sequence[Run]) -> int:
    """Print how the traces compare; passed when every run has passed and all traces are equal."""
    comparisons = [compare(runs[0].trace, other.trace) for other in runs[1:]]
    for other, result in zip(runs[1:], comparisons, strict=True):
        print(result.describe(runs[0].target, other.target))
    ok = all(run.verdict.passed for run in runs) and all(result.equal for result in comparisons)
    return EXIT_PASSED if ok else EXIT_FAILED


def _write_trace(runs: Sequence[Run], path: Path | None) -> int:
    if path is None or not runs:
        return EXIT_PASSED
    try:
        path.write_text(runs[0].trace.text(), encoding="utf-8")
    except OSError as error:
        print(f"{path}: the trace cannot be written ({error.strerror}); name another file with --trace")
        return EXIT_BAD_INPUT
    return EXIT_PASSED


def _print_run(scenario: Scenario, run: Run) -> None:
    seconds = scenario.duration_ms / 1000
    word = "PASSED" if run.verdict.passed else "FAILED"
    print(
        f"{word} {scenario.name} on {run.target}: {len(run.trace)} events, {seconds:.0f} s simulated "
        f"in {run.wall_s:.1f} s ({seconds / run.wall_s:.0f}x), seed {scenario.seed}, trace {run.trace.digest()[:16]}"
    )
    for item in run.verdict.measured:
        print(f"    {item.name}: {item.value_ms} ms ({item.low} to {item.high})")
    for problem in run.verdict.problems:
        print(f"    {problem}")
