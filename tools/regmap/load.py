"""Reads register map files: the form of each entry, one entry at a time.

Knows TOML, the keys an entry may have and the ranges of single values. Must not compare entries with each other:
that is validate.py's. An entry that cannot be read is reported and left out, so the rest is still checked.
"""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tools.regmap.model import (
    ACCESSES,
    EVENT_CODE_MAX,
    HEADER,
    INTEGER_TYPES,
    OPCODE_MAX,
    REGISTER_TABLES,
    SIZED_TYPES,
    TABLES,
    TYPES,
    UNITS,
    WINDOW_HEAD,
    WRITE_REGISTERS_MAX,
    WRITES,
    Event,
    MapFile,
    Opcode,
    Point,
    Problems,
    Ring,
    Window,
)

POINT_NAME = re.compile(r"[a-z][a-z0-9_]*")
SYMBOL_NAME = re.compile(r"[A-Z][A-Z0-9_]*")

Entry = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Key:
    """A key of an entry: the Python type of its value and whether it must be there."""

    type: type
    required: bool = False


MAP_KEYS = {
    "name": Key(str, True),
    "id": Key(int),
    "version": Key(int),
    "description": Key(str, True),
}
POINT_KEYS = {
    "name": Key(str, True),
    "table": Key(str, True),
    "address": Key(int, True),
    "type": Key(str, True),
    "size": Key(int),
    "units": Key(str),
    "sf": Key(int),
    "access": Key(str),
    "write": Key(str),
    "min": Key(int),
    "max": Key(int),
    "default": Key(int),
    "mandatory": Key(bool),
    "description": Key(str, True),
    "symbols": Key(dict),
}
OPCODE_KEYS = {"name": Key(str, True), "value": Key(int, True), "description": Key(str, True)}
EVENT_KEYS = {
    "name": Key(str, True),
    "code": Key(int, True),
    "description": Key(str, True),
    "argument": Key(str),
}
RING_KEYS = {
    "table": Key(str, True),
    "address": Key(int, True),
    "capacity": Key(int, True),
    "description": Key(str, True),
}
WINDOW_KEYS = {
    "table": Key(str, True),
    "address": Key(int, True),
    "size": Key(int, True),
    "description": Key(str, True),
}
SECTIONS = ("map", "point", "opcode", "event", "ring", "update_window")
TYPE_WORDS = {str: "a text", int: "a whole number", bool: "true or false", dict: "a table { NAME = number }"}


class Reader:
    """Reads the entries of one file; carries the file's name and the list of problems."""

    def __init__(self, source: str, problems: Problems) -> None:
        self.source = source
        self.problems = problems

    def complain(self, subject: str, what: str, remedy: str) -> None:
        """Report one problem of this file."""
        self.problems.add(self.source, subject, what, remedy)

    def has_form(self, subject: str, entry: Entry, keys: dict[str, Key]) -> bool:
        """True when every key is known, of its type, and no required one is missing; else reports each."""
        before = len(self.problems)
        for name in entry:
            if name not in keys:
                self.complain(subject, f"unknown key '{name}'", f"use one of: {', '.join(keys)}")
        for name, key in keys.items():
            if name not in entry:
                if key.required:
                    self.complain(subject, f"key '{name}' is missing", f"add {name} = {TYPE_WORDS[key.type]}")
            elif type(entry[name]) is not key.type:
                self.complain(subject, f"{name} = {entry[name]!r} has the wrong type", f"write {TYPE_WORDS[key.type]}")
        return len(self.problems) == before

    def one_of(self, subject: str, name: str, value: str, allowed: tuple[str, ...]) -> None:
        """Report a value that is not one of the allowed words."""
        if value not in allowed:
            self.complain(subject, f"unknown {name} '{value}'", f"use one of: {', '.join(allowed)}")

    def name(self, subject: str, value: str, pattern: re.Pattern[str]) -> None:
        """Report a name that cannot become a constant."""
        if not pattern.fullmatch(value):
            self.complain(subject, f"name '{value}' does not match {pattern.pattern}", "rename it")


def load_file(path: Path, source: str, problems: Problems) -> MapFile | None:
    """Read one map file; None when it has no usable [map]. Everything wrong goes to `problems`."""
    reader = Reader(source, problems)
    try:
        raw: Entry = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        reader.complain("file", "does not exist", "restore it from the repository")
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        reader.complain("file", f"is not TOML: {error}", "correct the syntax there")
        return None
    for name in raw:
        if name not in SECTIONS:
            reader.complain("file", f"unknown section '{name}'", f"use one of: {', '.join(SECTIONS)}")
    result = _read_map(reader, raw.get("map"))
    if result is not None:
        result.points = _read_list(reader, raw, "point", _read_point)
        result.opcodes = _read_list(reader, raw, "opcode", _read_opcode)
        result.events = _read_list(reader, raw, "event", _read_event)
        result.ring = _read_ring(reader, raw.get("ring"))
        result.update_window = _read_window(reader, raw.get("update_window"))
    return result


def _read_map(reader: Reader, entry: object) -> MapFile | None:
    if not isinstance(entry, dict):
        reader.complain("map", "section [map] is missing", "add it with name, id, version and description")
        return None
    if not reader.has_form("map", entry, MAP_KEYS):
        return None
    is_role = entry["name"] != HEADER
    for key in ("id", "version"):
        if is_role and not 1 <= entry.get(key, 0) <= 0xFFFF:
            reader.complain("map", f"{key} = {entry.get(key)} is not 1..65535", f"give the role map a {key}")
    return MapFile(reader.source, entry["name"], entry.get("id", 0), entry.get("version", 0), entry["description"])


