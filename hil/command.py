"""`gate hil`: run scenarios on targets, compare their traces.

Knows: arguments, printing, exit codes. Must not know: how a rig works.
Exit codes: 0 passed, 1 failed or diverged, 2 bad input, 3 blocked (a target cannot be had here).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from hil.rig.lane_rig import LaneRig
from hil.rig.verdict import Verdict
from hil.scenarios.load import ScenarioError, load_scenario
from hil.scenarios.model import Scenario
from hil.targets import TARGETS
from hil.targets.target import BlockedError
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
    """Run a scenario on the target called `target`; raises BlockedError."""
    started = time.perf_counter()
    rig = LaneRig(scenario, TARGETS[target](), directory / target)
    verdict = rig.run()
    return Run(target, rig.trace, verdict, time.perf_counter() - started)


def find_scenario(name: str) -> Path:
    """A path as given, or a scenario of the collection by its name."""
    path = Path(name)
    return path if path.suffix == ".toml" or path.exists() else SCENARIOS / f"{name}.toml"


def main(argv: list[str]) -> int:
    """Entry of `gate hil`."""
    arguments = _parser().parse_args(argv)
    if arguments.action == "list":
        for path in sorted(SCENARIOS.glob("*.toml")):
            print(path.stem)
        return EXIT_PASSED
    try:
        scenario = load_scenario(find_scenario(arguments.scenario))
        with tempfile.TemporaryDirectory(prefix="smartgate-hil-") as directory:
            runs = [run_scenario(scenario, target, Path(directory)) for target in arguments.target or ["host", "vm"]]
    except ScenarioError as error:
        print(error)
        return EXIT_BAD_INPUT
    except BlockedError as error:
        print(f"BLOCKED: {error}")
        return EXIT_BLOCKED
    if arguments.trace:
        arguments.trace.write_text(runs[0].trace.text(), encoding="utf-8")
    return _report(scenario, runs)


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


def _report(scenario: Scenario, runs: list[Run]) -> int:
    ok = True
    for run in runs:
        ok &= run.verdict.passed
        _print_run(scenario, run)
    for other in runs[1:]:
        result = compare(runs[0].trace, other.trace)
        ok &= result.equal
        print(result.describe(runs[0].target, other.target))
    return EXIT_PASSED if ok else EXIT_FAILED


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
