"""`gate poke`: look at single registers of a device by name, change a setting, give a command. Guarded.

Knows: arguments, the order of showing, asking and doing, exit codes. Must not know: frames, maps, what a command does.
Reading needs nothing. Writing needs the device's key file, because a device takes commands only with its key; what
sets something going also needs `--moves`; and a person is shown what will happen before it does.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.cli_common import EXIT_BAD_INPUT, EXIT_DONE, EXIT_FAILED, EXIT_NOBODY, EXIT_REFUSED, fail, reason_of
from edge.device_values import in_unit
from edge.service.changes import Change, WordsError, command_change, find_tag, limits_of, points_of, setting_change
from edge.service.device_access import Device, DeviceError
from edge.service.names import in_words
from edge.service.places import UNIT_ID_MAX_TCP, PlaceError
from edge.service.reach import key_in, reach
from edge.service.refusals import refusal_of
from edge.service.serial_port import PortError
from edge.words import tr
from protocols.registers.tag import Tag

_YES = frozenset(("y", "yes", "c", "có", "co"))
_TIMEOUT_MS_MAX = 10_000


class NotWantedError(Exception):
    """Somebody, or a guard, does not want it done; nothing was written."""


def add_poke_word(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gate poke`."""
    parser.add_argument("where", metavar="WHERE", help=tr("a serial port, or HOST[:PORT]"))
    parser.add_argument(
        "words",
        nargs="+",
        metavar="read [NAME ...] | set NAME VALUE | command NAME [ARGUMENT]",
        help=tr("what to do; names as in docs/registers, with or without the role before them"),
    )
    parser.add_argument("--unit", type=int, default=1, metavar="N", help=tr("unit id; default: %(default)s"))
    parser.add_argument("--baud", type=int, default=115_200, help=tr("default: %(default)s"))
    parser.add_argument("--parity", choices=("N", "E", "O"), default="N", help=tr("default: %(default)s"))
    parser.add_argument("--timeout-ms", type=int, default=500, metavar="MS", help=tr("default: %(default)s"))
    parser.add_argument("--key-file", type=Path, metavar="FILE", help=tr("the device's key file; needed to write"))
    parser.add_argument("--moves", action="store_true", help=tr("let it set something going; look at the gate first"))
    parser.add_argument("--yes", action="store_true", help=tr("do not ask before writing"))
    parser.add_argument("--json", action="store_true", help=tr("one JSON object instead of lines"))
    parser.set_defaults(run=poke)


def poke(arguments: argparse.Namespace) -> int:
    """Look or change; returns the exit code."""
    try:
        work = _work_of(arguments)
        with reach(arguments.where, arguments.baud, arguments.parity, arguments.timeout_ms) as asker:
            device = Device(asker, arguments.unit, arguments.timeout_ms / 1000)
            return work(arguments, device)
    except (WordsError, PlaceError) as error:
        return fail(EXIT_BAD_INPUT, str(error))
    except DeviceError as error:
        return fail(EXIT_FAILED if error.is_there else EXIT_NOBODY, f"{arguments.where}: {error}")
    except NotWantedError as error:
        return fail(EXIT_REFUSED, str(error))
    except PortError as error:
        return fail(EXIT_FAILED, str(error))
    except OSError as error:
        where, reason = arguments.where, reason_of(error)
        return fail(EXIT_NOBODY, tr("{where}: {reason}; check address, port and cable", where=where, reason=reason))


