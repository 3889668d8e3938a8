"""`gate practice DIR`: a board without hardware, to flash, provision, poke and have a hub ask, on any Linux machine.

Knows: arguments, what is said. Must not know: how a board is simulated.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path

from edge.cli_common import EXIT_BAD_INPUT, EXIT_FAILED, EXIT_NOBODY
from edge.words import tr
from edge.words.parser import Parser, UsageError
from hil.practice.board import BUS, FLASH, USB, is_ready, live, spec_of
from protocols.registers import barrier
from sim_devices.devices.usb_board import VmBoard

_SITE = """# A site with one device, the practice board of this folder. Every key: docs/site-file.md.
[site]
name = "practice"
data_dir = "hub"
http_port = 18090
# update_key_file = "site-key.pem.pub"  # made by gate bundle key; then provision again

[[line]]
name = "line1"
kind = "rtu"
port = "{bus}"
baud = 115200

[[device]]
name = "barrier1"
line = "line1"
unit_id = 1
map = "barrier"
map_version = {map_version}
serial = 1001
key_file = "keys/barrier1.key"
"""


def build_parser() -> Parser:
    """The arguments."""
    parser = Parser(prog="gate practice", description=tr("a board without hardware, to practise on"))
    parser.add_argument("folder", type=Path, metavar="DIR", help=tr("the board's folder; made when it is missing"))
    says_so = tr("start with the maintenance bridge closed, to flash or provision a board that runs already")
    parser.add_argument("--maintenance", action="store_true", help=says_so)
    return parser


def main(argv: list[str]) -> int:
    """Entry of `gate practice`; runs until Ctrl-C."""
    try:
        arguments = build_parser().parse_args(argv)
        if importlib.util.find_spec("micropython_unix") is None:
            return _fail(tr("the MicroPython VM is not installed beside this Python; run make setup"), EXIT_NOBODY)
        folder = arguments.folder.absolute()
        _prepare(folder)
        _run(folder, waits=arguments.maintenance)
    except UsageError as error:
        return _fail(str(error), EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        _say(tr("the board is off; what is on it stays in {folder}", folder=folder / FLASH))
    except OSError as error:
        return _fail(str(error), EXIT_FAILED)
    except (KeyError, ValueError) as error:
        said = tr("the board's provision.txt is none ({reason}); provision it again with --maintenance", reason=error)
        return _fail(said, EXIT_FAILED)
    return 0


def _prepare(folder: Path) -> None:
    (folder / FLASH).mkdir(parents=True, exist_ok=True)
    site = folder / "site.toml"
    if not site.exists():
        site.write_text(_SITE.format(bus=BUS, map_version=barrier.MAP_VERSION), encoding="utf-8")


def _run(folder: Path, *, waits: bool) -> None:
    if waits or not is_ready(folder / FLASH):
        _wait_on_usb(folder)
    spec = spec_of(folder)
    _say(
        tr(
            "the board runs: {role} {serial}, unit id {unit}, on {bus} at {baud} baud; Ctrl-C switches it off",
            role=spec.role,
            serial=spec.serial,
            unit=spec.unit_id,
            bus=folder / BUS,
            baud=spec.baud,
        )
    )
    asyncio.run(live(folder, spec))


def _wait_on_usb(folder: Path) -> None:
    """Until the board is flashed and provisioned, and starts."""
    with VmBoard(folder / FLASH, lambda: is_ready(folder / FLASH)) as board:
        link = folder / USB
        link.unlink(missing_ok=True)
        link.symlink_to(board.port)
        _say(
            tr("the board waits on {usb}: flash it, then provision it with {site}", usb=link, site=folder / "site.toml")
        )
        board.is_over.wait()
        link.unlink(missing_ok=True)


def _say(text: str) -> None:
    print(f"gate: {text}", file=sys.stderr, flush=True)


def _fail(text: str, code: int) -> int:
    _say(text)
    return code
