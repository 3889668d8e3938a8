"""The digital border gate platform's stand-in: takes records, stores them durably, says up to where it has each class.

Knows: the record message (canonical JSON with its SHA-256 over every other member, and the hash before) and its own
SQLite file. Must not know: MQTT (`platform_mqtt.py`), the hub's journal. Nothing sent is ever refused for good: a
record that does not fit is stored and counted, because a platform that judges evidence must first have it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MESSAGE_SIZE_MAX = 256 * 1024
_GENESIS = "0" * 64
_FORMAT = 2  # user_version of the file; format 1 knew no classes
_NAMES = ("seq", "class", "class_seq", "time", "kind", "lane", "device", "data", "prev", "hash")
_SCHEMA = """
CREATE TABLE records(
    seq INTEGER PRIMARY KEY, class TEXT, class_seq INTEGER, time INTEGER, kind TEXT, lane TEXT, device TEXT, data TEXT,
    prev TEXT, hash TEXT, UNIQUE (class, class_seq)
) STRICT
"""


@dataclass(slots=True)
class PlatformCounters:
    """Messages since this start: `duplicates` came again unchanged, `conflicts` came again with other content,
    `malformed` are no records, `altered` do not match their own hash."""

    received: int = 0
    stored: int = 0
    duplicates: int = 0
    conflicts: int = 0
    malformed: int = 0
    altered: int = 0


class PlatformStore:
    """Records by sequence number in one SQLite file; `acknowledged` has by class the highest number of the class with
    none missing below."""

    def __init__(self, path: Path | str, on_arrival: Callable[[str, int], None] = lambda *_: None) -> None:
        """Open or make the file; raises sqlite3.Error when it is none.

        `on_arrival(class, class_seq)` is called for every record that comes, repeats included.
        """
        self.counters = PlatformCounters()
        self._on_arrival = on_arrival
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._make_tables(path)
        classes = [row[0] for row in self._db.execute("SELECT DISTINCT class FROM records")]
        self.acknowledged = {name: self._highest_contiguous(name, 0) for name in classes}

    def close(self) -> None:
        self._db.close()

    def accept(self, messages: Iterable[bytes]) -> dict[str, int]:
        """Store what is new of `messages` in one transaction; by class of theirs the number to be acknowledged now."""
        self._db.execute("BEGIN IMMEDIATE")
        classes = {self._accept_one(message) for message in messages} - {""}
        self._db.execute("COMMIT")
        for name in classes:
            self.acknowledged[name] = self._highest_contiguous(name, self.acknowledged.get(name, 0))
        return {name: self.acknowledged[name] for name in sorted(classes)}

    def records(self, after: int = 0, limit: int = 1000) -> list[dict[str, Any]]:
        """Stored records with a number above `after`, in order, `data` decoded."""
        rows = self._db.execute(
            f"SELECT {', '.join(_NAMES)} FROM records WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)
        )
        records = [dict(zip(_NAMES, row, strict=True)) for row in rows]
        return [record | {"data": json.loads(record["data"])} for record in records]

    def hash_of(self, record_class: str, class_seq: int) -> str:
        """The hash of a record as it is stored, which tells whose record it is; "" when there is none."""
        query = "SELECT hash FROM records WHERE class = ? AND class_seq = ?"
        row = self._db.execute(query, (record_class, class_seq)).fetchone()
        return str(row[0]) if row else ""

    def first_of(self, kind: str, from_ms: int) -> int:
        """The number of the first record of `kind` dated `from_ms` (UTC) or later; 0 when there is none."""
        query = "SELECT min(seq) FROM records WHERE kind = ? AND time >= ?"
        return int(self._db.execute(query, (kind, from_ms)).fetchone()[0] or 0)

    def count(self) -> int:
        """How many records are stored, gaps not counted."""
        return int(self._db.execute("SELECT count(*) FROM records").fetchone()[0])

    def chain_breaks(self) -> list[int]:
        """Numbers whose `prev` is not the hash of the record before; a missing record breaks nothing yet."""
        rows = self._db.execute(
            "SELECT b.seq FROM records b LEFT JOIN records a ON a.seq = b.seq - 1 "
            "WHERE b.prev <> CASE WHEN b.seq = 1 THEN ? ELSE a.hash END ORDER BY b.seq",
            (_GENESIS,),
        )
        return [int(row[0]) for row in rows]

    def _make_tables(self, path: Path | str) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version == _FORMAT:
            return
        if self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise sqlite3.DatabaseError(
                f"it has format {version}, expected {_FORMAT}; move it and the gate's data away"
            )
        self._db.execute(_SCHEMA)
        self._db.execute(f"PRAGMA user_version={_FORMAT}")

    def _accept_one(self, message: bytes) -> str:
        """Take one message; the class of the record in it, "" when it is none."""
        self.counters.received += 1
        record = _decode(message)
        if record is None:
            self.counters.malformed += 1
            return ""
        if _digest(record) != record["hash"]:
            self.counters.altered += 1
        numbers = (record["seq"], record["class"], record["class_seq"])
        self._on_arrival(record["class"], record["class_seq"])
        known = self._db.execute(
            "SELECT seq, class, class_seq, hash FROM records WHERE seq = ? OR (class = ? AND class_seq = ?)", numbers
        ).fetchall()
        if not known:
            self._insert(record)
        elif known == [(*numbers, record["hash"])]:
            self.counters.duplicates += 1
        else:
            self.counters.conflicts += 1
        return str(record["class"])

    def _insert(self, record: dict[str, Any]) -> None:
        row = {**record, "data": _canonical(record["data"])}
        values = ", ".join(f":{name}" for name in _NAMES)
        self._db.execute(f"INSERT INTO records VALUES({values})", row)
        self.counters.stored += 1

    def _highest_contiguous(self, name: str, known: int) -> int:
        """The last number of the run of class `name` that starts at `known` + 1; `known` when that one is missing."""
        for (number,) in self._db.execute(
            "SELECT class_seq FROM records WHERE class = ? AND class_seq > ? ORDER BY class_seq", (name, known)
        ):
            if number != known + 1:
                break
            known = number
        return known


_MEMBERS: dict[str, type] = {
    "seq": int, "class": str, "class_seq": int, "time": int, "kind": str, "lane": str, "device": str, "data": dict,
    "prev": str, "hash": str,
}  # fmt: skip
_UNSEALED = ("class", "class_seq", "form")  # of a record of form 1: its hash is older than they are


def _decode(message: bytes) -> dict[str, Any] | None:
    """The record in a message, or None when it is none."""
    if len(message) > MESSAGE_SIZE_MAX:
        return None
    try:
        record = json.loads(message)
        _canonical(record).encode()  # what cannot be written back as JSON text is no record
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.keys() - {"form"} != _MEMBERS.keys() or record.get("form", 1) != 1:
        return None
    if any(type(record[name]) is not kind for name, kind in _MEMBERS.items()):
        return None
    are_numbers = 0 < record["class_seq"] <= record["seq"] < 2**62 and abs(record["time"]) < 2**62
    return record if are_numbers and record["class"] else None


def _digest(record: dict[str, Any]) -> str:
    left_out = ("hash", *_UNSEALED) if "form" in record else ("hash",)
    bare = {name: value for name, value in record.items() if name not in left_out}
    return hashlib.sha256(_canonical(bare).encode()).hexdigest()


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
