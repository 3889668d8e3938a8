"""`gate hil run`: arguments in, a suite run, its report out.

Knows: arguments, printing, exit codes. Must not know: how a scenario is run, what a report looks like.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edge.words import tr
from hil.evidence.write import Evidence, check_place, write_evidence
from hil.report.as_json import report
from hil.report.folder import check_folder, unwritable
from hil.report.hear import hear_lines
from hil.report.lines import account_line, result_lines
from hil.report.traces import trace_files
from hil.suite.choice import find_scenarios, load_scenarios, make_targets
from hil.suite.options import add_target_options, target_options
from hil.suite.result import EXIT_FAILED, EXIT_PASSED, Account, Result, worst
from hil.suite.suite import Compared, Suite, compare_accounts, run_suite
from hil.targets.table import TARGETS
from hil.targets.target import Target, UsageError

SEED_MAX = 2**31


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `gate hil run`."""
    says = tr("scenario files, or names that `gate hil list` prints; default all")
    parser.add_argument("scenario", nargs="*", help=says)
    parser.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="TARGET",
        help=tr("one of {names}; repeat to compare traces; default host and vm", names=", ".join(TARGETS)),
    )
    parser.add_argument("--seed", type=int, help=tr("take this seed instead of each scenario's own"))
    parser.add_argument("--twice", action="store_true", help=tr("run each scenario again: its trace must be the same"))
    parser.add_argument("--json", action="store_true", help=tr("one JSON object instead of lines"))
    parser.add_argument("--trace", type=Path, metavar="DIR", help=tr("write the traces into this directory"))
    says = tr("write a bundle that `gate hil replay` repeats")
    parser.add_argument("--evidence", type=Path, metavar="DIR", help=says)
    add_target_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the suite and print its report; raises UsageError and ScenarioError."""
    targets = make_targets(arguments.target, target_options(arguments))
    paths = find_scenarios(arguments.scenario)
    suite = Suite(load_scenarios(paths, _seed(arguments)), targets, arguments.jobs, arguments.twice)
    if arguments.evidence:
        _check_apart(targets, "--evidence")
        check_place(arguments.evidence)
    if arguments.trace:
        _check_apart(targets, "--trace")
        check_folder(arguments.trace, "--trace")
    with tempfile.TemporaryDirectory(prefix="smartgate-hil-") as directory:
        accounts = run_suite(suite, Path(directory), (lambda result: None) if arguments.json else _tell)
    compared = list(compare_accounts(accounts))
    if arguments.json:
        print(report(accounts, compared))
    else:
        _print_end(accounts, compared)
    if arguments.trace:
        write_traces(accounts, arguments.trace)
    if arguments.evidence:
        write_evidence(Evidence(paths, accounts, compared), arguments.evidence)
    differs = EXIT_PASSED if all(item.comparison.agrees for item in compared) else EXIT_FAILED
    return worst([differs, *(account.exit_code for account in accounts)])


def write_traces(accounts: Sequence[Account], directory: Path) -> None:
    """The files of each scenario and target; raises UsageError."""
    try:
        for account in accounts:
            for result in account.results:
                for name, text in trace_files(result, account.identity).items():
                    (directory / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(unwritable(directory, error, "--trace")) from None


def _check_apart(targets: Sequence[Target], option: str) -> None:
    """Traces are named after scenario and target: those of a target's second run would take the place of the first."""
    names = [target.name for target in targets]
    for name in names:
        if names.count(name) > 1:
            said = tr("target {name} is named twice, and {option} keeps one trace of it", name=name, option=option)
            raise UsageError(f"{said}; {tr('name it once, or leave {option} out', option=option)}")


def _seed(arguments: argparse.Namespace) -> int | None:
    seed: int | None = arguments.seed
    if seed is not None and not 0 <= seed <= SEED_MAX:
        raise UsageError(tr("--seed is {seed}; a whole number from 0 to {most} is needed", seed=seed, most=SEED_MAX))
    return seed


def _tell(result: Result) -> None:
    print("\n".join(result_lines(result)), flush=True)


def _print_end(accounts: Sequence[Account], compared: Sequence[Compared]) -> None:
    for item in compared:
        print(f"{item.scenario}: {hear_lines(item.comparison.describe(item.left, item.right))}")
    for account in accounts:
        print(account_line(account))
