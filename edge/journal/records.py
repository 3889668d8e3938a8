"""Records as text, and the chain that ties them together.

Knows: the canonical JSON form of a record and how a record's hash follows from it and from the hash before.
Must not know: SQLite, asyncio, MQTT, or what any record kind means.

Glossary: *draft* = what happened, not yet numbered (edge.model.Record); *stored record* = a draft with its sequence
number, the hash of the record before (`prev`) and its own `hash`; *chain* = the run of records in which every `prev`
is the hash before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from edge.model import Record

GENESIS = "0" * 64  # prev of record 1


@dataclass(frozen=True)
class StoredRecord:
    """One numbered record; `data` is canonical JSON text, hashes are 64 hexadecimal digits."""

    seq: int
    time_ms: int
    kind: str
    lane: str
    device: str
    data: str
    prev: str
    hash: str

    def payload(self) -> str:
        """The record as published: the hashed text's members and the hash, so that a receiver can check the chain."""
        return canonical_json(self.members())

    def members(self) -> dict[str, Any]:
        """The published members as a dictionary, `data` decoded."""
        return _members(self) | {"hash": self.hash}


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces, UTF-8 kept as it is; raises TypeError or ValueError for what JSON lacks."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def seal(draft: Record, seq: int, prev: str) -> StoredRecord:
    """Number `draft` as `seq` and chain it to `prev`."""
    data = canonical_json(dict(draft.data))
    bare = StoredRecord(seq, draft.time_ms, draft.kind, draft.lane, draft.device, data, prev, "")
    return replace(bare, hash=digest(bare))


def digest(record: StoredRecord) -> str:
    """SHA-256 over the canonical JSON of every member but `hash` itself."""
    return hashlib.sha256(canonical_json(_members(record)).encode()).hexdigest()


def first_break(records: Iterable[StoredRecord], seq: int, prev: str) -> str:
    """Check that `records` continue the chain after (`seq`, `prev`); the sentence that names the first break, or ""."""
    for record in records:
        seq += 1
        if record.seq != seq:
            return f"record {seq} is missing"
        if record.prev != prev:
            return f"record {seq} does not follow record {seq - 1}: its prev is not the hash before it"
        if not _is_sealed(record):
            return f"record {seq} was altered: its hash does not match its content"
        prev = record.hash
    return ""


def _is_sealed(record: StoredRecord) -> bool:
    try:
        return digest(record) == record.hash
    except ValueError:  # data is no JSON any more
        return False


def _members(record: StoredRecord) -> dict[str, Any]:
    return {
        "seq": record.seq,
        "time": record.time_ms,
        "kind": record.kind,
        "lane": record.lane,
        "device": record.device,
        "data": json.loads(record.data),
        "prev": record.prev,
    }
