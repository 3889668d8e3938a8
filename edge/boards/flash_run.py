"""`gate flash`: one board or a tray of them, each brought to hold its role's set, each with a verdict in one line.

Knows: which set a board is to have, threads, printing. Must not know: how a board is written.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from dataclasses import asdict, dataclass

from edge.boards.base_image import holds_image, put_image
from edge.boards.board import Board, BoardKind, open_board
from edge.boards.file_sets import BundledSet, bundled_set, check_role, compiled_set
from edge.boards.files import BoardError
from edge.boards.flasher import Outcome, flash, setting_of
from edge.boards.images import Image, load_image
from edge.boards.installed import manifest_of
from edge.boards.plan import Wanted
from edge.boards.usb import choose_port, usb_ports
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
from edge.config import SiteConfig
from edge.words import tr
from edge.words.progress import Progress, Row

_JOIN_S = 0.2  # between looks at whether somebody interrupts
# What MicroPython calls its port, and what firmware/boards/ calls the board.
_BOARD_OF = {"rp2": "rp2", "esp32": "esp32", "linux": "unix"}


@dataclass(frozen=True, slots=True)
class Order:
    """What the words ask for; `role` is "" where each board knows its own. With a bundle everything is its."""

    role: str
    bundle: BundledSet | None
    image: Image | None
    wait_s: float
    may_change_role: bool
    is_new: bool


@dataclass(slots=True)
class Result:
    """What became of one board; `sentence` says why it is not good."""

    port: str
    code: int = EXIT_DONE
    sentence: str = ""
    role: str = ""
    serial: str = ""
    kind: BoardKind | None = None
    outcome: Outcome | None = None
    seconds: float = 0.0


class Sets:
    """Compiled sets, each made once however many boards want it at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str, bool], Wanted] = {}

    def get(self, role: str, board: str, has_radio: bool) -> Wanted:
        """The files of a fresh board. Raises BoardError."""
        key = (role, board, has_radio)
        with self._lock:
            if key not in self._made:
                self._made[key] = compiled_set(*key)
            return self._made[key]


def run(arguments: argparse.Namespace) -> int:
    """Do what the words of `gate flash` say; returns the exit code."""
    try:
        order = _order(arguments)
        ports = _ports(arguments, order)
    except BoardError as error:
        return fail(error.code, str(error))
    results = [Result(port) for port in ports]
    try:
        with Progress(sys.stderr) as progress:
            _flash_all(order, results, progress)
    except KeyboardInterrupt:
        sentence = tr("interrupted: what was begun stays in maintenance until the same command has run to its end")
        return fail(EXIT_INTERRUPTED, sentence)
    for result in results:
        _tell(result, arguments.json)
    return max(result.code for result in results)


def _order(arguments: argparse.Namespace) -> Order:
    if arguments.all and arguments.ports:
        raise BoardError(tr("--all is every board on USB: name ports or say --all"), EXIT_BAD_INPUT)
    if arguments.base_image and (arguments.all or len(arguments.ports) > 1):
        raise BoardError(tr("--base-image is for one board at a time"), EXIT_BAD_INPUT)
    image = load_image(arguments.base_image, arguments.sha256) if arguments.base_image else None
    site = _site(arguments)
    bundle = bundled_set(arguments.bundle, site.update_key if site else b"") if arguments.bundle else None
    role = _role(arguments, site)
    if bundle is not None and role and role != bundle.role:
        raise BoardError(
            tr("{file}: is for role {its}, not for {role}", file=arguments.bundle, its=bundle.role, role=role),
            EXIT_REFUSED,
        )
    role = bundle.role if bundle else role
    return Order(role, bundle, image, arguments.wait, arguments.change_role, arguments.new)


def _site(arguments: argparse.Namespace) -> SiteConfig | None:
    if not arguments.site:
        return None
    config = load(arguments.site, only_reads=True)
    if config is None:
        raise BoardError(tr("no board was written"), EXIT_BAD_INPUT)
    return config


def _role(arguments: argparse.Namespace, config: SiteConfig | None) -> str:
    if arguments.role:
        check_role(arguments.role)
        return str(arguments.role)
    if arguments.device and config is None:
        raise BoardError(tr("--device is one of a site: name its --site"), EXIT_BAD_INPUT)
    if config is None or (arguments.bundle and not arguments.device):
        return ""
    if not arguments.device:
        raise BoardError(tr("--site alone says no role: name its --device"), EXIT_BAD_INPUT)
    names = [device.name for device in config.devices if device.map]
    device = next((device for device in config.devices if device.name == arguments.device and device.map), None)
    if device is None:
        raise BoardError(
            tr(
                "{site} has no device '{name}' of ours: expected one of {names}",
                site=arguments.site,
                name=arguments.device,
                names=", ".join(names),
            ),
            EXIT_BAD_INPUT,
        )
    return device.map


