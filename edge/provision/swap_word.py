"""`gate swap` and `gate backup`: a new board in the place of a broken one, and what the hub keeps for that day.

Knows: arguments, what is printed. Must not know: how it is done.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from edge.boards.board import open_board
from edge.boards.files import BoardError
from edge.boards.usb import choose_port
from edge.cli_common import EXIT_BAD_INPUT, EXIT_DONE, EXIT_FAILED, fail, load
from edge.config import SiteConfig
from edge.provision.backup import Backup, BackupError, path_of, read_backup
from edge.provision.book import BookError
from edge.provision.key_store import KeyStoreError
from edge.provision.swap import Swapped, swap
from edge.provision.word import add_place, find_place
from edge.words import tr


def add_swap_word(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gate swap`."""
    add_place(parser)
    parser.add_argument("port", nargs="?", metavar="PORT", help=tr("the new board's port; the only board when absent"))
    parser.add_argument("--replace", action="store_true", help=tr("take a board that was another device's"))
    parser.add_argument(
        "--accept-older", action="store_true", help=tr("take a backup that is older than the device's last change")
    )
    parser.add_argument("--json", action="store_true", help=tr("print what was done as one object"))
    parser.set_defaults(run=run_swap)


def run_swap(arguments: argparse.Namespace) -> int:
    """Do it; the exit code."""
    site = load(arguments.site, only_reads=True)
    if site is None:
        return EXIT_BAD_INPUT
    try:
        place = find_place(site, arguments.device)
        read_backup(path_of(site.data_dir, arguments.device), arguments.device)  # before anybody looks for a cable
        board = open_board(choose_port(arguments.port))
        try:
            done = swap(place, board, replace=arguments.replace, accept_older=arguments.accept_older)
            starts = board.release()
            board.reset()  # before anything is told: a full disk or a closed pipe leaves no board at its prompt
            _print_swapped(arguments, board.where, done, starts=starts)
        finally:
            board.close()
    except BoardError as error:
        return fail(error.code, str(error))
    except BackupError as error:
        return fail(EXIT_BAD_INPUT, str(error))
    except (KeyStoreError, BookError) as error:
        return fail(EXIT_FAILED, str(error))
    return EXIT_DONE


def _print_swapped(arguments: argparse.Namespace, port: str, done: Swapped, *, starts: bool) -> None:
    if arguments.json:
        told = {
            "device": arguments.device,
            "port": port,
            "chip": done.chip,
            "chip_before": done.chip_before,
            "fingerprint": done.key.fingerprint,
            "key_id": done.key.key_id,
            "settings": done.backup.settings,
            "backup_sha256": done.backup.digest,
            "recalibrate": done.recalibrate,
        }
        print(json.dumps(told))
        return
    print(
        tr(
            "{port}: {device} with {count} settings of {time}, key {fingerprint}; the old key is revoked",
            port=port,
            device=arguments.device,
            count=len(done.backup.settings),
            time=_moment(done.backup.time_ms),
            fingerprint=done.key.fingerprint,
        )
    )
    if done.recalibrate:
        print(tr("calibrate the scale on this board: until then it registers nothing (RECALIBRATION_DUE)"))
    if not starts:
        print(tr("the board stays in maintenance: remove its file maintenance to have it start"))


def add_backup_word(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gate backup`."""
    parser.add_argument("site", type=Path, metavar="SITE", help=tr("the site file (docs/site-file.md)"))
    parser.add_argument("device", nargs="?", metavar="DEVICE", help=tr("this one with all its settings"))
    parser.add_argument("--json", action="store_true", help=tr("print one object per device"))
    parser.set_defaults(run=run_backup)


def run_backup(arguments: argparse.Namespace) -> int:
    """Show it; the exit code."""
    site = load(arguments.site, only_reads=True)
    if site is None:
        return EXIT_BAD_INPUT
    try:
        if arguments.device:
            find_place(site, arguments.device)
            _print_backup(arguments, read_backup(path_of(site.data_dir, arguments.device), arguments.device))
            return EXIT_DONE
    except BoardError as error:
        return fail(error.code, str(error))
    except BackupError as error:
        return fail(EXIT_BAD_INPUT, str(error))
    return _print_all(arguments, site)


def _print_all(arguments: argparse.Namespace, site: SiteConfig) -> int:
    code = EXIT_DONE
    for device in site.devices:
        if device.profile is not None:
            continue
        try:
            backup = read_backup(path_of(site.data_dir, device.name), device.name)
        except BackupError as error:
            code = fail(EXIT_FAILED, str(error))
            continue
        if arguments.json:
            print(json.dumps({"time_ms": backup.time_ms, "sha256": backup.digest, **backup.content}))
        else:
            print(_line(backup))
    return code


def _print_backup(arguments: argparse.Namespace, backup: Backup) -> None:
    if arguments.json:
        print(json.dumps({"time_ms": backup.time_ms, "sha256": backup.digest, **backup.content}))
        return
    print(_line(backup))
    width = max(map(len, backup.settings))
    for name, value in backup.settings.items():
        print(f"  {name:<{width}}  {value}")


def _line(backup: Backup) -> str:
    content = backup.content
    version = content["firmware_version"]
    return tr(
        "{device}: {time}, {map} map {map_version}, serial number {serial}, firmware {firmware}, key id {key_id}, "
        "settings {generation}, calibration {calibration}, sha256 {digest}",
        device=content["device"],
        time=_moment(backup.time_ms),
        map=content["map"],
        map_version=content["map_version"],
        serial=content["serial"],
        firmware=f"{version >> 8}.{version & 0xFF}",
        key_id=content["key_id"],
        generation=content["settings_generation"],
        calibration=content["calibration_count"],
        digest=backup.digest[:16],
    )


def _moment(time_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time_ms / 1000))
