"""The hub's words of the `gate` command: check a site, run its hub, look into its journal, tell a lane what to do.

Knows: arguments, exit codes and who does the work. Must not know: how a site is checked or a hub runs.
Exit codes: 0 done, 1 it failed while running, 2 the arguments or the site are wrong, 3 no hub to ask, 4 the lane
refuses, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NoReturn

from edge.config import SiteConfig
from edge.config_load import LoadResult, load_site
from edge.journal.database import JournalError
from edge.journal.store import JournalStore
from edge.lane.facts import OPERATOR_REQUESTS

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_NO_HUB = 3
EXIT_REFUSED = 4
EXIT_INTERRUPTED = 130
_TAIL_COUNT = 20
_TAIL_COUNT_MAX = 100_000


class _UsageError(Exception):
    """The arguments are wrong; the text says how."""


class _Parser(argparse.ArgumentParser):
    """An argument parser that says what is wrong in one sentence instead of printing its usage."""

    def error(self, message: str) -> NoReturn:
        raise _UsageError(f"{message}; see {self.prog} --help")


def main(argv: Sequence[str]) -> int:
    """Run the command `argv` (without the program's name) and return its exit code."""
    try:
        arguments = _build_parser().parse_args(argv)
        return int(arguments.run(arguments))
    except _UsageError as error:
        return _fail(EXIT_BAD_INPUT, str(error))
    except SystemExit as error:  # argparse ends --help this way
        return int(error.code or 0)
    except KeyboardInterrupt:
        return _fail(EXIT_INTERRUPTED, "interrupted")
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); the interpreter would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_DONE
    except OSError as error:
        return _fail(EXIT_FAILED, f"{error}")


def _build_parser() -> _Parser:
    parser = _Parser(prog="gate", description="The edge hub of a smart gate.")
    words = parser.add_subparsers(dest="word", required=True, metavar="check | hub | journal | operator")
    check = words.add_parser("check", help="check a site file: every error at once")
    check.set_defaults(run=_check)
    hub = words.add_parser("hub", help="run the hub of a site until interrupted")
    hub.set_defaults(run=_hub)
    journal = words.add_parser("journal", help="look into the journal of a site")
    journal_words = journal.add_subparsers(dest="journal_word", required=True, metavar="tail | verify")
    tail = journal_words.add_parser("tail", help="print the newest records, one JSON object per line")
    tail.add_argument("-n", "--count", type=_count, default=_TAIL_COUNT, help=f"how many ({_TAIL_COUNT})")
    tail.set_defaults(run=_journal_tail)
    verify = journal_words.add_parser("verify", help="check that no record was altered or lost")
    verify.set_defaults(run=_journal_verify)
    operator = words.add_parser("operator", help="tell a lane of a running hub what to do")
    operator.set_defaults(run=_operator)
    for word in (check, hub, tail, verify, operator):
        word.add_argument("site", type=Path, metavar="SITE", help="the site file (docs/site-file.md)")
    operator.add_argument("lane", metavar="LANE", help="the lane's name")
    requests = "|".join(OPERATOR_REQUESTS)
    operator.add_argument("request", choices=OPERATOR_REQUESTS, metavar=requests, help="docs/how-to/operate-a-lane.md")
    operator.add_argument("--reason", metavar="TEXT", default="", help="stands in the journal beside your user name")
    return parser


def _check(arguments: argparse.Namespace) -> int:
    result = load_site(arguments.site)
    _print_messages(result)
    if result.config is None:
        return EXIT_BAD_INPUT
    site = result.config
    counts = f"{len(site.lines)} lines, {len(site.devices)} devices, {len(site.lanes)} lanes"
    print(f"{arguments.site}: site {site.name} is sound: {counts}")
    return EXIT_DONE


def _hub(arguments: argparse.Namespace) -> int:
    config = _load(arguments.site)
    if config is None:
        return EXIT_BAD_INPUT
    from edge.hub import run_hub  # only the hub itself needs the Modbus and MQTT libraries

    return run_hub(config)


def _journal_tail(arguments: argparse.Namespace) -> int:
    def tail(store: JournalStore) -> int:
        for record in store.tail(arguments.count):
            print(record.payload())
        return EXIT_DONE

    return _read_journal(arguments.site, tail)


def _journal_verify(arguments: argparse.Namespace) -> int:
    def verify(store: JournalStore) -> int:
        broken = store.verify()
        if broken:
            return _fail(EXIT_FAILED, f"{store.path}: {broken}")
        acked = sum(store.acked.values())
        print(f"{store.path}: {store.last_seq} records, unbroken; {acked} acknowledged")
        return EXIT_DONE

    return _read_journal(arguments.site, verify)


def _read_journal(site: Path, work: Callable[[JournalStore], int]) -> int:
    """Open the journal of `site` for `work`; a file that cannot be read, or not be understood, is one sentence."""
    config = _load(site)
    if config is None:
        return EXIT_BAD_INPUT
    path = config.journal_path
    if not path.is_file():
        return _fail(EXIT_BAD_INPUT, f"{path} does not exist; expected the journal; run gate hub {site} first")
    try:
        with closing(JournalStore(path)) as store:
            return work(store)
    except JournalError as error:
        return _fail(EXIT_FAILED, str(error))
    except (sqlite3.Error, ValueError, TypeError) as error:
        return _fail(EXIT_FAILED, f"{path} is damaged or cannot be read ({error}); keep it as evidence")


def _operator(arguments: argparse.Namespace) -> int:
    from edge import operator_door as door

    if not door.is_reason(arguments.reason):
        return _fail(
            EXIT_BAD_INPUT, f"--reason must be one line of at most {door.REASON_SIZE_MAX} printable characters"
        )
    config = _load(arguments.site)
    if config is None:
        return EXIT_BAD_INPUT
    try:
        answer = door.ask_hub(config.data_dir, arguments.lane, arguments.request, arguments.reason)
    except door.DoorError as error:
        return _fail(EXIT_NO_HUB, str(error))
    if answer.code == door.DONE:
        print(answer.text)
        return EXIT_DONE
    codes = {door.REFUSED: EXIT_REFUSED, door.UNKNOWN_LANE: EXIT_BAD_INPUT, door.BAD_REQUEST: EXIT_BAD_INPUT}
    return _fail(codes.get(answer.code, EXIT_FAILED), answer.text)


def _load(site: Path) -> SiteConfig | None:
    result = load_site(site)
    _print_messages(result)
    if result.config is None:
        _fail(EXIT_BAD_INPUT, f"{site} has {result.error_count} error(s); nothing was started")
    return result.config


def _print_messages(result: LoadResult) -> None:
    for message in result.messages:
        print(message, file=sys.stderr)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _TAIL_COUNT_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is not a count; expected 1 to {_TAIL_COUNT_MAX}")
    return int(text)


def _fail(code: int, sentence: str) -> int:
    print(f"gate: {sentence}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
