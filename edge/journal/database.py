"""The journal's file: its tables, how it is opened, and how a file of format 1 becomes one of format 2.

Knows: SQLite (WAL, synchronous=FULL), the schema. Must not know: who writes records or reads them.

Format 1 had no classes. Its records keep their hashes: they are copied as records of form 1 with the class of their
kind and a number in it, which their hashes do not cover. So the first record behind them, `journal_migrated`, carries
a digest over all their classes and numbers, and is chained itself.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

from edge.journal.classes import class_of
from edge.journal.records import FORM_OLD, GENESIS, ChainPosition, StoredRecord, encode, first_break, seal
from edge.model import Record

FORMAT_VERSION = 2
FORMAT_OLD = 1
MIGRATED = "journal_migrated"
COLUMNS = "seq, class, class_seq, time_ms, kind, lane, device, data, prev, hash, form"
_CACHE_KIB = 8192  # of the pages the writer touches; the rest of a large journal stays on the disk
_SCHEMA = """
CREATE TABLE records (
    seq INTEGER PRIMARY KEY, class TEXT NOT NULL, class_seq INTEGER NOT NULL, time_ms INTEGER NOT NULL,
    kind TEXT NOT NULL, lane TEXT NOT NULL, device TEXT NOT NULL, data TEXT NOT NULL, prev TEXT NOT NULL,
    hash TEXT NOT NULL, form INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX records_by_class ON records (class, class_seq);
CREATE TABLE classes (
    class TEXT PRIMARY KEY, head_seq INTEGER NOT NULL, acked_seq INTEGER NOT NULL,
    produced INTEGER NOT NULL, acked INTEGER NOT NULL, lost INTEGER NOT NULL) STRICT;
CREATE TABLE checkpoints (last INTEGER PRIMARY KEY, seq INTEGER NOT NULL, data TEXT NOT NULL) STRICT;
CREATE TABLE reserve (room BLOB NOT NULL) STRICT;
CREATE TABLE lane_counts (
    lane TEXT NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (lane, kind)) STRICT;
CREATE TABLE IF NOT EXISTS head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS lane_states (lane TEXT PRIMARY KEY, state TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS device_cursors (
    device TEXT PRIMARY KEY, boot_count INTEGER NOT NULL, sequence INTEGER NOT NULL);
"""


class JournalError(Exception):
    """The journal cannot be used as it is; the text names the file, the fault and the remedy."""


def connect(path: Path, *, may_migrate: bool) -> sqlite3.Connection:
    """Open or create the database; autocommit mode, so that transactions begin and end where they are told to.

    A file of format 1 is brought to format 2 when `may_migrate`, and refused otherwise. Raises JournalError.
    """
    try:
        db = _open(path)
        _bring_up(db, path, may_migrate)
    except sqlite3.DatabaseError as error:
        raise JournalError(
            f"{path}: the journal cannot be opened ({error}); check the disk and the file's rights, "
            "and that it is a smartgate journal"
        ) from error
    return db


def _open(path: Path) -> sqlite3.Connection:
    """A connection. On a disk that cannot be written a journal that was closed well is read as it lies there."""
    try:
        return _set_up(sqlite3.connect(path, isolation_level=None, check_same_thread=False))
    except sqlite3.OperationalError as error:
        has_log = path.with_name(path.name + "-wal").exists()
        if error.sqlite_errorcode != sqlite3.SQLITE_CANTOPEN or has_log or not path.is_file():
            raise
        uri = f"{path.absolute().as_uri()}?immutable=1"
        return _set_up(sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False))


def _set_up(db: sqlite3.Connection) -> sqlite3.Connection:
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    except BaseException:
        db.close()
        raise
    return db


def classes_behind(state: str, records: Iterable[StoredRecord]) -> str:
    """The digest of the classes and numbers of all records of form 1, moved on over `records`; it begins as GENESIS."""
    for record in records:
        if record.form == FORM_OLD:
            line = f"{state} {record.seq} {record.record_class} {record.class_seq}"
            state = hashlib.sha256(line.encode()).hexdigest()
    return state


def _bring_up(db: sqlite3.Connection, path: Path, may_migrate: bool) -> None:
    """Whoever only reads beside a hub takes no write lock."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version == FORMAT_VERSION:
        return
    if version not in (0, FORMAT_OLD):
        raise JournalError(
            f"{path}: journal format {version} is unknown, expected {FORMAT_VERSION}; "
            "start the hub version that wrote it"
        )
    if version == FORMAT_OLD and not may_migrate:
        raise JournalError(
            f"{path}: journal format {FORMAT_OLD} is older than format {FORMAT_VERSION}; "
            "start the hub of this site once, it brings the journal to the new format"
        )
    db.execute("BEGIN IMMEDIATE")
    try:
        if version == FORMAT_OLD:
            _migrate(db, path)
        else:
            _create(db)
        db.execute(f"PRAGMA user_version={FORMAT_VERSION}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _create(db: sqlite3.Connection) -> None:
    for statement in _SCHEMA.split(";\n"):
        db.execute(statement)


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    acked_seq = (db.execute("SELECT acked_seq FROM uplink").fetchone() or (0,))[0]
    db.execute("ALTER TABLE records RENAME TO records_old")
    _create(db)
    position, classes = ChainPosition(), GENESIS
    for row in db.execute("SELECT seq, time_ms, kind, lane, device, data, prev, hash FROM records_old ORDER BY seq"):
        record = _with_class(row, position)
        if broken := first_break([record], position):
            raise JournalError(f"{path}: {broken}; it stays in format {FORMAT_OLD}, keep this file as evidence")
        insert_records(db, [record])
        classes = classes_behind(classes, [record])
    _put_classes(db, position, acked_seq)
    db.execute("INSERT INTO lane_counts SELECT lane, kind, count(*) FROM records WHERE lane <> '' GROUP BY lane, kind")
    _chain_migration(db, position, classes)
    db.execute("DROP TABLE records_old")
    db.execute("DROP TABLE uplink")


def _with_class(row: tuple[int, int, str, str, str, str, str, str], position: ChainPosition) -> StoredRecord:
    seq, time_ms, kind, lane, device, data, prev, own_hash = row
    of_kind = class_of(kind).value
    return StoredRecord(
        seq, of_kind, position.next_of(of_kind), time_ms, kind, lane, device, data, prev, own_hash, FORM_OLD
    )


def _put_classes(db: sqlite3.Connection, position: ChainPosition, acked_seq: int) -> None:
    for record_class, head_seq in position.classes.items():
        acked = db.execute(
            "SELECT count(*) FROM records WHERE class = ? AND seq <= ?", (record_class, acked_seq)
        ).fetchone()[0]
        db.execute("INSERT INTO classes VALUES (?, ?, ?, ?, ?, 0)", (record_class, head_seq, acked, head_seq, acked))


def _chain_migration(db: sqlite3.Connection, position: ChainPosition, classes: str) -> None:
    """The record that fixes the classes of all before it; it counts as produced like any other."""
    data = {"from": FORMAT_OLD, "to": FORMAT_VERSION, "records": position.seq, "classes_sha256": classes}
    record = seal(encode(Record(MIGRATED, "", "", data, time.time_ns() // 1_000_000)), position)
    insert_records(db, [record])
    put_head(db, position)
    db.execute(
        "INSERT INTO classes VALUES (?, ?, 0, 1, 0, 0) "
        "ON CONFLICT (class) DO UPDATE SET head_seq = excluded.head_seq, produced = produced + 1",
        (record.record_class, record.class_seq),
    )


def insert_records(db: sqlite3.Connection, records: Iterable[StoredRecord]) -> int:
    """Add rows; how many there are more now, as the database counts them."""
    before = db.total_changes
    db.executemany(f"INSERT INTO records ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", records)
    return db.total_changes - before


def put_head(db: sqlite3.Connection, position: ChainPosition) -> None:
    """Note where the chain ends: rows cut off its end do not go unnoticed."""
    db.execute("INSERT OR REPLACE INTO head VALUES (1, ?, ?)", (position.seq, position.hash))
