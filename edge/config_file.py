"""Reading a TOML file of the user's into a document and its lines, or into the one problem that keeps it from that.

Knows: files, TOML, and every way a file can be none. Must not know: what the keys mean.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any, BinaryIO

from edge.config_lines import KeyLines, find_lines
from edge.config_rules import Problem
from edge.words import tr

FILE_SIZE_MAX = 1_000_000  # largest sensible file; a gate of 14 lanes takes about 20 kB


def read_document(path: Path, expected: str, page: str) -> tuple[dict[str, Any], KeyLines, Problem | None]:
    """The document and where its keys stand; `expected` and `page` tell what an empty file lacks."""
    text, problem = _read_text(path, expected, page)
    if problem is not None:
        return {}, KeyLines(), problem
    try:
        return tomllib.loads(text), find_lines(text), None
    except tomllib.TOMLDecodeError as error:
        problem = _syntax_problem(text, str(error))
    except ValueError:  # the interpreter's own limit, which tomllib lets through
        problem = Problem(1, tr("a number has thousands of digits"), expected, tr("remove it"))
    except RecursionError:
        problem = Problem(1, tr("brackets nested too deep"), expected, tr("remove them"))
    return {}, KeyLines(), problem


def _read_text(path: Path, expected: str, page: str) -> tuple[str, Problem | None]:
    try:
        with open_file(path) as file:
            data = file.read(FILE_SIZE_MAX + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return "", Problem(
            1, tr("cannot be read: {reason}", reason=reason), tr("expected a readable file"), tr("check the path")
        )
    if len(data) > FILE_SIZE_MAX:
        what = tr("file is larger than {file_size_max} bytes", file_size_max=FILE_SIZE_MAX)
        return "", Problem(1, what, expected, tr("check the path"))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        what = tr("byte 0x{data:02x} is not UTF-8", data=data[error.start])
        return "", Problem(
            line, what, tr("expected UTF-8 text"), tr("save the file as UTF-8 without a byte order mark")
        )
    if not text.strip():
        return "", Problem(1, tr("file is empty"), expected, tr("see {page}", page=page))
    return text, None


def open_file(path: Path) -> BinaryIO:
    """Open for reading without waiting for anybody: a named pipe without a writer reads as empty."""
    return open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))


def _syntax_problem(text: str, message: str) -> Problem:
    """tomllib says where in words: "... (at line 3, column 5)" or "... (at end of document)"."""
    place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    line = int(place.group(1)) if place and place.group(1) else max(1, len(text.splitlines()))
    where = tr(" at column {column}", column=place.group(2)) if place and place.group(2) else ""
    said = message[: place.start()] if place else message
    return Problem(
        line,
        tr("not valid TOML{where}: {said}", where=where, said=said),
        tr("expected key = value or a [table] header"),
        tr("correct the line"),
    )
