"""`gate verify ROLE`: search every reachable state of a role's control core, tell what holds.

Knows: arguments, printing, exit codes. Must not know: how a search works, what a property means.
Exit codes: 0 complete and everything holds, 1 a property failed, 2 bad input, 3 not complete and nothing failed so far.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

from hil.explore.bench_file import scenario_name
from hil.explore.engine import Report, verify
from hil.explore.explicit import Explicit, verify_all
from hil.explore.model import Model
from hil.explore.values import ModelError

EXIT_HOLDS, EXIT_VIOLATED, EXIT_BAD_INPUT, EXIT_INCOMPLETE = 0, 1, 2, 3
ROLES = ("barrier", "charging_post", "rfid", "weighbridge")


def load_model(role: str) -> Model | list[Explicit]:
    """The model beside the role: firmware/proofs/<role>.py. A list is searched state by state, one after the other."""
    module = importlib.import_module(f"firmware.proofs.{role}")
    model: Model | list[Explicit] = module.build()
    return model


def search(role: str, scans_max: int) -> Report:
    """Load a role's model and search it."""
    model = load_model(role)
    return verify_all(model, _tell, scans_max) if isinstance(model, list) else verify(model, _tell, scans_max)


def main(argv: list[str]) -> int:
    """Entry of `gate verify`."""
    arguments = build_parser().parse_args(argv)
    if arguments.role not in ROLES:
        print(f"gate verify: '{arguments.role}' has no proof; expected one of {', '.join(ROLES)}", file=sys.stderr)
        return EXIT_BAD_INPUT
    try:
        report = search(arguments.role, arguments.scans)
    except ModelError as error:
        print(f"gate verify: {arguments.role}: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    written = _write_scenarios(report, arguments.out) if arguments.out else []
    if arguments.json:
        print(json.dumps(report.as_dict(), indent=1))
    else:
        _print(report, written)
    if report.violations:
        return EXIT_VIOLATED
    return EXIT_HOLDS if report.complete else EXIT_INCOMPLETE


def build_parser() -> argparse.ArgumentParser:
    """The arguments."""
    parser = argparse.ArgumentParser(
        prog="gate verify", description="Search every reachable state of a role's control core against its properties."
    )
    parser.add_argument("role", help=f"one of {', '.join(ROLES)}")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    parser.add_argument(
        "--scans", type=int, default=1000, help="stop after so many scans from power-up (default: no new state)"
    )
    parser.add_argument("--out", type=Path, help="write each violation's scenario into this directory")
    return parser


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _write_scenarios(report: Report, directory: Path) -> list[Path]:
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for each in report.violations:
        path = directory / f"{scenario_name(report.role, each['id'])}.toml"
        path.write_text(each["scenario"], encoding="utf-8")
        written.append(path)
    return written


def _print(report: Report, written: list[Path]) -> None:
    word = "complete" if report.complete else "NOT complete"
    print(f"{report.role}: {report.states} states, {report.transitions} transitions, {word}, {report.wall_s} s")
    for each in report.properties:
        print(f"  {_word(each)}  {each['id']}: {each['text']}")
    for violation in report.violations:
        print(f"\nviolation of {violation['id']}, {violation['scans']} scans from power-up:\n{violation['scenario']}")
    for path in written:
        print(f"gate hil run {path}")


def _word(entry: dict[str, Any]) -> str:
    return {True: "holds", False: "FAILS", None: "open "}[entry["holds"]]
