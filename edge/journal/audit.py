"""Whether a journal is what was written: every row, its end, and the classes of what was migrated.

Knows: the tables and what of them must agree. Must not know: who asks, what a break means for the gate.
Every function returns the sentence that names the first break, "" when there is none.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator

from edge.journal.database import COLUMNS, MIGRATED, class_digest
from edge.journal.records import FORM_OLD, GENESIS, ChainPosition, StoredRecord, first_break


def verify_journal(db: sqlite3.Connection) -> str:
    """Everything there is to check, inside a snapshot of the caller."""
    if (fault := db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        return f"the file is damaged ({' '.join(fault.split())})"
    position = ChainPosition()
    broken = first_break(_all_records(db), position)
    return broken or head_break(position, _head_of(db)) or class_break(db) or _migration_break(db)


def head_break(found: ChainPosition, head: ChainPosition) -> str:
    """Whether the chain ends where its head says."""
    if found.seq < head.seq:
        return f"record {found.seq + 1} is missing: the journal ended at record {head.seq}"
    if (found.seq, found.hash) != (head.seq, head.hash):
        return f"record {found.seq} is not the one written last: the journal ended at record {head.seq}"
    if found.classes != head.classes:
        return f"record {found.seq} is the last, but the classes end at {found.classes}, expected {head.classes}"
    return ""


def class_break(db: sqlite3.Connection) -> str:
    """Whether no cursor is beyond what there is."""
    row = db.execute("SELECT class, head_seq, acked_seq FROM classes WHERE acked_seq > head_seq LIMIT 1").fetchone()
    if row is None:
        return ""
    record_class, head_seq, acked_seq = row
    return f"{record_class} record {head_seq + 1} is missing: the platform has acknowledged up to {acked_seq}"


def _head_of(db: sqlite3.Connection) -> ChainPosition:
    row = db.execute("SELECT seq, hash FROM head").fetchone() or (0, GENESIS)
    classes = dict(db.execute("SELECT class, head_seq FROM classes WHERE head_seq > 0"))
    return ChainPosition(int(row[0]), str(row[1]), classes)


def _migration_break(db: sqlite3.Connection) -> str:
    """The hashes of old records do not cover their classes; the record behind them does."""
    state, last = GENESIS, 0
    for row in db.execute("SELECT seq, class, class_seq FROM records WHERE form = ? ORDER BY seq", (FORM_OLD,)):
        state, last = class_digest(state, *row), row[0]
    if last == 0:
        return ""
    told = db.execute("SELECT kind, data FROM records WHERE seq = ?", (last + 1,)).fetchone()
    if told is None or told[0] != MIGRATED:
        return f"record {last + 1} should tell of the migration of the records before it"
    if json.loads(told[1]).get("classes_sha256") == state:
        return ""
    return f"records up to {last} were altered: their classes are not those record {last + 1} tells of"


def _all_records(db: sqlite3.Connection) -> Iterator[StoredRecord]:
    for row in db.execute(f"SELECT {COLUMNS} FROM records ORDER BY seq"):
        yield StoredRecord(*row)
