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
from edge.words import tr
from protocols.registers.tag import Tag

PAGE = "docs/device-profile.md"
_ADDRESSES = 65_536


def load_profile(path: Path) -> tuple[Profile | None, list[Problem]]:
    """The profile at `path`, None when there is an error; never raises for anything a file can contain."""
    document, lines, problem = read_document(path, tr("expected [profile] and [[point]]"), PAGE)
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
        what = tr("name = {name}, which the hub itself tells of every device", name=show(name))
        check.error(
            ("point", index, "name"), what, tr("expected a name of the device's own"), tr("choose another name")
        )
    if name is not None and names.setdefault(name.lower(), index) != index:  # to many a platform, case is nothing
        before = check.lines.line("point", names[name.lower()], "name")
        at = ("point", index, "name")
        what = tr("every point needs its own name, first given in line {before}", before=before)
        check.error(at, tr("name = {name} again", name=show(name)), what, tr("choose another name"))


def _check_type(check: Check, index: int, point: Table) -> None:
    """What must not stand beside a type, or is missing there."""
    is_text, is_bit = point["type"] == "text", point["table"] in BIT_TABLES
    if is_bit and point["type"] != "bool":
        what = tr("type is {type} in table {table}", type=show(point["type"]), table=show(point["table"]))
        check.error(
            ("point", index, "type"), what, tr('expected "bool", a bit has no other'), tr("correct type or table")
        )
    if is_text and "count" not in point:
        check.error(
            ("point", index, "type"),
            tr("type text without count"),
            tr("expected its number of registers"),
            tr("add count = ..."),
        )
    if not is_text and "count" in point:
        what = tr("count = {count} beside type {type}", count=point["count"], type=show(point["type"]))
        check.error(("point", index, "count"), what, tr("expected only beside type text"), tr("remove it"))
    if point["type"] in ("text", "bool"):
        for key in ("sf", "deadband"):
            if point.get(key):
                what = tr("{key} = {point} beside type {type}", key=key, point=point[key], type=show(point["type"]))
                check.error(("point", index, key), what, tr("expected only beside a number"), tr("remove it"))


def _check_extent(check: Check, index: int, point: Table) -> None:
    count, at = _count(point), ("point", index, "address")
    if point["address"] + count > _ADDRESSES:
        what = tr(
            "address {address} with {count} registers ends behind {value}",
            address=point["address"],
            count=count,
            value=_ADDRESSES - 1,
        )
        check.error(
            at,
            what,
            tr("expected the last register at {value} at most", value=_ADDRESSES - 1),
            tr("correct address or type"),
        )
    registers_max = check.tables["profile"][0].get("max_registers") if check.tables["profile"] else None
    if registers_max is not None and point["table"] not in BIT_TABLES and count > registers_max:
        what = tr(
            "point of {count} registers, but max_registers is {registers_max}", count=count, registers_max=registers_max
        )
        check.error(
            at, what, tr("expected a point to fit into one read"), tr("raise max_registers or correct the point")
        )


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
