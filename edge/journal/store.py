"""The journal's database: one writer, one transaction per append, a chain checked when it is opened.

Knows: SQLite (WAL, synchronous=FULL), the tables, and the order in which things become durable.
Must not know: asyncio, lanes, devices or brokers. A lane state is opaque text here, a cursor two integers.

Records, lane states and cursors that belong together are written in one transaction, so a killed hub finds them
agreeing. `head` repeats the number and hash of the newest record: rows cut off the end do not go unnoticed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from edge.journal.records import GENESIS, StoredRecord, first_break, seal
from edge.model import Record

FORMAT_VERSION = 1
TAIL_CHECKED = 1000  # records checked at opening; `verify` checks all of them
_COLUMNS = "seq, time_ms, kind, lane, device, data, prev, hash"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, kind TEXT NOT NULL, lane TEXT NOT NULL,
    device TEXT NOT NULL, data TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS uplink (one INTEGER PRIMARY KEY CHECK (one = 1), acked_seq INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS lane_states (lane TEXT PRIMARY KEY, state TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS device_cursors (
    device TEXT PRIMARY KEY, boot_count INTEGER NOT NULL, sequence INTEGER NOT NULL);
"""


class JournalError(Exception):
    """The journal cannot be used as it is; the text names the file, the fault and the remedy."""


