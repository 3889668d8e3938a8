"""`gate provision`: make the board on a port the one of a place, and print its label.

Knows: arguments, what is printed. Must not know: how it is done.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from edge.boards.board import open_board
from edge.boards.files import BoardError, BoardFiles
from edge.boards.usb import choose_port
from edge.cli_common import EXIT_BAD_INPUT, EXIT_DONE, EXIT_FAILED, fail, load
from edge.cli_common import EXIT_BAD_INPUT as BAD_SITE
from edge.config import DeviceConfig, SiteConfig
from edge.config_rules import nearest
from edge.config_table import NAME_PATTERN
from edge.provision import label
from edge.provision.book import BookError
from edge.provision.key_store import KeyFile, KeyStoreError
from edge.provision.provision import KEY_WORDS, Provisioned, Wishes, provision
from edge.provision.steps import Place
from edge.southbound.role_map import ROLE_MAPS
from edge.words import tr


def add_provision_word(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gate provision`."""
    add_place(parser)
    parser.add_argument("port", nargs="?", metavar="PORT", help=tr("the board's port; the only board when absent"))
    parser.add_argument(
        "--label", type=Path, metavar="FILE", help=tr("write the cabinet's label there, .svg or .pdf, 62 mm wide")
    )
    parser.add_argument("--replace", action="store_true", help=tr("take a board that was another device's"))
    parser.add_argument("--new-key", action="store_true", help=tr("make a new key and revoke the old one"))
    parser.add_argument("--json", action="store_true", help=tr("print what was done as one object"))
    parser.set_defaults(run=run_provision)


def add_place(parser: argparse.ArgumentParser) -> None:
    """SITE and DEVICE."""
    parser.add_argument("site", type=Path, metavar="SITE", help=tr("the site file (docs/site-file.md)"))
    parser.add_argument("device", metavar="DEVICE", help=tr("the device's name in the site file"))


def run_provision(arguments: argparse.Namespace) -> int:
    """Do it; the exit code."""
    site = load(arguments.site, only_reads=True)
    if site is None:
        return BAD_SITE
    try:
        place = find_place(site, arguments.device)
        if arguments.label is not None:
            label.refuse_path(arguments.label)
        board = open_board(choose_port(arguments.port))
        try:
            done = provision(place, board, Wishes(arguments.replace, arguments.new_key))
            starts = board.release()
            board.reset()  # before anything is told: a full disk or a closed pipe leaves no board at its prompt
            _print(arguments, place, board, done, starts=starts)
        finally:
            board.close()
    except BoardError as error:
        return fail(error.code, str(error))
    except (KeyStoreError, BookError) as error:
        return fail(EXIT_FAILED, str(error))
    return EXIT_DONE


def find_place(site: SiteConfig, name: str) -> Place:
    """The place of the device called `name`. Raises BoardError, with the lines to add for one that is not there."""
    devices = {device.name: device for device in site.devices}
    device = devices.get(name)
    if device is None:
        like = nearest(name, list(devices))
        lines = "" if like or re.fullmatch(NAME_PATTERN, name) is None else f":\n\n{_lines_to_add(site, name)}"
        raise BoardError(
            tr(
                "{site} has no device '{device}'{like}; correct the name, or add the device and run this again",
                site=site.path,
                device=name,
                like=like,
            )
            + lines,
            EXIT_BAD_INPUT,
        )
    if device.key_file is None:
        raise BoardError(
            tr("{device} is a device of another maker (it has a profile): it gets no key", device=name), EXIT_BAD_INPUT
        )
    return Place(site, device, KeyFile(device.key_file))


def _lines_to_add(site: SiteConfig, name: str) -> str:
    """What the site file needs for a further device, with numbers that are free."""
    line = site.lines[0].name
    used = {device.unit_id for device in site.devices if device.line == line}
    unit_id = next(number for number in range(1, 248) if number not in used)
    role = next((role for role in ROLE_MAPS if name.startswith(role)), "barrier")
    serial = max((device.serial for device in site.devices), default=1000) + 1
    rows = [
        "[[device]]",
        f'name = "{name}"',
        f'line = "{line}"',
        f"unit_id = {unit_id}",
        f'map = "{role}"  # {", ".join(ROLE_MAPS)}',
        f"map_version = {ROLE_MAPS[role].map_version}",
        f"serial = {serial}",
        f'key_file = "keys/{name}.key"',
    ]
    return "\n".join(rows)


def _print(arguments: argparse.Namespace, place: Place, board: BoardFiles, done: Provisioned, *, starts: bool) -> None:
    device = place.device
    tag = label_of(place)
    if arguments.label is not None:
        label.write_label(arguments.label, tag)
    if arguments.json:
        print(json.dumps(_object(arguments, place, board, done)))
        return
    print(
        tr(
            "{port}: {device} ({role}), serial number {serial}, unit id {unit_id}",
            port=board.where,
            device=device.name,
            role=device.map,
            serial=device.serial,
            unit_id=device.unit_id,
        )
    )
    print(tr("key {fingerprint}: {what}", fingerprint=done.key.fingerprint, what=tr(KEY_WORDS[done.key_state])))
    if not place.site.update_key:
        print(tr("without a site key the board takes no updates: see update_key_file in docs/site-file.md"))
    if not starts:
        print(tr("the board stays in maintenance: remove its file maintenance to have it start"))
    if arguments.label is not None:
        print(tr("label: {path}", path=arguments.label))
        if not tag.is_drawn:
            print(tr("the label shows boxes for letters it has no shape for; its QR code has them all"))


def label_of(place: Place) -> label.Label:
    """The label of a place."""
    device = place.device
    return label.Label(place.site.name, place.lane, device.name, device.map, device.serial, device.unit_id)


def _object(arguments: argparse.Namespace, place: Place, board: BoardFiles, done: Provisioned) -> dict[str, Any]:
    device: DeviceConfig = place.device
    return {
        "site": place.site.name,
        "lane": place.lane,
        "device": device.name,
        "port": board.where,
        "chip": done.chip,
        **place.identity(),
        "wiring": device.wiring,
        "key": done.key_state,
        "fingerprint": done.key.fingerprint,
        "key_id": done.key.key_id,
        "updates": bool(place.site.update_key),
        "label": None if arguments.label is None else str(arguments.label),
    }
