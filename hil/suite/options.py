"""The words that say how targets are had and how many scenarios run at one time; `run` and `replay` share them.

Knows: argparse. Must not know: what is done with them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.words import tr
from hil.suite.pool import default_workers
from hil.targets.target import Options, UsageError


def add_target_options(parser: argparse.ArgumentParser) -> None:
    """`--uf2`, `--rig`, `--dut`, `--jobs`."""
    parser.add_argument("--uf2", type=Path, help=tr("MicroPython image of the emulated RP2040"))
    parser.add_argument(
        "--rig", default="", metavar="PORT", help=tr("serial port of the board that runs the rig firmware")
    )
    parser.add_argument("--dut", default="", metavar="PORT", help=tr("serial port of the board under test"))
    parser.add_argument(
        "--jobs", type=int, default=default_workers(), help=tr("scenarios at one time; default %(default)s")
    )


def target_options(arguments: argparse.Namespace) -> Options:
    """What they say; raises UsageError."""
    if arguments.jobs < 1:
        raise UsageError(tr("--jobs is {count}; 1 or more is needed", count=arguments.jobs))
    return Options(arguments.uf2, arguments.rig, arguments.dut)
