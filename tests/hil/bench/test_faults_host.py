"""A sample of the fault table with real processes: whatever fails, both ends have the same afterwards.

Everything is in seconds of real time, so the faults are short here; `gate bench faults` has them at their length.
"""

import asyncio
from typing import Any

import pytest

from hil.bench.contender import BlockedError
from hil.bench.fault_rig import Traffic
from hil.bench.fault_rows import ROWS
from hil.bench.faults import run_row

_ROWS = {row.name: row for row in ROWS}
_QUICK = ("cut_20s", "hole_30s", "hub_kill", "clock_step")
TRAFFIC = Traffic(events_per_s=5.0, requests_per_s=5.0, devices=3, registers=10)


def _content(name: str) -> dict[str, Any]:
    """What both ends came to; how long it took is told by the bench, not judged on a machine under test."""
    row = _ROWS[name]
    try:
        report = asyncio.run(run_row(row, TRAFFIC, row.sample))
    except BlockedError as error:
        pytest.skip(f"BLOCKED: {error}")
    late = ("noticed after", "went on after")
    problems = [problem for problem in report["problems"] if not problem.startswith(late)]
    assert problems == []
    assert all(each["delivered"] for each in report["classes"].values())
    return report


@pytest.mark.parametrize("name", _QUICK)
def test_nothing_is_lost_or_told_twice_in_a_short_fault(name: str) -> None:
    _content(name)


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in _ROWS if name not in _QUICK])
def test_nothing_is_lost_or_told_twice_in_the_other_faults(name: str) -> None:
    _content(name)