class JournalStore:
    """The open journal, used by one thread at a time. Every method raises sqlite3.Error when the disk refuses."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = _connect(path)
        try:
            with self._snapshot():
                self.last_seq, self._last_hash = self._read_head()
                self._check_tail()
        except BaseException:
            self._db.close()
            raise

    def append(
        self,
        drafts: Sequence[Record],
        lane_states: Mapping[str, str] | None = None,
        cursors: Mapping[str, tuple[int, int]] | None = None,
        acked_seq: int | None = None,
    ) -> int:
        """Write all of it durably in one transaction, or none of it; the newest sequence number."""
        sealed = self._seal_all(drafts)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._insert(sealed)
            self._put_states(lane_states or {}, cursors or {})
            if acked_seq is not None:
                self._db.execute("INSERT OR REPLACE INTO uplink VALUES (1, ?)", (acked_seq,))
            self._db.execute("COMMIT")
        except BaseException:
            self._rollback()
            raise
        if sealed:
            self.last_seq, self._last_hash = sealed[-1].seq, sealed[-1].hash
        return self.last_seq

    def records_after(self, seq: int, limit: int) -> list[StoredRecord]:
        """Up to `limit` records that follow `seq`, oldest first."""
        query = f"SELECT {_COLUMNS} FROM records WHERE seq > ? ORDER BY seq LIMIT ?"
        return [StoredRecord(*row) for row in self._db.execute(query, (seq, limit))]

    def tail(self, count: int) -> list[StoredRecord]:
        """The newest `count` records, oldest first."""
        return self.records_after(self.last_seq - count, count)

    def verify(self) -> str:
        """Check the whole chain and the file; the sentence that names the first break by its number, or ""."""
        with self._snapshot():
            if (fault := self._db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                return f"the file is damaged ({' '.join(fault.split())})"
            broken = first_break(self._all_records(), 0, GENESIS)
            return broken or self._head_break(*self._read_head())

    def acked_seq(self) -> int:
        """The newest record the platform has acknowledged as durably stored; 0 before the first."""
        row = self._db.execute("SELECT acked_seq FROM uplink").fetchone()
        return int(row[0]) if row else 0

    def lane_counts(self) -> dict[tuple[str, str], int]:
        """How many records there are of each (lane, kind), over the whole journal."""
        rows = self._db.execute("SELECT lane, kind, count(*) FROM records WHERE lane <> '' GROUP BY lane, kind")
        return {(lane, kind): int(count) for lane, kind, count in rows}

    def lane_states(self) -> dict[str, str]:
        """Saved lane machine states by lane name."""
        return dict(self._db.execute("SELECT lane, state FROM lane_states"))

    def device_cursors(self) -> dict[str, tuple[int, int]]:
        """By device name: boot count and sequence number of the last event that is in the journal."""
        rows = self._db.execute("SELECT device, boot_count, sequence FROM device_cursors")
        return {device: (boot_count, sequence) for device, boot_count, sequence in rows}

    def close(self) -> None:
        """Close the database; a second call does nothing."""
        self._db.close()

    def _seal_all(self, drafts: Sequence[Record]) -> list[StoredRecord]:
        sealed: list[StoredRecord] = []
        seq, prev = self.last_seq, self._last_hash
        for draft in drafts:
            seq += 1
            sealed.append(seal(draft, seq, prev))
            prev = sealed[-1].hash
        return sealed

    def _insert(self, sealed: Sequence[StoredRecord]) -> None:
        rows = [(r.seq, r.time_ms, r.kind, r.lane, r.device, r.data, r.prev, r.hash) for r in sealed]
        self._db.executemany(f"INSERT INTO records ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        if sealed:
            self._db.execute("INSERT OR REPLACE INTO head VALUES (1, ?, ?)", (sealed[-1].seq, sealed[-1].hash))

    def _put_states(self, lane_states: Mapping[str, str], cursors: Mapping[str, tuple[int, int]]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO lane_states VALUES (?, ?)", list(lane_states.items()))
        rows = [(device, boot, sequence) for device, (boot, sequence) in cursors.items()]
        self._db.executemany("INSERT OR REPLACE INTO device_cursors VALUES (?, ?, ?)", rows)

    def _rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _read_head(self) -> tuple[int, str]:
        row = self._db.execute("SELECT seq, hash FROM head").fetchone()
        return (int(row[0]), str(row[1])) if row else (0, GENESIS)

    def _check_tail(self) -> None:
        tail = self.tail(TAIL_CHECKED)
        seq, prev = (tail[0].seq - 1, tail[0].prev) if tail else (0, GENESIS)
        broken = first_break(tail, seq, prev) or self._head_break(self.last_seq, self._last_hash)
        if not broken and self.acked_seq() > self.last_seq:
            broken = f"record {self.last_seq + 1} is missing: the platform has acknowledged up to {self.acked_seq()}"
        if broken:
            raise JournalError(
                f"{self.path}: {broken}; keep this file as evidence, restore the last good copy of the data directory "
                "or move the file away and name another topic_root to start a new journal"
            )

    def _head_break(self, head_seq: int, head_hash: str) -> str:
        row = self._db.execute("SELECT seq, hash FROM records ORDER BY seq DESC LIMIT 1").fetchone()
        seq, last_hash = row or (0, GENESIS)
        if seq < head_seq:
            return f"record {seq + 1} is missing: the journal ended at record {head_seq}"
        if (seq, last_hash) != (head_seq, head_hash):
            return f"record {seq} is not the one written last: the journal ended at record {head_seq}"
        return ""

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """Everything read inside is of one moment, though a running hub may be writing."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._rollback()

    def _all_records(self) -> Iterator[StoredRecord]:
        for row in self._db.execute(f"SELECT {_COLUMNS} FROM records ORDER BY seq"):
            yield StoredRecord(*row)


def _connect(path: Path) -> sqlite3.Connection:
    """Open or create the database; autocommit mode, so that transactions begin and end where `append` says."""
    try:
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, FORMAT_VERSION):
            raise JournalError(
                f"{path}: journal format {version} is unknown, expected {FORMAT_VERSION}; "
                "start the hub version that wrote it"
            )
        if version == 0:  # whoever only reads beside a hub takes no write lock
            db.executescript(_SCHEMA)
            db.execute(f"PRAGMA user_version={FORMAT_VERSION}")
    except sqlite3.DatabaseError as error:
        raise JournalError(
            f"{path}: the journal cannot be opened ({error}); check the disk and the file's rights, "
            "and that it is a smartgate journal"
        ) from error
    return db
