"""What the journal knows of a device's settings: when they were changed last.

Knows: the journal's records. Must not know: backups.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from edge.journal.database import JournalError
from edge.journal.query import Filter, newest
from edge.journal.store import JournalStore

_CHANGES = ("SETTING_CHANGED", "CALIBRATED")
_LOOKED_AT = 2000  # events of the device; a backup that is older than so many is no question of minutes


@dataclass(frozen=True, slots=True)
class Change:
    """A record that tells of a change."""

    seq: int
    time_ms: int
    event: str


def last_change(journal: Path, device: str) -> Change | None:
    """The newest change of a setting or calibration of `device`; None when there is none, or no journal to ask."""
    if not journal.exists():
        return None
    try:
        with closing(JournalStore(journal)) as store, store.snapshot() as db:
            records = newest(db, Filter(kinds=("device_event",), device=device), _LOOKED_AT)
    except (JournalError, sqlite3.Error):
        return None
    for record in reversed(records):
        event = str(json.loads(record.data).get("event", ""))
        if event in _CHANGES:
            return Change(record.seq, record.time_ms, event)
    return None
