"""The uplink's cursor and window against a publisher in memory."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge.journal.records import StoredRecord
from edge.journal.store import JournalStore
from edge.journal.writer import JournalWriter
from edge.model import Record
from edge.northbound.pacer import Pacer, TrafficClass
from edge.northbound.records import PROBE, WINDOW, RecordUplink


class _Publisher:
    def __init__(self, *, is_acked: bool = False) -> None:
        self.is_acked = is_acked  # whether the broker answers
        self.seqs: list[int] = []
        self.published = asyncio.Event()

    def publish_acked(self, topic: str, payload: bytes) -> asyncio.Future[None]:
        assert topic == "gate/t/records"
        self.seqs.append(json.loads(payload)["seq"])
        self.published.set()
        acked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.is_acked:
            acked.set_result(None)
        return acked

    async def until(self, count: int) -> None:
        while len(self.seqs) < count:
            self.published.clear()
            await self.published.wait()


def _wide() -> Pacer:
    """A link that is never full."""
    pacer = Pacer()
    pacer.window = 1e9
    return pacer


@asynccontextmanager
async def _journal(path: Path, count: int) -> AsyncIterator[JournalWriter]:
    journal = JournalWriter(path / "journal.db")
    runner = asyncio.create_task(journal.run())
    await journal.append([Record("passed", "lane-1", "", {"n": number}, number) for number in range(count)])
    try:
        yield journal
    finally:
        await journal.close(runner)


@asynccontextmanager
async def _sending(uplink: RecordUplink, publisher: _Publisher) -> AsyncIterator[None]:
    task = asyncio.create_task(uplink.send(publisher))
    try:
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def _ack(seq: int) -> bytes:
    return json.dumps({"class": "transaction", "seq": seq}).encode()


async def test_no_more_than_the_window_is_sent_unacknowledged(tmp_path: Path) -> None:
    async with _journal(tmp_path, WINDOW + 10) as journal:
        uplink, publisher = RecordUplink(journal, "gate/t", _wide()), _Publisher()
        async with _sending(uplink, publisher):
            await publisher.until(WINDOW)
            assert publisher.seqs == list(range(1, WINDOW + 1))
            uplink.on_ack(_ack(3))
            await publisher.until(WINDOW + 3)
            assert publisher.seqs == list(range(1, WINDOW + 4))
            assert (journal.acked_count, uplink.republished) == (3, 0)


async def test_new_records_follow_at_once(tmp_path: Path) -> None:
    async with _journal(tmp_path, 1) as journal:
        uplink, publisher = RecordUplink(journal, "gate/t", _wide()), _Publisher()
        async with _sending(uplink, publisher):
            await publisher.until(1)
            await journal.append([Record("passed", "", "", {}, 1)])
            await publisher.until(2)
    assert publisher.seqs == [1, 2]


async def test_a_new_connection_starts_again_at_the_cursor(tmp_path: Path) -> None:
    async with _journal(tmp_path, 5) as journal:
        uplink = RecordUplink(journal, "gate/t", _wide())
        async with _sending(uplink, first := _Publisher()):
            await first.until(5)
            uplink.on_ack(_ack(2))
        async with _sending(uplink, second := _Publisher()):
            await second.until(3)
        assert second.seqs == [3, 4, 5]
        assert uplink.republished == 3


async def test_a_silent_platform_is_sent_everything_unacknowledged_again(tmp_path: Path) -> None:
    async with _journal(tmp_path, 3) as journal:
        uplink, publisher = RecordUplink(journal, "gate/t", _wide(), resend_after_s=0.05), _Publisher()
        async with _sending(uplink, publisher):
            await publisher.until(3)
            uplink.on_ack(_ack(1))
            await publisher.until(5)
            uplink.on_ack(_ack(3))
        assert publisher.seqs == [1, 2, 3, 2, 3]
        assert uplink.status()["backlog"] == 0


_NO_ACKS = [
    b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"seq":1}', b'{"class":"transaction"}', b'{"class":"other","seq":1}',
    b'{"class":"transaction","seq":"3"}', b'{"class":"transaction","seq":-1}', b'{"class":"transaction","seq":true}',
    b'{"class":1,"seq":1}', b'{"class":[],"seq":1}',
]  # fmt: skip


async def test_a_platform_that_stays_silent_is_asked_rarely_and_with_little(tmp_path: Path) -> None:
    async with _journal(tmp_path, 2 * PROBE) as journal:
        uplink, publisher = RecordUplink(journal, "gate/t", _wide(), resend_after_s=0.02), _Publisher()
        started = asyncio.get_running_loop().time()
        async with _sending(uplink, publisher):
            await publisher.until(2 * PROBE + 4 * PROBE)
            took = asyncio.get_running_loop().time() - started
            uplink.on_ack(_ack(1))
            await publisher.until(2 * PROBE + 4 * PROBE + 2 * PROBE - 1 - PROBE + 1)
        assert publisher.seqs[: 6 * PROBE] == [*range(1, 2 * PROBE + 1), *(4 * [*range(1, PROBE + 1)])]
        assert publisher.seqs[6 * PROBE :] == list(range(PROBE + 1, 2 * PROBE + 1))
        assert took >= 0.02 * (1 + 2 + 4 + 8)


@pytest.mark.parametrize("payload", _NO_ACKS)
async def test_what_is_no_acknowledgement_is_counted_and_ignored(tmp_path: Path, payload: bytes) -> None:
    async with _journal(tmp_path, 3) as journal:
        uplink = RecordUplink(journal, "gate/t", _wide())
        uplink.on_ack(payload)
        assert (journal.acked_count, uplink.bad_acks) == (0, 1)


async def test_an_acknowledgement_of_records_that_never_were_is_a_fault(tmp_path: Path) -> None:
    async with _journal(tmp_path, 3) as journal:
        uplink = RecordUplink(journal, "gate/t", _wide())
        uplink.on_ack(_ack(4))
        assert journal.acked_count == 0
        assert "the journal ends at 3" in uplink.status()["fault"]


def _claim(seq: int, digest: str) -> bytes:
    return json.dumps({"class": "transaction", "seq": seq, "hash": digest}).encode()


async def test_a_platform_that_knows_another_journal_acknowledges_nothing_of_this_one(tmp_path: Path) -> None:
    async with _journal(tmp_path, 3) as journal:
        uplink, publisher = RecordUplink(journal, "gate/t", _wide()), _Publisher()
        async with _sending(uplink, publisher):
            await publisher.until(3)
            uplink.on_ack(_claim(2, "0" * 64))
            while not uplink.fault:  # noqa: ASYNC110 - nothing tells of it, so it is asked
                await asyncio.sleep(0)
            assert "another transaction record 2 than this journal" in uplink.status()["fault"]
            assert (journal.acked_count, uplink.bad_acks) == (0, 1)


async def test_a_hash_that_is_the_journals_own_is_believed_also_for_what_was_not_sent_again_yet(tmp_path: Path) -> None:
    async with _journal(tmp_path, WINDOW + 5) as journal:
        (last,) = await journal.class_records_after("transaction", WINDOW + 4, 1)
        uplink, publisher = RecordUplink(journal, "gate/t", _wide()), _Publisher()
        async with _sending(uplink, publisher):
            await publisher.until(WINDOW)
            uplink.on_ack(_claim(last.class_seq, last.hash))
            await uplink.drained()
        assert (journal.acked_count, uplink.bad_acks) == (WINDOW + 5, 0)
        assert len(publisher.seqs) == WINDOW  # the rest is there already


async def test_a_transaction_does_not_wait_for_a_window_full_of_events(tmp_path: Path) -> None:
    async with _journal(tmp_path, 0) as journal:
        await journal.append([Record("device_event", "", "", {}, n) for n in range(3 * WINDOW)])
        uplink, publisher = RecordUplink(journal, "gate/t", _wide()), _Publisher()
        async with _sending(uplink, publisher):
            await publisher.until(WINDOW)
            seq = await journal.append([Record("passed", "lane-1", "", {}, 1)])
            await publisher.until(WINDOW + 1)
        assert publisher.seqs == [*range(1, WINDOW + 1), seq]


async def test_each_class_has_its_own_cursor(tmp_path: Path) -> None:
    async with _journal(tmp_path, 2) as journal:
        await journal.append([Record("device_event", "", "", {}, n) for n in range(3)])
        uplink = RecordUplink(journal, "gate/t", _wide())
        uplink.on_ack(json.dumps({"class": "event", "seq": 2}).encode())
        assert journal.acked == {"transaction": 0, "event": 2}
        assert uplink.status()["classes"]["event"] == {"produced": 3, "acked": 2, "backlog": 1}
        assert uplink.status()["backlog"] == 3


async def test_on_a_full_link_events_wait_and_a_transaction_does_not(tmp_path: Path) -> None:
    async with _journal(tmp_path, 0) as journal:
        pacer = Pacer()
        uplink, publisher = RecordUplink(journal, "gate/t", pacer), _Publisher()
        pacer.sent(TrafficClass.LIVE, int(pacer.window))
        async with _sending(uplink, publisher):
            await journal.append([Record("device_event", "", "", {}, 1)])
            await journal.append([Record("passed", "", "", {}, 1)])
            await publisher.until(1)
            assert publisher.seqs == [2]
            pacer.acked(int(pacer.window))
            await publisher.until(2)
        assert publisher.seqs == [2, 1]


async def test_a_backlog_fills_no_more_than_the_pacer_gives(tmp_path: Path) -> None:
    async with _journal(tmp_path, 60) as journal:
        pacer = Pacer()
        uplink, publisher = RecordUplink(journal, "gate/t", pacer), _Publisher()
        async with _sending(uplink, publisher):
            while pacer.room(TrafficClass.TRANSACTION):
                await publisher.until(len(publisher.seqs) + 1)
            sent = len(publisher.seqs)
            assert 0 < sent < 60
            assert pacer.under_way == pacer.sent_bytes[TrafficClass.TRANSACTION]
            pacer.acked(pacer.under_way)
            await publisher.until(sent + 1)


async def test_a_backlog_is_read_a_window_at_a_time_and_acknowledged_before_more_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, limits = 20 * WINDOW, list[int]()
    real = JournalStore.class_records_after

    def read(store: JournalStore, record_class: str, class_seq: int, limit: int) -> list[StoredRecord]:
        limits.append(limit)
        return real(store, record_class, class_seq, limit)

    monkeypatch.setattr(JournalStore, "class_records_after", read)
    async with _journal(tmp_path, count) as journal:
        uplink, publisher = RecordUplink(journal, "gate/t", _wide()), _Publisher()
        async with _sending(uplink, publisher):
            while journal.acked_count < count:
                await publisher.until(min(count, journal.acked_count + 1))
                assert len(publisher.seqs) - journal.acked_count <= WINDOW
                uplink.on_ack(_ack(len(publisher.seqs)))
        assert publisher.seqs == list(range(1, count + 1))
        assert max(limits) <= WINDOW


async def test_a_restarted_hub_sends_what_is_not_acknowledged_and_nothing_else(tmp_path: Path) -> None:
    async with _journal(tmp_path, 6) as journal:
        RecordUplink(journal, "gate/t", _wide()).on_ack(_ack(4))
    async with _journal(tmp_path, 1) as journal:
        uplink, publisher = RecordUplink(journal, "gate/t", _wide()), _Publisher()
        async with _sending(uplink, publisher):
            await publisher.until(3)
        assert publisher.seqs == [5, 6, 7]
        assert uplink.republished == 0


async def test_only_the_platforms_word_moves_a_cursor(tmp_path: Path) -> None:
    """The broker has every record, and says so; the platform has said nothing yet."""
    async with _journal(tmp_path, 3) as journal:
        uplink, publisher = RecordUplink(journal, "gate/t", _wide(), resend_after_s=0.01), _Publisher(is_acked=True)
        async with _sending(uplink, publisher):
            await publisher.until(9)
        assert (journal.acked_count, uplink.status()["backlog"]) == (0, 3)
        assert publisher.seqs[:9] == [1, 2, 3] * 3
