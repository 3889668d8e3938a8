"""What people ask of a journal: the newest records that match, one record with its surroundings, a run of them.

Knows: the tables. Must not know: how answers are printed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from edge.journal.checkpoint import position_behind
from edge.journal.database import COLUMNS
from edge.journal.records import ChainPosition, StoredRecord

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Filter:
    """Which records are wanted; "" and () stand for any. Times are UTC in milliseconds, `until_ms` is not included."""

    record_class: str = ""
    kinds: Sequence[str] = ()
    lane: str = ""
    device: str = ""
    since_ms: int | None = None
    until_ms: int | None = None

    def condition(self) -> tuple[str, list[Any]]:
        """As SQL, and what its marks stand for."""
        parts: list[tuple[str, list[Any]]] = [
            ("class = ?", [self.record_class] if self.record_class else []),
            (f"kind IN ({', '.join('?' * len(self.kinds))})", list(self.kinds)),
            ("lane = ?", [self.lane] if self.lane else []),
            ("device = ?", [self.device] if self.device else []),
            ("time_ms >= ?", [] if self.since_ms is None else [self.since_ms]),
            ("time_ms < ?", [] if self.until_ms is None else [self.until_ms]),
        ]
        used = [(text, values) for text, values in parts if values]
        return " AND ".join(text for text, _ in used) or "1", [value for _, values in used for value in values]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """One record, None when it is not there; its neighbours; the checkpoint it was removed under, "" for none."""

    record: StoredRecord | None
    before: StoredRecord | None
    after: StoredRecord | None
    is_acked: bool
    checkpoint: str


def newest(db: sqlite3.Connection, wanted: Filter, count: int) -> list[StoredRecord]:
    """The newest `count` records that match, oldest first."""
    condition, values = wanted.condition()
    query = f"SELECT {COLUMNS} FROM records WHERE {condition} ORDER BY seq DESC LIMIT ?"
    return [StoredRecord(*row) for row in db.execute(query, (*values, count))][::-1]


def look_at(db: sqlite3.Connection, seq: int) -> Surroundings:
    """Record `seq` and what stands around it."""
    record = _one(db, seq)
    acked = db.execute("SELECT acked_seq FROM classes WHERE class = ?", (record.record_class if record else "",))
    cursor = acked.fetchone()
    covering = db.execute("SELECT data FROM checkpoints WHERE last >= ? ORDER BY last LIMIT 1", (seq,)).fetchone()
    is_acked = record is not None and cursor is not None and record.class_seq <= cursor[0]
    checkpoint = str(covering[0]) if covering and record is None and seq > 0 else ""
    return Surroundings(record, _one(db, seq - 1), _one(db, seq + 1), is_acked, checkpoint)


def run_of(db: sqlite3.Connection, first: int, last: int) -> Iterator[StoredRecord]:
    """Records `first` to `last`, a page at a time."""
    query = f"SELECT {COLUMNS} FROM records WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT {_PAGE}"
    while page := [StoredRecord(*row) for row in db.execute(query, (first - 1, last))]:
        yield from page
        first = page[-1].seq + 1


def position_before(db: sqlite3.Connection, seq: int) -> ChainPosition:
    """Where the chain stands in front of record `seq`, which is there."""
    newest_checkpoint = db.execute("SELECT data FROM checkpoints ORDER BY last DESC LIMIT 1").fetchone()
    removed, _ = position_behind(newest_checkpoint[0] if newest_checkpoint else "")
    classes = dict(db.execute("SELECT class, max(class_seq) FROM records WHERE seq < ? GROUP BY class", (seq,)))
    row = db.execute("SELECT prev FROM records WHERE seq = ?", (seq,)).fetchone()
    return ChainPosition(seq - 1, str(row[0]), {**removed.classes, **classes})


def _one(db: sqlite3.Connection, seq: int) -> StoredRecord | None:
    row = db.execute(f"SELECT {COLUMNS} FROM records WHERE seq = ?", (seq,)).fetchone()
    return StoredRecord(*row) if row else None
