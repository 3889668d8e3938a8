"""Records as text, and the chain that ties them together.

Knows: the canonical JSON form of a record and how a record's hash follows from it and from the hash before.
Must not know: SQLite, asyncio, MQTT, or what any record kind means.

Glossary: *draft* = what happened as text, not yet numbered; *stored record* = a draft with its numbers, the hash of the
record before (`prev`) and its own `hash`; *chain* = the run of records in which every `prev` is the hash before; *form*
= which members a hash covers: form 1 (journals of format 1) lacks class and class_seq, form 2 has them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from edge.journal.classes import class_of
from edge.model import Record

GENESIS = "0" * 64  # prev of record 1
FORM_OLD = 1
FORM = 2
DATA_SIZE_MAX = 64 * 1024  # characters; a record larger than what platforms take would stop its class for good
_QUOTED_MAX = 4096  # texts kept quoted: names of kinds, lanes and devices come again and again


class RecordSizeError(ValueError):
    """A record is too large to be sent; its maker's error."""


class Draft(NamedTuple):
    """One fact as text, with its class; `data` is canonical JSON."""

    time_ms: int
    kind: str
    lane: str
    device: str
    data: str
    record_class: str


class StoredRecord(NamedTuple):
    """One numbered record; `data` is canonical JSON text, hashes are 64 hexadecimal digits."""

    seq: int
    record_class: str
    class_seq: int
    time_ms: int
    kind: str
    lane: str
    device: str
    data: str
    prev: str
    hash: str
    form: int

    def payload(self) -> str:
        """The record as published: the hashed text's members and the hash, so that a receiver can check the chain.

        An old record's class and number are not under its hash; its member `form` says so.
        """
        form = f'"form":{self.form},' if self.form == FORM_OLD else ""
        numbers = f'{{"class":{_quote(self.record_class)},"class_seq":{self.class_seq},'
        return f'{numbers}{_head(self)}{form}"hash":"{self.hash}",{_rest(self)}'

    def members(self) -> dict[str, Any]:
        """The published members as a dictionary, `data` decoded."""
        members: dict[str, Any] = json.loads(self.payload())
        return members


@dataclass
class ChainPosition:
    """Where a chain stands: number and hash of its last record, and the last number of every class."""

    seq: int = 0
    hash: str = GENESIS
    classes: dict[str, int] = field(default_factory=dict)

    def next_of(self, record_class: str) -> int:
        """The number the next record of `record_class` gets."""
        return self.classes.get(record_class, 0) + 1

    def pass_over(self, record: StoredRecord) -> None:
        """Move behind `record`."""
        self.seq, self.hash = record.seq, record.hash
        self.classes[record.record_class] = record.class_seq

    def copy(self) -> ChainPosition:
        """The same place, free to move on its own."""
        return ChainPosition(self.seq, self.hash, dict(self.classes))


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces, UTF-8 kept as it is; raises TypeError or ValueError for what JSON lacks."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def encode(record: Record) -> Draft:
    """`record` as text; raises TypeError or ValueError when its data is no JSON or too large."""
    data = canonical_json(dict(record.data))
    if len(data) > DATA_SIZE_MAX:
        raise RecordSizeError(f"a {record.kind} record has {len(data)} characters of data, at most {DATA_SIZE_MAX}")
    data.encode()  # a lone surrogate is text to Python and to nobody else
    return Draft(record.time_ms, record.kind, record.lane, record.device, data, class_of(record.kind).value)


def seal(draft: Draft, position: ChainPosition) -> StoredRecord:
    """Number `draft` behind `position`, chain it there, and move `position` on."""
    bare = StoredRecord(
        position.seq + 1,
        draft.record_class,
        position.next_of(draft.record_class),
        draft.time_ms,
        draft.kind,
        draft.lane,
        draft.device,
        draft.data,
        position.hash,
        "",
        FORM,
    )
    sealed = bare._replace(hash=digest(bare))
    position.pass_over(sealed)
    return sealed


def digest(record: StoredRecord) -> str:
    """SHA-256 over the canonical JSON of every member but `hash` itself, as the record's form has them."""
    text = f"{_head(record)}{_rest(record)}"
    if record.form == FORM_OLD:
        text = "{" + text
    else:
        text = f'{{"class":{_quote(record.record_class)},"class_seq":{record.class_seq},{text}'
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def first_break(records: Iterable[StoredRecord], position: ChainPosition) -> str:
    """Check that `records` continue the chain behind `position`, which moves along.

    The sentence that names the first break, or "".
    """
    for record in records:
        if fault := _fault(record, position):
            return fault
        position.pass_over(record)
    return ""


def _fault(record: StoredRecord, position: ChainPosition) -> str:
    seq = position.seq + 1
    if record.seq != seq:
        return f"record {seq} is missing" if record.seq > seq else f"record {record.seq} stands behind record {seq - 1}"
    if record.prev != position.hash:
        return f"record {seq} does not follow record {seq - 1}: its prev is not the hash before it"
    if record.form not in (FORM_OLD, FORM) or digest(record) != record.hash:
        return f"record {seq} was altered: its hash does not match its content"
    expected = position.next_of(record.record_class)
    if record.class_seq != expected:
        return f"record {seq} was altered: it is {record.record_class} {record.class_seq}, expected {expected}"
    return ""


# The members in the order of their names, as canonical JSON has them. The data is canonical already.
def _head(record: StoredRecord) -> str:
    return f'"data":{record.data},"device":{_quote(record.device)},'


def _rest(record: StoredRecord) -> str:
    return (
        f'"kind":{_quote(record.kind)},"lane":{_quote(record.lane)},"prev":{_quote(record.prev)},'
        f'"seq":{record.seq},"time":{record.time_ms}}}'
    )


@lru_cache(maxsize=_QUOTED_MAX)
def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
