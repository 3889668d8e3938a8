"""The words of scenarios, taken from the register maps: roles, events, symbols, opcodes, input and output names.

Knows: generated tags. Must not know: scenario files, targets.
"""

from __future__ import annotations

import re
from functools import cache
from types import ModuleType

from protocols.registers import barrier_tags, charging_post_tags, rfid_tags, weighbridge_tags
from protocols.registers.tag import Tag
from sim_devices.plants.lane import TRUTH_KINDS

_MODULES: dict[str, ModuleType] = {
    "barrier": barrier_tags,
    "weighbridge": weighbridge_tags,
    "rfid": rfid_tags,
    "charging_post": charging_post_tags,
}
ROLES = tuple(_MODULES)
LANE_ROLES = ("barrier", "weighbridge")
# What a role's input image holds behind the digital inputs of its map, in order.
_ANALOGUE_INPUTS = {
    "weighbridge": ("ADC_COUNTS", "ADC_SEQUENCE"),
    "charging_post": (
        "PLATE_V",
        "BUS_V",
        "CURRENT_A",
        "POST_TEMP_C",
        "PLATE_TEMP_C",
        "VEHICLE_SEQUENCE",
        "VEHICLE_FLAGS",
        "VEHICLE_ID",
        "VEHICLE_CHEMISTRY",
        "VEHICLE_BATTERY_V",
        "VEHICLE_MAX_V",
        "VEHICLE_MAX_A",
        "VEHICLE_TEMP_C",
        "VEHICLE_SOC",
    ),
}
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
_HEADER_LEVELS = {"health", "reasons"}
EVENT_GAP = "event_gap"
BROKEN = "rig.broken"  # a device's program has ended with an error; its value is the unit id
DEVICE = "device"  # what the one device of a bench is called in events
START = "rig.start"
LINE_SENT = "device.line.sent"  # its value is the CRC-16 of what the device said on its field line
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,10}")
_ANY_BIT = -1


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
    return tuple(tag for tag in tags if tag.count <= 2 and (tag.address >= 64 or tag.name in _HEADER_LEVELS))


@cache
def names_of(role: str, point: str) -> tuple[str, ...]:
    """Symbols of a point in the order of their values: input and output names."""
    tag = tag_of(role, point)
    return tuple(name for name, _ in sorted(tag.symbols, key=lambda pair: pair[1])) if tag else ()


def input_names(role: str) -> tuple[str, ...]:
    """The whole input image of a role, in order."""
    return names_of(role, "digital_inputs") + _ANALOGUE_INPUTS.get(role, ())


def is_digital(role: str, name: str) -> bool:
    return name in names_of(role, "digital_inputs")


@cache
def setting_tags(role: str) -> dict[str, Tag]:
    """The settings of a role by name; every one has min, max and default."""
    return {tag.name: tag for tag in _MODULES[role].TAGS if tag.table == "holding_register" and tag.min is not None}


def opcode_names(role: str) -> tuple[str, ...]:
    return tuple(_MODULES[role].OPCODES)


@cache
def event_names(role: str = "") -> frozenset[str]:
    """Every name a rig can put into a trace; a condition on any other could never be met.

    With `role` those of a bench, where the one device is called `device`; without, those of a lane.
    """
    names = {f"rig.{EVENT_GAP}", BROKEN}
    if role:
        names |= {START, LINE_SENT, *_device_events(DEVICE, role)}
        names |= {f"{DEVICE}.quality.{name}" for name in input_names(role)}
        return frozenset(names | {f"command.{opcode}" for opcode in opcode_names(role)})
    names |= {f"field.{kind}" for kind in TRUTH_KINDS}
    for each in LANE_ROLES:
        names |= _device_events(each, each)
        names |= {f"command.{each}.{opcode}" for opcode in opcode_names(each)}
    return frozenset(names)


def _device_events(source: str, role: str) -> set[str]:
    names = {f"{source}.{tag.name}" for tag in level_tags(role)}
    names |= {f"{source}.in.{name}" for name in names_of(role, "digital_inputs")}
    names |= {f"{source}.out.{name}" for name in names_of(role, "digital_outputs")}
    return names | {f"{source}.event.{event.name}" for event in map_of(role).EVENTS.values()}


def whole_number(text: str) -> int | None:
    """The whole number `text` writes, None when it writes none."""
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else None


def value_of(name: str, wanted: str, role: str = "") -> tuple[int, int] | None:
    """What a scenario means by `wanted` for the event `name`, as (value, mask); None when that can never be its value.

    A symbol of a bitfield means its bit, whatever the other bits are; everything else means the whole value. `role` is
    that of a bench's device.
    """
    tag, number = _tag_of_event(name.split("."), role), whole_number(wanted)
    if tag is None:
        is_bit = ".in." in name or ".out." in name
        return None if number is None or (is_bit and number not in (0, 1)) else (number, _ANY_BIT)
    symbols = dict(tag.symbols)
    if number is not None:
        possible = tag.type != "enum16" or number in symbols.values()
        return (number, _ANY_BIT) if possible else None
    if wanted not in symbols:
        return None
    if tag.type == "bitfield16":
        return 1 << symbols[wanted], 1 << symbols[wanted]
    return symbols[wanted], _ANY_BIT


def _tag_of_event(parts: list[str], role: str) -> Tag | None:
    """The point whose values an event has; None for bits, happenings and what is no event."""
    if parts[0] == "command":
        return tag_of("barrier", "command_result")  # the header block is the same in every role
    source = role if role and parts[0] == DEVICE else parts[0]
    return tag_of(source, parts[1]) if len(parts) == 2 and source in _MODULES else None
