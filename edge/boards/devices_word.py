"""The arguments of `gate devices`.

Knows: words and what they mean. Must not know: boards, lines; what carries it out loads only when it is asked for.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.words import tr


def add_devices_word(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gate devices`."""
    parser.add_argument(
        "site",
        nargs="?",
        type=Path,
        metavar="SITE",
        help=tr("the devices of this site too: from its hub, or asked here"),
    )
    parser.add_argument("--json", action="store_true", help=tr("one object"))
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from edge.boards.devices_run import run

    return run(arguments)
