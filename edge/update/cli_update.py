"""`gate update`: bring a bundle to devices, through the hub of a site that runs, or straight over a line.

Knows: arguments, exit codes, how an update is told. Must not know: frames, what a device does, what the hub does.
With a hub the hub does it and this only watches: ending this word ends no update.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edge.cli_common import (
    EXIT_BAD_INPUT,
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_NOBODY,
    EXIT_REFUSED,
    fail,
    load,
)
from edge.operator_door import BAD_REQUEST, DONE, REFUSED, Answer, DoorError, ask_hub_update, is_reason
from edge.operator_words import hear
from edge.update.bundle import Bundle, BundleFileError, parse_version, read_bundle
from edge.update.direct import DirectError, update_directly
from edge.update.request import BEGIN, QUEUED, STATUS, STOP, BeginRequest, UpdateRequest
from edge.update.steps import Phase, Verdict
from edge.update.words import phase_text, verdict_text
from edge.words import tr
from edge.words.progress import Progress, Row

_LOOK_S = 0.5
_HUB_AWAY_S = 120.0  # a hub that was restarted is back by then, and goes on with its update
_GOOD = (Verdict.CONFIRMED, Verdict.UNCHANGED)
_BAD = (Verdict.RETURNED, Verdict.FAILED)


class _ArgumentError(Exception):
    """The arguments do not fit together; the text says how they would."""


def add_update_word(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gate update`."""
    parser.add_argument("bundle", nargs="?", type=Path, metavar="BUNDLE", help=tr("what gate bundle build made"))
    parser.add_argument("site", nargs="?", type=Path, metavar="SITE", help=tr("the site file (docs/site-file.md)"))
    parser.add_argument("devices", nargs="*", metavar="DEVICE", help=tr("names of devices in the site file"))
    parser.add_argument("--all", action="store_true", help=tr("every device of the bundle's role"))
    parser.add_argument("--role", metavar="ROLE", help=tr("with --all: check that the bundle is for this role"))
    parser.add_argument("--allow-older", metavar="VERSION", help=tr("permit this version although it is older"))
    parser.add_argument("--reason", metavar="TEXT", default="", help=tr("why; stands in the journal"))
    parser.add_argument("--watch", type=Path, metavar="SITE", help=tr("show the update that is under way"))
    parser.add_argument("--stop", type=Path, metavar="SITE", help=tr("begin no further device of it"))
    parser.add_argument("--port", metavar="WHERE", help=tr("without a hub: a serial port, or HOST[:PORT]"))
    parser.add_argument("--unit", type=int, default=1, metavar="N", help=tr("unit id; default: %(default)s"))
    parser.add_argument("--baud", type=int, default=115_200, help=tr("default: %(default)s"))
    parser.add_argument("--parity", choices=("N", "E", "O"), default="N", help=tr("default: %(default)s"))
    parser.add_argument("--key-file", type=Path, metavar="FILE", help=tr("with --port: the device's key file"))
    parser.add_argument("--json", action="store_true", help=tr("print one object for each device"))
    parser.set_defaults(run=update)


def update(arguments: argparse.Namespace) -> int:
    """Update, or watch, or stop; returns the exit code."""
    try:
        if arguments.stop or arguments.watch:
            return _ask_about(arguments)
        bundle = _bundle_of(arguments)
        older = _older_of(arguments, bundle)
        if arguments.port:
            return _directly(arguments, bundle, older)
        return _through_hub(arguments, bundle, older)
    except (_ArgumentError, BundleFileError, ValueError) as error:
        return fail(EXIT_BAD_INPUT, str(error))
    except DirectError as error:
        return fail(error.code, str(error))
    except DoorError as error:
        return fail(EXIT_NOBODY, str(error))


def _bundle_of(arguments: argparse.Namespace) -> Bundle:
    if arguments.bundle is None:
        raise _ArgumentError(tr("name a bundle, and the site of the devices or --port; see gate update --help"))
    bundle = read_bundle(arguments.bundle)
    if arguments.role not in (None, bundle.role):
        raise _ArgumentError(
            tr("{path} is for role {found}, not {role}", path=arguments.bundle, found=bundle.role, role=arguments.role)
        )
    return bundle


def _older_of(arguments: argparse.Namespace, bundle: Bundle) -> int | None:
    if not arguments.allow_older:
        return None
    older = parse_version(arguments.allow_older)
    if older != bundle.version:
        raise _ArgumentError(tr("--allow-older must name the version of the bundle; gate bundle show tells it"))
    if not arguments.reason and not arguments.port:
        raise _ArgumentError(tr("--allow-older wants --reason TEXT, which stands in the journal"))
    if not is_reason(arguments.reason):
        raise _ArgumentError(tr("--reason must be one line of printable characters, 200 at most"))
    return older


