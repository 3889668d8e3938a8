"""The telemetry spool's database file: its tables, and the statements on them.

Knows: SQLite. Must not know: when anything is written, or why. Every method raises sqlite3.Error when the disk refuses.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SPOOL_NAME = "telemetry.sqlite"  # in the site's data_dir
FORMAT_VERSION = 1
_LOG_SIZE_LIMIT = 16 * 1024 * 1024  # the write-ahead log is cut back to this once it is empty
_DAMAGE_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_PRIMARY_CODE = 0xFF  # of SQLite's error codes the low byte is the kind, the rest its variety
_BUSY_S = 0.1  # nobody but a checkpoint uses the file beside the hub, and that waits for nothing
_SUFFIXES = ("", "-wal", "-shm")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    number INTEGER PRIMARY KEY, device TEXT NOT NULL, time_ms INTEGER NOT NULL, running_s INTEGER NOT NULL,
    metrics BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS ledger (
    one INTEGER PRIMARY KEY CHECK (one = 1), produced INTEGER NOT NULL, acknowledged INTEGER NOT NULL,
    stored INTEGER NOT NULL, last_number INTEGER NOT NULL, running_s INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS expired (reason TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO ledger VALUES (1, 0, 0, 0, 0, 0);
"""


@dataclass(frozen=True, slots=True)
class SpoolRow:
    """One report: its number, its device, when it was taken (UTC), and its metrics as Sparkplug bytes."""

    number: int
    device: str
    time_ms: int
    metrics: bytes


@dataclass(frozen=True, slots=True)
class SpoolState:
    """What is saved beside the rows; `running_s` counts the hub's own seconds, so that ages know no clock step."""

    produced: int
    acknowledged: int
    stored: int
    last_number: int
    running_s: int
    expired: Mapping[str, int]


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken, as opposed to a disk that refuses."""
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE in _DAMAGE_CODES


class SpoolFile:
    """The open file, used by one thread; only `checkpoint` may run in another."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._expired: dict[str, int] = {}
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_BUSY_S)
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    @staticmethod
    def set_aside(path: Path) -> Path:
        """Rename a damaged file, and what belongs to it, to the first free name; the new name."""
        number = 1
        while (target := path.with_name(f"{path.name}.damaged-{number}")).exists():
            number += 1
        path.rename(target)
        for suffix in _SUFFIXES[1:]:
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(target.with_name(target.name + suffix))
        return target

    def load(self) -> SpoolState:
        """What was saved last."""
        columns = "produced, acknowledged, stored, last_number, running_s"
        numbers = self._db.execute(f"SELECT {columns} FROM ledger").fetchone()
        if numbers is None:
            raise sqlite3.DatabaseError("the ledger is missing")
        self._expired = dict(self._db.execute("SELECT reason, count FROM expired"))
        produced, acknowledged, stored, last_number, running_s = numbers
        return SpoolState(produced, acknowledged, stored, last_number, running_s, dict(self._expired))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._expired = {}
            raise

    def insert(self, rows: Sequence[SpoolRow], running_s: int) -> None:
        """Add `rows`."""
        values = [(row.number, row.device, row.time_ms, running_s, row.metrics) for row in rows]
        self._db.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", values)

    def delete(self, first: int, last: int, limit: int) -> int:
        """Delete the oldest `limit` rows numbered `first` to `last`; how many."""
        inside = "SELECT number FROM rows WHERE number BETWEEN ? AND ? ORDER BY number LIMIT ?"
        return self._db.execute(f"DELETE FROM rows WHERE number IN ({inside})", (first, last, limit)).rowcount

    def delete_oldest(self, limit: int) -> int:
        """Delete the oldest `limit` rows; how many."""
        oldest = "SELECT number FROM rows ORDER BY number LIMIT ?"
        return self._db.execute(f"DELETE FROM rows WHERE number IN ({oldest})", (limit,)).rowcount

    def delete_older(self, running_s: int, limit: int) -> int:
        """Delete the oldest rows, `limit` at the most, as far as they were added before `running_s`; how many."""
        oldest = "SELECT number FROM (SELECT number, running_s FROM rows ORDER BY number LIMIT ?) WHERE running_s < ?"
        return self._db.execute(f"DELETE FROM rows WHERE number IN ({oldest})", (limit, running_s)).rowcount

    def put_state(self, produced: int, acknowledged: int, stored: int, last_number: int, running_s: int) -> None:
        """Save the ledger's numbers."""
        self._db.execute(
            "UPDATE ledger SET produced = ?, acknowledged = ?, stored = ?, last_number = ?, running_s = ?",
            (produced, acknowledged, stored, last_number, running_s),
        )

    def put_expired(self, expired: Mapping[str, int]) -> None:
        """Save what has expired, where it changed."""
        if expired != self._expired:
            self._db.executemany("INSERT OR REPLACE INTO expired VALUES (?, ?)", list(expired.items()))
            self._expired = dict(expired)

    def rows(self, first: int, last: int, limit: int) -> list[SpoolRow]:
        """Up to `limit` rows numbered `first` to `last`, in order."""
        query = "SELECT number, device, time_ms, metrics FROM rows WHERE number BETWEEN ? AND ? ORDER BY number LIMIT ?"
        return [SpoolRow(*row) for row in self._db.execute(query, (first, last, limit))]

    def count(self) -> int:
        """How many rows there are, counted one by one."""
        return int(self._db.execute("SELECT count(*) FROM rows").fetchone()[0])

    @property
    def used_bytes(self) -> int:
        """Size of the pages in use."""
        pages = self._pragma("page_count") - self._pragma("freelist_count")
        return pages * self._pragma("page_size")

    def checkpoint(self) -> int:
        """Copy the log into the database, onto the medium, by a connection of its own; how many pages the log has."""
        db = sqlite3.connect(self.path, isolation_level=None, timeout=_BUSY_S)
        try:
            _, pages, _ = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            return max(int(pages), 0)
        finally:
            db.close()

    def close(self) -> None:
        """Close the file; a disk that refuses even that changes nothing."""
        with suppress(sqlite3.Error):
            self._db.close()

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA wal_autocheckpoint=0")
        self._db.execute(f"PRAGMA journal_size_limit={_LOG_SIZE_LIMIT}")
        version = self._pragma("user_version")
        if version == 0:
            self._db.executescript(_SCHEMA)
            self._db.execute(f"PRAGMA user_version={FORMAT_VERSION}")

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"PRAGMA {name}").fetchone()[0])
