"""What may be removed, what never is, and what proves that it was there."""

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest

from edge.journal import retention
from edge.journal.checkpoint import CHECKPOINT, records_digest
from edge.journal.retention import Limits
from edge.journal.signing import GateKey
from edge.journal.store import JournalStore
from edge.journal.writer import JournalWriter, Retention
from edge.model import Record

_DAY_MS = 86_400_000
_KEY = GateKey(bytes(range(32)))
_BY_AGE = Limits(keep_days=10, keep_mb=1_000_000)
_BY_SIZE = Limits(keep_days=36_500, keep_mb=0)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PAGE", 4)
    monkeypatch.setattr(retention, "KEPT_NEWEST", 2)


def _store(path: Path, days: list[int], acked: int | None = None) -> JournalStore:
    """One record for each of `days`, the first `acked` of them acknowledged (all by default)."""
    store = JournalStore(path / "journal.db")
    store.append([Record("passed", "L1", "", {"n": n}, day * _DAY_MS) for n, day in enumerate(days)])
    store.append([], acked={"transaction": len(days) if acked is None else acked})
    return store


def _remove(store: JournalStore, limits: Limits, day: int = 100, *, is_clock_good: bool = True) -> list[int]:
    """Remove until nothing more goes; how many went each time."""
    removed = []
    while count := store.remove_page(limits, _KEY, day * _DAY_MS, is_clock_good=is_clock_good):
        removed.append(count)
    assert store.verify([_KEY.public]) == ""
    return removed


def test_old_records_go_under_signed_checkpoints_and_the_chain_goes_on(tmp_path: Path) -> None:
    store = _store(tmp_path, [1, 2, 3, 4, 5, 6, 99, 100])
    removed = store.tail(8)[:6]
    assert _remove(store, _BY_AGE) == [4, 2]
    kept = store.tail(8)
    assert [(record.seq, record.kind) for record in kept] == [(n, "passed") for n in (7, 8)] + [
        (9, CHECKPOINT),
        (10, CHECKPOINT),
    ]
    told = [json.loads(record.data) for record in kept[2:]]
    assert [(data["first"], data["last"], data["reason"]) for data in told] == [(1, 4, "age"), (5, 6, "age")]
    assert [data["digest"] for data in told] == [records_digest(removed[:4]), records_digest(removed[4:])]
    store.close()
    again = JournalStore(tmp_path / "journal.db")
    assert again.append([Record("passed", "", "", {}, 0)]) == 11
    assert again.verify([_KEY.public]) == ""
    assert again.lane_counts() == {("L1", "passed"): 8}


def test_what_the_platform_does_not_have_stays_however_old_and_large(tmp_path: Path) -> None:
    store = _store(tmp_path, [1] * 12, acked=3)
    assert _remove(store, _BY_AGE) == [3]
    assert _remove(store, _BY_SIZE) == []
    assert store.tail(20)[0].seq == 4


def test_a_class_without_acknowledgements_holds_its_records_and_those_behind(tmp_path: Path) -> None:
    store = JournalStore(tmp_path / "journal.db")
    kinds = ["passed", "passed", "device_event", "passed", "passed", "passed", "passed"]
    store.append([Record(kind, "", "", {}, 0) for kind in kinds], acked={"transaction": 6})
    assert _remove(store, Limits(1, 0)) == [2]


def test_the_newest_always_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "KEPT_NEWEST", 6)
    store = _store(tmp_path, [1] * 9)
    assert store.remove_page(_BY_AGE, _KEY, 100 * _DAY_MS, is_clock_good=True) == 3
    assert store.tail(99)[0].seq == 4


def test_a_journal_that_stays_too_large_is_not_turned_over_and_over(tmp_path: Path) -> None:
    store = _store(tmp_path, [100] * 13)
    assert _remove(store, _BY_SIZE) == [4, 4, 4]
    assert store.last_seq == 16


def test_a_few_old_records_wait_until_a_page_is_full_but_no_more_than_a_day(tmp_path: Path) -> None:
    store = _store(tmp_path, [50, 50, 60, 60, 60])
    assert _remove(store, _BY_AGE, day=60) == []
    assert store.remove_page(_BY_AGE, _KEY, 61 * _DAY_MS + 1, is_clock_good=True) == 2


def test_a_clock_that_cannot_be_believed_removes_nothing_by_age(tmp_path: Path) -> None:
    store = _store(tmp_path, [1] * 9)
    assert _remove(store, _BY_AGE, day=20_000, is_clock_good=False) == []
    assert _remove(store, _BY_SIZE, is_clock_good=False) != []


def test_a_record_from_the_future_holds_nothing_up(tmp_path: Path) -> None:
    store = _store(tmp_path, [1, 9999, 1, 1, 99, 99])
    assert _remove(store, _BY_AGE) == [4]


def test_a_clock_set_back_removes_nothing_that_is_young(tmp_path: Path) -> None:
    store = _store(tmp_path, [100, 100, 3, 3, 3, 3, 3])
    assert _remove(store, _BY_AGE, day=3) == []


async def test_a_running_journal_removes_page_by_page_and_its_account_balances(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    writer = JournalWriter(path, retention=Retention(_BY_SIZE, _KEY), care_every_s=0.01)
    runner, removed = asyncio.create_task(writer.run()), asyncio.Event()
    writer.listeners.append(lambda: removed.set() if writer.removed >= 12 else None)
    await writer.append([Record("passed", "", "", {}, 0) for _ in range(20)])
    writer.acknowledge("transaction", 20)
    async with asyncio.timeout(20):
        await removed.wait()
    assert writer.ledger()["transaction"].difference == 0
    assert await writer.append([Record("passed", "", "", {}, 0)]) == writer.last_seq
    assert await writer.close(runner)
    store = JournalStore(path)
    assert store.verify([_KEY.public]) == ""
    assert store.ledgers["transaction"].difference == 0
    assert store.usage().first_seq == writer.removed + 1


def test_old_records_of_a_migrated_journal_go_in_pages_too(tmp_path: Path) -> None:
    from tests.edge.journal.test_migration import write_format_1

    path = tmp_path / "journal.db"
    write_format_1(path, acked_seq=6)
    store = JournalStore(path, may_migrate=True)
    store.append([Record("passed", "", "", {}, 0)] * 8, acked={"transaction": 9, "event": 3})
    assert store.remove_page(_BY_SIZE, _KEY, 0, is_clock_good=True) == 4
    assert store.verify([_KEY.public]) == ""
    db = sqlite3.connect(path)
    db.execute("UPDATE records SET class_seq = class_seq + 10 WHERE seq = 5")
    db.commit()
    assert store.verify([_KEY.public]) != ""
    db.execute("UPDATE records SET class_seq = class_seq - 10 WHERE seq = 5")
    db.commit()
    assert _remove(store, _BY_SIZE) != []
