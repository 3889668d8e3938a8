"""The hub's words of the `gate` command: check a site, run its hub, look into its journal, tell a lane what to do.

Knows: arguments, exit codes and who does the work. Must not know: how a site is checked or a hub runs.
Exit codes: 0 done, 1 it failed while running, 2 the arguments or the site are wrong, 3 no hub to ask, 4 the lane
refuses, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.boards.devices_word import add_devices_word
from edge.boards.flash_word import add_flash_word
from edge.cli_common import (
    EXIT_BAD_INPUT,
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_NOBODY,
    EXIT_REFUSED,
    fail,
    load,
    print_messages,
    reason_of,
)
from edge.cli_journal import add_journal_words
from edge.cli_status import add_status_word
from edge.config_load import load_site
from edge.help.word import add_help_word
from edge.lane.facts import OPERATOR_REQUESTS
from edge.operator_words import hear
from edge.provision.swap_word import add_backup_word, add_swap_word
from edge.provision.word import add_provision_word
from edge.service.poke import add_poke_word
from edge.service.scan import add_scan_word
from edge.service.sniff import add_sniff_word
from edge.update.cli_bundle import add_bundle_word
from edge.update.cli_update import add_update_word
from edge.words import LanguageError, take_language, tr
from edge.words.parser import Parser, UsageError


def main(argv: Sequence[str]) -> int:
    """Run the command `argv` (without the program's name) and return its exit code."""
    try:
        words = take_language(argv)  # before the parser is built, whose help is said in it
        arguments = build_parser().parse_args(words)
        return int(arguments.run(arguments))
    except (UsageError, LanguageError) as error:
        return fail(EXIT_BAD_INPUT, str(error))
    except SystemExit as error:  # argparse ends --help this way
        return int(error.code or 0)
    except KeyboardInterrupt:
        return fail(EXIT_INTERRUPTED, tr("interrupted"))
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); the interpreter would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_DONE
    except OSError as error:
        return fail(EXIT_FAILED, reason_of(error))


def build_parser() -> Parser:
    parser = Parser(prog="gate", description=tr("The edge hub of a smart gate."))
    words = parser.add_subparsers(
        dest="word",
        required=True,
        metavar=(
            "check | hub | journal | status | operator | devices | flash | help | poke | provision | swap | backup"
            " | scan | sniff | bundle | update"
        ),
    )
    check = words.add_parser("check", help=tr("check a site file: every error at once"))
    check.set_defaults(run=_check)
    hub = words.add_parser("hub", help=tr("run the hub of a site until interrupted"))
    hub.set_defaults(run=_hub)
    journal = words.add_parser("journal", help=tr("look into the journal of a site"))
    add_journal_words(journal)
    add_status_word(
        words.add_parser("status", help=tr("how the hub of a site is: account, uplink, lines, devices, lanes"))
    )
    _add_technicians_words(words)
    operator = words.add_parser("operator", help=tr("tell a lane of a running hub what to do"))
    operator.set_defaults(run=_operator)
    for word in (check, hub, operator):
        word.add_argument("site", type=Path, metavar="SITE", help=tr("the site file (docs/site-file.md)"))
    operator.add_argument("lane", metavar="LANE", help=tr("the lane's name"))
    requests = "|".join(OPERATOR_REQUESTS)
    operator.add_argument("request", choices=OPERATOR_REQUESTS, metavar=requests, help="docs/how-to/operate-a-lane.md")
    operator.add_argument(
        "--reason", metavar="TEXT", default="", help=tr("stands in the journal beside your user name")
    )
    return parser


def _add_technicians_words(words: Any) -> None:
    """What is done at a cabinet, and to devices."""
    add_devices_word(words.add_parser("devices", help=tr("the boards on USB and the devices of a site: what they are")))
    add_flash_word(words.add_parser("flash", help=tr("bring a board on USB to hold its role's program")))
    add_poke_word(words.add_parser("poke", help=tr("read, set and command single registers of a device, guarded")))
    add_scan_word(words.add_parser("scan", help=tr("who answers on a serial line or in a network, and what it is")))
    add_sniff_word(
        words.add_parser("sniff", help=tr("listen to a serial line and tell by register name what is said on it"))
    )
    add_swap_word(
        words.add_parser(
            "swap", help=tr("put a new board in the place of a broken one, with its settings and a new key")
        )
    )
    add_backup_word(
        words.add_parser("backup", help=tr("what the hub keeps of each device for the day its board breaks"))
    )
    add_provision_word(words.add_parser("provision", help=tr("make a board the one of a place: identity, key, label")))
    add_help_word(words.add_parser("help", help=tr("what to do when something does not work, topic by topic, offline")))
    add_bundle_word(words.add_parser("bundle", help=tr("make update keys, build and sign a bundle, look into one")))
    add_update_word(words.add_parser("update", help=tr("bring a bundle to devices, while the gate runs")))


def _check(arguments: argparse.Namespace) -> int:
    result = load_site(arguments.site)
    print_messages(result)
    if result.config is None:
        return EXIT_BAD_INPUT
    site = result.config
    counts = {"lines": len(site.lines), "devices": len(site.devices), "lanes": len(site.lanes)}
    said = tr("site {name} is sound: {lines} lines, {devices} devices, {lanes} lanes", name=site.name, **counts)
    print(f"{arguments.site}: {said}")
    return EXIT_DONE


def _hub(arguments: argparse.Namespace) -> int:
    config = load(arguments.site)
    if config is None:
        return EXIT_BAD_INPUT
    from edge.hub import run_hub  # only the hub itself needs the Modbus and MQTT libraries

    return run_hub(config)


def _operator(arguments: argparse.Namespace) -> int:
    from edge import operator_door as door

    if not door.is_reason(arguments.reason):
        most = door.REASON_SIZE_MAX
        return fail(EXIT_BAD_INPUT, tr("--reason must be one line of at most {most} printable characters", most=most))
    config = load(arguments.site, only_reads=True)  # the hub does it; a full disk is its own affair
    if config is None:
        return EXIT_BAD_INPUT
    try:
        answer = door.ask_hub(config.data_dir, arguments.lane, arguments.request, arguments.reason)
    except door.DoorError as error:
        return fail(EXIT_NOBODY, str(error))
    if answer.code == door.DONE:
        print(hear(answer.text))
        return EXIT_DONE
    codes = {door.REFUSED: EXIT_REFUSED, door.UNKNOWN_LANE: EXIT_BAD_INPUT, door.BAD_REQUEST: EXIT_BAD_INPUT}
    return fail(codes.get(answer.code, EXIT_FAILED), hear(answer.text))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
