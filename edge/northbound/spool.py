"""The telemetry spool: every report is a row on disk before it is sent, and stays one until it is acknowledged.

Knows: SQLite, the budget, the age limit, the ledger of rows. Must not know: asyncio, MQTT, what is in a row.

One connection, used by the loop's thread, WAL and synchronous=NORMAL: a killed process loses nothing that was saved, a
power cut at most what came after the last checkpoint (`checkpoint` is meant to run every second, in a thread of its
own). The ledger is written in the transaction of the rows it counts: produced = acknowledged + stored + expired.
While the disk refuses, rows are kept in memory up to MEMORY_SIZE_MAX, then the oldest expire with the reason `disk`.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.northbound.intervals import Intervals
from edge.northbound.spool_file import SpoolFile, SpoolRow, SpoolState, is_damage

MEMORY_SIZE_MAX = 4 * 1024 * 1024  # rows in memory while the disk refuses
RETRY_FIRST_S = 1.0
RETRY_MAX_S = 30.0
DELETE_CHUNK = 500  # rows of one transaction, so that none holds the loop up
BUDGET_CHECK_ROWS = 32
BUDGET, AGE, DISK, DAMAGED, REMOVED = "budget", "age", "disk", "damaged", "device_removed"  # reasons of expiry
_log = logging.getLogger(__name__)


@dataclass
class Ledger:
    """Rows since the spool was made. Each is counted where it happens; none is worked out from the others."""

    produced: int
    acknowledged: int
    stored: int
    expired: dict[str, int]

    @property
    def is_balanced(self) -> bool:
        """Whether every row ever produced is accounted for."""
        return self.produced == self.acknowledged + self.stored + sum(self.expired.values())

    def as_dict(self) -> dict[str, Any]:
        """For status and metrics."""
        total = sum(self.expired.values())
        return {
            "produced": self.produced,
            "acknowledged": self.acknowledged,
            "stored": self.stored,
            "expired": {"total": total, **self.expired},
            "balanced": self.is_balanced,
        }


class Spool:
    """Rows in the order of their numbers. No method raises for a field problem: `degraded` says it."""

    def __init__(self, path: Path, *, budget_bytes: int, age_s: int, remembered: SpoolState | None = None) -> None:
        """`remembered` is a copy of the ledger, kept elsewhere, for the case that the file cannot be read."""
        self._path = path
        self._budget_bytes = budget_bytes
        self._age_s = age_s
        self._unsaved: deque[SpoolRow] = deque()
        self._unsaved_size = 0
        self._leaving = {"": Intervals()}  # to be deleted, by the reason of expiry; "" for what was acknowledged
        self._file: SpoolFile | None = None
        self._retry_at_s = 0.0
        self._retry_s = RETRY_FIRST_S
        self._since_check = 0
        self._is_dirty = False
        self._is_loaded = False
        self.degraded = ""
        self.write_errors = 0
        self.ledger = Ledger(0, 0, 0, {})
        self.last_number = 0
        self._running_s = 0.0
        self._open(remembered)

    def skip_numbers(self, number: int) -> None:
        """Numbers up to `number` may have been used before: the next one is beyond."""
        self.last_number = max(self.last_number, number)

    def append(self, device: str, time_ms: int, metrics: bytes) -> SpoolRow:
        """A new row, not yet saved. `save` follows before it is sent."""
        self.last_number += 1
        row = SpoolRow(self.last_number, device, time_ms, metrics)
        self._unsaved.append(row)
        self._unsaved_size += len(metrics)
        self.ledger.produced += 1
        self.ledger.stored += 1
        return row

    def acknowledge(self, first: int, last: int) -> None:
        """Rows `first` to `last` are stored at the platform; `save` forgets them."""
        if first <= min(last, self.last_number):
            self._leaving[""].add(first, min(last, self.last_number))

    def save(self) -> bool:
        """Write what is waiting, in one transaction; False while the disk refuses, or when more is left to delete."""
        if not (self._unsaved or self._is_dirty or any(self._leaving.values())):
            return True
        if self.degraded and time.monotonic() < self._retry_at_s:
            self._trim()
            return False
        try:
            self._write()
        except sqlite3.Error as error:
            self._on_refusal(error)
            self._trim()
            return False
        self._on_success()
        return not any(self._leaving.values())

    def rows(self, first: int, last: int, limit: int) -> list[SpoolRow] | None:
        """Up to `limit` rows numbered `first` to `last`, in order; None while the disk cannot be read."""
        found: list[SpoolRow] = []
        if self._file is None and self.ledger.stored > len(self._unsaved):
            return None
        try:
            if self._file is not None:
                found = self._file.rows(first, last, limit)
        except sqlite3.Error as error:
            self._on_refusal(error)
            return None
        found += [row for row in self._unsaved if first <= row.number <= last][: limit - len(found)]
        return found

    def expire(self, first: int, last: int, reason: str) -> None:
        """Give rows `first` to `last` up, counted with `reason`; `save` deletes them."""
        self._leaving.setdefault(reason, Intervals()).add(first, last)

    def tend(self, elapsed_s: float) -> None:
        """Once a second or so: ages, the budget, and another try when the disk refused."""
        self._running_s += elapsed_s
        self._since_check = BUDGET_CHECK_ROWS
        self._is_dirty = True
        self.save()

    def checkpoint(self) -> int:
        """Bring what was saved into the database file and onto the medium; pages of the log. Runs in a thread.

        The log begins anew with the next `save`, provided nothing was saved while this ran.
        """
        file = self._file
        try:
            return file.checkpoint() if file is not None else 0
        except sqlite3.Error:
            return 0  # the next save meets the same disk and says so

    @property
    def used_bytes(self) -> int:
        """Bytes of the budget in use; 0 while the disk cannot be read."""
        try:
            return self._file.used_bytes if self._file is not None else 0
        except sqlite3.Error:
            return 0

    def close(self) -> None:
        """Save and close."""
        self._retry_at_s = 0.0
        self._is_dirty = True
        self.save()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, remembered: SpoolState | None) -> None:
        try:
            self._file = SpoolFile(self._path)
            self._take_state(self._file.load())
        except sqlite3.Error as error:
            if is_damage(error):
                self._take_state(remembered or SpoolState(0, 0, 0, 0, 0, {}))
            self._on_refusal(error)

    def _take_state(self, state: SpoolState) -> None:
        """The ledger as it was saved, and on top of it what happened before it could be read."""
        ledger = self.ledger
        expired = {reason: state.expired.get(reason, 0) + ledger.expired.get(reason, 0) for reason in state.expired}
        ledger.produced += state.produced
        ledger.acknowledged += state.acknowledged
        ledger.stored += state.stored
        ledger.expired = {**ledger.expired, **expired}
        self.last_number = max(self.last_number, state.last_number)
        self._running_s += state.running_s
        self._is_loaded = True

    @property
    def state(self) -> SpoolState:
        """A copy of the ledger, to be kept elsewhere."""
        ledger = self.ledger
        counts = (ledger.produced, ledger.acknowledged, ledger.stored)
        return SpoolState(*counts, self.last_number, int(self._running_s), dict(ledger.expired))

    def _write(self) -> None:
        if self._file is None:
            self._file = SpoolFile(self._path)
        if not self._is_loaded:
            self._take_state(self._file.load())
        ledger = self.ledger
        before = (ledger.acknowledged, ledger.stored, dict(ledger.expired))
        try:
            with self._file.transaction():
                done = self._write_in(self._file)
        except BaseException:
            ledger.acknowledged, ledger.stored, ledger.expired = before
            raise
        self._unsaved.clear()
        self._unsaved_size = 0
        self._is_dirty = False
        for first, last, reason in done:
            self._leaving[reason].remove(first, last)

    def _write_in(self, file: SpoolFile) -> list[tuple[int, int, str]]:
        """Everything that waits; what was deleted to its end."""
        file.insert(self._unsaved, int(self._running_s))
        done = self._delete(file)
        self._since_check += len(self._unsaved)
        if self._since_check >= BUDGET_CHECK_ROWS:
            self._since_check = 0
            self._count_gone(file.delete_older(int(self._running_s) - self._age_s, DELETE_CHUNK), AGE)
            self._keep_budget(file)
        ledger = self.ledger
        file.put_state(ledger.produced, ledger.acknowledged, ledger.stored, self.last_number, int(self._running_s))
        file.put_expired(ledger.expired)
        return done

    def _delete(self, file: SpoolFile) -> list[tuple[int, int, str]]:
        left = DELETE_CHUNK
        done: list[tuple[int, int, str]] = []
        for reason, intervals in self._leaving.items():
            for first, last in intervals:
                deleted = file.delete(first, last, left)
                self._count_gone(deleted, reason)
                left -= deleted
                if left <= 0 or len(done) >= DELETE_CHUNK:
                    return done
                done.append((first, last, reason))
        return done

    def _keep_budget(self, file: SpoolFile) -> None:
        while file.used_bytes > self._budget_bytes:
            deleted = file.delete_oldest(2 * BUDGET_CHECK_ROWS)
            self._count_gone(deleted, BUDGET)
            if not deleted:
                return

    def _count_gone(self, count: int, reason: str) -> None:
        """`count` rows left the spool: acknowledged when there is no `reason`, else expired."""
        self.ledger.stored -= count
        if not reason:
            self.ledger.acknowledged += count
        elif count:
            self.ledger.expired[reason] = self.ledger.expired.get(reason, 0) + count

    def _trim(self) -> None:
        """Hold what waits for the disk below its limit; what was acknowledged meanwhile goes first."""
        if self._unsaved_size <= MEMORY_SIZE_MAX:
            return
        kept = deque(row for row in self._unsaved if row.number not in self._leaving[""])
        self._count_gone(len(self._unsaved) - len(kept), "")
        self._unsaved, self._unsaved_size = kept, sum(len(row.metrics) for row in kept)
        while self._unsaved_size > MEMORY_SIZE_MAX:
            self._unsaved_size -= len(self._unsaved.popleft().metrics)
            self._count_gone(1, DISK)

    def _on_refusal(self, error: sqlite3.Error) -> None:
        self.write_errors += 1
        self._retry_at_s = time.monotonic() + self._retry_s
        self._retry_s = min(2 * self._retry_s, RETRY_MAX_S)
        if is_damage(error):
            self._set_aside(error)
            return
        if not self.degraded:
            _log.error("telemetry spool: %s cannot be written (%s); reports wait in memory", self._path, error)
        self.degraded = f"disk: {error}"
        self._drop_file()

    def _on_success(self) -> None:
        if self.degraded:
            _log.warning("telemetry spool: %s can be written again", self._path)
        self.degraded = ""
        self._retry_s = RETRY_FIRST_S

    def _drop_file(self) -> None:
        """The connection may have lost its file; the next try makes a fresh one."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _set_aside(self, error: sqlite3.Error) -> None:
        """The file is damaged: what it held is lost and counted, a new one begins, the hub goes on."""
        lost = self.ledger.stored - len(self._unsaved)
        self._drop_file()
        try:
            kept_as = SpoolFile.set_aside(self._path)
        except OSError as refusal:
            self.degraded = f"damaged ({error}) and cannot be moved aside ({refusal}): move {self._path} away by hand"
            _log.error("telemetry spool: %s", self.degraded)
            return
        self._count_gone(lost, DAMAGED)
        self._retry_at_s = 0.0
        self._is_dirty = True
        _log.error(
            "telemetry spool: %s is damaged (%s); it is kept as %s, %d reports in it count as expired (damaged)",
            self._path,
            error,
            kept_as.name,
            lost,
        )
