"""The journal store: numbering, the chain, and what a damaged file is told by."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from edge.journal.database import JournalError
from edge.journal.records import ChainPosition, canonical_json, digest, encode, seal
from edge.journal.store import JournalStore
from edge.model import Record

_WRITER = """
import sys
from pathlib import Path
from edge.journal.store import JournalStore
from edge.model import Record
store = JournalStore(Path(sys.argv[1]))
print("open", flush=True)
while True:
    number = store.last_seq + 1
    seq = store.append([Record("passed", "lane-1", "", {"n": number}, number)], {"lane-1": str(number)})
    print(seq, flush=True)
"""


def _record(number: int) -> Record:
    return Record("passed", "lane-1", "", {"number": number, "bảng": "số"}, 1000 + number)


def _filled(path: Path, count: int) -> JournalStore:
    store = JournalStore(path)
    store.append([_record(number) for number in range(1, count + 1)])
    return store


def _damage(path: Path, statement: str) -> None:
    db = sqlite3.connect(path)
    db.execute(statement)
    db.commit()
    db.close()


def test_numbers_start_at_one_and_continue_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    store = _filled(path, 3)
    store.close()
    again = JournalStore(path)
    assert again.append([_record(4)]) == 4
    assert [record.seq for record in again.tail(10)] == [1, 2, 3, 4]
    assert again.verify() == ""


def test_lane_states_cursors_and_acknowledgement_survive(tmp_path: Path) -> None:
    store = JournalStore(tmp_path / "journal.db")
    store.append([_record(1)], {"lane-1": "state"}, {"barrier-1": (7, 42)}, {"transaction": 1})
    store.close()
    again = JournalStore(tmp_path / "journal.db")
    assert again.lane_states() == {"lane-1": "state"}
    assert again.device_cursors() == {"barrier-1": (7, 42)}
    assert again.acked == {"transaction": 1}


def test_a_failing_append_writes_nothing(tmp_path: Path) -> None:
    store = _filled(tmp_path / "journal.db", 2)
    with pytest.raises(sqlite3.Error):
        store.append([_record(3)], {"lane-1": object()})  # type: ignore[dict-item]
    assert store.last_seq == 2
    assert store.append([_record(3)]) == 3
    assert store.verify() == ""


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE records SET data = '{\"number\":99}' WHERE seq = 3", "record 3 was altered"),
        ("UPDATE records SET data = 'no json' WHERE seq = 3", "record 3 was altered"),
        ("UPDATE records SET time_ms = 5 WHERE seq = 1", "record 1 was altered"),
        ("DELETE FROM records WHERE seq = 4", "record 4 is missing"),
        ("DELETE FROM records WHERE seq = 1", "record 1 is missing"),
        ("DELETE FROM records WHERE seq >= 5", "record 5 is missing"),
        ("DELETE FROM records", "record 1 is missing"),
    ],
)
def test_an_altered_or_deleted_record_is_named(tmp_path: Path, statement: str, found: str) -> None:
    path = tmp_path / "journal.db"
    store = _filled(path, 6)
    _damage(path, statement)
    assert store.verify().startswith(found)
    store.close()
    if "seq = 1" not in statement or "UPDATE" in statement:
        with pytest.raises(JournalError, match=found):
            JournalStore(path)


def test_a_record_replaced_with_a_fitting_hash_breaks_the_next(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    store = _filled(path, 3)
    first = store.tail(3)[0]
    behind = ChainPosition(1, first.hash, {"transaction": 1})
    forged = seal(encode(Record("passed", "lane-9", "", {}, 1)), behind)
    assert digest(forged) == forged.hash
    db = sqlite3.connect(path)
    db.execute(
        "UPDATE records SET time_ms=?, lane=?, data=?, hash=? WHERE seq=2",
        (forged.time_ms, forged.lane, forged.data, forged.hash),
    )
    db.commit()
    db.close()
    assert store.verify().startswith("record 3 does not follow record 2")


def test_a_file_that_is_no_journal_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 40)
    with pytest.raises(JournalError, match="cannot be opened"):
        JournalStore(path)


def test_a_published_record_carries_all_that_its_hash_covers(tmp_path: Path) -> None:
    store = _filled(tmp_path / "journal.db", 1)
    members = store.tail(1)[0].members()
    claimed = members.pop("hash")
    import hashlib

    assert hashlib.sha256(canonical_json(members).encode()).hexdigest() == claimed


def test_a_killed_writer_leaves_no_gap_and_loses_nothing_it_reported(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    reported = 0
    for lines_read in (1, 7, 20, 3):
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=os.getcwd()
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        for _ in range(lines_read):
            reported = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        process.wait()
        reported = max([reported, *[int(line) for line in process.stdout.read().split() if line.isdigit()][:-1]])
        process.stdout.close()
        store = JournalStore(path)
        assert store.last_seq >= reported
        assert store.verify() == ""
        assert store.lane_states() == {"lane-1": str(store.last_seq)}
        assert [ledger.difference for ledger in store.ledgers.values()] == [0]
        store.close()
