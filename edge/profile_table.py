"""The one table of a profile file: every key that describes a third-party device, with type, limits and meaning.

Knows: what may stand in a profile file. Must not know: how it is read. The checker (edge/profile_load.py) and the
reference page (edge/config_reference.py) both come from here.
"""

from __future__ import annotations

from edge.config_table import NAME_PATTERN, NAME_RULE, OPTIONAL_TEXT_PATTERN, KeyRule, TableRule
from edge.poll.merge import GAP_REGISTERS_MAX, READ_REGISTERS_MAX, TABLES

# Registers of each type; a text has as many as its count says.
REGISTERS = {
    "uint16": 1,
    "int16": 1,
    "uint32": 2,
    "int32": 2,
    "uint64": 4,
    "int64": 4,
    "float32": 2,
    "float64": 4,
    "bool": 1,
    "text": 0,
}
ORDERS = ("big", "little")
TEXT_REGISTERS_MAX = READ_REGISTERS_MAX
PERIOD_DEFAULT_MS = 1000
_PERIOD_MIN_MS, _PERIOD_MAX_MS = 20, 86_400_000
_ADDRESS_MAX = 65_535


def _order(name: str, meaning: str) -> tuple[KeyRule, KeyRule]:
    """The key of [profile] and the one of [[point]] that overrides it."""
    return (
        KeyRule(name, "text", f"{meaning}, unless a point says otherwise", default="big", choices=ORDERS),
        KeyRule(name, "text", f"{meaning}; as in [profile] when absent", optional=True, choices=ORDERS),
    )


_PERIOD_MEANING = "Time between two reads"
_BYTES = _order("byte_order", "Order of the two bytes of a register")
_WORDS = _order("word_order", "Order of the registers of a longer value")

PROFILE = TableRule(
    "profile",
    many=False,
    required=True,
    meaning="The kind of device as a whole.",
    keys=(
        KeyRule("name", "text", "Name of the kind of device", pattern=NAME_PATTERN, rule=NAME_RULE),
        KeyRule("description", "text", "What it is, for people", default="", pattern=OPTIONAL_TEXT_PATTERN),
        _BYTES[0],
        _WORDS[0],
        KeyRule(
            "period_ms",
            "integer",
            f"{_PERIOD_MEANING}, unless a point says otherwise",
            default=PERIOD_DEFAULT_MS,
            low=_PERIOD_MIN_MS,
            high=_PERIOD_MAX_MS,
        ),
        KeyRule(
            "max_registers",
            "integer",
            "Most registers the device takes in one read; bits: 16 times as many",
            default=READ_REGISTERS_MAX,
            low=1,
            high=READ_REGISTERS_MAX,
        ),
        KeyRule(
            "max_gap",
            "integer",
            "Most unwanted registers read along to save a request; 0 for a device that refuses them",
            default=GAP_REGISTERS_MAX,
            high=READ_REGISTERS_MAX,
        ),
    ),
)

POINT = TableRule(
    "point",
    many=True,
    required=True,
    meaning="One value of the device.",
    keys=(
        KeyRule(
            "name",
            "text",
            "Name of the tag, different for every point; not telemetry_seq or clock_quality",
            pattern=NAME_PATTERN,
            rule=NAME_RULE,
        ),
        KeyRule("table", "text", "Modbus table", choices=TABLES),
        KeyRule("address", "integer", "Address on the wire, counted from 0", high=_ADDRESS_MAX),
        KeyRule("type", "text", "Type of the value; coils and discrete inputs are bool", choices=tuple(REGISTERS)),
        KeyRule("count", "integer", "Registers of a text", optional=True, low=1, high=TEXT_REGISTERS_MAX),
        _BYTES[1],
        _WORDS[1],
        KeyRule("unit", "text", "Unit of the value, such as kWh", default="", pattern=OPTIONAL_TEXT_PATTERN),
        KeyRule("sf", "integer", "The value in its unit is raw * 10^sf", default=0, low=-9, high=9),
        KeyRule(
            "period_ms",
            "integer",
            f"{_PERIOD_MEANING}; as in [profile] when absent",
            optional=True,
            low=_PERIOD_MIN_MS,
            high=_PERIOD_MAX_MS,
        ),
        KeyRule("deadband", "number", "A change smaller than this, in the unit, is not told", default=0, high=10**9),
        KeyRule("description", "text", "What it is, for people", default="", pattern=OPTIONAL_TEXT_PATTERN),
    ),
)

PROFILE_TABLES = (PROFILE, POINT)
