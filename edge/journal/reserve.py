"""Room kept on the disk for the time when it is full, so that a gate goes on working and recording for a while.

Knows: the rows that hold room inside the database, the file that holds room beside it, free space. Must not know: who
writes records, when a disk counts as full.

Rows that are deleted leave free pages in the database, which nobody else can take: records go on there. The spare file
makes room for the database's own log, which has to exist before anything can be written.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from enum import Enum
from pathlib import Path

ROW_SIZE = 64 * 1024
STEP_ROWS = 16  # filled in one transaction: a new record waits for one of them at the most
SPARE_SIZE = 5 * 1024 * 1024  # more than the log grows to before it begins anew (1000 pages)


class Fill(Enum):
    """How far a reserve is."""

    WHOLE = "whole"
    GROWING = "growing"
    NO_ROOM = "no room"


class Reserve:
    """The reserve of the database at `path`: `size` bytes in it, 0 for none at all."""

    def __init__(self, path: Path, size: int) -> None:
        self.size = size
        self._spare = path.with_name(path.name + ".spare")
        self._folder = path.parent

    def fill(self, db: sqlite3.Connection) -> Fill:
        """One step towards a whole reserve. Takes only what the disk can give."""
        missing = max(0, self.size // ROW_SIZE - _count(db))
        is_spare_there = self._spare.exists() or not self.size
        if missing == 0 and is_spare_there:
            return Fill.WHOLE
        wanted = missing * ROW_SIZE + (0 if is_spare_there else SPARE_SIZE)
        if free_bytes(self._folder) < 2 * wanted:
            return Fill.NO_ROOM
        if not is_spare_there:
            _write_whole(self._spare, SPARE_SIZE)
        else:
            db.executemany("INSERT INTO reserve VALUES (zeroblob(?))", [(ROW_SIZE,)] * min(missing, STEP_ROWS))
        return Fill.GROWING

    def release_spare(self) -> bool:
        """Give the room beside the database back; whether there was any."""
        with suppress(OSError):
            self._spare.unlink()
            return True
        return False

    def release_rows(self, db: sqlite3.Connection) -> bool:
        """Give the room inside the database back, for records to go on; whether there was any."""
        return db.execute("DELETE FROM reserve").rowcount > 0


def free_bytes(folder: Path) -> int:
    """What anybody may still write there."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def _count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM reserve").fetchone()[0])


def _write_whole(path: Path, size: int) -> None:
    """Written, not only given a length: a file with holes holds no room. A part of one is removed again."""
    try:
        with path.open("wb") as file:
            file.write(bytes(size))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise
