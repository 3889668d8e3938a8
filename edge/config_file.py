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
        problem = Problem(1, "a number has thousands of digits", expected, "remove it")
    except RecursionError:
        problem = Problem(1, "brackets nested too deep", expected, "remove them")
    return {}, KeyLines(), problem


def _read_text(path: Path, expected: str, page: str) -> tuple[str, Problem | None]:
    try:
        with open_file(path) as file:
            data = file.read(FILE_SIZE_MAX + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return "", Problem(1, f"cannot be read: {reason}", "expected a readable file", "check the path")
    if len(data) > FILE_SIZE_MAX:
        what = f"file is larger than {FILE_SIZE_MAX} bytes"
        return "", Problem(1, what, expected, "check the path")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        what = f"byte 0x{data[error.start]:02x} is not UTF-8"
        return "", Problem(line, what, "expected UTF-8 text", "save the file as UTF-8 without a byte order mark")
    if not text.strip():
        return "", Problem(1, "file is empty", expected, f"see {page}")
    return text, None


def open_file(path: Path) -> BinaryIO:
    """Open for reading without waiting for anybody: a named pipe without a writer reads as empty."""
    return open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))


def _syntax_problem(text: str, message: str) -> Problem:
    """tomllib says where in words: "... (at line 3, column 5)" or "... (at end of document)"."""
    place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    line = int(place.group(1)) if place and place.group(1) else max(1, len(text.splitlines()))
    where = f" at column {place.group(2)}" if place and place.group(2) else ""
    said = message[: place.start()] if place else message
    return Problem(
        line, f"not valid TOML{where}: {said}", "expected key = value or a [table] header", "correct the line"
    )
