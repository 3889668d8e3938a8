"""Group commit: many tasks append, one thread writes, everybody may wait until it is on the disk.

Knows: asyncio, one single-thread executor, the journal store, and what to do while the disk refuses.
Must not know: what the records mean.

While the disk refuses the journal is *degraded*, in a mode with a name (edge/journal/disk_mode.py): what waits is kept
in memory within bounds (edge/journal/pending.py) and tried again; beyond that, drafts posted without waiting are
dropped and counted. Whoever waits for durability keeps waiting: no command leaves unrecorded. The first commit that
works again carries the records that tell of the time and of every loss. A disk that is full first costs the reserve
(edge/journal/reserve.py): with it everything goes on, in mode `disk_low`.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from edge.journal.checkpoint import CHECKPOINT
from edge.journal.classes import RecordClass, class_of
from edge.journal.database import JournalError
from edge.journal.disk_mode import DiskMode, mode_of
from edge.journal.ledger import ClassLedger
from edge.journal.pending import PENDING_MAX, Attempt, Entry, Pending
from edge.journal.records import Draft, StoredRecord, encode
from edge.journal.reserve import Fill, Reserve, free_bytes
from edge.journal.retention import Limits
from edge.journal.signing import GateKey
from edge.journal.store import JournalStore
from edge.model import Record

RETRY_S = 1.0
CLOSE_DEADLINE_S = 5.0  # a stopping hub waits no longer for a refusing disk
CARE_EVERY_S = 60.0  # retention and reserve are looked at
CARE_STEP_S = 0.05  # between two steps of a reserve that grows
CURSORS_AFTER_S = 0.2  # a drained backlog costs five flushes a second, not one per acknowledgement
_CHECKPOINT_DRAFT = Draft(0, CHECKPOINT, "", "", "{}", class_of(CHECKPOINT))  # stands for what the store writes itself
_REFUSALS = (sqlite3.Error, JournalError, OSError)
_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long records are kept, what signs for those that go, and whether the clock can be believed."""

    limits: Limits
    key: GateKey
    is_clock_good: Callable[[], bool] = lambda: True


