"""The metrics as Prometheus reads them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from edge.journal.ledger import ClassLedger, account
from edge.metrics import metric_names, metrics_text

_SAMPLE = re.compile(r'([a-z_:]+)(?:\{([a-z]+="(?:[^"\\]|\\.)*"(?:,[a-z]+="(?:[^"\\]|\\.)*")*)\})? (-?[0-9.e+-]+)')


def _status(**more: Any) -> dict[str, Any]:
    ledgers = {"event": ClassLedger(9, 4, 3, 1, 1), "telemetry": ClassLedger(8, 2, 2, expired={"budget": 3})}
    return {"uptime_s": 7, "journal": {"mode": "disk_full", "last_seq": 9}, "ledger": account(ledgers), **more}


def test_every_line_is_a_sample_or_tells_of_one() -> None:
    devices = {'odd "name\\': {"online": True, "seen_ms_ago": 1500, "poll": {"got_ms": None, "late_max_ms": 3}}}
    lines = metrics_text(_status(devices=devices)).splitlines()
    told: set[str] = set()
    for line in lines:
        if line.startswith("# "):
            told.add(line.split()[2])
        else:
            match = _SAMPLE.fullmatch(line)
            assert match, line
            assert match[1] in told, line
    assert r'smartgate_device_online{device="odd \"name\\"} 1' in lines
    assert r'smartgate_device_seen_seconds{device="odd \"name\\"} 1.5' in lines
    assert not any(line.startswith("smartgate_poll_period_seconds") for line in lines)


def test_the_account_is_told_side_by_side() -> None:
    text = metrics_text(_status())
    for line in (
        'smartgate_ledger_records{class="event",side="produced"} 9',
        'smartgate_ledger_records{class="event",side="lost"} 1',
        'smartgate_ledger_difference{class="event"} 0',
        'smartgate_ledger_difference{class="telemetry"} 1',
        'smartgate_ledger_expired_total{class="telemetry",reason="budget"} 3',
        "smartgate_ledger_balanced 0",
        'smartgate_journal_mode{mode="disk_full"} 1',
        "# TYPE smartgate_ledger_expired_total counter",
    ):
        assert line in text.splitlines()


def test_names_are_told_once_and_follow_the_rules() -> None:
    names = metric_names()
    assert len(names) == len(set(names))
    assert all(re.fullmatch("smartgate_[a-z0-9_]+", name) for name in names)


def test_a_status_without_anything_gives_no_nonsense() -> None:
    assert "None" not in metrics_text({})


def test_the_page_for_people_names_every_metric() -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/watch-a-hub.md").read_text()
    assert [name for name in metric_names() if f"| `{name}` |" not in page] == []
