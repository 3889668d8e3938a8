"""The digital border gate platform's stand-in: takes records, stores them durably, says up to where it has them all.

Knows: the record message (canonical JSON with its SHA-256 over every other member, and the hash before) and its own
SQLite file. Must not know: MQTT (`platform_mqtt.py`), the hub's journal. Nothing sent is ever refused for good: a
record that does not fit is stored and counted, because a platform that judges evidence must first have it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MESSAGE_SIZE_MAX = 256 * 1024
_GENESIS = "0" * 64
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records(
    seq INTEGER PRIMARY KEY, time INTEGER, kind TEXT, lane TEXT, device TEXT, data TEXT, prev TEXT, hash TEXT
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
    """Records by sequence number in one SQLite file; `acknowledged` is the highest number with none missing below."""

    def __init__(self, path: Path | str) -> None:
        """Open or make the file; raises sqlite3.Error when it is none."""
        self.counters = PlatformCounters()
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(_SCHEMA)
        self.acknowledged = self._highest_contiguous(0)

    def close(self) -> None:
        self._db.close()

    def accept(self, messages: Iterable[bytes]) -> int:
        """Store what is new of `messages` in one transaction; the number that may now be acknowledged."""
        self._db.execute("BEGIN IMMEDIATE")
        for message in messages:
            self._accept_one(message)
        self._db.execute("COMMIT")
        self.acknowledged = self._highest_contiguous(self.acknowledged)
        return self.acknowledged

    def records(self, after: int = 0, limit: int = 1000) -> list[dict[str, Any]]:
        """Stored records with a number above `after`, in order, `data` decoded."""
        rows = self._db.execute(
            "SELECT seq, time, kind, lane, device, data, prev, hash FROM records WHERE seq > ? ORDER BY seq LIMIT ?",
            (after, limit),
        )
        names = ("seq", "time", "kind", "lane", "device", "data", "prev", "hash")
        return [dict(zip(names, row, strict=True)) | {"data": json.loads(row[5])} for row in rows]

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

    def _accept_one(self, message: bytes) -> None:
        self.counters.received += 1
        record = _decode(message)
        if record is None:
            self.counters.malformed += 1
            return
        if _digest(record) != record["hash"]:
            self.counters.altered += 1
        known = self._db.execute("SELECT hash FROM records WHERE seq = ?", (record["seq"],)).fetchone()
        if known is None:
            self._insert(record)
        elif known[0] == record["hash"]:
            self.counters.duplicates += 1
        else:
            self.counters.conflicts += 1

    def _insert(self, record: dict[str, Any]) -> None:
        row = {**record, "data": _canonical(record["data"])}
        self._db.execute("INSERT INTO records VALUES(:seq, :time, :kind, :lane, :device, :data, :prev, :hash)", row)
        self.counters.stored += 1

    def _highest_contiguous(self, known: int) -> int:
        """The last number of the run that starts at `known` + 1, or `known` when that one is missing."""
        if not self._db.execute("SELECT 1 FROM records WHERE seq = ?", (known + 1,)).fetchone():
            return known
        row = self._db.execute(
            "SELECT min(seq) FROM records a WHERE seq > ? "
            "AND NOT EXISTS (SELECT 1 FROM records b WHERE b.seq = a.seq + 1)",
            (known,),
        ).fetchone()
        return int(row[0])


_MEMBERS: dict[str, type] = {
    "seq": int, "time": int, "kind": str, "lane": str, "device": str, "data": dict, "prev": str, "hash": str
}  # fmt: skip


def _decode(message: bytes) -> dict[str, Any] | None:
    """The record in a message, or None when it is none."""
    if len(message) > MESSAGE_SIZE_MAX:
        return None
    try:
        record = json.loads(message)
        _canonical(record).encode()  # what cannot be written back as JSON text is no record
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.keys() != _MEMBERS.keys():
        return None
    if any(type(record[name]) is not kind for name, kind in _MEMBERS.items()):
        return None
    return record if 0 < record["seq"] < 2**62 and abs(record["time"]) < 2**62 else None


def _digest(record: dict[str, Any]) -> str:
    bare = {name: value for name, value in record.items() if name != "hash"}
    return hashlib.sha256(_canonical(bare).encode()).hexdigest()


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
