"""The words of scenarios, taken from the register maps: roles, symbols, opcodes, input and output names.

Knows: generated tags. Must not know: scenario files, targets.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType

from protocols.registers import barrier_tags, weighbridge_tags
from protocols.registers.tag import Tag

_MODULES: dict[str, ModuleType] = {"barrier": barrier_tags, "weighbridge": weighbridge_tags}
ROLES = tuple(_MODULES)
TRUCK_KINDS = ("rigid", "articulated")

# Points a rig records as levels. Analogue readings and counters that move all the time are left out: they would
# drown the changes that matter.
_QUIET = {
    "adc_counts",
    "adc_samples",
    "gross_kg_x10",
    "net_kg_x10",
    "stable_ms",
    "zero_offset_counts",
    "position_permille",
}
_HEADER_LEVELS = {"health", "reasons"}


def map_of(role: str) -> ModuleType:
    """The generated tag module of a role."""
    return _MODULES[role]


@cache
def tag_of(role: str, point: str) -> Tag | None:
    return next((tag for tag in _MODULES[role].TAGS if tag.name == point), None)


@cache
def level_tags(role: str) -> tuple[Tag, ...]:
    """The input register points a rig records, in map order."""
    tags = (tag for tag in _MODULES[role].TAGS if tag.table == "input_register" and tag.name not in _QUIET)
    return tuple(tag for tag in tags if tag.address >= 64 or tag.name in _HEADER_LEVELS)


@cache
def names_of(role: str, point: str) -> tuple[str, ...]:
    """Symbols of a point in the order of their values: input and output names."""
    tag = tag_of(role, point)
    return tuple(name for name, _ in sorted(tag.symbols, key=lambda pair: pair[1])) if tag else ()


def opcode_names(role: str) -> tuple[str, ...]:
    return tuple(_MODULES[role].OPCODES)


def value_of(name: str, wanted: str) -> int | None:
    """The integer a scenario means by `wanted` for the event `name`: a number, or a symbol of that point."""
    if wanted.lstrip("-").isdigit():
        return int(wanted)
    symbols = _symbols_of(name.split("."))
    return symbols.get(wanted)


def _symbols_of(parts: list[str]) -> dict[str, int]:
    if parts[0] == "command" and len(parts) == 3:
        tag = tag_of("barrier", "command_result")  # the header block is the same in every role
    elif len(parts) == 2 and parts[0] in _MODULES:
        tag = tag_of(parts[0], parts[1])
    else:
        tag = None
    return dict(tag.symbols) if tag else {}
