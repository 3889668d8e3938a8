"""The rules each table of a site file is held to by itself: known keys, types and limits.

Knows: the table of keys it is given (edge/config_table.py, edge/profile_table.py). Must not know: how the file was
read, what tables say of each other (edge/config_references.py), nor anything about running. All problems are collected,
none ends the check.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import Any

from edge.config_lines import KeyLines
from edge.config_table import IGNORED_TABLES, MOVED_KEYS, TABLES, WITH_MAP, WITH_PROFILE, KeyRule, TableRule, show
from edge.words import later, tr

Table = dict[str, Any]
SITE_PAGE = "docs/site-file.md"
_TYPES: dict[str, type | tuple[type, ...]] = {"integer": int, "number": (int, float), "text": str, "texts": list}
_TYPE_WORDS = {
    bool: later("true/false"),
    int: later("a whole number"),
    float: later("a decimal number"),
    str: later("text"),
    list: later("a list"),
}
_OTHER_TYPE = later("of another type")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong. A warning does not keep the hub from starting. `file` is "" for the file under check itself."""

    line: int
    what: str
    expected: str
    remedy: str
    is_warning: bool = False
    file: str = ""

    def sentence(self, file: str) -> str:
        """`file:line: what; what was expected; what to do`."""
        prefix = tr("warning: ") if self.is_warning else ""
        return f"{self.file or file}:{self.line}: {prefix}{self.what}; {self.expected}; {self.remedy}"


@dataclass
class Check:
    """One run of the checker over one file: the clean tables found so far and the problems."""

    document: Table
    lines: KeyLines
    map_versions: dict[str, tuple[int, ...]] = field(default_factory=dict)
    rules: tuple[TableRule, ...] = TABLES
    page: str = SITE_PAGE
    problems: list[Problem] = field(default_factory=list)
    tables: dict[str, list[Table]] = field(default_factory=dict)

    def error(self, at: tuple[str, int, str], what: str, expected: str, remedy: str) -> None:
        """Note an error at (table, index, key)."""
        self.problems.append(Problem(self.lines.line(*at), what, expected, remedy))

    def warn(self, at: tuple[str, int, str], what: str, expected: str, remedy: str) -> None:
        """Note a warning at (table, index, key)."""
        self.problems.append(Problem(self.lines.line(*at), what, expected, remedy, is_warning=True))


def check_tables(check: Check) -> None:
    """Hold every table to its own rules; fills `check.tables` and `check.problems`."""
    _check_table_names(check)
    for rule in check.rules:
        check.tables[rule.name] = _check_table(check, rule)


def nearest(word: str, known: list[str]) -> str:
    """` (did you mean X?)`, or "" when nothing known is like `word`."""
    like = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return " " + tr("(did you mean {name}?)", name=like[0]) if like else ""


def _check_table_names(check: Check) -> None:
    known = [rule.name for rule in check.rules]
    headers = ", ".join(rule.header for rule in check.rules)
    for name, value in check.document.items():
        if name in known or name in IGNORED_TABLES:
            continue
        # A stray top-level key stands under table "", a stray table has its own header.
        is_table = isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict))
        at = (name, 0, "") if is_table else ("", 0, name)
        word = tr("table") if is_table else tr("key outside every table")
        check.error(
            at,
            tr("unknown {word} {name}{hint}", word=word, name=name, hint=nearest(name, known)),
            tr("expected {headers}", headers=headers),
            tr("rename or remove it"),
        )


def _check_table(check: Check, rule: TableRule) -> list[Table]:
    value = check.document.get(rule.name)
    if value is None:
        _note_absent(check, rule)
        return []
    entries = value if rule.many else [value]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        at = (rule.name, 0, "") if isinstance(value, dict) else ("", 0, rule.name)
        found = tr("a single table") if isinstance(value, dict) else show(value)
        check.error(
            at,
            tr("{name} is {found}", name=rule.name, found=found),
            tr("expected {header}", header=rule.header),
            tr("write it as {header}", header=rule.header),
        )
        return []
    return [_check_entry(check, rule, index, entry) for index, entry in enumerate(entries)]


def _note_absent(check: Check, rule: TableRule) -> None:
    if rule.required:
        check.error(
            ("", 0, ""),
            tr("no {header} in the file", header=rule.header),
            tr("expected at least one") if rule.many else tr("expected one"),
            tr("add {header}: {meaning}", header=rule.header, meaning=_within(rule.meaning).rstrip(".")),
        )
    elif rule.name == "lane":
        check.warn(
            ("", 0, ""),
            tr("no [[lane]] in the file"),
            tr("the hub will only read and journal its devices"),
            tr("add [[lane]] to run one"),
        )


