"""What a refusing disk is called: one word for the status, by the kind of refusal.

Knows: SQLite's and the system's error numbers. Must not know: what the hub does in a mode.
"""

from __future__ import annotations

import errno
import sqlite3
from enum import StrEnum


class DiskMode(StrEnum):
    """How the journal stands with its disk. In every mode but the first two no command leaves."""

    NORMAL = "normal"
    LOW = "disk_low"  # the disk is full and the reserve is in use: everything goes on, until that is full too
    FULL = "disk_full"
    READ_ONLY = "disk_read_only"
    DAMAGED = "journal_damaged"  # what is on the disk is not what was written
    FAILING = "disk_error"  # input/output errors, a file that is gone, and what has no word of its own


_BY_SQLITE = {
    sqlite3.SQLITE_FULL: DiskMode.FULL,
    sqlite3.SQLITE_READONLY: DiskMode.READ_ONLY,
    sqlite3.SQLITE_CORRUPT: DiskMode.DAMAGED,
    sqlite3.SQLITE_NOTADB: DiskMode.DAMAGED,
}
_BY_ERRNO = {
    errno.ENOSPC: DiskMode.FULL,
    errno.EDQUOT: DiskMode.FULL,
    errno.EFBIG: DiskMode.FULL,
    errno.EROFS: DiskMode.READ_ONLY,
}
_PRIMARY_CODE = 0xFF  # SQLite's extended codes keep the primary one in the low byte


def mode_of(error: BaseException) -> DiskMode:
    """The mode a failed write puts the journal into."""
    if isinstance(error, sqlite3.Error):
        return _BY_SQLITE.get(getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE, DiskMode.FAILING)
    if isinstance(error, OSError):
        return _BY_ERRNO.get(error.errno or 0, DiskMode.FAILING)
    cause = error.__cause__
    return mode_of(cause) if cause is not None else DiskMode.DAMAGED
