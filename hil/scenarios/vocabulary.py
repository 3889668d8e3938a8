"""What the register maps say of a role: points, settings, opcodes, input and output names, and what a rig records.

Knows: generated tags. Must not know: scenario files, targets.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType

from hil.scenarios.meaning import NUMBER, ON_OFF, Meaning
from protocols.registers import barrier_tags, charging_post_tags, rfid_tags, weighbridge_tags
from protocols.registers.tag import Tag

_MODULES: dict[str, ModuleType] = {
    "barrier": barrier_tags,
    "weighbridge": weighbridge_tags,
    "rfid": rfid_tags,
    "charging_post": charging_post_tags,
}
ROLES = tuple(_MODULES)
LANE_ROLES = ("barrier", "weighbridge")
# What a role's input image holds behind the digital inputs of its map, in order.
_ANALOGUE_INPUTS: dict[str, dict[str, Meaning]] = {
    "weighbridge": {"ADC_COUNTS": NUMBER, "ADC_SEQUENCE": NUMBER},
    "charging_post": {
        "PLATE_V": Meaning(units="V", sf=-1),
        "BUS_V": Meaning(units="V", sf=-1),
        "CURRENT_A": Meaning(units="A", sf=-1),
        "POST_TEMP_C": Meaning(units="degC", sf=-1),
        "PLATE_TEMP_C": Meaning(units="degC", sf=-1),
        "VEHICLE_SEQUENCE": NUMBER,
        "VEHICLE_FLAGS": NUMBER,
        "VEHICLE_ID": NUMBER,
        "VEHICLE_CHEMISTRY": NUMBER,
        "VEHICLE_BATTERY_V": Meaning(units="V", sf=-1),
        "VEHICLE_MAX_V": Meaning(units="V", sf=-1),
        "VEHICLE_MAX_A": Meaning(units="A", sf=-1),
        "VEHICLE_TEMP_C": Meaning(units="degC", sf=-1),
        "VEHICLE_SOC": Meaning(units="permille"),
    },
}
_SAFE_ON = ("LIGHT_RED", "LAMP_FAULT")  # of the roles' safe outputs; all others are off
TRUCK_KINDS = ("rigid", "articulated")

# Arguments of commands that are quantities; all others are plain numbers.
_ARGUMENTS = {"PRESET_TARE": Meaning(units="kg", sf=-1), "CALIBRATE_SPAN": Meaning(units="kg")}
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
    "indicator_frames",
    "indicator_garbage",
    "frames",
    "partial_rounds",
    "motor_time_s",
    "operating_time_s",
    "plate_v_x10",
    "bus_v_x10",
    "current_a_x10",
    "vehicle_battery_v_x10",
    "plate_temp_c_x10",
    "session_wh",
    "session_mah",
}
_HEADER_LEVELS = frozenset({"health", "reasons"})
_ROLE_ADDRESS = 64
EVENT_GAP = "event_gap"
BROKEN = "rig.broken"  # a device's program has ended with an error; its value is the unit id
DEVICE = "device"  # what the one device of a bench is called in events
LINE_SENT = "device.line.sent"  # its value is the CRC-16 of what the device said on its field line


def map_of(role: str) -> ModuleType:
    """The generated tag module of a role."""
    return _MODULES[role]


@cache
def tag_of(role: str, point: str) -> Tag | None:
    return next((tag for tag in _MODULES[role].TAGS if tag.name == point), None)


@cache
def point_tags(role: str) -> tuple[Tag, ...]:
    """The input register points that are one number, in map order."""
    return tuple(tag for tag in _MODULES[role].TAGS if tag.table == "input_register" and tag.count <= 2)


@cache
def level_tags(role: str, watched: frozenset[str] = frozenset()) -> tuple[Tag, ...]:
    """The points a rig records, in map order: all that move seldom, and those of the names `watched`."""
    tags = (tag for tag in point_tags(role) if tag.address >= _ROLE_ADDRESS or tag.name in _HEADER_LEVELS | watched)
    return tuple(tag for tag in tags if tag.name not in _QUIET or tag.name in watched)


@cache
def names_of(role: str, point: str) -> tuple[str, ...]:
    """Symbols of a point in the order of their values: input and output names."""
    tag = tag_of(role, point)
    return tuple(name for name, _ in sorted(tag.symbols, key=lambda pair: pair[1])) if tag else ()


@cache
def safe_outputs(role: str) -> tuple[int, ...]:
    """What the output card of a role drives when the device does not say its outputs any more."""
    return tuple(int(name in _SAFE_ON) for name in names_of(role, "digital_outputs"))


def input_names(role: str) -> tuple[str, ...]:
    """The whole input image of a role, in order."""
    return names_of(role, "digital_inputs") + tuple(_ANALOGUE_INPUTS.get(role, {}))


def input_meaning(role: str, name: str) -> Meaning:
    """What the value of an input stands for."""
    return _ANALOGUE_INPUTS.get(role, {}).get(name, ON_OFF)


@cache
def setting_tags(role: str) -> dict[str, Tag]:
    """The settings of a role by name; every one has min, max and default."""
    return {tag.name: tag for tag in _MODULES[role].TAGS if tag.table == "holding_register" and tag.min is not None}


def opcode_names(role: str) -> tuple[str, ...]:
    return tuple(_MODULES[role].OPCODES)


def argument_meaning(opcode: str) -> Meaning:
    """What the argument of a command stands for."""
    return _ARGUMENTS.get(opcode, NUMBER)
