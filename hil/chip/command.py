"""`gate bench chip`: measures the deployed roles on an emulated RP2040 and prints a table or JSON.

Exit code: 0 every target met, 1 one missed or the device failed, 2 wrong words or image, 3 blocked: something is not
installed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from edge.boards.images import UF2_SHA256, digest_of
from hil.chip.bench import Plan, measure
from hil.chip.emulator import EMULATOR, EMULATOR_VERSION, find_uf2
from hil.chip.field import IDLE
from hil.targets.target import BlockedError, TargetError, UsageError

_MISSED, _BAD_INPUT, _BLOCKED = 1, 2, 3


def main(argv: list[str]) -> int:
    """Run the words after `gate bench`; returns the exit code."""
    arguments = build_parser().parse_args(argv)
    roles = [arguments.role] if arguments.role else sorted(IDLE)
    plan = Plan(arguments.scan_seconds, arguments.events, arguments.heap_minutes)
    try:
        uf2 = find_uf2(arguments.uf2)
        with tempfile.TemporaryDirectory() as out:
            reports = [measure(uf2, role, Path(out), plan) for role in roles]
    except BlockedError as error:
        print(f"BLOCKED: {error}", file=sys.stderr)
        return _BLOCKED
    except UsageError as error:
        print(f"gate: {error}", file=sys.stderr)
        return _BAD_INPUT
    except TargetError as error:
        print(f"gate: {error}", file=sys.stderr)
        return _MISSED
    whole = {"image": _image_name(uf2), "emulator": f"{EMULATOR} {EMULATOR_VERSION}"}
    if arguments.json:
        print(json.dumps({**whole, "roles": reports}, indent=1))
    else:
        print("\n".join([f"{whole['image']} on {whole['emulator']}", *map(_row, reports)]))
    return _MISSED if any(report["missed"] for report in reports) else 0


def build_parser() -> argparse.ArgumentParser:
    """The arguments."""
    parser = argparse.ArgumentParser(prog="gate bench", description="Measure the firmware where it will run.")
    parser.add_argument("what", choices=["chip"], help="an emulated RP2040")
    parser.add_argument("--uf2", type=Path, help="MicroPython image (default: a known one in the user's cache)")
    parser.add_argument("--role", choices=sorted(IDLE), help="only this role")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument(
        "--scan-seconds", type=int, default=Plan.scan_s, help="how long to watch scans (default: %(default)s)"
    )
    parser.add_argument(
        "--events", type=int, default=Plan.events, help="obstacles before the boom (default: %(default)s)"
    )
    parser.add_argument(
        "--heap-minutes", type=int, default=Plan.heap_minutes, help="minutes of the chip's time (default: %(default)s)"
    )
    return parser


def _image_name(uf2: Path) -> str:
    return UF2_SHA256[digest_of(uf2)]


def _row(report: dict[str, Any]) -> str:
    scan = report["scan_us"]
    undriven = max(report["reset"]["undriven_ms"].values())
    parts = [
        f"{report['role']}: {report['clock_hz'] // 1_000_000} MHz",
        f"first scan after {report['boot_to_first_scan_ms']:.0f} ms",
        f"scan {scan['median']}/{scan['p99']}/{scan['max']} us (median/p99/max)",
        f"outputs undriven {undriven:.1f} ms after a reset",
    ]
    if "reaction_us" in report:
        parts.append(f"reaction {report['reaction_us']['median']}/{report['reaction_us']['max']} us (median/max)")
    if "heap" in report:
        heap = report["heap"]
        parts.append(f"heap {heap['in_use']} in use, {heap['free']} free, growth {heap['growth']}")
    parts += [f"MISSED: {text}" for text in report["missed"]]
    return "; ".join(parts)
