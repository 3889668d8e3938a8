"""Whoever changes the journal's file is found, and the row is named: every column, row, pair and end of a small one."""

import hashlib
import itertools
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.journal import retention
from edge.journal.audit import verify_journal
from edge.journal.checkpoint import Removal, checkpoint_fault, make_checkpoint
from edge.journal.database import COLUMNS, JournalError
from edge.journal.records import GENESIS, ChainPosition, Draft, canonical_json, encode, first_break, seal
from edge.journal.retention import Limits
from edge.journal.signing import GateKey
from edge.journal.store import JournalStore
from edge.model import Record

_KEY = GateKey(bytes(range(32)))
_KINDS = ("passed", "device_event", "device_event", "command", "tag_read", "passed")
_NAMES = COLUMNS.split(", ")
_NUMBERS = ("seq", "class_seq", "time_ms", "form")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Records 1 to 8 under two checkpoints, 9 and on still there; all but the last few acknowledged."""
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    store = JournalStore(path)
    records = [Record(kind, "L1", "b1", {"n": n}, 1000 + n) for n, kind in enumerate(_KINDS * 3)]
    store.append(records, {"L1": "state"}, {"b1": (1, 2)}, {"transaction": 8, "event": 8})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retention, "PAGE", 4)
        patch.setattr(retention, "KEPT_NEWEST", 6)
        for now_ms in (5000, 6000):
            assert store.remove_page(Limits(36_500, 0), _KEY, now_ms, is_clock_good=True) == 4
    store.append(records[:2])
    assert store.verify([_KEY.public]) == ""
    store.close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode=DELETE")
    db.close()
    return path.read_bytes()


def _open(image: bytes) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:")
    db.deserialize(image)
    return db


def _rows(image: bytes) -> list[tuple[Any, ...]]:
    return _open(image).execute(f"SELECT {COLUMNS} FROM records ORDER BY seq").fetchall()


def _verify(db: sqlite3.Connection) -> str:
    return verify_journal(db, [_KEY.public])


def _names_one_of(sentence: str, numbers: set[int]) -> bool:
    return bool(numbers & {int(number) for number in re.findall(r"\d+", sentence)})


def _other_values(name: str, value: Any) -> Iterator[Any]:
    if name in _NUMBERS:
        yield from (value + 1, value - 1, -value - 1, 2**40)
    else:
        yield from (value + "x", value[:-1] + "X", "", "other", value.upper() + " ")


def test_the_journal_is_whole_before_it_is_touched(image: bytes) -> None:
    db = _open(image)
    assert _verify(db) == ""
    assert [row[0] for row in db.execute("SELECT last FROM checkpoints")] == [4, 8]
    assert len(_rows(image)) == 14


def test_every_other_value_in_every_column_of_every_row_is_found(image: bytes) -> None:
    for row in _rows(image):
        for name, value in zip(_NAMES, row, strict=True):
            for other in _other_values(name, value):
                if other == value:
                    continue
                db = _open(image)
                try:
                    db.execute(f"UPDATE records SET {name} = ? WHERE seq = ?", (other, row[0]))
                except sqlite3.IntegrityError:  # the number is taken: the table itself refuses it
                    continue
                said = _verify(db)
                assert _names_one_of(said, {row[0], row[0] + 1, other if name == "seq" else 0}), (
                    row[0],
                    name,
                    other,
                    said,
                )


def test_every_deleted_row_is_named(image: bytes) -> None:
    for row in _rows(image):
        db = _open(image)
        db.execute("DELETE FROM records WHERE seq = ?", (row[0],))
        assert _verify(db) == f"record {row[0]} is missing" or _verify(db).startswith(f"record {row[0]} is missing:")


def test_every_cut_end_is_named(image: bytes) -> None:
    for row in _rows(image):
        db = _open(image)
        db.execute("DELETE FROM records WHERE seq >= ?", (row[0],))
        assert _verify(db).startswith(f"record {row[0]} is missing: the journal ended at record")


def test_every_pair_of_rows_that_changed_places_is_found(image: bytes) -> None:
    for first, second in itertools.combinations([row[0] for row in _rows(image)], 2):
        db = _open(image)
        for old, new in ((first, -1), (second, first), (-1, second)):
            db.execute("UPDATE records SET seq = ? WHERE seq = ?", (new, old))
        assert _names_one_of(_verify(db), {first}), (first, second)


def test_every_inserted_copy_is_found(image: bytes) -> None:
    rows = _rows(image)
    places = (0, -3, rows[0][0] - 1, rows[-1][0] + 1, rows[-1][0] + 5)
    for row, place in itertools.product(rows, places):
        db = _open(image)
        marks = ", ".join("?" * len(row))
        db.execute(f"INSERT INTO records VALUES ({marks})", (place, row[1], row[2] + 100, *row[3:]))
        assert _verify(db) != "", (row[0], place)


def test_a_forged_record_at_the_end_does_not_fit_the_head(image: bytes) -> None:
    db, last = _open(image), _rows(image)[-1]
    classes = dict(db.execute("SELECT class, head_seq FROM classes"))
    forged = seal(encode(Record("passed", "L1", "", {}, 1)), ChainPosition(last[0], last[9], classes))
    db.execute(f"INSERT INTO records VALUES ({', '.join('?' * len(forged))})", forged)
    assert "is not the one written last" in _verify(db)


@pytest.mark.parametrize("table", ["head", "classes", "checkpoints"])
def test_every_other_value_beside_the_records_is_found(image: bytes, table: str) -> None:
    db = _open(image)
    names = [name for (name,) in db.execute("SELECT name FROM pragma_table_info(?)", (table,)) if name != "one"]
    key = "one" if table == "head" else names[0]
    for row in db.execute(f"SELECT {key}, {', '.join(names)} FROM {table}").fetchall():
        for name, value in zip(names, row[1:], strict=True):
            for other in (
                (value + 1, value - 1) if isinstance(value, int) else (value + "x", value.replace("1", "2", 1))
            ):
                db = _open(image)
                db.execute(f"UPDATE {table} SET {name} = ? WHERE {key} = ?", (other, row[0]))
                assert other == value or _verify(db), (row, name, other)


def test_a_deleted_checkpoint_is_found(image: bytes) -> None:
    for last in (4, 8):
        db = _open(image)
        db.execute("DELETE FROM checkpoints WHERE last = ?", (last,))
        assert _verify(db) != ""


def test_every_changed_member_of_a_checkpoint_is_found(image: bytes) -> None:
    for last, text in _open(image).execute("SELECT last, data FROM checkpoints").fetchall():
        data = json.loads(text)
        for name, value in data.items():
            for other in (value + 1 if isinstance(value, int) else "1" * 64, None):
                db = _open(image)
                db.execute(
                    "UPDATE checkpoints SET data = ? WHERE last = ?", (canonical_json(data | {name: other}), last)
                )
                assert "checkpoint" in _verify(db), (last, name)


def test_a_checkpoint_of_another_key_is_named(image: bytes) -> None:
    other = GateKey(bytes(32)).public
    assert "which is not the gate's key" in verify_journal(_open(image), [other])
    assert verify_journal(_open(image), [other, _KEY.public]) == ""


def test_a_signed_checkpoint_that_follows_something_else_is_found(image: bytes) -> None:
    records = [seal(encode(Record("passed", "", "", {}, 1)), ChainPosition(9, "b" * 64, {"transaction": 9}))]
    elsewhere = ChainPosition(9, "b" * 64, {"transaction": 9})
    data = canonical_json(make_checkpoint(records, elsewhere, GENESIS, Removal("age", 1), _KEY))
    assert checkpoint_fault(data, elsewhere, [_KEY.public]) == ""
    assert "does not follow record 9" in checkpoint_fault(data, ChainPosition(9, "c" * 64), [_KEY.public])
    assert "is none" in checkpoint_fault("[]", elsewhere, [])


def test_a_record_numbered_wrongly_in_its_class_is_found_though_its_hash_fits() -> None:
    record = seal(encode(Record("passed", "", "", {}, 1)), ChainPosition(5, GENESIS, {"transaction": 4}))
    assert first_break([record], ChainPosition(5, GENESIS, {"transaction": 4})) == ""
    said = first_break([record], ChainPosition(5, GENESIS, {"transaction": 3}))
    assert said == "record 6 was altered: it is transaction 5, expected 4"


def test_a_cursor_beyond_the_journal_means_that_records_are_missing(image: bytes, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(image)
    db = sqlite3.connect(path)
    db.execute("UPDATE classes SET acked_seq = head_seq + 3, acked = produced WHERE class = 'event'")
    db.commit()
    assert "is missing: the platform has acknowledged up to" in _verify(db)
    with pytest.raises(JournalError, match="the platform has acknowledged up to"):
        JournalStore(path)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)


@given(_TEXT, _TEXT, _TEXT, st.dictionaries(_TEXT, _JSON, max_size=4), st.integers(-(2**62), 2**62))
def test_a_hash_is_that_of_the_canonical_json_of_all_other_members(
    kind: str, lane: str, device: str, data: dict[str, Any], time_ms: int
) -> None:
    position = ChainPosition(6, "a" * 64, {"transaction": 3, "event": 3})
    sealed = seal(encode(Record(kind, lane, device, data, time_ms)), position)
    members = json.loads(sealed.payload())
    assert canonical_json(members) == sealed.payload()
    claimed = members.pop("hash")
    assert hashlib.sha256(canonical_json(members).encode()).hexdigest() == claimed
    assert (members["seq"], members["class_seq"], members["data"]) == (7, 4, json.loads(canonical_json(data)))


def test_too_much_data_is_refused_at_its_maker() -> None:
    with pytest.raises(ValueError, match="at most 65536"):
        encode(Record("passed", "", "", {"text": "x" * 70_000}, 0))
    assert isinstance(encode(Record("passed", "", "", {"text": "x" * 60_000}, 0)), Draft)


def test_the_signing_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    from edge.journal.signing import is_signed, load_or_make_key

    path = tmp_path / "journal.key"
    key = load_or_make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_or_make_key(path).public == key.public
    assert is_signed("text", key.sign("text"), key.public)
    assert not is_signed("text ", key.sign("text"), key.public)
    assert not is_signed("text", "no", key.public)
