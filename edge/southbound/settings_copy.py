"""The settings of one device, copied once whenever they may have changed, and only as a whole.

Knows: the map's table of settings, and the counters that move with a change. Must not know: ports, plans, files. The
reads are asked for one by one when nothing else is due; the copy counts once the device shows the same start and the
same generation after the last of them as before the first.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from edge.poll.merge import HOLDING_REGISTER, Block, Point, merge_points
from edge.southbound.role_map import RoleMap
from protocols.registers import (
    barrier,
    barrier_tags,
    charging_post,
    charging_post_tags,
    rfid,
    rfid_tags,
    weighbridge,
    weighbridge_tags,
)

_ENTRY = struct.Struct(">HBBiii")  # SETTINGS_TABLE: address, width, signed, low, high, default
_TABLES = {barrier_tags.NAME: barrier, charging_post_tags.NAME: charging_post, rfid_tags.NAME: rfid} | {
    weighbridge_tags.NAME: weighbridge
}
_TAGS = {tags.NAME: tags.TAGS for tags in (barrier_tags, charging_post_tags, rfid_tags, weighbridge_tags)}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: the map's name, where it stands, and its limits."""

    name: str
    address: int
    width: int
    is_signed: bool
    low: int
    high: int
    default: int


@dataclass(frozen=True, slots=True)
class SettingsCopy:
    """What a device had in force at one moment. `calibration_count` is 0 for a role that is not calibrated."""

    boot_count: int
    generation: int
    key_id: int
    firmware_version: int
    calibration_count: int
    values: dict[str, int]


def settings_of(role: RoleMap) -> tuple[Setting, ...]:
    """The settings of a role in the order the device stores them."""
    names = {tag.address: tag.name for tag in _TAGS[role.name] if tag.table == HOLDING_REGISTER}
    return tuple(
        Setting(names[address], address, width, bool(signed), low, high, default)
        for address, width, signed, low, high, default in _ENTRY.iter_unpack(_TABLES[role.name].SETTINGS_TABLE)
    )


class SettingsReader:
    """Fed with the counters and with what was read; `on_counters` gives the values when there is a whole new copy."""

    def __init__(self, role: RoleMap) -> None:
        self._settings = settings_of(role)
        points = [Point(setting.address, setting.width, 0, HOLDING_REGISTER) for setting in self._settings]
        self._blocks = merge_points(points)
        self._raw: dict[Block, bytes] = {}
        self._under_way: tuple[int, int] | None = None
        self._copied: tuple[int, int] | None = None

    def next_block(self) -> Block | None:
        """The read that is wanted now."""
        if self._under_way is None:
            return None
        return next((block for block in self._blocks if block not in self._raw), None)

    def on_block(self, block: Block, raw: bytes) -> None:
        """One of the reads."""
        self._raw[block] = raw

    def on_counters(self, boot_count: int, generation: int) -> dict[str, int] | None:
        """The device's start and generation of settings as just read."""
        counters = (boot_count, generation)
        if self._under_way is not None and self.next_block() is None:
            is_whole = self._under_way == counters
            self._under_way = None
            if is_whole:
                self._copied = counters
                return {setting.name: self._value(setting) for setting in self._settings}
        if self._under_way != counters and self._copied != counters:
            self._under_way = counters
            self._raw.clear()
        return None

    def begin_again(self) -> None:
        """Whatever was copied, it may have been another board's."""
        self._copied = self._under_way = None
        self._raw.clear()

    def _value(self, setting: Setting) -> int:
        found = self._raw.items()
        block, raw = next((block, raw) for block, raw in found if block.address <= setting.address < block.end)
        at = 2 * (setting.address - block.address)
        return int.from_bytes(raw[at : at + 2 * setting.width], "big", signed=setting.is_signed)
