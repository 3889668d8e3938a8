"""Anything a hub may do to its journal, in any order: numbers, cursors, account and chain hold after every step."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from edge.journal import retention
from edge.journal.classes import class_of
from edge.journal.records import encode
from edge.journal.retention import Limits
from edge.journal.signing import GateKey
from edge.journal.store import JournalStore
from edge.model import Record

_KEY = GateKey(bytes(range(32)))
_KINDS = ("passed", "device_event", "tag_read", "attention")


class JournalMachine(RuleBasedStateMachine):
    """The model: how many records of each class there ever were, how far each class is acknowledged, what is gone."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(retention, "PAGE", 3)
        self.patch.setattr(retention, "KEPT_NEWEST", 2)
        self.path = self.folder / "journal.db"
        self.store = JournalStore(self.path)
        self._make_fast()
        self.heads: Counter[str] = Counter()
        self.acked: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.first = 1

    @rule(kinds=st.lists(st.sampled_from(_KINDS), max_size=6), lost=st.sampled_from(["", "event", "transaction"]))
    def append(self, kinds: list[str], lost: str) -> None:
        records = [Record(kind, "L1", "", {"n": n}, 1000 * n) for n, kind in enumerate(kinds)]
        drafts = [encode(record) for record in records]
        self.store.append_drafts(drafts, {"L1": str(len(kinds))}, lost={lost: 2} if lost else None)
        self.heads.update(class_of(kind).value for kind in kinds)
        self.lost.update({lost: 2} if lost else {})

    @rule(name=st.sampled_from(["transaction", "event"]), part=st.sampled_from([0.3, 1.0, 1.0]))
    def acknowledge(self, name: str, part: float) -> None:
        seq = self.acked[name] + int(part * (self.heads[name] - self.acked[name]))
        self.store.append([], acked={name: seq})
        self.acked[name] = seq

    @rule(days=st.integers(1, 3), keep_mb=st.integers(0, 1), is_clock_good=st.booleans())
    def remove(self, days: int, keep_mb: int, is_clock_good: bool) -> None:
        before = [
            record for record in self.store.records_after(0, 1000) if record.class_seq > self.acked[record.record_class]
        ]
        removed = self.store.remove_page(
            Limits(days, keep_mb), _KEY, days * 86_400_000 * 5, is_clock_good=is_clock_good
        )
        self.first += removed
        self.heads["transaction"] += removed > 0
        kept = {record.seq for record in self.store.records_after(0, 1000)}
        assert {record.seq for record in before} <= kept

    @rule(is_killed=st.booleans())
    def reopen(self, is_killed: bool) -> None:
        """A killed hub's files as another process finds them, or a hub that ended."""
        if is_killed:
            other = self.folder / "copy.db"
            for suffix in ("", "-wal"):
                shutil.copyfile(f"{self.path}{suffix}", f"{other}{suffix}")
            self.store.close()
            for suffix in ("", "-wal"):
                shutil.move(f"{other}{suffix}", f"{self.path}{suffix}")
        else:
            self.store.close()
        self.store = JournalStore(self.path)
        self._make_fast()

    @rule(statement=st.sampled_from(["INSERT INTO records VALUES (1)", "INSERT INTO nothing VALUES (1)"]))
    def fail(self, statement: str) -> None:
        """A transaction that fails half-way leaves nothing behind."""
        with pytest.raises(sqlite3.Error):
            self.store._commit([encode(Record("passed", "", "", {}, 0))], {}, {}, lambda: self._execute(statement))

    @invariant()
    def everything_agrees(self) -> None:
        if not hasattr(self, "store"):
            return
        assert self.store.verify([_KEY.public]) == ""
        assert self.store.last_seq == self.heads.total()
        assert +Counter(self.store.heads) == +self.heads
        assert +Counter(self.store.acked) == +self.acked
        assert len(self.store.records_after(0, 1000)) == self.heads.total() - self.first + 1
        for name, ledger in self.store.ledgers.items():
            stored = self.heads[name] - self.acked[name]
            sides = (ledger.produced, ledger.acknowledged, ledger.stored, ledger.lost, ledger.difference)
            assert sides == (self.heads[name] + self.lost[name], self.acked[name], stored, self.lost[name], 0)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.patch.undo()
            shutil.rmtree(self.folder)

    def _make_fast(self) -> None:
        """Durability is tried elsewhere; a flush for every step would take minutes."""
        self.store._db.execute("PRAGMA synchronous=OFF")

    def _execute(self, statement: str) -> None:
        self.store._db.execute(statement)


TestJournal = JournalMachine.TestCase
TestJournal.settings = settings(max_examples=40, stateful_step_count=40)
