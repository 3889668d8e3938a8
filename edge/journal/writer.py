"""Group commit: many tasks append, one thread writes, everybody may wait until it is on the disk.

Knows: asyncio, one single-thread executor, the journal store, and what to do while the disk refuses.
Must not know: what the records mean.

While the disk refuses (full, read-only, input/output error) the journal is *degraded*: what waits is kept in memory up
to PENDING_MAX drafts and tried again; beyond that, drafts posted without waiting are dropped and counted, and the loss
is recorded as soon as writing works. Whoever waits for durability keeps waiting: no command leaves unrecorded.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from edge.journal.records import StoredRecord, canonical_json
from edge.journal.store import JournalError, JournalStore
from edge.model import Record

PENDING_MAX = 5000  # drafts held in memory while the disk refuses; about an hour of two busy lanes
RETRY_S = 1.0
CLOSE_DEADLINE_S = 5.0  # a stopping hub waits no longer for a refusing disk
_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


@dataclass
class _Entry:
    """What one caller wants written together, and who waits for it."""

    drafts: Sequence[Record]
    lane_states: Mapping[str, str]
    cursors: Mapping[str, tuple[int, int]]
    durable: asyncio.Future[int] = field(repr=False)


class JournalWriter:
    """The only way to the journal for a running hub. `run` must be a task of the hub's group."""

    def __init__(self, path: Path, *, retry_s: float = RETRY_S, pending_max: int = PENDING_MAX) -> None:
        self._path = path
        self._store = JournalStore(path)
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._retry_s = retry_s
        self._pending_max = pending_max
        self._entries: list[_Entry] = []
        self._pending_count = 0
        self._lost_count = 0
        self._wake = asyncio.Event()
        self._closing = False
        self._reopen = False
        self.listeners: list[Callable[[], None]] = []  # called after every commit
        self.last_seq = self._store.last_seq
        self.acked_seq = self._store.acked_seq()
        self._acked_durable = self.acked_seq
        self.degraded = ""  # the reason while the disk refuses
        self.write_errors = 0
        self.records_lost = 0

    def lane_counts(self) -> dict[tuple[str, str], int]:
        """Records by (lane, kind); for use before `run` starts."""
        return self._store.lane_counts()

    def lane_states(self) -> dict[str, str]:
        """Saved lane states; for use before `run` starts."""
        return self._store.lane_states()

    def device_cursors(self) -> dict[str, tuple[int, int]]:
        """Saved event cursors; for use before `run` starts."""
        return self._store.device_cursors()

    async def append(
        self,
        drafts: Sequence[Record],
        lane_states: Mapping[str, str] | None = None,
        cursors: Mapping[str, tuple[int, int]] | None = None,
    ) -> int:
        """Write in one transaction and return when it is durable: the journal's newest sequence number then."""
        return await self._enqueue(drafts, lane_states or {}, cursors or {})

    def post(self, drafts: Sequence[Record], cursors: Mapping[str, tuple[int, int]] | None = None) -> bool:
        """Write soon, without waiting; False when memory is full and the drafts were dropped and counted."""
        if self._pending_count + len(drafts) > self._pending_max:
            self._lost_count += len(drafts)
            self.records_lost += len(drafts)
            return False
        self._enqueue(drafts, {}, cursors or {})
        return True

    def acknowledge(self, seq: int) -> None:
        """Move the uplink cursor to `seq` now, and on the disk with the next commit; it never moves back."""
        if self.acked_seq < seq <= self.last_seq:
            self.acked_seq = seq
            self._wake.set()

    async def records_after(self, seq: int, limit: int) -> list[StoredRecord]:
        """Up to `limit` durable records that follow `seq`; empty while the disk cannot be read."""
        try:
            return await self._in_thread(lambda: self._store.records_after(seq, limit))
        except sqlite3.Error as error:
            self._note_failure(error)
            return []

    async def run(self) -> None:
        """Commit what is waiting, all of it at a time, until `close` was called and nothing is left."""
        while not (self._closing and not self.has_work()):
            await self._wake.wait()
            self._wake.clear()
            while self.has_work():
                if not await self._commit_once():
                    await asyncio.sleep(self._retry_s)

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

    def _enqueue(
        self, drafts: Sequence[Record], lane_states: Mapping[str, str], cursors: Mapping[str, tuple[int, int]]
    ) -> asyncio.Future[int]:
        for draft in drafts:
            canonical_json(dict(draft.data))  # a draft that is no JSON is its maker's error, not the writer's
        durable: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._entries.append(_Entry(drafts, lane_states, cursors, durable))
        self._pending_count += len(drafts)
        self._wake.set()
        return durable

    def has_work(self) -> bool:
        """Whether something waits to be written."""
        return bool(self._entries) or self.acked_seq != self._acked_durable

    async def _commit_once(self) -> bool:
        """One transaction with everything that waits; on a refusing disk everything stays where it is."""
        entries, acked, lost = list(self._entries), self.acked_seq, self._lost_count
        try:
            last_seq = await self._in_thread(lambda: self._write(entries, acked, lost))
        except (sqlite3.Error, JournalError, OSError) as error:
            self._note_failure(error)
            return False
        self._note_success()
        del self._entries[: len(entries)]
        self._pending_count = sum(len(entry.drafts) for entry in self._entries)
        self._lost_count -= lost
        self._acked_durable = acked
        self.last_seq = last_seq
        for entry in entries:
            if not entry.durable.done():
                entry.durable.set_result(last_seq)
        for listener in self.listeners:
            listener()
        return True

    def _write(self, entries: Sequence[_Entry], acked_seq: int, lost_count: int) -> int:
        if self._reopen:
            self._store.close()
            self._store = JournalStore(self._path)
            self._reopen = False
        drafts = [draft for entry in entries for draft in entry.drafts]
        if lost_count:
            data = {"reason": "journal_records_lost", "count": lost_count}
            drafts.append(Record("attention", "", "", data, int(time.time() * 1000)))
        states = {lane: state for entry in entries for lane, state in entry.lane_states.items()}
        cursors = {device: cursor for entry in entries for device, cursor in entry.cursors.items()}
        return self._store.append(drafts, states, cursors, acked_seq)

    def _note_failure(self, error: Exception) -> None:
        self.write_errors += 1
        self._reopen = True  # the connection may have lost its file; a fresh one reads the head again
        if not self.degraded:
            _log.error("the journal cannot be written (%s); records are kept in memory and tried again", error)
        self.degraded = str(error)

    def _note_success(self) -> None:
        if self.degraded:
            _log.warning("the journal can be written again after %d failed tries", self.write_errors)
        self.degraded = ""

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)
