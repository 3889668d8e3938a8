"""What the hub knows of each role's register map: which tags to read how often, and what registers mean.

Knows: the generated tag tables. Must not know: ports, plans, time. Only input registers are read by the hub; settings
change by command alone and say so by `settings_generation`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from edge.poll.merge import Block, Point, merge_points
from protocols.registers import barrier_tags, charging_post_tags, rfid_tags, weighbridge_tags
from protocols.registers.tag import EventDef, Tag
from protocols.rfid.read_slot import SLOT_REGISTERS

HEADER_END = 64  # role points start here
SLOW_PERIOD_MS = 1000  # diagnostics of the header; nothing is decided by them
_FAST_HEADER = (
    "map_id",
    "map_version",
    "serial_number",
    "boot_count",
    "uptime_s",
    "health",
    "reasons",
    "event_head",
    "nonce_epoch",
    "nonce_counter",
)
# Of every version of every map, so that a device with another one can be updated.
UPDATE_OPCODES = frozenset({"UPDATE_BEGIN", "UPDATE_SWITCH", "UPDATE_ABORT", "UPDATE_ALLOW_OLDER"})
# Points that change with every poll and tell a watcher nothing by it: telemetry says them by such steps, images always.
_TOLD_BY_STEPS_OF = {
    "adc_counts": 500,
    "adc_samples": 1000,
    "frames_served": 10_000,
    "hub_age_ms": 1000,
    "scan_last_us": 5000,
    "stable_ms": 5000,
    "uptime_s": 60,
}
_SIGNED = ("int16", "int32")


@dataclass(frozen=True)
class RoleMap:
    """One role's map. Symbols and event names are the map's words."""

    name: str
    map_id: int
    map_version: int
    tags: tuple[Tag, ...]
    events: Mapping[int, EventDef]
    opcodes: Mapping[str, int]
    ring_address: int
    ring_capacity: int
    command_address: int
    update_window_address: int
    read_list_address: int = 0  # of a role that has a list of reads, else 0
    read_list_capacity: int = 0

    @cached_property
    def _by_name(self) -> dict[str, Tag]:
        return {tag.name: tag for tag in self.tags}

    def tag(self, name: str) -> Tag:
        """The input register point `name`; KeyError is a program error."""
        return self._by_name[name]

    def header_blocks(self, period_ms: int) -> list[Block]:
        """The read that tells who a device is and whether anything happened."""
        return merge_points(_points([self.tag(name) for name in _FAST_HEADER], period_ms))

    def all_blocks(self, period_ms: int) -> list[Block]:
        """Everything; role before header, so that each header read vouches for the role read before it."""
        role = [tag for tag in self.tags if tag.address >= HEADER_END]
        slow = [tag for tag in self.tags if tag.address < HEADER_END and tag.name not in _FAST_HEADER]
        role_blocks = merge_points(_points(role, period_ms))
        return role_blocks + self.header_blocks(period_ms) + merge_points(_points(slow, SLOW_PERIOD_MS))

    def decode(self, address: int, raw: bytes) -> dict[str, int]:
        """Raw values of all tags that lie whole in the registers from `address`."""
        end = address + len(raw) // 2
        inside = [tag for tag in self.tags if address <= tag.address and tag.address + tag.count <= end]
        return {tag.name: _raw(tag, raw[2 * (tag.address - address) :]) for tag in inside}

    def word(self, name: str, value: int) -> str:
        """The map's word for a value of an enum point, else the number as text."""
        words = {number: word for word, number in self.tag(name).symbols}
        return words.get(value, str(value))

    def words(self, name: str, value: int) -> list[str]:
        """The map's words for the bits set in a bitfield point."""
        return [word for word, bit in self.tag(name).symbols if value >> bit & 1]

    def event_data(self, code: int, argument: int) -> dict[str, Any]:
        """What a journal record says of an event."""
        event = self.events.get(code)
        if event is None:
            return {"code": code, "event": "", "argument": argument}
        data: dict[str, Any] = {"code": code, "event": event.name, "argument": argument}
        if any(tag.name == event.argument and tag.type == "enum16" for tag in self.tags):
            data["argument_word"] = self.word(event.argument, argument)
        return data


def _points(tags: Sequence[Tag], period_ms: int) -> list[Point]:
    return [Point(tag.address, tag.count, period_ms) for tag in tags]


def _raw(tag: Tag, raw: bytes) -> int:
    return int.from_bytes(raw[: 2 * tag.count], "big", signed=tag.type in _SIGNED)


def _role_map(module: Any) -> RoleMap:
    return RoleMap(
        name=module.NAME,
        map_id=module.MAP_ID,
        map_version=module.MAP_VERSION,
        tags=tuple(
            replace(tag, deadband=_TOLD_BY_STEPS_OF.get(tag.name, 0) * 10.0**tag.sf)
            for tag in module.TAGS
            if tag.table == "input_register" and tag.type != "block"
        ),
        events=module.EVENTS,
        opcodes=module.OPCODES,
        ring_address=module.RING_ADDRESS,
        ring_capacity=module.RING_CAPACITY,
        command_address=module.COMMAND_ADDRESS,
        update_window_address=module.UPDATE_WINDOW_ADDRESS,
        read_list_address=next((tag.address for tag in module.TAGS if tag.name == "read_list"), 0),
        read_list_capacity=next((tag.count // SLOT_REGISTERS for tag in module.TAGS if tag.name == "read_list"), 0),
    )


ROLE_MAPS: dict[str, RoleMap] = {
    module.NAME: _role_map(module) for module in (barrier_tags, weighbridge_tags, rfid_tags, charging_post_tags)
}
MAP_NAMES = {role.map_id: role.name for role in ROLE_MAPS.values()}
