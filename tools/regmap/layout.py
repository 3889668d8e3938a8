"""From a checked role map to names, counts and packed tables: what every emitter shares.

Knows the naming of constants and the packing of tables on the device. Must not write text of any output format.
"""

import struct
from dataclasses import dataclass

from tools.regmap.model import COMMAND_BLOCK, COMMAND_REGISTERS, SIGNED_TYPES, Point, RoleMap

# Points whose symbols are indexes into the core's input and output images, not bits of a word.
IMAGE_PREFIXES = {"digital_inputs": "IN", "digital_outputs": "OUT"}


@dataclass(frozen=True)
class Constant:
    """A generated constant; `origin` names the entry it comes from, for messages."""

    name: str
    value: int
    origin: str
    source: str


@dataclass(frozen=True)
class Group:
    """Constants that stand together under one comment."""

    title: str
    constants: tuple[Constant, ...]


@dataclass(frozen=True)
class Row:
    """One packed row of a device table and the point it is for."""

    name: str
    data: bytes


def table_count(role_map: RoleMap, table: str) -> int:
    """How many items the table has: one more than its highest address in use."""
    ends = [point.end for point in role_map.points if point.table == table]
    if table == role_map.ring.table:
        ends.append(role_map.ring.end)
    return max(ends, default=0)


def constant_groups(role_map: RoleMap) -> list[Group]:
    """Every constant of the device module, in output order."""
    groups = [_sizes(role_map), *_header_points(role_map), *_blocks(role_map), *_lists(role_map)]
    return [*groups, *_symbols(role_map), *_codes(role_map)]


def _sizes(role_map: RoleMap) -> Group:
    role, ring = role_map.role, role_map.ring
    block = role_map.point(COMMAND_BLOCK)
    values = {
        "MAP_ID": role.id,
        "MAP_VERSION": role.version,
        "COIL_COUNT": table_count(role_map, "coil"),
        "DISCRETE_COUNT": table_count(role_map, "discrete_input"),
        "HOLDING_COUNT": table_count(role_map, "holding_register"),
        "INPUT_COUNT": table_count(role_map, "input_register"),
        "RING_ADDRESS": ring.address,
        "RING_CAPACITY": ring.capacity,
        "COMMAND_ADDRESS": block.address if block else 0,
        "COMMAND_SIZE": block.count if block else COMMAND_REGISTERS,
        "UPDATE_WINDOW_ADDRESS": role_map.update_window.address,
        "UPDATE_WINDOW_SIZE": role_map.update_window.size,
    }
    return Group("The map", tuple(Constant(name, value, "map", role.source) for name, value in values.items()))


def _header_points(role_map: RoleMap) -> list[Group]:
    points = [point for point in role_map.header.points if point.table == "input_register"]
    return [
        Group("Addresses of the header's input registers", tuple(_of(point, "AT", point.address) for point in points))
    ]


def _blocks(role_map: RoleMap) -> list[Group]:
    constants = tuple(_of(point, "AT", point.address) for point in role_map.blocks)
    return [Group("Addresses of what the core fills itself", constants)] if constants else []


def _lists(role_map: RoleMap) -> list[Group]:
    return [
        _indexes("Indexes into the core's status list", "ST", "STATUS_COUNT", role_map.status, role_map),
        _indexes("Indexes into the settings list", "SET", "SETTING_COUNT", role_map.settings, role_map),
    ]


def _indexes(title: str, prefix: str, count_name: str, points: list[Point], role_map: RoleMap) -> Group:
    constants = [_of(point, prefix, index) for index, point in enumerate(points)]
    constants.append(Constant(count_name, len(points), "map", role_map.role.source))
    return Group(title, tuple(constants))


def _symbols(role_map: RoleMap) -> list[Group]:
    groups = []
    for point in role_map.points:
        prefix = IMAGE_PREFIXES.get(point.name, point.name.upper())
        sizes = {"COUNT": point.count, "ADDRESS": point.address} if point.name in IMAGE_PREFIXES else {}
        constants = [Constant(f"{prefix}_{name}", value, "map", point.source) for name, value in sizes.items()]
        constants += [
            Constant(f"{prefix}_{name}", value, _origin(point), point.source) for name, value in point.symbols
        ]
        if constants:
            groups.append(Group(f"{point.name}: {point.description}", tuple(constants)))
    return groups


def _codes(role_map: RoleMap) -> list[Group]:
    opcodes = [Constant(f"OP_{op.name}", op.value, f"opcode '{op.name}'", op.source) for op in role_map.opcodes]
    events = [
        Constant(f"EV_{event.name}", event.code, f"event '{event.name}'", event.source) for event in role_map.events
    ]
    return [Group("Opcodes of the command block", tuple(opcodes)), Group("Codes in the event ring", tuple(events))]


def _of(point: Point, prefix: str, value: int) -> Constant:
    return Constant(f"{prefix}_{point.name.upper()}", value, _origin(point), point.source)


def _origin(point: Point) -> str:
    return f"point '{point.name}'"


def status_rows(role_map: RoleMap) -> list[Row]:
    """STATUS_TABLE: `>HBB` = address, register count, signed flag, in the order of the status list."""
    return [
        Row(point.name, struct.pack(">HBB", point.address, point.count, _signed(point))) for point in role_map.status
    ]


def setting_rows(role_map: RoleMap) -> list[Row]:
    """SETTINGS_TABLE: `>HBBiii` = address, register count, signed flag, min, max, default, in the settings' order."""
    return [
        Row(
            point.name,
            struct.pack(
                ">HBBiii",
                point.address,
                point.count,
                _signed(point),
                point.min or 0,
                point.max or 0,
                point.default or 0,
            ),
        )
        for point in role_map.settings
    ]


def writable_rows(role_map: RoleMap) -> list[Row]:
    """WRITABLE: `>HH` = address, count of each range of holding registers that one write must cover whole."""
    points = [point for point in role_map.points if point.access == "RW" and point.write == "wire"]
    return [Row(point.name, struct.pack(">HH", point.address, point.count)) for point in points]


def _signed(point: Point) -> int:
    return int(point.type in SIGNED_TYPES)
