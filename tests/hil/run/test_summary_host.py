"""The closing account: a run is accounted for only if every truck and every record is, and each lack is told."""

from typing import Any

import pytest

from hil.run.account import IN_LANE, PASSED, TruckTruth
from hil.run.summary import Summary, summarize

FIRST = 41  # a run rarely begins with an empty journal


def _records(*kinds: str) -> list[dict[str, Any]]:
    data = {"transaction": "L1-000001", "plate": "12C12345"}
    return [{"seq": FIRST + n, "kind": kind, "lane": "L1", "data": data} for n, kind in enumerate(kinds)]


WHOLE = _records("hub_started", "transaction_opened", "identified", "passed", "transaction_closed")
TRUCK = TruckTruth(1, "L1", "12C12345", PASSED)
LAST = FIRST + len(WHOLE) - 1


def _status(last_seq: int = LAST, acked: int = LAST, lost: int = 0) -> dict[str, Any]:
    return {"journal": {"last_seq": last_seq, "records_lost": lost}, "uplink": {"acked": acked}}


def _summary(**parts: Any) -> Summary:
    usual = {"trucks": [TRUCK], "records": WHOLE, "status": _status(), "counters": {}, "hits": 0, "restarts": 0}
    return summarize(site="x", seed=1, seconds=2.04, **{**usual, **parts})


def test_a_run_with_every_truck_and_record_told_is_accounted_for() -> None:
    summary = _summary()
    assert summary.accounted
    assert (summary.trucks, summary.passed, summary.in_lane) == (1, 1, 0)
    assert (summary.records_journalled, summary.records_acknowledged) == (5, 5)
    assert summary.as_json()["accounted"] is True


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"status": {}}, "the hub did not tell its status at the end"),
        ({"status": _status(acked=LAST - 1)}, "1 of 5 records are not acknowledged yet"),
        (
            {"status": _status(LAST + 2, LAST + 2)},
            "the hub takes 7 records for acknowledged, the platform has 5",
        ),
        ({"status": _status(lost=3)}, "3 records were lost because the journal could not be written"),
        ({"hits": 1}, "the boom touched a truck 1 times"),
        ({"trucks": []}, "L1: transaction L1-000001 belongs to no truck"),
        (
            {"trucks": [TruckTruth(1, "L1", "12C12345", IN_LANE)]},
            "L1-000001: the field saw truck 1 in_lane, the records say passed",
        ),
        ({"trucks": [], "records": []}, "the platform has no record of this run, not even that the hub started"),
    ],
)
def test_whatever_does_not_add_up_is_told(parts: dict[str, Any], told: str) -> None:
    summary = _summary(**parts)
    assert summary.problems == (told,)
    assert not summary.accounted


def test_a_run_without_records_counts_none_of_an_earlier_run() -> None:
    summary = _summary(trucks=[], records=[])
    assert (summary.records_journalled, summary.records_acknowledged) == (0, 0)


def test_errors_of_both_sides_are_added_up() -> None:
    counters = {"poll_cycles": 7, "crc_errors_hub": 2, "crc_errors_device": 3, "scan_overruns": 4}
    summary = _summary(counters=counters)
    assert (summary.poll_cycles, summary.crc_errors, summary.scan_overruns) == (7, 5, 4)