class JournalWriter:
    """The only way to the journal for a running hub. `run` must be a task of the hub's group."""

    def __init__(
        self,
        path: Path,
        *,
        retention: Retention | None = None,
        reserve_size: int = 0,
        care_every_s: float = CARE_EVERY_S,
        retry_s: float = RETRY_S,
        pending_max: int = PENDING_MAX,
    ) -> None:
        """Open the journal of a site; without `retention` nothing is ever removed. Raises JournalError."""
        self._path = path
        self._reserve = Reserve(path, reserve_size)
        self._store = self._open_first()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._retention = retention
        self._care_every_s = care_every_s
        self._care_at_s = 0.0  # loop time
        self._retry_s = retry_s
        self._wake = asyncio.Event()
        self._closing = False
        self._reopen = False
        self.listeners: list[Callable[[], None]] = []  # called after every commit
        self.last_seq = self._store.last_seq
        self.heads = self._heads()
        self.acked = {name.value: self._store.acked.get(name, 0) for name in RecordClass}
        self._acked_durable = dict(self.acked)
        self._cursors_due_s = 0.0  # loop time
        self._stored_ledgers = dict(self._store.ledgers)
        produced = {name: ledger.produced for name, ledger in self._stored_ledgers.items()}
        self._pending = Pending(produced, pending_max)
        self._attempt = Attempt([], [], {}, Counter())  # the last transaction that was tried
        self._refusal = DiskMode.NORMAL
        self.degraded = ""  # the reason while the disk refuses
        self._degraded_since_ms = 0
        self._is_low = False
        self.write_errors = 0
        self.records_lost = 0
        self.removed = 0  # by retention since the start
        self.usage = self._store.usage()  # as of the last look of retention

    @property
    def mode(self) -> DiskMode:
        """How the journal stands with its disk."""
        if self.degraded:
            return self._refusal
        return DiskMode.LOW if self._is_low else DiskMode.NORMAL

    @property
    def public_key(self) -> str:
        """What checkpoints can be checked with; "" without retention."""
        return self._retention.key.public if self._retention else ""

    @property
    def acked_count(self) -> int:
        """How many records of all classes the platform has; `last_seq` when it has them all."""
        return sum(self.acked.values())

    def lane_counts(self) -> dict[tuple[str, str], int]:
        """Records by (lane, kind); for use before `run` starts."""
        return self._store.lane_counts()

    def lane_states(self) -> dict[str, str]:
        """Saved lane states; for use before `run` starts."""
        return self._store.lane_states()

    def device_cursors(self) -> dict[str, tuple[int, int]]:
        """Saved event cursors; for use before `run` starts."""
        return self._store.device_cursors()

    def ledger(self) -> dict[str, ClassLedger]:
        """By class: the account of this moment, every side from its own counter."""
        names = [name.value for name in RecordClass]
        return {name: self._pending.account(name, self._stored_ledgers.get(name, ClassLedger())) for name in names}

    async def append(
        self,
        records: Sequence[Record],
        lane_states: Mapping[str, str] | None = None,
        cursors: Mapping[str, tuple[int, int]] | None = None,
    ) -> int:
        """Write in one transaction and return when it is durable: the journal's newest sequence number then.

        Raises TypeError or ValueError for a record that is no JSON or too large: its maker's error, not the writer's.
        """
        return await self._enqueue([encode(record) for record in records], lane_states or {}, cursors or {})

    def post(self, records: Sequence[Record], cursors: Mapping[str, tuple[int, int]] | None = None) -> bool:
        """Write soon, without waiting; False when memory is full and the records were dropped and counted."""
        drafts = [encode(record) for record in records]
        if not self._pending.has_room(drafts):
            self._pending.drop(drafts)
            self.records_lost += len(drafts)
            return False
        self._enqueue(drafts, {}, cursors or {})
        return True

    def acknowledge(self, record_class: str, class_seq: int) -> None:
        """Move the uplink cursor of a class to `class_seq` now, and on the disk with the next commit; never back.

        Cursors alone are committed after CURSORS_AFTER_S: one that a power cut forgets only sends records again.
        """
        if self.acked[record_class] < class_seq <= self.heads[record_class]:
            if self.acked == self._acked_durable:
                self._put_off_cursors()
            self.acked[record_class] = class_seq

    async def class_records_after(self, record_class: str, class_seq: int, limit: int) -> list[StoredRecord]:
        """Up to `limit` durable records of a class that follow `class_seq`; empty while the disk cannot be read."""
        try:
            return await self._in_thread(lambda: self._store.class_records_after(record_class, class_seq, limit))
        except sqlite3.Error as error:
            if not self.degraded:  # what a failed write said stays the reason
                self._note_failure(error)
            return []

    async def run(self) -> None:
        """Commit what is waiting, all of it at a time, until `close` was called and nothing is left."""
        self._wake.set()  # for the first look at reserve and retention
        while not (self._closing and not self.has_work()):
            await self._wake.wait()
            self._wake.clear()
            while self._is_due():
                if not await self._commit_once():
                    await asyncio.sleep(self._retry_s)
            if not self._closing:
                await self._take_care()

    async def close(self, runner: asyncio.Task[None]) -> bool:
        """Flush within CLOSE_DEADLINE_S, end `runner`, close the file; False when something could not be written."""
        self._closing = True
        self._wake.set()
        await asyncio.wait([runner], timeout=CLOSE_DEADLINE_S)
        flushed = runner.done()
        runner.cancel()
        self.shut()
        return flushed

    def shut(self) -> None:
        """Close the file without flushing; for the way out of a program error."""
        self._executor.shutdown(wait=True)
        self._store.close()

    def has_work(self) -> bool:
        """Whether something is to be written, if only that the disk works again."""
        return self.has_entries() or self.acked != self._acked_durable or bool(self.degraded)

    def has_entries(self) -> bool:
        """Whether somebody's records or states wait to be written."""
        return bool(self._pending.entries)

    def _put_off_cursors(self) -> None:
        loop = asyncio.get_running_loop()
        self._cursors_due_s = loop.time() + CURSORS_AFTER_S
        loop.call_at(self._cursors_due_s, self._wake.set)

    def _is_due(self) -> bool:
        """Whether something is to be written now."""
        if self.has_entries() or self.degraded or self._closing:
            return self.has_work()
        return self.acked != self._acked_durable and asyncio.get_running_loop().time() >= self._cursors_due_s

    def _enqueue(
        self, drafts: Sequence[Draft], lane_states: Mapping[str, str], cursors: Mapping[str, tuple[int, int]]
    ) -> asyncio.Future[int]:
        durable: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._pending.add(Entry(drafts, lane_states, cursors, durable))
        self._wake.set()
        return durable

    async def _commit_once(self) -> bool:
        """One transaction with everything that waits; on a refusing disk everything stays where it is.

        Whether it may go on at once.
        """
        pending, told = self._pending, self._tell()
        attempt = Attempt(list(pending.entries), told, dict(self.acked), Counter(pending.lost))
        try:
            if not await self._in_thread(self._did_land_before):
                self._attempt = attempt
                await self._in_thread(self._write)
        except _REFUSALS as error:
            self._note_failure(error)
            return await self._use_reserve()
        self._note_success()
        self._take_over(self._attempt)
        return True

    async def _use_reserve(self) -> bool:
        """Whether a full disk has room again because the reserve was given back."""
        if self._refusal is not DiskMode.FULL:
            return False
        try:
            released = await self._in_thread(lambda: self._store.release_reserve(self._reserve))
        except _REFUSALS:  # the disk refuses even that; it is tried again with the records
            return False
        if released:
            self._set_low(True)
        return released

    async def _take_care(self) -> None:
        """When it is time, fill the reserve and remove what is old: a step of each, at once again if there is more."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._care_at_s:
            return
        fill, removed = Fill.NO_ROOM, 0
        self._attempt = Attempt([], [_CHECKPOINT_DRAFT], dict(self._acked_durable), Counter())
        try:
            fill = await self._in_thread(self._fill_reserve)
            removed = await self._in_thread(self._remove_page)
        except _REFUSALS as error:
            self._note_failure(error)
        if removed:
            self._take_over(self._attempt)
            self.removed += removed
        if fill is not Fill.GROWING:
            self._set_low(fill is Fill.NO_ROOM)
        pause_s = CARE_STEP_S if fill is Fill.GROWING else self._care_every_s
        self._care_at_s = loop.time() + (0 if removed else min(pause_s, self._care_every_s))
        loop.call_at(self._care_at_s, self._wake.set)

    def _fill_reserve(self) -> Fill:
        """What a quota refuses is a disk without room, not one that cannot be written."""
        try:
            return self._store.fill_reserve(self._reserve)
        except _REFUSALS as error:
            if mode_of(error) is DiskMode.FULL:
                return Fill.NO_ROOM
            raise

    def _remove_page(self) -> int:
        retention, removed = self._retention, 0
        if retention is not None:
            now_ms, is_clock_good = time.time_ns() // 1_000_000, retention.is_clock_good()
            removed = self._store.remove_page(retention.limits, retention.key, now_ms, is_clock_good=is_clock_good)
        self.usage = self._store.usage()
        return removed

    def _set_low(self, is_low: bool) -> None:
        """The reserve is in use, or whole again: said in the status, and by a record each time."""
        if is_low != self._is_low:
            self._is_low = is_low
            data = {"reason": "journal_disk_low", "low": is_low, "free_bytes": free_bytes(self._path.parent)}
            self.post([Record("attention", "", "", data, time.time_ns() // 1_000_000)])

    def _open_first(self) -> JournalStore:
        """The journal at the start. On a disk without room the spare file makes some for the database's log."""
        try:
            return JournalStore(self._path, may_migrate=True)
        except JournalError as error:
            if mode_of(error) is DiskMode.DAMAGED or not self._reserve.release_spare():
                raise
            return JournalStore(self._path, may_migrate=True)

    def _did_land_before(self) -> bool:
        """Open the file anew after a failure; whether the transaction that failed is in it all the same.

        A flush that fails leaves open what a power cut would find; written again, records would be there twice.
        """
        if not self._reopen:
            return False
        fresh = self._open_anew()
        self._store.close()
        self._store, self._reopen = fresh, False
        return fresh.last_seq > self.last_seq

    def _open_anew(self) -> JournalStore:
        """The file through a new connection. The old one stays until then: what can be read is read through it."""
        advice = "stop the hub, keep what is there as evidence and check the disk"
        if not self._path.exists():
            raise JournalError(f"{self._path} is gone; {advice}")
        fresh = JournalStore(self._path)
        if fresh.last_seq < self.last_seq:
            fresh.close()
            raise JournalError(
                f"{self._path}: record {self.last_seq} was durable and is gone, the journal ends at record "
                f"{fresh.last_seq}; {advice}"
            )
        return fresh

    def _write(self) -> None:
        attempt = self._attempt
        moved = {name: seq for name, seq in attempt.acked.items() if seq != self._store.acked.get(name, 0)}
        self._store.append_drafts(attempt.drafts(), attempt.lane_states(), attempt.cursors(), moved, attempt.lost)

    def _take_over(self, attempt: Attempt) -> None:
        """What was committed is no longer pending: all numbers move in one go, then those who wait are told."""
        self._pending.settle(attempt)
        self._acked_durable = attempt.acked
        if self.acked != self._acked_durable:
            self._put_off_cursors()
        self._stored_ledgers = dict(self._store.ledgers)
        self.last_seq, self.heads = self._store.last_seq, self._heads()
        for entry in attempt.entries:
            if not entry.durable.done():
                entry.durable.set_result(self.last_seq)
        for listener in self.listeners:
            listener()

    def _tell(self) -> list[Draft]:
        """What the next commit has to say of itself: that the disk refused until now, and what was lost meanwhile."""
        facts: list[dict[str, Any]] = []
        if self.degraded:
            facts.append(
                {
                    "reason": "journal_degraded",
                    "mode": self.mode.value,
                    "error": self.degraded,
                    "since_ms": self._degraded_since_ms,
                    "kept": self._pending.count,
                }
            )
        if lost := self._pending.lost.total():
            facts.append({"reason": "journal_records_lost", "count": lost, "classes": dict(+self._pending.lost)})
        now_ms = time.time_ns() // 1_000_000
        return [encode(Record("attention", "", "", data, now_ms)) for data in facts]

    def _note_failure(self, error: Exception) -> None:
        self.write_errors += 1
        self._reopen = True  # the connection may have lost its file; a fresh one reads the head again
        self._wake.set()  # to try again soon, though it was only a read or a look that failed
        if not self.degraded:
            _log.error("the journal cannot be written (%s); records are kept in memory and tried again", error)
            self._degraded_since_ms = time.time_ns() // 1_000_000
        self.degraded, self._refusal = str(error), mode_of(error)

    def _note_success(self) -> None:
        if self.degraded:
            _log.warning("the journal can be written again after %d failed tries", self.write_errors)
        self.degraded = ""

    def _heads(self) -> dict[str, int]:
        return {name.value: 0 for name in RecordClass} | self._store.heads

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)
