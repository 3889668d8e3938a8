"""`gate hil`: run scenarios on targets, compare their traces. Hands each word to the part that knows it.

Knows: which part has which word, and what becomes of bad input. Must not know: how a rig works.
Exit codes: 0 passed, 1 failed or diverged, 2 bad input, 3 blocked (on a target of those asked for nothing could be
shown, and nothing failed on the others), 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import NoReturn

from hil.board import command as board_command
from hil.evidence import replay as replay_command
from hil.faults import command as faults_command
from hil.mutants import command as mutants_command
from hil.scenarios.reader import ScenarioError
from hil.suite import command as suite_command
from hil.suite.choice import scenario_names
from hil.suite.result import EXIT_BAD_INPUT, EXIT_FAILED, EXIT_PASSED
from hil.targets.target import TargetError, UsageError
from hil.trace import command as trace_command

EXIT_INTERRUPTED = 130


def main(argv: list[str]) -> int:
    """Entry of `gate hil`."""
    try:
        arguments = build_parser().parse_args(argv)
        code = int(arguments.run(arguments))
        sys.stdout.flush()  # a reader that has gone is told here, not while the interpreter ends
        return code
    except (ScenarioError, UsageError) as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    except TargetError as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # `gate hil run | head`: nobody reads the verdict
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED


class _Parser(argparse.ArgumentParser):
    """Tells a wrong word in one sentence, as everything else is told."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}; `{self.prog} --help` tells what it takes")


def build_parser() -> argparse.ArgumentParser:
    """The arguments."""
    parser = _Parser(prog="gate hil", description="Run scenarios on simulated lanes with real firmware.")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    actions.add_parser("list", help="print the scenarios of the collection").set_defaults(run=_list)
    run = actions.add_parser("run", help="run scenarios; with two targets, compare their traces")
    suite_command.add_arguments(run)
    run.set_defaults(run=suite_command.run)
    replay = actions.add_parser("replay", help="run again what an evidence bundle tells of")
    replay_command.add_arguments(replay)
    replay.set_defaults(run=replay_command.replay)
    diff = actions.add_parser("diff", help="compare two trace files")
    trace_command.add_diff_arguments(diff)
    diff.set_defaults(run=trace_command.diff)
    export = actions.add_parser("export", help="write a trace file as waves, as a trace for Perfetto or as a page")
    trace_command.add_export_arguments(export)
    export.set_defaults(run=trace_command.export)
    selftest = actions.add_parser("selftest", help="test the rig board itself, its loopback plug in place")
    board_command.add_arguments(selftest)
    selftest.set_defaults(run=board_command.run)
    faults = actions.add_parser("faults", help="list what can be made to go wrong; fail every call of every port")
    faults_command.add_arguments(faults)
    faults.set_defaults(run=faults_command.run)
    mutants = actions.add_parser("mutants", help="break devices and firmware on purpose; which scenario notices?")
    mutants_command.add_arguments(mutants)
    mutants.set_defaults(run=mutants_command.run)
    return parser


def _list(arguments: argparse.Namespace) -> int:
    print("\n".join(scenario_names()))
    return EXIT_PASSED
