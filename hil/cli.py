"""`gate`: the one command of the product. Hands its words to the part that knows them.

Knows: which part has which word. Must not know: what the words do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from edge import cli as hub_cli
from edge.words import LanguageError, later, take_language, tr

COMMANDS = (
    ("run SITE", later("run a site with its simulated field, real firmware, hub and broker")),
    ("hub SITE", later("run the edge hub of a site")),
    ("check SITE", later("validate a site file: every error at once")),
    ("journal ...", later("look into a hub's journal: tail, show, verify, export, key")),
    ("status SITE", later("how a site's hub is, or what its files tell while it does not run")),
    ("operator ...", later("tell a lane of a running hub what to do: open, close, release, reject")),
    ("devices [SITE]", later("the boards on USB and the devices of a site: what they are")),
    ("flash [PORT]", later("bring a board on USB to hold its role's program")),
    ("poke WHERE", later("read, set and command single registers of a device, guarded")),
    ("scan WHERE", later("who answers on a serial line or in a network, and what it is")),
    ("sniff PORT", later("listen to a serial line and tell by register name what is said on it")),
    ("provision ...", later("make a board the one of a place: identity, key, label")),
    ("swap ...", later("put a new board in the place of a broken one, with its settings and a new key")),
    ("backup SITE", later("what the hub keeps of each device for the day its board breaks")),
    ("help TOPIC", later("what to do when something does not work, topic by topic, offline")),
    ("practice DIR", later("a board without hardware, to practise on")),
    ("completion SHELL", later("print a shell's completion script; source it")),
    ("bundle ...", later("make update keys, build and sign a bundle, look into one")),
    ("update ...", later("bring a bundle to devices, while the gate runs")),
    ("hil ...", later("run scenarios on simulated lanes and compare targets")),
    ("verify ROLE", later("search every reachable state of a role's control core against its properties")),
    ("bench chip", later("measure the firmware on an emulated RP2040")),
    ("bench hub", later("measure the hub, and gateways others use, on the same simulated devices")),
    ("bench line", later("measure the hub on a full RS-485 line")),
    ("bench flash", later("measure how long flashing a board takes, on an emulated RP2040")),
    ("bench faults", later("fail the hub's link, broker, disk and clock, and count what was lost")),
)
_COMMAND_SIZE = 18
_HELP = ("-h", "--help")
_HUB_WORDS = (
    "hub",
    "check",
    "journal",
    "status",
    "operator",
    "devices",
    "flash",
    "help",
    "poke",
    "provision",
    "swap",
    "backup",
    "scan",
    "sniff",
    "bundle",
    "update",
)


def _usage() -> str:
    more = tr("`gate COMMAND --help` tells more; `--lang vi` says it in Vietnamese.")
    return "\n".join((f"{tr('usage: ')}gate COMMAND ...", "", *_rows(""), "", more))


def _rows(word: str) -> list[str]:
    """The commands that begin with `word`, one a line."""
    return [f"  {command:<{_COMMAND_SIZE}}{tr(says)}" for command, says in COMMANDS if command.startswith(word)]


def _run(argv: list[str]) -> int:
    from hil.run.command import main as run_main  # the rig's parts load only when they are used

    return run_main(argv)


def _hil(argv: list[str]) -> int:
    from hil.command import main as hil_main

    return hil_main(argv)


def _bench(argv: list[str]) -> int:
    word = argv[0] if argv else ""
    if word == "chip":
        from hil.chip.command import main as chip_main

        return chip_main(argv)
    if word == "hub":
        from hil.bench.command import main as hub_main

        return hub_main(argv[1:])
    if word == "line":
        from hil.bench.line import main as line_main

        return line_main(argv[1:])
    if word == "flash":
        from hil.bench.flash_command import main as flash_main

        return flash_main(argv[1:])
    if word == "faults":
        from hil.bench.fault_command import main as faults_main

        return faults_main(argv[1:])
    if word in _HELP:
        print("\n".join((f"{tr('usage: ')}gate bench ...", "", *_rows("bench"))))
        return 0
    return _refuse(tr("'{word}' is no bench; expected one of chip, hub, line, flash, faults", word=word))


def _practice(argv: list[str]) -> int:
    from hil.practice.command import main as practice_main

    return practice_main(argv)


def _completion(argv: list[str]) -> int:
    from hil.completion.command import main as completion_main

    return completion_main(argv)


def _verify(argv: list[str]) -> int:
    from hil.explore.command import main as verify_main

    return verify_main(argv)


_WORDS: dict[str, Callable[[list[str]], int]] = {
    "run": _run,
    "verify": _verify,
    "bench": _bench,
    "hil": _hil,
    "practice": _practice,
    "completion": _completion,
}


def main() -> int:
    """Entry point of the `gate` command; the exit code of the part that ran."""
    try:
        argv = take_language(sys.argv[1:])
    except LanguageError as error:
        return _refuse(str(error))
    if not argv or argv[0] in _HELP:
        print(_usage())
        return 0 if argv else 2
    if argv[0] in _HUB_WORDS:
        return hub_cli.main(argv)
    if argv[0] in _WORDS:
        return _WORDS[argv[0]](argv[1:])
    known = ", ".join((*_WORDS, *_HUB_WORDS))
    return _refuse(tr("'{word}' is no command; expected one of {known}", word=argv[0], known=known))


def _refuse(sentence: str) -> int:
    print(f"gate: {sentence}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
