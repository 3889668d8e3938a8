"""Group commit: durability is awaited, a refusing disk is named, waited for, and its losses told."""

import asyncio
import errno
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge.journal.disk_mode import DiskMode
from edge.journal.records import Draft
from edge.journal.reserve import ROW_SIZE, SPARE_SIZE, STEP_ROWS
from edge.journal.store import JournalStore
from edge.journal.writer import JournalWriter
from edge.model import Record


def _record(number: int) -> Record:
    return Record("device_event", "", "barrier-1", {"number": number}, number)


class _Disk:
    """Lets the store's append fail for as long as `reason` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reason = ""
        self.tries = asyncio.Semaphore(0)
        loop = asyncio.get_running_loop()
        real = JournalStore.append_drafts

        def append(store: JournalStore, drafts: Sequence[Draft], *rest: Any) -> int:
            loop.call_soon_threadsafe(self.tries.release)
            if self.reason:
                raise sqlite3.OperationalError(self.reason)
            return real(store, drafts, *rest)

        monkeypatch.setattr(JournalStore, "append_drafts", append)


async def test_many_appends_are_durable_and_numbered_in_order(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "journal.db")
    runner = asyncio.create_task(writer.run())
    await asyncio.gather(*(writer.append([_record(number)]) for number in range(50)))
    assert await writer.close(runner)
    store = JournalStore(tmp_path / "journal.db")
    assert [json.loads(record.data)["number"] for record in store.tail(50)] == list(range(50))
    assert store.verify() == ""


async def test_a_full_disk_is_named_and_everything_kept_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = _Disk(monkeypatch)
    writer = JournalWriter(tmp_path / "journal.db", retry_s=0.001)
    runner = asyncio.create_task(writer.run())
    disk.reason = "database or disk is full"
    waiting = asyncio.create_task(writer.append([_record(1)], {"lane-1": "s"}))
    for _ in range(3):
        await disk.tries.acquire()
    assert writer.degraded == "database or disk is full"
    assert writer.write_errors >= 2
    assert not waiting.done()
    disk.reason = ""
    assert await waiting == 2
    assert (writer.degraded, writer.mode) == ("", DiskMode.NORMAL)
    assert await writer.close(runner)
    kept, told = JournalStore(tmp_path / "journal.db").tail(10)
    assert (kept.kind, told.kind, told.record_class) == ("device_event", "attention", "transaction")
    data = json.loads(told.data)
    assert (data["reason"], data["error"], data["kept"]) == ("journal_degraded", "database or disk is full", 1)


async def test_what_memory_cannot_hold_is_counted_and_the_loss_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = _Disk(monkeypatch)
    writer = JournalWriter(tmp_path / "journal.db", retry_s=0.001, pending_max=3)
    runner = asyncio.create_task(writer.run())
    disk.reason = "attempt to write a readonly database"
    taken = [writer.post([_record(number)]) for number in range(5)]
    assert taken == [True, True, True, False, False]
    await disk.tries.acquire()
    disk.reason = ""
    assert await writer.close(runner)
    tail = JournalStore(tmp_path / "journal.db").tail(10)
    assert [record.kind for record in tail] == ["device_event"] * 3 + ["attention"] * 2
    assert json.loads(tail[-1].data) == {"reason": "journal_records_lost", "count": 2, "classes": {"event": 2}}
    assert writer.records_lost == 2


async def test_the_acknowledgement_is_kept_and_never_moves_back(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "journal.db")
    runner = asyncio.create_task(writer.run())
    await writer.append([_record(1), _record(2)])
    for seq in (2, 1, 3):
        writer.acknowledge("event", seq)
    assert await writer.close(runner)
    assert JournalStore(tmp_path / "journal.db").acked == {"event": 2}


async def test_a_record_that_is_no_json_is_refused_at_its_maker(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "journal.db")
    with pytest.raises(TypeError):
        await writer.append([Record("passed", "", "", {"what": object()}, 0)])
    writer.shut()


async def test_a_commit_that_landed_though_it_failed_is_not_written_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, fail = JournalStore.append_drafts, [True]

    def append(store: JournalStore, drafts: Sequence[Draft], *rest: Any) -> int:
        seq = real(store, drafts, *rest)
        if fail.pop() if fail else False:
            raise sqlite3.OperationalError("disk I/O error")
        return seq

    monkeypatch.setattr(JournalStore, "append_drafts", append)
    writer = JournalWriter(tmp_path / "journal.db", retry_s=0.001)
    runner = asyncio.create_task(writer.run())
    assert await writer.append([_record(1)]) == 1
    assert [ledger.difference for ledger in writer.ledger().values()] == [0, 0]
    assert await writer.close(runner)
    assert [record.seq for record in JournalStore(tmp_path / "journal.db").tail(9)] == [1]


@pytest.mark.parametrize(("is_older", "said"), [(True, "record 1 was durable and is gone"), (False, "is gone; stop")])
async def test_a_disk_that_forgot_what_was_durable_is_not_written_to(tmp_path: Path, is_older: bool, said: str) -> None:
    path = tmp_path / "journal.db"
    writer = JournalWriter(path, retry_s=0.001)
    runner = asyncio.create_task(writer.run())
    await writer.append([_record(1)])
    await writer._in_thread(writer._store.close)  # the next write fails
    path.unlink()
    if is_older:
        JournalStore(path).close()
    waiting = asyncio.create_task(writer.append([_record(2)]))
    while writer.mode != DiskMode.DAMAGED:  # noqa: ASYNC110 - nothing tells of it, so it is asked
        await asyncio.sleep(0.001)
    assert said in writer.degraded
    assert path.exists() == is_older
    assert not waiting.done()
    waiting.cancel()
    runner.cancel()
    writer.shut()


async def test_the_ledger_balances_at_every_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = _Disk(monkeypatch)
    writer = JournalWriter(tmp_path / "journal.db", retry_s=0.001, pending_max=3)

    def account() -> tuple[int, ...]:
        ledger = writer.ledger()["event"]
        assert ledger.difference == 0
        return ledger.produced, ledger.acknowledged, ledger.stored, ledger.pending, ledger.lost

    disk.reason = "database or disk is full"
    runner = asyncio.create_task(writer.run())
    for number in range(5):
        writer.post([_record(number)])
    assert account() == (5, 0, 0, 3, 2)
    await disk.tries.acquire()
    assert account() == (5, 0, 0, 3, 2)
    disk.reason = ""
    await writer.append([])
    assert account() == (5, 0, 3, 0, 2)
    writer.acknowledge("event", 2)
    await writer.append([])
    assert account() == (5, 2, 1, 0, 2)
    assert await writer.close(runner)
    again = JournalStore(tmp_path / "journal.db").ledgers["event"]
    assert (again.produced, again.acknowledged, again.stored, again.lost) == (5, 2, 1, 2)


async def test_memory_that_waits_for_the_disk_is_bounded_in_size_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = _Disk(monkeypatch)
    monkeypatch.setattr("edge.journal.pending.PENDING_SIZE_MAX", 10_000)
    writer = JournalWriter(tmp_path / "journal.db", retry_s=0.001)
    disk.reason = "database or disk is full"
    runner = asyncio.create_task(writer.run())
    large = Record("device_event", "", "", {"text": "x" * 4000}, 0)
    assert [writer.post([large]) for _ in range(5)] == [True, True, True, False, False]
    disk.reason = ""
    await writer.append([])
    assert writer.post([large])
    assert await writer.close(runner)


async def test_losses_of_a_class_without_a_record_are_in_its_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = _Disk(monkeypatch)
    writer = JournalWriter(tmp_path / "journal.db", retry_s=0.001, pending_max=1)
    disk.reason = "database or disk is full"
    runner = asyncio.create_task(writer.run())
    assert writer.post([Record("passed", "", "", {}, 0)])
    assert not writer.post([_record(1)])
    disk.reason = ""
    await writer.append([])
    assert await writer.close(runner)
    ledgers = JournalStore(tmp_path / "journal.db").ledgers
    assert (ledgers["event"].produced, ledgers["event"].lost, ledgers["event"].difference) == (1, 1, 0)


async def test_a_read_that_fails_too_does_not_rename_the_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = _Disk(monkeypatch)
    writer = JournalWriter(tmp_path / "journal.db", retry_s=0.001)
    disk.reason = "database or disk is full"
    runner = asyncio.create_task(writer.run())
    writer.post([_record(1)])
    await disk.tries.acquire()
    await disk.tries.acquire()

    def refuse(*_: Any) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(JournalStore, "class_records_after", refuse)
    assert await writer.class_records_after("event", 0, 9) == []
    assert writer.degraded == "database or disk is full"
    disk.reason = ""
    assert await writer.close(runner)


async def test_a_read_that_failed_once_is_made_good_though_nobody_writes_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = _Disk(monkeypatch)
    writer = JournalWriter(tmp_path / "journal.db", care_every_s=3600, retry_s=0.001)
    runner = asyncio.create_task(writer.run())
    await writer.append([_record(1)])
    await disk.tries.acquire()
    await writer._in_thread(lambda: None)  # behind the look at retention and reserve

    def refuse(*_: Any) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(JournalStore, "class_records_after", refuse)
        assert await writer.class_records_after("event", 0, 9) == []
    assert writer.degraded == "disk I/O error"
    await asyncio.wait_for(disk.tries.acquire(), 5)
    assert await writer.append([]) == 2
    assert writer.degraded == ""
    assert await writer.close(runner)


async def test_a_landed_commit_is_still_known_after_the_file_could_not_be_opened_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, fails, refusals = JournalStore.append_drafts, [True], [True, True]

    def append(store: JournalStore, drafts: Sequence[Draft], *rest: Any) -> int:
        seq = real(store, drafts, *rest)
        if fails.pop() if fails else False:
            writer.post([_record(2)])  # comes while the disk is not to be had; it is not in what has landed
            raise sqlite3.OperationalError("disk I/O error")
        return seq

    open_anew = JournalWriter._open_anew

    def refuse(own: JournalWriter) -> JournalStore:
        if refusals.pop() if refusals else False:
            raise sqlite3.OperationalError("unable to open database file")
        return open_anew(own)

    writer = JournalWriter(tmp_path / "journal.db", retry_s=0.001)
    monkeypatch.setattr(JournalStore, "append_drafts", append)
    monkeypatch.setattr(JournalWriter, "_open_anew", refuse)
    loop = asyncio.get_running_loop()
    post = writer.post
    monkeypatch.setattr(writer, "post", lambda records: loop.call_soon_threadsafe(post, records))
    runner = asyncio.create_task(writer.run())
    await writer.append([_record(1)])
    assert await writer.close(runner)
    records = JournalStore(tmp_path / "journal.db").tail(9)
    assert [json.loads(record.data)["number"] for record in records if record.kind == "device_event"] == [1, 2]
    assert [ledger.difference for ledger in writer.ledger().values()] == [0, 0]


async def test_the_reserve_is_whole_after_the_start_and_costs_no_record(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    writer = JournalWriter(path, reserve_size=3 * STEP_ROWS * ROW_SIZE)
    runner = asyncio.create_task(writer.run())
    while _reserve_rows(path) < 3 * STEP_ROWS:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    assert await writer.close(runner)
    assert path.with_name("journal.db.spare").stat().st_size == SPARE_SIZE
    store = JournalStore(path)
    assert (store.last_seq, store.verify()) == (0, "")


async def test_a_quota_that_leaves_no_room_for_the_reserve_is_said_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EDQUOT, "quota exceeded")

    monkeypatch.setattr("edge.journal.reserve._write_whole", refuse)
    writer = JournalWriter(tmp_path / "journal.db", reserve_size=ROW_SIZE, care_every_s=0.001)
    runner, said = asyncio.create_task(writer.run()), asyncio.Event()
    writer.listeners.append(lambda: said.set() if writer.mode is DiskMode.LOW else None)
    await said.wait()
    assert await writer.append([_record(1)]) == 2
    assert (writer.mode, writer.degraded, writer.write_errors) == (DiskMode.LOW, "", 0)
    assert await writer.close(runner)
    told = JournalStore(tmp_path / "journal.db").tail(9)
    assert [json.loads(record.data).get("reason") for record in told] == ["journal_disk_low", None]


def _reserve_rows(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("SELECT count(*) FROM reserve").fetchone()[0])