def _directly(arguments: argparse.Namespace, bundle: Bundle, older: int | None) -> int:
    if arguments.site or arguments.devices or arguments.all:
        raise _ArgumentError(tr("--port is for one device without a site; name no SITE and no DEVICE beside it"))
    if arguments.key_file is None:
        raise _ArgumentError(tr("--port wants the device's key: --key-file FILE"))
    label = tr("unit {unit} of {where}", unit=arguments.unit, where=arguments.port)
    with Progress(sys.stderr) as progress:
        row = progress.row(label, 1000)
        result = update_directly(
            bundle, arguments, older, on_step=lambda phase, permille: row.to(permille, phase_text(phase))
        )
        row.end(verdict_text(result["verdict"], result["reason"], result["values"]))
    return _conclude([{"name": label, "lane": "", **result}], arguments)


def _through_hub(arguments: argparse.Namespace, bundle: Bundle, older: int | None) -> int:
    if arguments.site is None:
        raise _ArgumentError(tr("name the site of the devices behind the bundle, or --port for one without a hub"))
    if bool(arguments.devices) == arguments.all:
        raise _ArgumentError(tr("name the devices, or --all for every one of the bundle's role; not both, not neither"))
    site = load(arguments.site, only_reads=True)
    if site is None:
        return EXIT_BAD_INPUT
    begin = BeginRequest(str(arguments.bundle.resolve()), tuple(arguments.devices), older, arguments.reason)
    answer = ask_hub_update(site.data_dir, UpdateRequest(BEGIN, begin))
    if answer.code != DONE:
        return _refused(answer)
    return _watch(site.data_dir, arguments)


def _ask_about(arguments: argparse.Namespace) -> int:
    site = load(arguments.stop or arguments.watch, only_reads=True)
    if site is None:
        return EXIT_BAD_INPUT
    if arguments.stop:
        answer = ask_hub_update(site.data_dir, UpdateRequest(STOP))
        if answer.code != DONE:
            return _refused(answer)
    return _watch(site.data_dir, arguments)


def _refused(answer: Answer) -> int:
    codes = {REFUSED: EXIT_REFUSED, BAD_REQUEST: EXIT_BAD_INPUT}
    return fail(codes.get(answer.code, EXIT_FAILED), hear(answer.text))


def _watch(data_dir: Path, arguments: argparse.Namespace) -> int:
    """Show the update until its end; a hub that goes away meanwhile is waited for."""
    rows: dict[str, Row] = {}
    heard_s = time.monotonic()
    try:
        with Progress(sys.stderr) as progress:
            while True:
                status = _status(data_dir)
                if status is not None:
                    heard_s = time.monotonic()
                    if not status:
                        return fail(EXIT_REFUSED, tr("the hub knows of no update"))
                    _show(status["devices"], progress, rows)
                    if status["is_over"]:
                        break
                elif time.monotonic() - heard_s > _HUB_AWAY_S:
                    raise DoorError(
                        tr("the hub went away; it goes on with the update when it is back: gate update --watch SITE")
                    )
                time.sleep(_LOOK_S)
    except KeyboardInterrupt:
        return fail(
            EXIT_INTERRUPTED,
            tr("the update goes on in the hub; gate update --watch SITE shows it, --stop SITE begins no more devices"),
        )
    return _conclude(status["devices"], arguments)


def _status(data_dir: Path) -> Mapping[str, Any] | None:
    """What the hub says, None while it says nothing."""
    try:
        answer = ask_hub_update(data_dir, UpdateRequest(STATUS))
    except DoorError:
        return None
    return answer.data if answer.code == DONE else None


def _show(devices: Sequence[Mapping[str, Any]], progress: Progress, rows: dict[str, Row]) -> None:
    for device in devices:
        row = rows.get(device["name"])
        if row is None:
            if device["phase"] == QUEUED:
                continue  # its time would begin to run
            row = rows[device["name"]] = progress.row(device["name"], 1000)
        if device["phase"] != Phase.OVER:
            row.to(device["permille"], phase_text(device["phase"]))
        elif not row.verdict:
            row.end(_verdict(device))


def _verdict(device: Mapping[str, Any]) -> str:
    return verdict_text(device["verdict"], device["reason"], device["values"])


def _conclude(devices: Sequence[Mapping[str, Any]], arguments: argparse.Namespace) -> int:
    """The last word on each device, and the exit code."""
    for device in devices:
        text = _verdict(device) if device["verdict"] else tr("was not begun")
        if arguments.json:
            print(json.dumps({**device, "text": text}))
        else:
            print(f"{device['name']}: {text}")
    verdicts = [device["verdict"] for device in devices]
    if any(verdict in _BAD for verdict in verdicts):
        return EXIT_FAILED
    return EXIT_DONE if all(verdict in _GOOD for verdict in verdicts) else EXIT_REFUSED
