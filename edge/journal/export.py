"""A run of records as a file that can be checked anywhere: JSON lines or CSV, with the chain's anchors around it.

Knows: the two forms of the file, and what makes it whole. Must not know: SQLite, where the records come from.

The first line is the *head*: which records follow, and where the chain stood before them. The last is the *end*: how
many they were, the last hash, a digest over all of them, and the gate's signature over head and end. In CSV both are
comment lines. So nothing can be altered, left out, added or cut off without the file saying so.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import chain
from typing import Any, NamedTuple, TextIO

from edge.journal.checkpoint import LineDigest
from edge.journal.records import FORM, ChainPosition, StoredRecord, canonical_json, first_break
from edge.journal.signing import GateKey, is_signed

JSON_LINES, CSV = "jsonl", "csv"
_HEAD, _END = "smartgate_journal_export", "smartgate_journal_end"  # a member each, with the file's version
_VERSION = 1
_DOMAIN = "smartgate journal export\n"
_COLUMNS = ("seq", "class", "class_seq", "time", "utc", "kind", "lane", "device", "data", "prev", "hash", "form")


class ExportError(Exception):
    """The file is no export, or not the one that was written; the text says what and where."""


class ExportFacts(NamedTuple):
    """What a whole file tells."""

    site: str
    first: int
    last: int
    key: str


def utc_text(time_ms: int) -> str:
    """A time people can read; the number itself where the calendar ends."""
    try:
        return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return str(time_ms)


def write_export(
    out: TextIO, form: str, site: str, records: Iterable[StoredRecord], before: ChainPosition, key: GateKey, now_ms: int
) -> int:
    """Write `records`, which follow `before`; how many they were."""
    head = {_HEAD: _VERSION, "site": site, "first": before.seq + 1, "before": asdict(before), "key": key.public}
    put_note, put_record = _json_sinks(out) if form == JSON_LINES else _csv_sinks(out)
    put_note(head)
    behind, digest = before.copy(), LineDigest()
    for record in records:
        put_record(record)
        digest.add(record)
        behind.pass_over(record)
    end: dict[str, Any] = {_END: _VERSION, "count": behind.seq - before.seq, "last": behind.seq, "hash": behind.hash}
    end |= {"digest": digest.hexdigest(), "time": now_ms}
    put_note(end | {"signature": key.sign(_signed_text(head, end))})
    return behind.seq - before.seq


def check_export(lines: TextIO, known_keys: Collection[str]) -> ExportFacts:
    """Check a file from its first line to its last; raises ExportError. Without known keys its own is believed."""
    try:
        return _check(lines, known_keys)
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error, RecursionError) as error:
        raise ExportError(f"it is no export of a journal, or was cut or altered ({error})") from error


def _check(lines: TextIO, known_keys: Collection[str]) -> ExportFacts:
    first_line = lines.readline()
    is_csv = first_line.startswith("#")
    head = json.loads(first_line.lstrip("# "))
    if head.get(_HEAD) != _VERSION:
        raise ExportError(f"its first line is not that of an export of version {_VERSION}")
    if known_keys and head["key"] not in known_keys:
        raise ExportError(f"it is signed by {head['key']}, which is not the key that was given")
    notes: list[dict[str, Any]] = []
    position, digest = ChainPosition(**head["before"]).copy(), LineDigest()
    for record in _read_csv(lines, notes) if is_csv else _read_json_lines(lines, notes):
        if broken := first_break([record], position):
            raise ExportError(broken)
        digest.add(record)
    if len(notes) != 1:
        raise ExportError(f"it was cut off behind record {position.seq}: its last line is not the end of an export")
    end = notes[0]
    signature = end.pop("signature")
    if not is_signed(_signed_text(head, end), signature, head["key"]):
        raise ExportError("its first or last line was altered: the signature does not match")
    told = (end["last"], end["hash"], end["digest"], end["count"])
    if told != (position.seq, position.hash, digest.hexdigest(), position.seq - head["before"]["seq"]):
        raise ExportError(
            f"it ends behind record {position.seq}, but tells of {end['count']} records up to {end['last']}"
        )
    return ExportFacts(head["site"], head["first"], end["last"], head["key"])


def _signed_text(head: dict[str, Any], end: dict[str, Any]) -> str:
    return _DOMAIN + canonical_json([head, end])


_Sinks = tuple[Callable[[dict[str, Any]], object], Callable[[StoredRecord], object]]


def _json_sinks(out: TextIO) -> _Sinks:
    return lambda note: out.write(canonical_json(note) + "\n"), lambda record: out.write(record.payload() + "\n")


def _csv_sinks(out: TextIO) -> _Sinks:
    writer = csv.writer(out, lineterminator="\n")
    has_names: list[bool] = []

    def put_note(note: dict[str, Any]) -> None:
        out.write(f"# {canonical_json(note)}\n")
        if not has_names:
            writer.writerow(_COLUMNS)
            has_names.append(True)

    def put_record(record: StoredRecord) -> None:
        head, tail = record[:4], record[4:]
        writer.writerow((*head, utc_text(record.time_ms), *tail))

    return put_note, put_record


def _read_json_lines(lines: Iterable[str], notes: list[dict[str, Any]]) -> Iterator[StoredRecord]:
    """Records until the end line, which goes to `notes`; anything behind it is an error."""
    for line in lines:
        if notes:
            raise ExportError("something stands behind its last line")
        members = json.loads(line)
        if _END in members:
            notes.append(members)
            continue
        if canonical_json(members) != line.rstrip("\n"):
            raise ExportError(f"record {members['seq']} is not written as it was exported")
        yield StoredRecord(
            members["seq"],
            members["class"],
            members["class_seq"],
            members["time"],
            members["kind"],
            members["lane"],
            members["device"],
            canonical_json(members["data"]),
            members["prev"],
            members["hash"],
            members.get("form", FORM),
        )


def _read_csv(lines: TextIO, notes: list[dict[str, Any]]) -> Iterator[StoredRecord]:
    if lines.readline().rstrip("\n") != ",".join(_COLUMNS):
        raise ExportError("its second line does not have the names of the columns")

    def rows() -> Iterator[str]:
        for line in lines:
            if notes:
                raise ExportError("something stands behind its last line")
            if line.startswith("# "):
                notes.append(json.loads(line[2:]))
            else:
                yield line

    for row in csv.reader(rows()):
        seq, name, class_seq, time_ms, utc, kind, lane, device, data, prev, own_hash, form = row
        record = StoredRecord(
            int(seq), name, int(class_seq), int(time_ms), kind, lane, device, data, prev, own_hash, int(form)
        )
        written = (str(number) for number in chain(record[:1], record[2:4], record[10:]))
        if utc != utc_text(record.time_ms) or list(written) != [seq, class_seq, time_ms, form]:
            raise ExportError(f"record {seq} is not written as it was exported")
        yield record