def _ports(arguments: argparse.Namespace, order: Order) -> list[str]:
    if arguments.all:
        found = [port.name for port in usb_ports() if not port.is_bridge]
        if not found:
            raise BoardError(tr("no board hangs on USB: check the cables"), EXIT_NOBODY)
        return found
    if order.image is None:
        return list(dict.fromkeys(arguments.ports)) or [choose_port(None)]
    port: str | None = arguments.ports[0] if arguments.ports else None
    if port is None and len(usb_ports()) == 1:
        port = usb_ports()[0].name
    port = put_image(order.image, port, arguments.drive, order.wait_s, order.is_new)
    return [choose_port(port)]


def _flash_all(order: Order, results: list[Result], progress: Progress) -> None:
    """Every board in a thread of its own, which ends with the process when somebody interrupts."""
    sets = Sets()
    threads = [
        threading.Thread(target=_flash_one, args=(order, sets, result, progress.row(result.port, 1)), daemon=True)
        for result in results
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(_JOIN_S)


def _flash_one(order: Order, sets: Sets, result: Result, row: Row) -> None:
    begun_s = time.monotonic()
    try:
        _bring(order, sets, result, row)
    except BoardError as error:
        result.code, result.sentence = error.code, str(error)
    except Exception as error:  # one board's trouble is not the others'
        result.code, result.sentence = EXIT_FAILED, f"{result.port}: {type(error).__name__}: {error}"
    result.seconds = round(time.monotonic() - begun_s, 1)
    row.end(tr("done") if result.code == EXIT_DONE else tr("not done"))


def _bring(order: Order, sets: Sets, result: Result, row: Row) -> None:
    def tell(done: int, of: int, note: str) -> None:
        row.total = max(of, 1)
        row.to(done, note)

    board = open_board(result.port, _PORT_BACK_S if order.image else order.wait_s)
    try:
        result.kind = board.kind
        if order.image is not None and order.image.is_uf2 and not holds_image(board, order.image):
            raise BoardError(
                tr(
                    "{port}: the flash is not {image}: hold BOOTSEL and try again",
                    port=result.port,
                    image=order.image.name,
                )
            )
        result.role = _role_for(order, board)
        result.serial = setting_of(board, "serial")
        kind = _BOARD_OF.get(board.kind.platform, board.kind.platform)
        result.outcome = flash(board, _set_for(order, sets, result, board, kind), tell)
    finally:
        board.close()


_PORT_BACK_S = 30.0  # a chip with a new image makes its file system before it answers


def _set_for(order: Order, sets: Sets, result: Result, board: Board, kind: str) -> Wanted:
    if order.bundle is None:
        return sets.get(result.role, kind, board.kind.has_radio)
    if order.bundle.board != kind:
        raise BoardError(
            tr(
                "{port}: {what} is no {board}, the bundle is for one",
                port=board.where,
                what=board.kind.described,
                board=order.bundle.board,
            ),
            EXIT_REFUSED,
        )
    return order.bundle.files


def _role_for(order: Order, board: Board) -> str:
    """The role asked for, else the one the board is provisioned for, else the one it was flashed with."""
    port, own = board.where, setting_of(board, "role")
    if not order.role and not own:
        manifest = manifest_of(board)
        if manifest is None:
            raise BoardError(tr("{port}: the board has no role yet: say --role", port=port), EXIT_BAD_INPUT)
        return str(manifest.role)
    if order.role and own and order.role != own and not order.may_change_role:
        raise BoardError(
            tr(
                "{port}: the board is provisioned as {own}, not as {role}: take the right one, or say --change-role "
                "and provision it anew",
                port=port,
                own=own,
                role=order.role,
            ),
            EXIT_REFUSED,
        )
    return order.role or own


def _tell(result: Result, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_members(result), ensure_ascii=False))
    elif result.outcome is None:
        fail(result.code, result.sentence)
    else:
        print(_verdict(result, result.outcome))


def _members(result: Result) -> dict[str, object]:
    members: dict[str, object] = {"port": result.port, "verdict": "good" if result.code == EXIT_DONE else "failed"}
    members |= {"code": result.code, "reason": result.sentence, "role": result.role, "serial": result.serial}
    if result.kind is not None:
        members |= {"machine": result.kind.machine, "micropython": ".".join(map(str, result.kind.version))}
        members["chip_serial"] = result.kind.chip_serial
    if result.outcome is not None:
        members |= asdict(result.outcome)
    return members | {"seconds": result.seconds}


def _verdict(result: Result, outcome: Outcome) -> str:
    good = tr(
        "{port}: {role} {serial} good: {files} files, {size} kB, every byte read back from the flash; {written} "
        "written, {removed} removed, {seconds} s",
        port=result.port,
        role=result.role,
        serial=result.serial or "-",
        files=outcome.written + outcome.kept,
        size=outcome.size // 1000,
        written=outcome.written,
        removed=outcome.removed,
        seconds=result.seconds,
    )
    return good + "; " + (tr("its program starts") if outcome.starts else outcome.why_not)
