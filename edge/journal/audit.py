"""Whether a journal is what was written: every row, its end, and the classes of what was migrated.

Knows: the tables and what of them must agree. Must not know: who asks, what a break means for the gate.
Every function returns the sentence that names the first break, "" when there is none.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator

from edge.journal.checkpoint import CHECKPOINT, checkpoint_fault, position_behind
from edge.journal.database import COLUMNS, MIGRATED, classes_behind
from edge.journal.records import FORM_OLD, GENESIS, ChainPosition, StoredRecord, first_break


def verify_journal(db: sqlite3.Connection, known_keys: Collection[str]) -> str:
    """Everything there is to check, inside a snapshot of the caller."""
    if (fault := db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        return f"the file is damaged ({' '.join(fault.split())})"
    position, classes = ChainPosition(), GENESIS
    for last, _, data in db.execute("SELECT last, seq, data FROM checkpoints ORDER BY last"):
        if broken := checkpoint_fault(data, position, known_keys):
            return broken
        position, classes = position_behind(data)
        if position.seq != last:
            return f"the checkpoint of records up to {position.seq} stands as that of records up to {last}"
    first = position.seq + 1
    broken = first_break(_all_records(db), position)
    return (
        broken
        or head_break(position, _head_of(db))
        or class_break(db)
        or _chained_break(db, first)
        or _migration_break(db, first, classes)
        or _ledger_break(db)
    )


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


def _chained_break(db: sqlite3.Connection, first: int) -> str:
    """Whether every checkpoint is the data of its record, and every such record's a checkpoint, from `first` on."""
    in_table = dict(db.execute("SELECT seq, data FROM checkpoints WHERE seq >= ?", (first,)))
    in_chain = dict(db.execute("SELECT seq, data FROM records WHERE kind = ?", (CHECKPOINT,)))
    odd = sorted(seq for seq in in_table | in_chain if in_table.get(seq) != in_chain.get(seq))
    return f"record {odd[0]} and its checkpoint do not agree" if odd else ""


def _migration_break(db: sqlite3.Connection, first: int, state: str) -> str:
    """The hashes of old records do not cover their classes; the record behind them does."""
    query = f"SELECT {COLUMNS} FROM records WHERE form = ? ORDER BY seq"
    old, last = (StoredRecord(*row) for row in db.execute(query, (FORM_OLD,))), 0
    for record in old:
        state, last = classes_behind(state, [record]), record.seq
    told = db.execute("SELECT data FROM records WHERE kind = ?", (MIGRATED,)).fetchone()
    if told is None:
        return f"record {last + 1} should tell of the migration of the records before it" if last else ""
    if json.loads(told[0]).get("classes_sha256") == state:
        return ""
    return f"records {first} to {last} were altered: their classes are not those record {last + 1} tells of"


def _ledger_break(db: sqlite3.Connection) -> str:
    """Whether the account balances with the rows there are."""
    query = """
        SELECT class, produced - acked - lost -
        (SELECT count(*) FROM records r WHERE r.class = c.class AND class_seq > acked_seq) AS difference
        FROM classes c WHERE difference <> 0"""
    row = db.execute(query).fetchone()
    return f"the account of class {row[0]} does not balance: the difference is {row[1]}" if row else ""


def _all_records(db: sqlite3.Connection) -> Iterator[StoredRecord]:
    for row in db.execute(f"SELECT {COLUMNS} FROM records ORDER BY seq"):
        yield StoredRecord(*row)
