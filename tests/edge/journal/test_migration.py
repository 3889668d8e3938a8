"""A journal of format 1 becomes one of format 2: every record and hash stays, the classes are chained."""

import asyncio
import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from edge.journal.database import MIGRATED, JournalError
from edge.journal.records import canonical_json
from edge.journal.store import JournalStore
from edge.journal.writer import JournalWriter
from edge.model import Record

_KINDS = ("hub_started", "device_event", "passed", "device_event", "tag_read", "passed")
_SCHEMA_1 = """
CREATE TABLE records (
    seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, kind TEXT NOT NULL, lane TEXT NOT NULL,
    device TEXT NOT NULL, data TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL);
CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL);
CREATE TABLE uplink (one INTEGER PRIMARY KEY CHECK (one = 1), acked_seq INTEGER NOT NULL);
CREATE TABLE lane_states (lane TEXT PRIMARY KEY, state TEXT NOT NULL);
CREATE TABLE device_cursors (device TEXT PRIMARY KEY, boot_count INTEGER NOT NULL, sequence INTEGER NOT NULL);
PRAGMA user_version=1;
"""


def write_format_1(path: Path, acked_seq: int) -> list[str]:
    """A journal as the first hubs wrote it; its hashes."""
    db = sqlite3.connect(path)
    db.executescript(_SCHEMA_1)
    prev, hashes = "0" * 64, []
    for seq, kind in enumerate(_KINDS, start=1):
        members = {"seq": seq, "time": seq, "kind": kind, "lane": "L1", "device": "", "data": {"n": seq}, "prev": prev}
        own = hashlib.sha256(canonical_json(members).encode()).hexdigest()
        row = (seq, seq, kind, "L1", "", canonical_json({"n": seq}), prev, own)
        db.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        hashes.append(prev := own)
    db.execute("INSERT INTO head VALUES (1, ?, ?)", (len(_KINDS), prev))
    db.execute("INSERT INTO uplink VALUES (1, ?)", (acked_seq,))
    db.execute("INSERT INTO lane_states VALUES ('L1', 'state')")
    db.execute("INSERT INTO device_cursors VALUES ('barrier-1', 7, 42)")
    db.commit()
    db.close()
    return hashes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def test_records_hashes_states_and_cursors_come_through(path: Path) -> None:
    hashes = write_format_1(path, acked_seq=3)
    store = JournalStore(path, may_migrate=True)
    assert [record.hash for record in store.tail(100)][:-1] == hashes
    assert store.tail(1)[0].kind == MIGRATED
    assert store.acked == {"transaction": 2, "event": 1}
    assert (store.lane_states(), store.device_cursors()) == ({"L1": "state"}, {"barrier-1": (7, 42)})
    assert store.lane_counts()["L1", "passed"] == 2
    assert [ledger.difference for ledger in store.ledgers.values()] == [0, 0]
    assert store.verify() == ""


def test_numbers_go_on_behind_the_migration(path: Path) -> None:
    write_format_1(path, acked_seq=0)
    store = JournalStore(path, may_migrate=True)
    store.append([Record("device_event", "", "", {}, 9)])
    assert [(r.seq, r.record_class, r.class_seq) for r in store.tail(2)] == [(7, "transaction", 4), (8, "event", 4)]
    store.close()
    assert JournalStore(path).verify() == ""


def test_an_old_record_is_published_with_what_its_hash_does_not_cover(path: Path) -> None:
    write_format_1(path, acked_seq=0)
    published = json.loads(JournalStore(path, may_migrate=True).tail(7)[1].payload())
    assert (published.pop("class"), published.pop("class_seq"), published.pop("form")) == ("event", 1, 1)
    claimed = published.pop("hash")
    assert hashlib.sha256(canonical_json(published).encode()).hexdigest() == claimed


def test_swapped_classes_of_old_records_are_found(path: Path) -> None:
    write_format_1(path, acked_seq=0)
    store = JournalStore(path, may_migrate=True)
    db = sqlite3.connect(path)  # event 2 and transaction 2 change places; every number of a class is still there once
    db.execute("UPDATE records SET class = 'x' WHERE seq = 3")
    db.execute("UPDATE records SET class = 'transaction' WHERE seq = 4")
    db.execute("UPDATE records SET class = 'event' WHERE seq = 3")
    db.commit()
    assert store.verify().startswith("records 1 to 6 were altered")


def test_whoever_only_reads_does_not_migrate(path: Path) -> None:
    write_format_1(path, acked_seq=0)
    with pytest.raises(JournalError, match="start the hub of this site once"):
        JournalStore(path)
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (1,)


def test_a_broken_old_chain_is_not_migrated(path: Path) -> None:
    write_format_1(path, acked_seq=0)
    db = sqlite3.connect(path)
    db.execute("UPDATE records SET lane = 'L2' WHERE seq = 4")
    db.commit()
    with pytest.raises(JournalError, match="record 4 was altered"):
        JournalStore(path, may_migrate=True)
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert db.execute("SELECT count(*) FROM records").fetchone() == (6,)


def test_a_newer_format_is_refused(path: Path) -> None:
    sqlite3.connect(path).execute("PRAGMA user_version=3")
    with pytest.raises(JournalError, match="journal format 3 is unknown"):
        JournalStore(path, may_migrate=True)


async def test_a_hub_that_starts_brings_the_journal_to_the_new_format_and_goes_on(path: Path) -> None:
    write_format_1(path, acked_seq=2)
    writer = JournalWriter(path)
    runner = asyncio.create_task(writer.run())
    assert (writer.acked, writer.last_seq) == ({"transaction": 1, "event": 1}, 7)
    assert await writer.append([Record("passed", "L1", "", {}, 9)]) == 8
    assert [ledger.difference for ledger in writer.ledger().values()] == [0, 0]
    assert await writer.close(runner)
    assert JournalStore(path).verify() == ""
