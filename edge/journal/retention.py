"""Which records may go: old ones or too many, acknowledged, never the newest, a page at a time.

Knows: the rule, and the tables it looks at. Must not know: who decides the limits, how a page is removed.

Only a run from the oldest record on goes, so what stays is one chain. Every record in it has been acknowledged: without
a platform nothing is removed, however old or many they are. Pages are full, so that checkpoints stay few and removing
always removes more than it writes; only records that are old for a day longer go in a smaller one. A record dated in
the future has no age that could be believed and goes with its neighbours.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from edge.journal.checkpoint import Removal
from edge.journal.database import COLUMNS
from edge.journal.records import StoredRecord

PAGE = 500  # records removed in one transaction; a new record waits for one of them at the most
KEPT_NEWEST = 1000  # what is checked at opening always stays
_DAY_MS = 86_400_000
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How long records are kept and how large the file may become."""

    keep_days: int
    keep_mb: int


@dataclass(frozen=True, slots=True)
class Page:
    """The records that go next, and why. None go when it is empty."""

    records: list[StoredRecord]
    removal: Removal


def next_page(db: sqlite3.Connection, limits: Limits, now_ms: int, *, is_clock_good: bool) -> Page:
    """Ages count only while the clock is good: a clock that jumped must not empty the journal."""
    records = _removable(db)
    if len(records) == PAGE and used_bytes(db) > limits.keep_mb * _MB:
        return Page(records, Removal("size", now_ms))
    limit_ms = now_ms - limits.keep_days * _DAY_MS
    old = _count_older(records, limit_ms, now_ms)
    is_due = old == PAGE or _count_older(records, limit_ms - _DAY_MS, now_ms) > 0
    return Page(records[:old] if is_clock_good and is_due else [], Removal("age", now_ms))


def used_bytes(db: sqlite3.Connection) -> int:
    """Bytes of the file that are in use; pages of removed records are used again before it grows."""
    names = ("page_count", "freelist_count", "page_size")
    pages, free, size = (int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in names)
    return (pages - free) * size


def _count_older(records: list[StoredRecord], limit_ms: int, now_ms: int) -> int:
    """How many of the first are older; one dated in the future is as old as the next that is not."""
    count = 0
    for place, record in enumerate(records):
        if record.time_ms < limit_ms:
            count = place + 1
        elif record.time_ms <= now_ms:
            break
    return count


def _removable(db: sqlite3.Connection) -> list[StoredRecord]:
    """Up to PAGE of the oldest records, all acknowledged, none of the newest."""
    first_unacked = db.execute(
        "SELECT min(seq) FROM records r JOIN classes c ON r.class = c.class AND class_seq = acked_seq + 1"
    ).fetchone()[0]
    last_seq = db.execute("SELECT max(seq) FROM records").fetchone()[0] or 0
    end = last_seq - KEPT_NEWEST
    if first_unacked is not None:
        end = min(end, first_unacked - 1)
    query = f"SELECT {COLUMNS} FROM records WHERE seq <= ? ORDER BY seq LIMIT ?"
    return [StoredRecord(*row) for row in db.execute(query, (end, PAGE))]
