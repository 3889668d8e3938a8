"""The account of one class of records: what came in, and where each of them is.

Knows: the equation. Must not know: who counts what. Every side is counted where it happens, none is derived from the
others, so a record that went astray shows as a difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class ClassLedger:
    """`produced` at the door of the journal; `pending` in memory, `stored` rows not acknowledged yet, `acknowledged`
    rows the platform has, `lost` dropped because the disk refused and memory was full (told by a record)."""

    produced: int = 0
    acknowledged: int = 0
    stored: int = 0
    pending: int = 0
    lost: int = 0
    expired: Mapping[str, int] = field(default_factory=dict)  # by reason; records never expire, telemetry does

    @property
    def difference(self) -> int:
        """0 when every one produced is accounted for; positive when some are missing, negative when there are more."""
        found = self.acknowledged + self.stored + self.pending + self.lost + sum(self.expired.values())
        return self.produced - found

    def plus(self, **counts: int) -> ClassLedger:
        """The ledger with `counts` added to its sides."""
        return replace(self, **{name: getattr(self, name) + count for name, count in counts.items()})

    def as_dict(self) -> dict[str, Any]:
        """For the status."""
        return {
            "produced": self.produced,
            "acknowledged": self.acknowledged,
            "stored": self.stored,
            "pending": self.pending,
            "lost": self.lost,
            "expired": dict(self.expired),
            "difference": self.difference,
            "balanced": self.difference == 0,
        }


def account(ledgers: Mapping[str, ClassLedger]) -> dict[str, Any]:
    """The ledger of every class, and whether all of them balance."""
    return {
        "balanced": all(ledger.difference == 0 for ledger in ledgers.values()),
        "classes": {name: ledger.as_dict() for name, ledger in ledgers.items()},
    }
