"""`gate completion SHELL`: print what makes a shell complete the words of `gate`.

Knows: which parsers there are, and the shells. Must not know: what any word does.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from edge.cli import build_parser
from edge.cli_common import EXIT_BAD_INPUT
from edge.help.book import topics
from edge.words import chosen, tr
from edge.words.parser import Parser, UsageError
from hil.completion import bash, fish, zsh
from hil.completion.tree import Value, Word, words_of

SHELLS: dict[str, Callable[[Sequence[Word], Sequence[str]], str]] = {
    "bash": bash.script,
    "zsh": zsh.script,
    "fish": fish.script,
}


def main(argv: list[str]) -> int:
    """Entry of `gate completion`."""
    parser = Parser(prog="gate completion", description=tr("print a shell's completion script; source it"))
    parser.add_argument("shell", choices=list(SHELLS), help=tr("the shell"))
    try:
        shell = parser.parse_args(argv).shell
    except UsageError as error:
        print(f"gate: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    print(SHELLS[shell](all_words(), [topic.name for topic in topics(chosen())]), end="")
    return 0


def all_words() -> list[Word]:
    """Every word of `gate`, the root first."""
    root, *hub_words = words_of(build_parser(), "gate")
    words = [root, *hub_words]
    for path, parser in _rig_parsers().items():
        name = path.rpartition(" ")[2]
        parent = next(word for word in words if word.path == path.rpartition(" ")[0])
        parent.words.append(name)
        found = list(words_of(parser, path, (parser.description or "").rstrip(".")))
        words += found
    words.append(
        Word("gate completion", tr("print a shell's completion script; source it"), [], [Value("", tuple(SHELLS))])
    )
    root.words.append("completion")
    return words


def _rig_parsers() -> dict[str, argparse.ArgumentParser]:
    """The parsers of the words that are no words of the hub; they load much and only here."""
    from hil.bench import command as bench_hub
    from hil.bench import fault_command as bench_faults
    from hil.bench import flash_command as bench_flash
    from hil.bench import line as bench_line
    from hil.chip import command as bench_chip
    from hil.command import build_parser as hil_parser
    from hil.explore.command import build_parser as verify_parser
    from hil.practice.command import build_parser as practice_parser
    from hil.run.command import build_parser as run_parser

    return {
        "gate run": run_parser(),
        "gate practice": practice_parser(),
        "gate verify": verify_parser(),
        "gate hil": hil_parser(),
        "gate bench": argparse.ArgumentParser(prog="gate bench", description=tr("measure the firmware and the hub")),
        "gate bench chip": bench_chip.build_parser(),
        "gate bench hub": bench_hub.build_parser(),
        "gate bench line": bench_line.build_parser(),
        "gate bench faults": bench_faults.build_parser(),
        "gate bench flash": bench_flash.build_parser(),
    }
