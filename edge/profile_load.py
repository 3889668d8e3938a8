"""Reading a profile file: bytes to a checked `Profile`, or to every problem at once, as a site file is read.

Knows: the rules about what the keys of a profile say of each other. Must not know: which devices use it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge.config_file import read_document
from edge.config_rules import Check, Problem, Table, check_tables
from edge.config_table import show
from edge.northbound.sparkplug.block import OWN_NAMES
from edge.poll.merge import BIT_TABLES, TABLES
from edge.profile import Profile
from edge.profile_table import PROFILE_TABLES, REGISTERS
from protocols.registers.tag import Tag

PAGE = "docs/device-profile.md"
_ADDRESSES = 65_536


def load_profile(path: Path) -> tuple[Profile | None, list[Problem]]:
    """The profile at `path`, None when there is an error; never raises for anything a file can contain."""
    document, lines, problem = read_document(path, "expected [profile] and [[point]]", PAGE)
    if problem is not None:
        return None, [problem]
    check = Check(document, lines, rules=PROFILE_TABLES, page=PAGE)
    check_tables(check)
    _check_points(check)
    has_error = any(not found.is_warning for found in check.problems)
    return (None if has_error else _build(check)), check.problems


def _check_points(check: Check) -> None:
    names: dict[str, int] = {}
    for index, point in enumerate(check.tables["point"]):
        _check_name(check, index, point, names)
        if {"table", "address", "type"} <= point.keys():
            _check_type(check, index, point)
            _check_extent(check, index, point)


def _check_name(check: Check, index: int, point: Table, names: dict[str, int]) -> None:
    name = point.get("name")
    if name is not None and name.lower() in OWN_NAMES:
        what = f"name = {show(name)}, which the hub itself tells of every device"
        check.error(("point", index, "name"), what, "expected a name of the device's own", "choose another name")
    if name is not None and names.setdefault(name.lower(), index) != index:  # to many a platform, case is nothing
        before = check.lines.line("point", names[name.lower()], "name")
        at = ("point", index, "name")
        what = f"every point needs its own name, first given in line {before}"
        check.error(at, f"name = {show(name)} again", what, "choose another name")


def _check_type(check: Check, index: int, point: Table) -> None:
    """What must not stand beside a type, or is missing there."""
    is_text, is_bit = point["type"] == "text", point["table"] in BIT_TABLES
    if is_bit and point["type"] != "bool":
        what = f"type is {show(point['type'])} in table {show(point['table'])}"
        check.error(("point", index, "type"), what, 'expected "bool", a bit has no other', "correct type or table")
    if is_text and "count" not in point:
        check.error(
            ("point", index, "type"), "type text without count", "expected its number of registers", "add count = ..."
        )
    if not is_text and "count" in point:
        what = f"count = {point['count']} beside type {show(point['type'])}"
        check.error(("point", index, "count"), what, "expected only beside type text", "remove it")
    if point["type"] in ("text", "bool"):
        for key in ("sf", "deadband"):
            if point.get(key):
                what = f"{key} = {point[key]} beside type {show(point['type'])}"
                check.error(("point", index, key), what, "expected only beside a number", "remove it")


def _check_extent(check: Check, index: int, point: Table) -> None:
    count, at = _count(point), ("point", index, "address")
    if point["address"] + count > _ADDRESSES:
        what = f"address {point['address']} with {count} registers ends behind {_ADDRESSES - 1}"
        check.error(at, what, f"expected the last register at {_ADDRESSES - 1} at most", "correct address or type")
    registers_max = check.tables["profile"][0].get("max_registers") if check.tables["profile"] else None
    if registers_max is not None and point["table"] not in BIT_TABLES and count > registers_max:
        what = f"point of {count} registers, but max_registers is {registers_max}"
        check.error(at, what, "expected a point to fit into one read", "raise max_registers or correct the point")


def _count(point: Table) -> int:
    return int(point.get("count", 1)) if point["type"] == "text" else int(REGISTERS[point["type"]])


def _build(check: Check) -> Profile:
    profile = check.tables["profile"][0]
    points = sorted(check.tables["point"], key=_place)
    period_ms = int(profile["period_ms"])
    return Profile(
        name=profile["name"],
        tags=tuple(_tag(profile, point) for point in points),
        periods_ms=tuple(int(point.get("period_ms", period_ms)) for point in points),
        registers_max=profile["max_registers"],
        gap_max=profile["max_gap"],
    )


def _place(point: Table) -> tuple[int, int]:
    return TABLES.index(point["table"]), int(point["address"])


def _tag(profile: Table, point: Table) -> Tag:
    orders: dict[str, Any] = {key: point.get(key, profile[key]) for key in ("byte_order", "word_order")}
    return Tag(
        name=point["name"],
        table=point["table"],
        address=point["address"],
        type=point["type"],
        count=_count(point),
        units=point["unit"],
        sf=point["sf"],
        description=point["description"],
        deadband=float(point["deadband"]),
        **orders,
    )