def _read_list(reader: Reader, raw: Entry, section: str, read: Callable[[Reader, str, Entry], T | None]) -> list[T]:
    entries = raw.get(section, [])
    if not isinstance(entries, list):
        reader.complain("file", f"'{section}' is not a list", f"write each one under [[{section}]]")
        return []
    found = []
    for number, entry in enumerate(entries, 1):
        name = entry.get("name") if isinstance(entry, dict) else None
        subject = f"{section} '{name}'" if isinstance(name, str) else f"{section} number {number}"
        item = read(reader, subject, entry) if isinstance(entry, dict) else None
        if item is not None:
            found.append(item)
        elif not isinstance(entry, dict):
            reader.complain(subject, "is not a table", f"write it under [[{section}]]")
    return found


def _read_point(reader: Reader, subject: str, entry: Entry) -> Point | None:
    if not reader.has_form(subject, entry, POINT_KEYS):
        return None
    before = len(reader.problems)
    reader.name(subject, entry["name"], POINT_NAME)
    reader.one_of(subject, "table", entry["table"], TABLES)
    reader.one_of(subject, "type", entry["type"], TYPES)
    reader.one_of(subject, "access", entry.get("access", "R"), ACCESSES)
    reader.one_of(subject, "write", entry.get("write", "command"), WRITES)
    if "units" in entry:
        reader.one_of(subject, "units", entry["units"], tuple(UNITS))
    if not -10 <= entry.get("sf", 0) <= 10:
        reader.complain(subject, f"sf = {entry['sf']} is outside -10..10", "use SunSpec's scale factors")
    count = _read_count(reader, subject, entry)
    symbols = _read_symbols(reader, subject, entry.get("symbols", {}))
    if len(reader.problems) != before:
        return None
    values = {key: entry[key] for key in POINT_KEYS if key in entry and key not in ("size", "symbols")}
    return Point(source=reader.source, count=count, symbols=symbols, **values)


def _read_count(reader: Reader, subject: str, entry: Entry) -> int:
    kind = entry["type"]
    size: int = entry.get("size", 0)
    if kind in SIZED_TYPES:
        if size < 1:
            reader.complain(
                subject, f"type {kind} needs a size of 1 or more", "add size = the number of bits or registers"
            )
        if (kind == "bits") == (entry["table"] in REGISTER_TABLES):
            reader.complain(
                subject, f"type {kind} cannot stand in table {entry['table']}", "change the type or the table"
            )
        return size
    if "size" in entry:
        reader.complain(subject, f"type {kind} has a fixed size", "remove size")
    if kind in INTEGER_TYPES and entry["table"] not in REGISTER_TABLES:
        reader.complain(subject, f"type {kind} cannot stand in table {entry['table']}", "change the type or the table")
    return INTEGER_TYPES[kind][0] if kind in INTEGER_TYPES else 1


def _read_symbols(reader: Reader, subject: str, entry: Entry) -> tuple[tuple[str, int], ...]:
    for name, value in entry.items():
        reader.name(subject, name, SYMBOL_NAME)
        if type(value) is not int:
            reader.complain(subject, f"symbol {name} = {value!r} is not a whole number", "give the symbol its number")
    return tuple(entry.items())


def _read_opcode(reader: Reader, subject: str, entry: Entry) -> Opcode | None:
    before = len(reader.problems)
    if reader.has_form(subject, entry, OPCODE_KEYS):
        reader.name(subject, entry["name"], SYMBOL_NAME)
        if not 1 <= entry["value"] <= OPCODE_MAX:
            reader.complain(subject, f"value {entry['value']} is outside 1..{OPCODE_MAX}", "choose a free number there")
    return Opcode(source=reader.source, **entry) if len(reader.problems) == before else None


def _read_event(reader: Reader, subject: str, entry: Entry) -> Event | None:
    before = len(reader.problems)
    if reader.has_form(subject, entry, EVENT_KEYS):
        reader.name(subject, entry["name"], SYMBOL_NAME)
        if not 1 <= entry["code"] <= EVENT_CODE_MAX:
            reader.complain(
                subject, f"code {entry['code']} is outside 1..{EVENT_CODE_MAX}", "choose a free number there"
            )
    return Event(source=reader.source, **{"argument": "", **entry}) if len(reader.problems) == before else None


def _read_ring(reader: Reader, entry: object) -> Ring | None:
    if entry is None:
        return None
    if not isinstance(entry, dict):
        reader.complain("ring", "is not a table", "write it under [ring]")
        return None
    if not reader.has_form("ring", entry, RING_KEYS):
        return None
    if entry["table"] != "input_register" or entry["capacity"] < 1:
        reader.complain("ring", "is not a row of input registers", "use table input_register and a capacity above 0")
        return None
    return Ring(source=reader.source, **entry)


def _read_window(reader: Reader, entry: object) -> Window | None:
    if entry is None:
        return None
    if not isinstance(entry, dict):
        reader.complain("update_window", "is not a table", "write it under [update_window]")
        return None
    if not reader.has_form("update_window", entry, WINDOW_KEYS):
        return None
    if entry["table"] != "holding_register" or not WINDOW_HEAD < entry["size"] <= WRITE_REGISTERS_MAX:
        what = "is not a row of holding registers that one request can write"
        reader.complain("update_window", what, f"use table holding_register and a size up to {WRITE_REGISTERS_MAX}")
        return None
    return Window(source=reader.source, **entry)