def _work_of(arguments: argparse.Namespace) -> Callable[[argparse.Namespace, Device], int]:
    """What the words ask for; everything that can be judged without the device is judged here."""
    action, *rest = arguments.words
    if action not in ("read", "set", "command"):
        raise WordsError(
            tr(
                "'{word}' is nothing to do; write read, set or command behind {where}",
                word=action,
                where=arguments.where,
            )
        )
    if action == "set" and len(rest) != 2:
        raise WordsError(tr("set takes a name and a value, as in set gap_bridge_ms 2500"))
    if action == "command" and len(rest) not in (1, 2):
        raise WordsError(tr("command takes a name and, for some, a number, as in command OPEN"))
    if not 0 <= arguments.unit <= UNIT_ID_MAX_TCP:
        raise WordsError(tr("--unit is {unit}; 0 to {most} are possible", unit=arguments.unit, most=UNIT_ID_MAX_TCP))
    if not 1 <= arguments.timeout_ms <= _TIMEOUT_MS_MAX:
        most = _TIMEOUT_MS_MAX
        raise WordsError(tr("--timeout-ms is {value}; 1 to {most} are possible", value=arguments.timeout_ms, most=most))
    if action == "read":
        return _read
    if arguments.key_file is None:
        raise WordsError(tr("writing needs the device's key: name its key file with --key-file (docs/how-to/poke.md)"))
    if not arguments.yes and not sys.stdin.isatty():
        raise WordsError(tr("nobody can be asked here, as this is no terminal; add --yes to write without asking"))
    key = key_in(arguments.key_file)
    return lambda words, device: _write(words, device, key)


def _read(arguments: argparse.Namespace, device: Device) -> int:
    names = arguments.words[1:]
    tags = [find_tag(device.who.role, name) for name in names] or points_of(device.who.role)
    values = [(tag, device.read(tag)) for tag in tags]
    if arguments.json:
        print(json.dumps({**_who(device), "values": {tag.name: _as_json(tag, value) for tag, value in values}}))
        return EXIT_DONE
    size = max(len(tag.name) for tag in tags)
    for tag, value in values:
        limits = f"  ({limits_of(tag)})" if tag.min is not None else ""
        print(f"{tag.name:<{size}}  {in_words(tag, value)}{limits}")
    return EXIT_DONE


def _write(arguments: argparse.Namespace, device: Device, key: bytes) -> int:
    make = setting_change if arguments.words[0] == "set" else command_change
    change = make(device.who.role, *arguments.words[1:])
    before = device.read(change.seen) if change.seen else 0
    if change.moves and not arguments.moves:
        raise NotWantedError(
            tr(
                "{what}: {moves}; nothing was written. Look at the gate, keep people away, and add --moves",
                what=change.label,
                moves=tr(change.moves),
            )
        )
    if not arguments.yes:
        _ask(device, change, before)
    reason = device.command(change.command, key)
    after = device.read(change.seen) if change.seen else 0
    if arguments.json:
        seen = (
            {"point": change.seen.name, "before": _as_json(change.seen, before), "after": _as_json(change.seen, after)}
            if change.seen
            else {}
        )
        print(json.dumps({**_who(device), "asked": change.label, "ok": not reason, "reason": reason, **seen}))
    elif change.seen and not reason:
        print(f"{change.seen.name}: {in_words(change.seen, before)} -> {in_words(change.seen, after)}")
    if reason:
        return fail(EXIT_REFUSED, tr("{what}: {reason}", what=change.label, reason=refusal_of(reason)))
    if not arguments.json:
        print(tr("{what}: the device has taken it", what=change.label))
    return EXIT_DONE


def _ask(device: Device, change: Change, before: int) -> None:
    """Show what is, what will be and what will move; raises NotWantedError unless the person says yes."""
    print(f"{device.who.role} {device.who.serial}: {change.label}")
    if change.seen:
        now = in_words(change.seen, before)
        print(tr("  now {value}", value=f"{change.seen.name} = {now}"))
    if change.asked:
        print(tr("  asked for {value} ({limits})", value=change.asked, limits=change.limits))
    for text in (change.moves, change.warning):
        if text:
            print(tr("  CAREFUL: {what}", what=tr(text)))
    if input(tr("write it? [y/N] ")).strip().lower() not in _YES:
        raise NotWantedError(tr("nothing was written"))


def _as_json(tag: Tag, value: int) -> dict[str, Any]:
    return {"value": in_unit(value, tag.sf), "unit": tag.units, "text": in_words(tag, value)}


def _who(device: Device) -> dict[str, Any]:
    return {"role": device.who.role, "serial": device.who.serial, "unit_id": device.who.unit_id}
