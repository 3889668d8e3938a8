"""`gate bench faults`: the fault table, as a table or as JSON.

Knows: the rows, the targets. Must not know: how a row is run. Exit code: 0 every row clean and in time, 1 one is not,
2 wrong words, 3 some were blocked and the rest is clean.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import Any

from hil.bench.children import BenchError
from hil.bench.contender import BlockedError
from hil.bench.fault_rig import Traffic
from hil.bench.fault_rows import ROWS, Row
from hil.bench.faults import run_row

_MISSED, _BLOCKED = 1, 3


def main(argv: list[str]) -> int:
    """Run the words after `gate bench faults`; returns the exit code."""
    options = build_parser().parse_args(argv)
    rows = [row for row in ROWS if not options.row or row.name in options.row]
    reports = []
    for row in rows:
        print(f"bench: {row.name}: {row.sentence}", file=sys.stderr)
        reports.append(_run(row, row.sample if options.sample else 1.0))
        if not options.json:
            print(_line(reports[-1]), flush=True)
    if options.json:
        print(json.dumps({"rows": reports}, indent=1))
    if any(not report["ok"] and "blocked" not in report for report in reports):
        return _MISSED
    return _BLOCKED if any("blocked" in report for report in reports) else 0


def _run(row: Row, share: float) -> dict[str, Any]:
    try:
        return asyncio.run(run_row(row, Traffic(), share))
    except BlockedError as error:
        return {"row": row.name, "what": row.sentence, "ok": False, "blocked": str(error)}
    except BenchError as error:
        return {"row": row.name, "what": row.sentence, "ok": False, "problems": [str(error)], "classes": {}}


def _line(report: dict[str, Any]) -> str:
    if "blocked" in report:
        return f"{report['row']}: BLOCKED: {report['blocked']}"
    counts = "; ".join(
        f"{name} {each['delivered']}/{each['produced']} delivered, {each['lost']} lost, {each['duplicated']} twice, "
        f"{each['out_of_order']} out of order"
        for name, each in report["classes"].items()
    )
    times = ", ".join(
        f"{name} {report[f'{name}_s']} s" for name in ("noticed", "resumed", "drained") if _has(report, name)
    )
    return f"{report['row']}: {'ok' if report['ok'] else 'FAILED'}: {counts}; {times}{_problems(report)}"


def _has(report: dict[str, Any], name: str) -> bool:
    return report.get(f"{name}_s") is not None


def _problems(report: dict[str, Any]) -> str:
    return "".join(f"\n  {problem}" for problem in report["problems"])


def build_parser() -> argparse.ArgumentParser:
    """The arguments."""
    parser = argparse.ArgumentParser(
        prog="gate bench faults", description="Fail the hub's link, broker, disk and clock, and count what was lost."
    )
    names = [row.name for row in ROWS]
    parser.add_argument("--row", action="append", choices=names, metavar="NAME", help=f"only this: {', '.join(names)}")
    parser.add_argument("--sample", action="store_true", help="every row in a fraction of its time")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser
