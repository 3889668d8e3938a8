"""`gate hil selftest`: tests the rig board itself, or without one the emulated one.

Knows: arguments, printing, exit codes (0 well, 1 something is wrong, 2 what was named is no rig of ours, 3 blocked).
Must not know: how a test is made.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from edge.words import tr
from hil.board.files import firmware_hash, rig_files
from hil.board.pair import LoopbackPlug, PairTable, RigChip
from hil.board.port import Table
from hil.board.selftest import run_selftest
from hil.board.serial_table import SerialTable
from hil.chip.emulator import find_uf2
from hil.chip.selftest import check_emulator
from hil.report.hear import hear
from hil.targets.target import BlockedError

_WELL, _WRONG, _BLOCKED = 0, 1, 3
_EMULATED_CLOCK_S = 1  # both clocks are one there


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `gate hil selftest`."""
    says = tr("serial port of the rig board (default: emulated)")
    parser.add_argument("--rig", default="", metavar="PORT", help=says)
    parser.add_argument("--uf2", type=Path, help=tr("MicroPython image of the emulated RP2040"))
    says = tr("how long to watch a real board's clock (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=20, help=says)


def run(arguments: argparse.Namespace) -> int:
    """Test, print what was measured and what is wrong; returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="smartgate-rig-") as out:
        files = rig_files(Path(out))
        try:
            table = _table(arguments, files)
        except BlockedError as error:
            print(f"{tr('BLOCKED')}: {hear(str(error))}", file=sys.stderr)
            return _BLOCKED
        try:
            seconds = max(1, arguments.seconds) if arguments.rig else _EMULATED_CLOCK_S
            report = run_selftest(table, firmware_hash(files), seconds)
        finally:
            table.close()
    print("\n".join(report.measured))
    print("\n".join(tr("WRONG: {what}", what=problem) for problem in report.problems) or tr("the rig is well"))
    return _WRONG if report.problems else _WELL


def _table(arguments: argparse.Namespace, files: dict[str, bytes]) -> Table:
    if arguments.rig:
        return SerialTable(arguments.rig)
    uf2 = find_uf2(arguments.uf2)
    check_emulator(uf2)
    rig = RigChip(uf2, files)
    LoopbackPlug(rig)
    return PairTable(uf2, rig)
