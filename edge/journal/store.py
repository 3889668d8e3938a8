"""The journal's database: one writer, one transaction per append, a chain checked when it is opened.

Knows: what is written together, and the order in which things become durable.
Must not know: asyncio, lanes, devices or brokers. A lane state is opaque text here, a cursor two integers.

Records, lane states and cursors that belong together are written in one transaction, so a killed hub finds them
agreeing. `head` and `classes` repeat the numbers of the newest records: rows cut off the end do not go unnoticed.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from edge.journal.audit import class_break, head_break, verify_journal
from edge.journal.checkpoint import CHECKPOINT, make_checkpoint, position_behind
from edge.journal.database import COLUMNS, JournalError, classes_behind, connect, insert_records, put_head
from edge.journal.ledger import ClassLedger
from edge.journal.records import ChainPosition, Draft, StoredRecord, encode, first_break, seal
from edge.journal.reserve import Fill, Reserve
from edge.journal.retention import Limits, next_page, used_bytes
from edge.journal.signing import GateKey
from edge.model import Record

TAIL_CHECKED = 1000  # records checked at opening; `verify` checks all of them


class Usage(NamedTuple):
    """The oldest record that is kept (0 for none), and the bytes in use."""

    first_seq: int
    used_bytes: int


class JournalStore:
    """The open journal, used by one thread at a time. Every method raises sqlite3.Error when the disk refuses."""

    def __init__(self, path: Path, *, may_migrate: bool = False) -> None:
        """Open or create; raises JournalError for a journal that cannot be continued."""
        self.path = path
        self._is_settled = True  # whether what the reserve took is in the database's own file
        self._db = connect(path, may_migrate=may_migrate)
        try:
            with self.snapshot():
                self._head = self._read_head()
                self._check_tail()
                self.acked: dict[str, int] = dict(self._db.execute("SELECT class, acked_seq FROM classes"))
                self.ledgers = self._count_ledgers()
        except BaseException:
            self._db.close()
            raise

    @property
    def last_seq(self) -> int:
        """The newest record's number; 0 before the first."""
        return self._head.seq

    @property
    def heads(self) -> dict[str, int]:
        """By class: the newest record's number in it."""
        return dict(self._head.classes)

    def append(
        self,
        records: Sequence[Record],
        lane_states: Mapping[str, str] | None = None,
        cursors: Mapping[str, tuple[int, int]] | None = None,
        acked: Mapping[str, int] | None = None,
    ) -> int:
        """Write all of it durably in one transaction, or none of it; the newest sequence number."""
        return self.append_drafts([encode(record) for record in records], lane_states, cursors, acked)

    def append_drafts(
        self,
        drafts: Sequence[Draft],
        lane_states: Mapping[str, str] | None = None,
        cursors: Mapping[str, tuple[int, int]] | None = None,
        acked: Mapping[str, int] | None = None,
        lost: Mapping[str, int] | None = None,
    ) -> int:
        """As `append`; `acked` are the cursors of the classes, `lost` counts drafts that never came here."""

        def put_states() -> None:
            self._put_states(lane_states or {}, cursors or {})

        return self._commit(drafts, acked or {}, lost or {}, put_states)

    def remove_page(self, limits: Limits, key: GateKey, now_ms: int, *, is_clock_good: bool) -> int:
        """Remove a page of what may go, with its checkpoint in the same transaction; how many records went."""
        page = next_page(self._db, limits, now_ms, is_clock_good=is_clock_good)
        if not page.records:
            return 0
        before, classes = position_behind(self._newest_checkpoint())
        classes = classes_behind(classes, page.records)
        data = make_checkpoint(page.records, before, classes, page.removal, key)
        draft = encode(Record(CHECKPOINT, "", "", data, now_ms))
        last = page.records[-1].seq

        def remove() -> None:
            self._db.execute("INSERT INTO checkpoints VALUES (?, ?, ?)", (last, self.last_seq + 1, draft.data))
            self._db.execute("DELETE FROM records WHERE seq <= ?", (last,))

        self._commit([draft], {}, {}, remove)
        return len(page.records)

    def fill_reserve(self, reserve: Reserve) -> Fill:
        """One step towards a whole reserve; what it takes is then in the database's own file, not in its log."""
        with self._transaction():
            fill = reserve.fill(self._db)
        self._is_settled = self._is_settled and fill is not Fill.GROWING
        if not self._is_settled:
            _, size, moved = self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._is_settled = size == moved  # not while somebody reads an older state
        return fill if self._is_settled or fill is Fill.NO_ROOM else Fill.GROWING

    def release_reserve(self, reserve: Reserve) -> bool:
        """Make its room available; whether there was any. First the spare file: giving rows back takes room itself."""
        is_spare = reserve.release_spare()
        with self._transaction():
            are_rows = reserve.release_rows(self._db)
        self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")  # so that the log begins anew and grows no more
        return is_spare or are_rows

    def usage(self) -> Usage:
        """What the journal takes up now."""
        first = self._db.execute("SELECT min(seq) FROM records").fetchone()[0]
        return Usage(int(first or 0), used_bytes(self._db))

    def records_after(self, seq: int, limit: int) -> list[StoredRecord]:
        """Up to `limit` records of any class that follow `seq`, oldest first."""
        query = f"SELECT {COLUMNS} FROM records WHERE seq > ? ORDER BY seq LIMIT ?"
        return [StoredRecord(*row) for row in self._db.execute(query, (seq, limit))]

    def class_records_after(self, record_class: str, class_seq: int, limit: int) -> list[StoredRecord]:
        """Up to `limit` records of one class that follow `class_seq`, oldest first."""
        query = f"SELECT {COLUMNS} FROM records WHERE class = ? AND class_seq > ? ORDER BY class_seq LIMIT ?"
        return [StoredRecord(*row) for row in self._db.execute(query, (record_class, class_seq, limit))]

    def tail(self, count: int) -> list[StoredRecord]:
        """The newest `count` records, oldest first."""
        return self.records_after(self.last_seq - count, count)

    def verify(self, known_keys: Collection[str] = ()) -> str:
        """Check the whole chain and the file; the sentence that names the first break by its number, or "".

        Checkpoints must be signed by one of `known_keys`; without any, by the key each names itself.
        """
        with self.snapshot():
            return verify_journal(self._db, known_keys)

    def lane_counts(self) -> dict[tuple[str, str], int]:
        """How many records there were of each (lane, kind), over the whole life of the journal."""
        rows = self._db.execute("SELECT lane, kind, count FROM lane_counts")
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

    def _commit(
        self, drafts: Sequence[Draft], acked: Mapping[str, int], lost: Mapping[str, int], also: Callable[[], None]
    ) -> int:
        """The one transaction there is: seal, insert, do `also`, keep the numbers. All or nothing."""
        position = self._head.copy()
        sealed = [seal(draft, position) for draft in drafts]
        with self._transaction():
            stored = self._insert(sealed, position)
            also()
            ledgers = self._put_classes(stored, position, acked, lost)
        self._head, self.ledgers = position, ledgers
        self.acked |= acked
        return self.last_seq

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._rollback()
            raise

    def _newest_checkpoint(self) -> str:
        row = self._db.execute("SELECT data FROM checkpoints ORDER BY last DESC LIMIT 1").fetchone()
        return str(row[0]) if row else ""

    def _insert(self, sealed: Sequence[StoredRecord], position: ChainPosition) -> Counter[str]:
        """Rows added by class, as the database counted them."""
        stored: Counter[str] = Counter()
        for record_class in {record.record_class for record in sealed}:
            of_class = [record for record in sealed if record.record_class == record_class]
            stored[record_class] = insert_records(self._db, of_class)
        if sealed:
            put_head(self._db, position)
        counts = Counter((record.lane, record.kind) for record in sealed if record.lane)
        self._db.executemany(
            "INSERT INTO lane_counts VALUES (?, ?, ?) "
            "ON CONFLICT (lane, kind) DO UPDATE SET count = count + excluded.count",
            [(lane, kind, count) for (lane, kind), count in counts.items()],
        )
        return stored

    def _put_states(self, lane_states: Mapping[str, str], cursors: Mapping[str, tuple[int, int]]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO lane_states VALUES (?, ?)", list(lane_states.items()))
        rows = [(device, boot, sequence) for device, (boot, sequence) in cursors.items()]
        self._db.executemany("INSERT OR REPLACE INTO device_cursors VALUES (?, ?, ?)", rows)

    def _put_classes(
        self, stored: Counter[str], position: ChainPosition, acked: Mapping[str, int], lost: Mapping[str, int]
    ) -> dict[str, ClassLedger]:
        """Heads, cursors and ledgers of every class something happened to; the ledgers as they are now."""
        ledgers = dict(self.ledgers)
        for record_class in {*stored, *acked, *lost}:
            passed = self._count_passed(record_class, acked)
            dropped = lost.get(record_class, 0)
            produced = position.classes.get(record_class, 0) - self._head.classes.get(record_class, 0) + dropped
            ledger = ledgers.get(record_class, ClassLedger()).plus(
                produced=produced, acknowledged=passed, stored=stored[record_class] - passed, lost=dropped
            )
            ledgers[record_class] = ledger
            cursor = acked.get(record_class, self.acked.get(record_class, 0))
            row = (record_class, position.classes.get(record_class, 0), cursor)
            counts = (ledger.produced, ledger.acknowledged, ledger.lost)
            self._db.execute("INSERT OR REPLACE INTO classes VALUES (?, ?, ?, ?, ?, ?)", (*row, *counts))
        return ledgers

    def _count_passed(self, record_class: str, acked: Mapping[str, int]) -> int:
        """How many rows the cursor of a class passes: looked at, not computed from the numbers."""
        if record_class not in acked:
            return 0
        query = "SELECT count(*) FROM records WHERE class = ? AND class_seq > ? AND class_seq <= ?"
        span = (record_class, self.acked.get(record_class, 0), acked[record_class])
        return int(self._db.execute(query, span).fetchone()[0])

    def _count_ledgers(self) -> dict[str, ClassLedger]:
        """Rows are counted, the other sides come from where they were kept."""
        stored = dict(
            self._db.execute(
                "SELECT class, (SELECT count(*) FROM records r WHERE r.class = c.class AND class_seq > c.acked_seq) "
                "FROM classes c"
            )
        )
        rows = self._db.execute("SELECT class, produced, acked, lost FROM classes")
        return {
            record_class: ClassLedger(produced, acked, int(stored[record_class]), 0, lost)
            for record_class, produced, acked, lost in rows
        }

    def _rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _read_head(self) -> ChainPosition:
        row = self._db.execute("SELECT seq, hash FROM head").fetchone()
        position = ChainPosition(int(row[0]), str(row[1])) if row else ChainPosition()
        position.classes = dict(self._db.execute("SELECT class, head_seq FROM classes WHERE head_seq > 0"))
        return position

    def _check_tail(self) -> None:
        position = _before(tail := self.tail(TAIL_CHECKED), self._head)
        broken = first_break(tail, position) or head_break(position, self._head) or class_break(self._db)
        if broken:
            raise JournalError(
                f"{self.path}: {broken}; keep this file as evidence, restore the last good copy of the data directory "
                "or move the file away and name another topic_root to start a new journal"
            )

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Everything read inside is of one moment, though a running hub may be writing."""
        self._db.execute("BEGIN")
        try:
            yield self._db
        finally:
            self._rollback()


def _before(tail: Sequence[StoredRecord], head: ChainPosition) -> ChainPosition:
    """The place in front of `tail`, as its own first records tell it; classes without a record there are `head`'s."""
    if not tail:
        return ChainPosition()
    firsts = {record.record_class: record.class_seq - 1 for record in reversed(tail)}
    return ChainPosition(tail[0].seq - 1, tail[0].prev, {**head.classes, **firsts})