def _check_entry(check: Check, rule: TableRule, index: int, entry: Table) -> Table:
    """The entry with defaults filled in and everything wrong left out, so later rules see only sound values."""
    _check_key_names(check, rule, index, entry)
    variant = _variant(rule, entry)
    mine = [key for key in rule.keys if not key.only_for or variant in key.only_for]
    clean: Table = {}
    is_shapeless = rule.name == "device" and not {"map", "profile"} & entry.keys()
    if is_shapeless:
        _note_shapeless(check, rule, index, entry)
    for key in mine:
        if key.name in entry:
            _check_value(check, (rule.name, index, key.name), key, entry[key.name], clean)
        elif key.required and is_shapeless and key.only_for:
            continue  # said once, for all keys that only one shape has
        elif key.required:
            _note_missing(check, rule, index, entry, key)
        elif key.default is not None:
            clean[key.name] = key.default
    if variant and any(variant in key.only_for for key in rule.keys):
        _check_foreign_keys(check, rule, index, entry, {key.name for key in mine})
    return clean


def _variant(rule: TableRule, entry: Table) -> str:
    """Which of several shapes an entry has, in the words of `KeyRule.only_for`; "" when its table has one shape."""
    if rule.name == "device":
        return WITH_PROFILE if "profile" in entry else WITH_MAP
    return f"of kind {show(entry['kind'])}" if rule.name == "line" and "kind" in entry else ""


def _check_key_names(check: Check, rule: TableRule, index: int, entry: Table) -> None:
    known = [key.name for key in rule.keys]
    for name, value in entry.items():
        at, place = (rule.name, index, name), MOVED_KEYS.get((rule.name, name))
        if place is not None:
            check.error(
                at,
                tr("{name} = {value} in {header}", name=name, value=show(value), header=rule.header),
                tr("{name} moved to {place}", name=name, place=place),
                tr("move it there"),
            )
        elif name not in known:
            check.error(
                at,
                tr(
                    "unknown key {name} = {value} in {header}{hint}",
                    name=name,
                    value=show(value),
                    header=rule.header,
                    hint=nearest(name, known),
                ),
                tr("expected only the keys of {page}", page=check.page),
                tr("rename or remove it"),
            )


def _check_foreign_keys(check: Check, rule: TableRule, index: int, entry: Table, mine: set[str]) -> None:
    """Keys that belong to another shape of the table."""
    for key in rule.keys:
        if key.name in entry and key.name not in mine:
            check.error(
                (rule.name, index, key.name),
                tr(
                    "{name} = {value} in a {table} {variant}",
                    name=key.name,
                    value=show(entry[key.name]),
                    table=rule.name,
                    variant=tr(_variant(rule, entry)),
                ),
                tr(
                    "expected only in a {table} {variants}",
                    table=rule.name,
                    variants=tr(" or ").join(tr(shape) for shape in key.only_for),
                ),
                tr("remove it, or change {keys}", keys="kind" if rule.name == "line" else "map, profile"),
            )


def _note_shapeless(check: Check, rule: TableRule, index: int, entry: Table) -> None:
    """A device that says neither whose it is: four missing keys of our own would send its owner the wrong way."""
    check.error(
        (rule.name, index, ""),
        tr("{header}{called} has neither map nor profile", header=rule.header, called=_called(entry)),
        tr("expected map for a device of ours, profile for anybody else's"),
        tr("add one of them"),
    )


def _called(entry: Table) -> str:
    return f" {show(entry['name'])}" if isinstance(entry.get("name"), str) else ""


def _note_missing(check: Check, rule: TableRule, index: int, entry: Table, key: KeyRule) -> None:
    called = _called(entry) if key.name != "name" else ""
    check.error(
        (rule.name, index, ""),
        tr("{header}{called} has no {name}", header=rule.header, called=called, name=key.name),
        tr("expected {expected}", expected=key.expected),
        tr("add {name} = ... ({meaning})", name=key.name, meaning=_within(key.meaning)),
    )


def _check_value(check: Check, at: tuple[str, int, str], key: KeyRule, value: Any, clean: Table) -> None:
    wanted = _TYPES[key.kind]
    if not isinstance(value, wanted) or isinstance(value, bool):
        word = tr(_TYPE_WORDS.get(type(value), _OTHER_TYPE))
        check.error(
            at,
            tr("{name} is {value}, {word}", name=key.name, value=show(value), word=word),
            tr("expected {expected}", expected=key.expected),
            tr("correct {name}", name=key.name),
        )
    elif not _is_in_limits(key, value):
        check.error(
            at,
            tr("{name} is {value}", name=key.name, value=show(value)),
            tr("expected {expected}", expected=key.expected),
            tr("correct {name}", name=key.name),
        )
    else:
        clean[key.name] = value


def _is_in_limits(key: KeyRule, value: Any) -> bool:
    if key.choices:
        return value in key.choices
    if key.kind in ("integer", "number"):
        return bool(key.low <= value <= key.high)
    if key.kind == "texts":
        return all(isinstance(item, str) and item for item in value)
    return re.fullmatch(key.pattern, value) is not None


def _within(meaning: str) -> str:
    """A sentence of the table of keys as part of another."""
    return f"{meaning[0].lower()}{meaning[1:]}"


def _shapes(key: KeyRule) -> str:
    return tr(" or ").join(tr(shape) for shape in key.only_for)
