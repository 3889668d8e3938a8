"""Checks map entries against each other: overlaps, duplicates, the split between header and roles.

Knows the rules of a whole map. Must not know TOML, any output, or the rules of a single point (those are rules.py's).
Reports every problem, never stops at the first.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tools.regmap.layout import Constant, constant_groups
from tools.regmap.model import (
    COMMAND_BLOCK,
    COMMAND_REGISTERS,
    REGISTER_TABLES,
    ROLE_REGISTER_START,
    TABLES,
    MapFile,
    Problems,
    Ring,
    RoleMap,
    Window,
)
from tools.regmap.rules import check_point, check_range


@dataclass(frozen=True)
class Span:
    """The stretch [start, end) of a table that one entry takes."""

    start: int
    end: int
    subject: str
    source: str


@dataclass(frozen=True)
class Claim:
    """A name or number one entry takes for itself; `remedy` helps whoever comes second."""

    key: object
    what: str
    subject: str
    source: str
    remedy: str


def validate(header: MapFile, roles: list[MapFile], problems: Problems) -> None:
    """Check the header, then each role together with it."""
    _check_header(header, problems)
    _check_file(header, problems)
    _check_overlaps(header, None, problems)
    _check_claims(_entry_claims(header), [], problems)
    for role in roles:
        _check_role(header, role, problems)
        _check_file(role, problems)
        _check_overlaps(header, role, problems)
        _check_claims(_entry_claims(role), _entry_claims(header), problems)
        _check_generated_names(header, role, problems)
    ids = [Claim(role.id, f"id {role.id}", "map", role.source, "give each role its own id") for role in roles]
    _check_claims(ids, [], problems)


def _check_file(item: MapFile, problems: Problems) -> None:
    for point in item.points:
        check_point(point, problems)
    if item.ring is not None:
        check_range("ring", item.ring, problems)
    if item.update_window is not None:
        check_range("update_window", item.update_window, problems)


def _check_header(header: MapFile, problems: Problems) -> None:
    if header.ring is None:
        problems.add(header.source, "ring", "section [ring] is missing", "add it; every device keeps events")
    if header.update_window is None:
        what, remedy = "section [update_window] is missing", "add it; every device can be updated"
        problems.add(header.source, "update_window", what, remedy)
    blocks = [point for point in header.points if point.write == "wire"]
    if [(point.name, point.count) for point in blocks] != [(COMMAND_BLOCK, COMMAND_REGISTERS)]:
        problems.add(
            header.source,
            f"point '{COMMAND_BLOCK}'",
            f"is not the one point with write = 'wire' and size {COMMAND_REGISTERS}",
            "declare it once; nothing else may be written on the wire",
        )
    for point in header.points:
        if point.table not in REGISTER_TABLES or point.end > ROLE_REGISTER_START:
            problems.add(
                header.source,
                f"point '{point.name}'",
                f"{point.table} {point.address}..{point.end - 1} is the role's address space",
                f"use registers below {ROLE_REGISTER_START}",
            )


def _check_role(header: MapFile, role: MapFile, problems: Problems) -> None:
    expected = role.source.rpartition("/")[2].removesuffix(".toml")
    if role.name != expected:
        problems.add(role.source, "map", f"name '{role.name}' is not the file's name", f"write name = '{expected}'")
    symbols = next((point.symbols for point in header.points if point.name == "map_id"), ())
    if (role.name.upper(), role.id) not in symbols:
        what = f"id {role.id} is not the symbol {role.name.upper()} of the header's point 'map_id'"
        problems.add(role.source, "map", what, f"add it to {header.source}")
    if role.ring is not None:
        problems.add(role.source, "ring", "a role has no ring of its own", "remove it; the header's serves every role")
    if role.update_window is not None:
        what = "a role has no update window of its own"
        problems.add(role.source, "update_window", what, "remove it; the header's serves every role")
    for point in role.points:
        if point.table in REGISTER_TABLES and point.address < ROLE_REGISTER_START:
            what = f"{point.table} {point.address} is in the header's address space"
            problems.add(role.source, f"point '{point.name}'", what, f"use {ROLE_REGISTER_START} or more")
        if point.write == "wire":
            what = "write = 'wire' would change the device without a tag"
            problems.add(role.source, f"point '{point.name}'", what, "use write = 'command'")


def _check_overlaps(header: MapFile, role: MapFile | None, problems: Problems) -> None:
    """Report each pair of entries that share an address; a pair within the header is reported once, without a role."""
    files = [header] if role is None else [header, role]
    for table in TABLES:
        spans = sorted((span for item in files for span in _spans(item, table)), key=lambda span: span.start)
        for index, span in enumerate(spans):
            for other in spans[index + 1 :]:
                if other.start < span.end and (role is None or role.source in (span.source, other.source)):
                    _report_overlap(table, span, other, role, problems)


def _report_overlap(table: str, span: Span, other: Span, role: MapFile | None, problems: Problems) -> None:
    if role is not None and other.source != role.source:
        span, other = other, span  # the message goes to the role's file
    what = f"{table} {_shown(other)} overlaps {span.subject} at {_shown(span)}"
    if span.source != other.source:
        what += f" of {span.source}"
    problems.add(other.source, other.subject, what, "move one of them")


def _shown(span: Span) -> str:
    return f"{span.start}..{span.end - 1}"


def _spans(item: MapFile, table: str) -> list[Span]:
    spans = [Span(p.address, p.end, f"point '{p.name}'", p.source) for p in item.points if p.table == table]
    if item.ring is not None and item.ring.table == table:
        spans.append(Span(item.ring.address, item.ring.end, "ring", item.source))
    window = item.update_window
    if window is not None and window.table == table:
        spans.append(Span(window.address, window.end, "update_window", item.source))
    return spans


def _entry_claims(item: MapFile) -> list[Claim]:
    claims = [
        Claim(("point", p.name), f"name '{p.name}'", f"point '{p.name}'", p.source, "rename one of them")
        for p in item.points
    ]
    for opcode in item.opcodes:
        subject = f"opcode '{opcode.name}'"
        claims.append(Claim(("opcode", opcode.name), "name", subject, item.source, "rename one of them"))
        what = f"value {opcode.value}"
        claims.append(Claim(("value", opcode.value), what, subject, item.source, "choose a free value"))
    for event in item.events:
        subject = f"event '{event.name}'"
        claims.append(Claim(("event", event.name), "name", subject, item.source, "rename one of them"))
        what = f"code {event.code}"
        claims.append(Claim(("code", event.code), what, subject, item.source, "choose a free code"))
    return claims


def _check_claims(claims: Iterable[Claim], taken: Iterable[Claim], problems: Problems) -> None:
    owners = {claim.key: claim for claim in taken}
    for claim in claims:
        owner = owners.setdefault(claim.key, claim)
        if owner is not claim:
            where = owner.subject if owner.source == claim.source else f"{owner.subject} of {owner.source}"
            problems.add(claim.source, claim.subject, f"{claim.what} is already taken by {where}", claim.remedy)


def _check_generated_names(header: MapFile, role: MapFile, problems: Problems) -> None:
    """Report two entries that would make one constant, such as point 'a' symbol B_C and point 'a_b' symbol C."""
    ring = header.ring or Ring(header.source, "input_register", 0, 0, "")
    window = header.update_window or Window(header.source, "holding_register", 0, 0, "")
    constants = [item for group in constant_groups(RoleMap(header, role, ring, window)) for item in group.constants]
    owners: dict[str, Constant] = {}
    for constant in constants:
        owner = owners.setdefault(constant.name, constant)
        if owner.origin == constant.origin:
            continue  # itself, or two entries of one name, which are reported as duplicates
        what = f"constant {constant.name} is also made by {owner.origin} of {owner.source}"
        problems.add(constant.source, constant.origin, what, "rename the point or the symbol")
