"""`gate hil`: run scenarios on targets, compare their traces. Hands each word to the part that knows it.

Knows: which part has which word, and what becomes of bad input. Must not know: how a rig works.
Exit codes: 0 passed, 1 failed or diverged, 2 bad input, 3 blocked (on a target of those asked for nothing could be
shown, and nothing failed on the others), 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping

from edge.cli_common import fail, reason_of
from edge.words import later, tr
from edge.words.parser import Parser
from edge.words.parser import UsageError as WordsError
from hil.board import command as board_command
from hil.evidence import replay as replay_command
from hil.faults import command as faults_command
from hil.mutants import command as mutants_command
from hil.report.hear import hear
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
        print(end="", flush=True)  # a reader that has gone is told here, not while the interpreter ends
        return code
    except (ScenarioError, UsageError, WordsError) as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    except TargetError as error:
        print(hear(str(error)), file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except OSError as error:
        _let_go_of_output()
        if isinstance(error, BrokenPipeError):  # `gate hil run | head`: nobody reads the verdict
            return EXIT_FAILED
        return fail(EXIT_FAILED, reason_of(error))


def _let_go_of_output() -> None:
    """What cannot be written any more is dropped, or the interpreter would complain again when it ends."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def build_parser() -> argparse.ArgumentParser:
    """The arguments."""
    parser = Parser(prog="gate hil", description=tr("Run scenarios on simulated lanes with real firmware."))
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for word, (says, add_arguments, run) in _ACTIONS.items():
        action = actions.add_parser(word, help=tr(says))
        add_arguments(action)
        action.set_defaults(run=run)
    return parser


def _list(arguments: argparse.Namespace) -> int:
    print("\n".join(scenario_names()))
    return EXIT_PASSED


def _takes_nothing(parser: argparse.ArgumentParser) -> None:
    """`gate hil list` has no arguments."""


_ACTIONS: Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]]] = {
    "list": (later("print the scenarios of the collection"), _takes_nothing, _list),
    "run": (
        later("run scenarios; with two targets, compare their traces"),
        suite_command.add_arguments,
        suite_command.run,
    ),
    "replay": (
        later("run again what an evidence bundle tells of"),
        replay_command.add_arguments,
        replay_command.replay,
    ),
    "diff": (later("compare two trace files"), trace_command.add_diff_arguments, trace_command.diff),
    "export": (
        later("write a trace file as waves, as a trace for Perfetto or as a page"),
        trace_command.add_export_arguments,
        trace_command.export,
    ),
    "selftest": (
        later("test the rig board itself, its loopback plug in place"),
        board_command.add_arguments,
        board_command.run,
    ),
    "faults": (
        later("list what can be made to go wrong; fail every call of every port"),
        faults_command.add_arguments,
        faults_command.run,
    ),
    "mutants": (
        later("break devices and firmware on purpose; which scenario notices?"),
        mutants_command.add_arguments,
        mutants_command.run,
    ),
}
