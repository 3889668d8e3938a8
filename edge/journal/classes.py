"""Which class a record belongs to: the one table from kind to class.

Knows: the kinds that may wait. Must not know: what makes records, who sends them.

A class decides who goes first on a thin link, and every class is numbered and acknowledged by itself. A kind that is
not listed is a transaction: whoever adds a kind and forgets this table gets the safe side.
"""

from __future__ import annotations

from enum import StrEnum


class RecordClass(StrEnum):
    """Highest first: that is the order they are sent in."""

    TRANSACTION = "transaction"  # what a lane, an operator or the hub did, and every alarm
    EVENT = "event"  # what devices report of themselves


EVENT_KINDS = frozenset(
    {
        "device_back",
        "device_event",
        "device_lost",
        "device_restarted",
        "event_gap",
        "tag_read",
        "tag_read_gap",
        "unknown_device",
    }
)


def class_of(kind: str) -> RecordClass:
    """The class of a record of `kind`."""
    return RecordClass.EVENT if kind in EVENT_KINDS else RecordClass.TRANSACTION
