"""What waits in memory for the disk, within bounds, and how many of each class came, wait and were dropped.

Knows: drafts, futures and the bounds. Must not know: SQLite, when anything is written.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from edge.journal.ledger import ClassLedger
from edge.journal.records import Draft

PENDING_MAX = 5000  # drafts held in memory while the disk refuses; about an hour of two busy lanes
PENDING_SIZE_MAX = 8 * 1024 * 1024  # characters of data held with them


@dataclass
class Entry:
    """What one caller wants written together, and who waits for it."""

    drafts: Sequence[Draft]
    lane_states: Mapping[str, str]
    cursors: Mapping[str, tuple[int, int]]
    durable: asyncio.Future[int] = field(repr=False)


@dataclass
class Attempt:
    """One transaction: the entries it is made of, what it tells of itself, the cursors and losses it carries."""

    entries: Sequence[Entry]
    told: Sequence[Draft]
    acked: dict[str, int]
    lost: Counter[str]

    def drafts(self) -> list[Draft]:
        """All of them, in the order they came."""
        return [*(draft for entry in self.entries for draft in entry.drafts), *self.told]

    def lane_states(self) -> dict[str, str]:
        """The newest of each lane."""
        return {lane: state for entry in self.entries for lane, state in entry.lane_states.items()}

    def cursors(self) -> dict[str, tuple[int, int]]:
        """The newest of each device."""
        return {device: cursor for entry in self.entries for device, cursor in entry.cursors.items()}


class Pending:
    """The entries, and the sides of the account that are counted in memory."""

    def __init__(self, produced: Mapping[str, int], count_max: int) -> None:
        """`produced` is by class what came before this start."""
        self.entries: list[Entry] = []
        self._count_max = count_max
        self._counts: Counter[str] = Counter()
        self._size = 0
        self._produced = Counter(dict(produced))
        self.lost: Counter[str] = Counter()  # dropped by class and not told of yet

    @property
    def count(self) -> int:
        """Drafts that wait."""
        return self._counts.total()

    def has_room(self, drafts: Sequence[Draft]) -> bool:
        """Whether `drafts` may wait too; what is no draft always may."""
        return not drafts or (self.count + len(drafts) <= self._count_max and self._size <= PENDING_SIZE_MAX)

    def add(self, entry: Entry) -> None:
        """`entry` waits from now on."""
        self.entries.append(entry)
        classes = [draft.record_class for draft in entry.drafts]
        self._counts.update(classes)
        self._produced.update(classes)
        self._size += sum(len(draft.data) for draft in entry.drafts)

    def drop(self, drafts: Sequence[Draft]) -> None:
        """`drafts` came and could not be kept."""
        classes = [draft.record_class for draft in drafts]
        self._produced.update(classes)
        self.lost.update(classes)

    def settle(self, attempt: Attempt) -> None:
        """`attempt` is on the disk: its entries, which are the first here, wait no longer, its losses are told."""
        del self.entries[: len(attempt.entries)]
        written = [draft for entry in attempt.entries for draft in entry.drafts]
        self._counts.subtract(draft.record_class for draft in written)
        self._size -= sum(len(draft.data) for draft in written)
        self.lost.subtract(attempt.lost)
        self._produced.update(draft.record_class for draft in attempt.told)

    def account(self, name: str, stored: ClassLedger) -> ClassLedger:
        """The ledger of a class: `stored` is what the database counts of it."""
        counts = replace(stored, produced=self._produced[name])
        return counts.plus(pending=self._counts[name], lost=self.lost[name])
