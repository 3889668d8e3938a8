"""Checkpoints: what stays of records that were removed, and proves that they were once there.

Knows: what a checkpoint says and what its signature covers. Must not know: SQLite, when records go.

A checkpoint covers a run of records: first and last number, the hash before and the last hash, so the chain goes on
behind it; the last number of every class; a digest over number, class and hash of each, so that a kept copy of the
records can be checked against it. It is signed with the gate's key and is the data of a record in the chain itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from edge.journal.records import GENESIS, ChainPosition, StoredRecord, canonical_json
from edge.journal.signing import GateKey, is_signed

CHECKPOINT = "journal_checkpoint"  # the record's kind
_DOMAIN = "smartgate journal checkpoint\n"  # no other signature of the key can be taken for one of these


class Removal(NamedTuple):
    """Why records go, and when: "age" or "size", UTC in milliseconds."""

    reason: str
    time_ms: int


class LineDigest:
    """SHA-256 over one line per record: number, class, number in the class, hash."""

    def __init__(self) -> None:
        self._sha = hashlib.sha256()

    def add(self, record: StoredRecord) -> None:
        """Move on over `record`."""
        self._sha.update(f"{record.seq} {record.record_class} {record.class_seq} {record.hash}\n".encode())

    def hexdigest(self) -> str:
        """The digest so far."""
        return self._sha.hexdigest()


def records_digest(records: Iterable[StoredRecord]) -> str:
    """The line digest of `records`."""
    digest = LineDigest()
    for record in records:
        digest.add(record)
    return digest.hexdigest()


def make_checkpoint(
    records: list[StoredRecord], before: ChainPosition, old_classes: str, removal: Removal, key: GateKey
) -> dict[str, Any]:
    """The signed checkpoint of `records`, which follow `before`.

    `old_classes` is the digest of the classes of all records of form 1 up to the last (GENESIS before any).
    """
    behind = before.copy()
    for record in records:
        behind.pass_over(record)
    data: dict[str, Any] = {
        "first": before.seq + 1,
        "last": behind.seq,
        "count": len(records),
        "prev": before.hash,
        "hash": behind.hash,
        "classes": behind.classes,
        "digest": records_digest(records),
        "old_classes": old_classes,
        "reason": removal.reason,
        "time": removal.time_ms,
        "key": key.public,
    }
    return data | {"signature": key.sign(_signed_text(data))}


def position_behind(data: str) -> tuple[ChainPosition, str]:
    """Where the chain goes on behind a checkpoint, and its `old_classes`; the start for ""."""
    if not data:
        return ChainPosition(), GENESIS
    told = json.loads(data)
    return ChainPosition(told["last"], told["hash"], dict(told["classes"])), str(told["old_classes"])


def checkpoint_fault(data: str, before: ChainPosition, known_keys: Iterable[str]) -> str:
    """Whether the checkpoint is whole, signed by a known key and follows `before`: the sentence that says not, or "".

    Without known keys the key it names itself is taken: that shows damage, not who signed.
    """
    try:
        told = json.loads(data)
        name = f"the checkpoint of records {told['first']} to {told['last']}"
        signature, public = str(told.pop("signature")), str(told["key"])
        if not is_signed(_signed_text(told), signature, public):
            return f"{name} was altered: its signature does not match its content"
        if (known := set(known_keys)) and public not in known:
            return f"{name} is signed by {public}, which is not the gate's key; give --key if it once was"
        if (told["first"], told["prev"]) != (before.seq + 1, before.hash):
            return f"{name} does not follow record {before.seq}"
        return "" if told["count"] == told["last"] - before.seq else f"{name} tells of {told['count']} records"
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"the checkpoint behind record {before.seq} is none"


def _signed_text(data: dict[str, Any]) -> str:
    return _DOMAIN + canonical_json(data)
