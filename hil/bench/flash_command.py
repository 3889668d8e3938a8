"""`gate bench flash`: flashes every role onto an emulated RP2040 and prints how long it took, as a table or JSON.

Exit code: 0 every target met, 1 one missed or the board failed, 2 wrong words or image, 3 blocked: something is not
installed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from edge.boards.files import BoardError
from edge.boards.images import UF2_SHA256, digest_of
from hil.bench.flash import measure
from hil.chip.emulator import EMULATOR, EMULATOR_VERSION, find_uf2
from hil.chip.field import IDLE
from hil.targets.target import BlockedError, TargetError, UsageError

_MISSED, _BAD_INPUT, _BLOCKED = 1, 2, 3


def main(argv: list[str]) -> int:
    """Run the words after `gate bench flash`; returns the exit code."""
    arguments = build_parser().parse_args(argv)
    try:
        uf2 = find_uf2(arguments.uf2)
        reports = [measure(uf2, role) for role in ([arguments.role] if arguments.role else sorted(IDLE))]
    except BlockedError as error:
        print(f"BLOCKED: {error}", file=sys.stderr)
        return _BLOCKED
    except UsageError as error:
        print(f"gate: {error}", file=sys.stderr)
        return _BAD_INPUT
    except (TargetError, BoardError) as error:
        print(f"gate: {error}", file=sys.stderr)
        return _MISSED
    whole = {"image": UF2_SHA256[digest_of(uf2)], "emulator": f"{EMULATOR} {EMULATOR_VERSION}"}
    if arguments.json:
        print(json.dumps({**whole, "roles": reports}, indent=1))
    else:
        print("\n".join([f"{whole['image']} on {whole['emulator']}, seconds of its own time", *map(_row, reports)]))
    return _MISSED if any(report["missed"] for report in reports) else 0


def build_parser() -> argparse.ArgumentParser:
    """The arguments."""
    parser = argparse.ArgumentParser(
        prog="gate bench flash", description="How long flashing takes, on an emulated RP2040 in its own time."
    )
    parser.add_argument("--uf2", type=Path, help="MicroPython image (default: a known one in the user's cache)")
    parser.add_argument("--role", choices=sorted(IDLE), help="only this role")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser


def _row(report: dict[str, Any]) -> str:
    parts = [
        f"{report['role']}: {report['files']} files, {report['bytes']} bytes",
        f"all of it {report['full_s']:.2f}",
        f"unchanged {report['unchanged_running_s']:.2f} from the running control",
        f"{report['unchanged_at_its_prompt_s']:.2f} from its prompt",
        f"one file {report['one_file_s']:.2f}",
    ]
    return "; ".join([*parts, *(f"MISSED: {text}" for text in report["missed"])])
