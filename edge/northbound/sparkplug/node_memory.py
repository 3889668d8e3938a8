"""What a Sparkplug node must remember over restarts: its aliases, its bdSeq, which row numbers may be in use, and a
copy of the spool's ledger.

Knows: SQLite (synchronous=FULL: what is given out is on the medium before it is used). Must not know: sessions, rows.

Kept apart from the spool, so that a damaged spool costs rows and never an identity. While the disk refuses, numbers go
on in memory and `degraded` says so.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from edge.northbound.spool_file import SpoolState

FIRST_DEVICE_ALIAS = 128  # two bytes each up to 16383, so that all metrics of a report have one size
NUMBERS_AHEAD = 100_000  # row numbers set aside at a time; a reboot after a power cut begins beyond them
_BD_SEQ_MODULUS = 256
_SCHEMA = """
CREATE TABLE IF NOT EXISTS aliases (name TEXT PRIMARY KEY, alias INTEGER NOT NULL UNIQUE) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS node (
    one INTEGER PRIMARY KEY CHECK (one = 1), bd_seq INTEGER NOT NULL, numbers_to INTEGER NOT NULL,
    boot_id TEXT NOT NULL);
INSERT OR IGNORE INTO node VALUES (1, -1, 0, '');
CREATE TABLE IF NOT EXISTS ledger (one INTEGER PRIMARY KEY CHECK (one = 1), state TEXT NOT NULL);
"""
_log = logging.getLogger(__name__)


class NodeMemory:
    """Used by one thread at a time. No method raises for a field problem."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None
        self.degraded = ""
        self._bd_seq = -1
        self._boot_id = ""
        self.numbers_to = 0
        self._aliases: dict[str, int] = {}
        self.ledger: SpoolState | None = None  # as it was copied last
        try:
            self._db = self._open(path)
            self._aliases = dict(self._db.execute("SELECT name, alias FROM aliases"))
            row = self._db.execute("SELECT bd_seq, numbers_to, boot_id FROM node").fetchone()
            self._bd_seq, self.numbers_to, self._boot_id = row
            copy = self._db.execute("SELECT state FROM ledger").fetchone()
            self.ledger = _read_copy(copy[0]) if copy else None
        except sqlite3.Error as error:
            self._on_refusal(error)

    def take_aliases(self, names: Iterable[str]) -> dict[str, int]:
        """By name: the number it has, or a new one. A number once given is never given to another name."""
        wanted = list(names)
        new: dict[str, int] = {}
        free = max([FIRST_DEVICE_ALIAS - 1, *self._aliases.values()]) + 1
        for name in wanted:
            if name not in self._aliases and name not in new:
                new[name] = free + len(new)
        self._aliases |= new
        self._write("INSERT INTO aliases VALUES (?, ?)", list(new.items()))
        return {name: self._aliases[name] for name in wanted}

    def next_bd_seq(self) -> int:
        """The number of the next CONNECT: 0 for the first ever, then one more each time, 0 after 255."""
        self._bd_seq = (self._bd_seq + 1) % _BD_SEQ_MODULUS
        self._write("UPDATE node SET bd_seq = ?", [(self._bd_seq,)])
        return self._bd_seq

    def first_unused(self, last_saved: int, boot_id: str) -> int:
        """A number beyond which none was ever used, `last_saved` being the last the spool knows.

        Within one boot of the machine that is the last saved one; a power cut may have taken the newest rows, whose
        numbers are already known to the platform.
        """
        is_same_boot = boot_id != "" and boot_id == self._boot_id
        first = last_saved if is_same_boot and 0 < last_saved <= self.numbers_to else max(last_saved, self.numbers_to)
        self._boot_id = boot_id
        self.set_aside(first + NUMBERS_AHEAD)
        return first

    def set_aside(self, numbers_to: int) -> None:
        """Row numbers up to here may be used."""
        self.numbers_to = numbers_to
        self._write("UPDATE node SET numbers_to = ?, boot_id = ?", [(numbers_to, self._boot_id)])

    def keep_ledger(self, state: SpoolState) -> None:
        """Copy the spool's ledger."""
        self._write("INSERT OR REPLACE INTO ledger VALUES (1, ?)", [(json.dumps(asdict(state)),)])

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
            self._db = None

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if self._db is None or not rows:
            return
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(statement, rows)
            self._db.execute("COMMIT")
            self.degraded = ""
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._on_refusal(error)

    def _on_refusal(self, error: sqlite3.Error) -> None:
        if not self.degraded:
            _log.error("sparkplug: %s cannot be used (%s); aliases and bdSeq go on in memory", self._path, error)
        self.degraded = f"{self._path.name}: {error}"

    @staticmethod
    def _open(path: Path) -> sqlite3.Connection:
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            db.executescript(_SCHEMA)
        except BaseException:
            db.close()
            raise
        return db


def _read_copy(text: str) -> SpoolState | None:
    """The copied ledger; None for what another version wrote, which is no reason not to start."""
    try:
        return SpoolState(**json.loads(text))
    except (ValueError, TypeError):
        return None
