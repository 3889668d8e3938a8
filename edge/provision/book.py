"""The book of boards: which board with which key was put into which place, and which keys are revoked.

Knows: one file of the data directory, `boards.jsonl`, a line for each fact, numbered from 1 without gaps. Must not
know: the journal, boards. `gate provision` and `gate swap` write it, also while no hub runs; the hub reads it, journals
what it has not yet (`edge/provision/watch.py`) and never believes a revoked key again. A key stands in it by its
fingerprint.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.durable import append_line, make_folder
from edge.words import tr

BOOK_NAME = "boards.jsonl"
LOCK_NAME = "boards.lock"
PROVISIONED = "board_provisioned"
SWAPPED = "board_swapped"
REVOKED = "key_revoked"
KINDS = (PROVISIONED, SWAPPED, REVOKED)
BOOK_SIZE_MAX = 16_000_000  # some fifty thousand boards


class BookError(Exception):
    """The book cannot be read or written; one sentence."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact. `data` holds `fingerprint`, and of a board its `chip` number ("" where it has none)."""

    number: int
    kind: str
    device: str
    time_ms: int
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Book:
    """All facts, the oldest first."""

    entries: tuple[Entry, ...] = ()

    @property
    def revoked(self) -> dict[str, Entry]:
        """By fingerprint: what is said of each revoked key."""
        return {str(entry.data["fingerprint"]): entry for entry in self.entries if entry.kind == REVOKED}

    def board_of(self, device: str) -> Entry | None:
        """How the board that is in the place of `device` came there."""
        placed = [entry for entry in self.entries if entry.device == device and entry.kind in (PROVISIONED, SWAPPED)]
        return placed[-1] if placed else None


def read_book(data_dir: Path) -> Book:
    """The book, empty when there is none. Raises BookError."""
    path = data_dir / BOOK_NAME
    try:
        with path.open("rb") as file:
            data = file.read(BOOK_SIZE_MAX + 1)
    except FileNotFoundError:
        return Book()
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise BookError(tr("{path} cannot be read ({why}): check its owner", path=path, why=why)) from None
    whole = data[: data.rfind(b"\n") + 1]  # a line that a power cut left half is as if it had not been written
    return Book(tuple(_entry(path, number, line) for number, line in enumerate(whole.splitlines(), 1)))


@contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Keep a second `gate provision` or `gate swap` of the site away meanwhile. Raises BookError."""
    path = data_dir / LOCK_NAME
    try:
        make_folder(data_dir)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unwritable(path, error) from None
    with os.fdopen(handle, "rb"):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sentence = tr("another gate provision or gate swap is at work on this site: wait until it is done")
            raise BookError(sentence) from None
        yield


def append(data_dir: Path, kind: str, device: str, data: Mapping[str, Any]) -> Entry:
    """Add a fact, on the disk when this returns; the caller holds the lock. Raises BookError."""
    path = data_dir / BOOK_NAME
    entry = Entry(len(read_book(data_dir).entries) + 1, kind, device, time.time_ns() // 1_000_000, dict(data))
    fields = {"number": entry.number, "kind": kind, "device": device, "time_ms": entry.time_ms, "data": entry.data}
    try:
        _cut_half_line(path)
        append_line(path, json.dumps(fields, separators=(",", ":")).encode() + b"\n")
    except OSError as error:
        raise _unwritable(path, error) from None
    return entry


def _entry(path: Path, number: int, line: bytes) -> Entry:
    try:
        fields = json.loads(line)
        entry = Entry(fields["number"], fields["kind"], fields["device"], fields["time_ms"], fields["data"])
        if entry.number == number and entry.kind in KINDS and isinstance(entry.data["fingerprint"], str):
            return entry
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise BookError(
        tr(
            "{path}:{line} is damaged: restore the file from a copy, or move it away; revoked keys are then unknown",
            path=path,
            line=number,
        )
    )


def _cut_half_line(path: Path) -> None:
    if not path.exists():
        return
    with path.open("r+b") as file:
        data = file.read()
        file.truncate(data.rfind(b"\n") + 1)


def _unwritable(path: Path, error: OSError) -> BookError:
    why = os.strerror(error.errno or 0)
    return BookError(
        tr(
            "{path} cannot be written ({why}): check the disk and run this as the user the hub runs as",
            path=path,
            why=why,
        )
    )
