"""The platform stores each record once, acknowledges only what it has without a gap, and survives a restart."""

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sim_devices.devices.platform import PlatformStore


def _chain(count: int) -> list[bytes]:
    prev, messages = "0" * 64, []
    for seq in range(1, count + 1):
        record: dict[str, Any] = {
            "seq": seq, "class": "event", "class_seq": seq, "time": 1000 * seq, "kind": "passed", "lane": "lane1",
            "device": "", "data": {"xe": "Đ"}, "prev": prev,
        }  # fmt: skip
        text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        prev = record["hash"] = hashlib.sha256(text.encode()).hexdigest()
        messages.append(json.dumps(record).encode())
    return messages


def _acked(seq: int) -> dict[str, int]:
    return {"event": seq}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "platform.sqlite"


def test_records_in_order_are_acknowledged_to_the_last(path: Path) -> None:
    store = PlatformStore(path)
    assert [store.accept([message]) for message in _chain(3)] == [_acked(1), _acked(2), _acked(3)]
    assert store.chain_breaks() == []
    assert store.counters.altered == 0


def test_a_gap_holds_the_acknowledgement_until_it_is_filled(path: Path) -> None:
    store = PlatformStore(path)
    messages = _chain(5)
    assert store.accept([messages[0], messages[2], messages[3]]) == _acked(1)
    assert store.accept([messages[1]]) == _acked(4)
    assert store.accept([messages[4]]) == _acked(5)


def test_a_record_sent_twice_is_stored_once_and_counted(path: Path) -> None:
    store = PlatformStore(path)
    messages = _chain(2)
    assert store.accept(messages + messages) == _acked(2)
    assert (store.count(), store.counters.duplicates, store.counters.conflicts) == (2, 2, 0)


def test_acknowledgement_survives_a_restart(path: Path) -> None:
    messages = _chain(4)
    store = PlatformStore(path)
    store.accept([messages[0], messages[1], messages[3]])
    store.close()
    store = PlatformStore(path)
    assert store.acknowledged == _acked(2)
    assert store.accept([messages[2]]) == _acked(4)


def test_another_record_under_a_known_number_is_a_conflict_and_changes_nothing(path: Path) -> None:
    store = PlatformStore(path)
    message = _chain(1)[0]
    store.accept([message])
    forged = json.loads(message) | {"hash": "f" * 64}
    assert store.accept([json.dumps(forged).encode()]) == _acked(1)
    assert store.counters.conflicts == 1
    assert store.records()[0]["hash"] == json.loads(message)["hash"]


def test_an_altered_record_is_stored_and_counted(path: Path) -> None:
    store = PlatformStore(path)
    record = json.loads(_chain(1)[0]) | {"lane": "lane2"}
    assert store.accept([json.dumps(record).encode()]) == _acked(1)
    assert store.counters.altered == 1


def test_a_broken_chain_is_found(path: Path) -> None:
    store = PlatformStore(path)
    messages = _chain(3)
    broken = json.loads(messages[1]) | {"prev": "a" * 64}
    store.accept([messages[0], json.dumps(broken).encode(), messages[2]])
    assert store.chain_breaks() == [2]


@pytest.mark.parametrize(
    "message",
    [b"", b"{", b"[]", b"1", b'{"seq": 1}', b"\xff", b"[" * 100_000, _chain(1)[0].replace(b'"seq": 1', b'"seq": true'),
     _chain(1)[0].replace(b'"seq": 1', b'"seq": 0'), _chain(1)[0].replace(b"lane1", b"\\ud800"),
     _chain(1)[0].replace(b'"passed"', b"NaN")],
)  # fmt: skip
def test_what_is_no_record_is_counted_and_changes_nothing(path: Path, message: bytes) -> None:
    store = PlatformStore(path)
    assert store.accept([message]) == {}
    assert (store.counters.malformed, store.count()) == (1, 0)


def test_records_are_read_back_as_sent(path: Path) -> None:
    store = PlatformStore(path)
    messages = _chain(3)
    store.accept(messages)
    assert store.records(after=1) == [json.loads(message) for message in messages[1:]]


def _of_class(name: str, number: int, seq: int) -> bytes:
    return json.dumps(json.loads(_chain(seq)[-1]) | {"class": name, "class_seq": number}).encode()


def test_each_class_is_acknowledged_by_its_own_numbers(path: Path) -> None:
    store = PlatformStore(path)
    first, second = _of_class("transaction", 1, 1), _of_class("transaction", 2, 4)
    assert store.accept([first, _of_class("event", 2, 3), second]) == {"event": 0, "transaction": 2}
    assert store.accept([_of_class("event", 1, 2)]) == {"event": 2}


def test_a_number_of_a_class_used_twice_is_a_conflict(path: Path) -> None:
    store = PlatformStore(path)
    store.accept([_of_class("event", 1, 1), _of_class("event", 1, 2)])
    assert (store.count(), store.counters.conflicts) == (1, 1)


def test_the_hash_of_an_old_record_does_not_cover_its_class(path: Path) -> None:
    bare = {
        name: value for name, value in json.loads(_chain(1)[0]).items() if name not in ("class", "class_seq", "hash")
    }
    text = json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    record = bare | {"class": "event", "class_seq": 1, "form": 1, "hash": hashlib.sha256(text.encode()).hexdigest()}
    store = PlatformStore(path)
    store.accept([json.dumps(record).encode()])
    assert (store.counters.stored, store.counters.altered) == (1, 0)


def test_a_file_of_another_format_is_refused(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE records(seq INTEGER PRIMARY KEY)")
    db.close()
    with pytest.raises(sqlite3.DatabaseError, match="format 0, expected 2"):
        PlatformStore(path)
