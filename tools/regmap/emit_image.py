"""Writes `sim_devices/images/<role>.json`: every table of a fresh device, for simulators and tests.

All tables are whole lists from address 0. Filled in: map id and version, the ring's capacity, the settings' defaults.
"""

import json

from tools.regmap.emit_device import sources
from tools.regmap.layout import table_count
from tools.regmap.model import ADDRESS_SPACE, TABLES, Point, RoleMap


def emit_image(role_map: RoleMap) -> str:
    """Text of the image file."""
    image = {table: [0] * table_count(role_map, table) for table in TABLES}
    known = {
        "map_id": role_map.role.id,
        "map_version": role_map.role.version,
        "event_capacity": role_map.ring.capacity,
    }
    for point in role_map.points:
        value = point.default if point.is_setting else known.get(point.name)
        if value is not None:
            _put(image[point.table], point, value)
    lines = [f'{{"generated": {json.dumps(f"by tools/regmap from {sources(role_map)}; do not edit, run make gen")},']
    lines += [f' "{key}": {json.dumps(value)},' for key, value in _identity(role_map).items()]
    lines += [f' "{table}": {json.dumps(values)},' for table, values in image.items()]
    return "\n".join(lines).rstrip(",") + "}\n"


def _identity(role_map: RoleMap) -> dict[str, str | int]:
    return {"name": role_map.role.name, "map_id": role_map.role.id, "map_version": role_map.role.version}


def _put(table: list[int], point: Point, value: int) -> None:
    for index in range(point.count - 1, -1, -1):  # low word last
        table[point.address + index] = value % ADDRESS_SPACE
        value //= ADDRESS_SPACE
