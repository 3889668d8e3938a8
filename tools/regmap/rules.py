"""The rules of one point by itself: address range, symbols, limits.

Knows what the device can hold. Must not compare points with each other.
"""

from typing import Protocol

from tools.regmap.model import (
    ADDRESS_SPACE,
    INTEGER_TYPES,
    SMALL_INT_MAX,
    SYMBOL_TYPES,
    Point,
    Problems,
)

BITFIELD_BITS = 16


class Ranged(Protocol):
    """Anything that takes addresses: a point or the ring."""

    @property
    def source(self) -> str:
        """File the entry stands in."""
        ...

    @property
    def address(self) -> int:
        """First address."""
        ...

    @property
    def end(self) -> int:
        """First address after it."""
        ...


def check_point(point: Point, problems: Problems) -> None:
    """Report everything wrong with the point itself."""
    subject = f"point '{point.name}'"
    check_range(subject, point, problems)
    _check_symbols(subject, point, problems)
    _check_access(subject, point, problems)
    if not point.description.strip():
        problems.add(point.source, subject, "description is empty", "say what the customer reads there")


def check_range(subject: str, item: Ranged, problems: Problems) -> None:
    """Report an entry that does not lie in 0..65535."""
    if item.address < 0 or item.end > ADDRESS_SPACE:
        what = f"addresses {item.address}..{item.end - 1} leave 0..{ADDRESS_SPACE - 1}"
        problems.add(item.source, subject, what, "move it")


def _check_symbols(subject: str, point: Point, problems: Problems) -> None:
    if bool(point.symbols) != (point.type in SYMBOL_TYPES):
        verb, remedy = ("has", "remove them") if point.symbols else ("needs", "add symbols = { NAME = number }")
        problems.add(point.source, subject, f"type {point.type} {verb} {'no ' * bool(point.symbols)}symbols", remedy)
        return
    highest = {"bits": point.count - 1, "bitfield16": BITFIELD_BITS - 1}.get(point.type, 0xFFFF)
    word = "value" if point.type == "enum16" else "bit"
    owners: dict[int, str] = {}
    for name, value in point.symbols:
        if not 0 <= value <= highest:
            what = f"symbol {name} has {word} {value}, outside 0..{highest}"
            problems.add(point.source, subject, what, f"choose a {word} of the {point.type}")
        if owners.setdefault(value, name) != name:
            what = f"symbols {owners[value]} and {name} both have {word} {value}"
            problems.add(point.source, subject, what, f"give each its own {word}")


def _check_access(subject: str, point: Point, problems: Problems) -> None:
    limits = {"min": point.min, "max": point.max, "default": point.default}
    given = [name for name, value in limits.items() if value is not None]
    if point.access == "R":
        if given or point.write != "command":
            problems.add(
                point.source,
                subject,
                "a read-only point has limits or a way to write",
                "remove them or set access = 'RW'",
            )
        return
    if point.table != "holding_register":
        what = f"table {point.table} cannot be RW"
        problems.add(point.source, subject, what, "settings are holding registers; drive outputs by opcode")
    if point.write == "wire":
        if point.type != "block" or given:
            problems.add(point.source, subject, "write = 'wire' is for a block without limits", "use write = 'command'")
        return
    if point.type not in INTEGER_TYPES:
        problems.add(point.source, subject, f"type {point.type} cannot be a setting", "use an integer type")
        return
    for name in limits:
        if name not in given:
            problems.add(point.source, subject, f"writable without {name}", f"add {name} = a raw value")
    if point.min is not None and point.max is not None and point.default is not None:
        _check_limits(subject, point, point.min, point.max, point.default, problems)


def _check_limits(subject: str, point: Point, low: int, high: int, default: int, problems: Problems) -> None:
    _, lowest, highest = INTEGER_TYPES[point.type]
    lowest, highest = max(lowest, -SMALL_INT_MAX), min(highest, SMALL_INT_MAX)
    if low > high:
        problems.add(point.source, subject, f"min {low} is above max {high}", "exchange them")
    for name, value in (("min", low), ("max", high)):
        if not lowest <= value <= highest:
            what = f"{name} {value} is outside {lowest}..{highest}, what the device holds of {point.type}"
            problems.add(point.source, subject, what, "narrow the limit or widen the type")
    if not low <= default <= high:
        problems.add(
            point.source, subject, f"default {default} is outside {low}..{high}", "choose one between the limits"
        )
    values = {value for _, value in point.symbols}
    if point.type == "enum16" and values and not {low, high, default} <= values:
        problems.add(point.source, subject, "min, max or default is not a symbol's value", "use the symbols' values")
