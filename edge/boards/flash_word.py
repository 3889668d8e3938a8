"""The arguments of `gate flash`.

Knows: words and what they mean. Must not know: boards; what carries it out loads only when it is asked for.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.words import tr


def add_flash_word(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gate flash`."""
    parser.add_argument(
        "ports", nargs="*", metavar="PORT", help=tr("the boards' ports; default: the only board on USB")
    )
    parser.add_argument("--all", action="store_true", help=tr("every board on USB, side by side"))
    parser.add_argument("--role", metavar="ROLE", help=tr("the board's role; default: what its provision file says"))
    parser.add_argument("--site", type=Path, metavar="SITE", help=tr("take the role of --device from this site file"))
    parser.add_argument("--device", metavar="DEVICE", help=tr("the device of --site that the board is to be"))
    parser.add_argument("--bundle", type=Path, metavar="FILE", help=tr("a bundle in place of what is compiled here"))
    parser.add_argument(
        "--change-role", action="store_true", help=tr("the board may become another role than it is provisioned for")
    )
    parser.add_argument(
        "--base-image",
        metavar="FILE",
        help=tr("put this image of MicroPython on first: a UF2 file, an ESP32's .bin, or `cached`"),
    )
    parser.add_argument("--sha256", default="", metavar="HEX", help=tr("vouch for an image that is not in the list"))
    parser.add_argument(
        "--drive", type=Path, metavar="FOLDER", help=tr("where the drive of a waiting RP2040 is mounted")
    )
    parser.add_argument(
        "--new", action="store_true", help=tr("nothing runs on the board: an ESP32 may be reset without asking it")
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=0.0,
        metavar="S",
        help=tr("seconds to wait for a board that does not answer, while somebody switches it off and on"),
    )
    parser.add_argument("--json", action="store_true", help=tr("one object per board"))
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from edge.boards.flash_run import run

    return run(arguments)
