"""What the hub believes about one of our devices: its identity, its newest values, its events, and whether to use it.

Knows: the site file's device, its role map, the event stream. Must not know: ports, plans, the journal's file.
Fed with what was read (`on_block`) and what failed (`on_failure`); fills `image` for the lanes, `values.reports` for
the telemetry and `outbox` for the journal. Role values are published only once a header read after them shows the same
boot, so that counters of two boots never stand in one image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from edge.config import DeviceConfig
from edge.model import DeviceImage, Quality, Record, Stamp
from edge.poll.merge import HOLDING_REGISTER, Block
from edge.southbound.device_time import EventTimes
from edge.southbound.device_values import BlockRead, DeviceValues
from edge.southbound.event_reader import DeviceEvent, EventReader, Gap, Restart
from edge.southbound.line_error import Fault, LineError
from edge.southbound.presence import Presence
from edge.southbound.role_map import HEADER_END, MAP_NAMES, ROLE_MAPS, SLOW_PERIOD_MS, UPDATE_OPCODES
from edge.southbound.settings_copy import SettingsCopy, SettingsReader
from edge.southbound.tag_reads import TagRead, TagReader

READS_SUFFIX = "/reads"  # what the cursor of a read list is called; no device name has a slash
_HEALTHY = ("NORMAL", "MAINTENANCE_REQUIRED")  # NE 107: the measured values are as good as ever


class DeviceSession:
    """One configured device. `blocks` is what it should be polled by; the line compares it to tell the plan."""

    def __init__(self, config: DeviceConfig, lane: str, cursors: Mapping[str, tuple[int, int]]) -> None:
        """`cursors` are those of any device, by the names of `cursors`."""
        self.config = config
        self.role = ROLE_MAPS[config.map]
        self.lane = lane
        self.outbox: list[Record] = []
        self.presence = Presence(config)
        self.events = EventReader(self.role.ring_address, self.role.ring_capacity, cursors.get(config.name))
        self._tag_reads_name = config.name + READS_SUFFIX
        self.tag_reads = self._make_tag_reader(cursors.get(self._tag_reads_name))
        self.settings = SettingsReader(self.role)
        self.copies: list[SettingsCopy] = []  # of settings, for the backup; the line takes them
        self.revoked: Mapping[int, str] = {}  # by key id: whose key that was, as a sentence's end; the hub's own book
        self.look_for_news: Callable[[], None] = lambda: None  # in that book; calls `take_key` for a board just fitted
        self._key_block = Block(self.role.tag("key_id").address, self.role.tag("key_id").count, 0)
        self._key_id = -1  # as this start of the device has told it; -1: not yet
        self._key_fault = ""
        self._refused_boot = 0
        self._header: dict[str, Any] = {}  # as it was read last
        self.is_verified = False
        self.is_itself = False  # of this role and serial number, even if its map is another version: it can be updated
        self.swapped = ""  # why what answered there last is another device
        self._refused = ""
        self._role_read_ms = 0
        self._all_blocks = self.role.all_blocks(config.period_ms)
        self._header_blocks = self.role.header_blocks(config.period_ms)
        self._slow_header_blocks = self.role.header_blocks(SLOW_PERIOD_MS)
        self.values = DeviceValues(config.name, self.role.tags, [*self._header_blocks, *self._all_blocks])
        self._header_number = self.values.number_of(self._header_blocks[0])
        self._times = EventTimes()
        self._nonce: tuple[int, int] | None = None
        self._pending: dict[int, BlockRead] = {}  # read, and not yet vouched for by a header

    @property
    def image(self) -> DeviceImage:
        """The newest image."""
        return self.values.image

    @property
    def blocks(self) -> list[Block]:
        """The reads this device needs: all of them once it is known to be the right one, until then its header."""
        if self.is_verified:
            return self._all_blocks
        return self._slow_header_blocks if self._refused else self._header_blocks

    @property
    def event_block(self) -> Block | None:
        """The read beside the values that is wanted now: the key's name, then events, the read list, the settings."""
        if not self.is_verified:
            return None
        if self._key_id < 0:
            return self._key_block
        block = self.events.next_block()
        if block is None and self.tag_reads:
            block = self.tag_reads.next_block()
        return self.settings.next_block() if block is None else block

    @property
    def cursors(self) -> dict[str, tuple[int, int]]:
        """How far events and reads were taken, to be stored together with what they gave."""
        found = {self.config.name: self.events.cursor}
        return found | {self._tag_reads_name: self.tag_reads.cursor} if self.tag_reads else found

    def on_block(self, block: Block, raw: bytes, now: Stamp, asked_ms: int) -> None:
        """`block` was read; the request left after the monotonic `asked_ms`."""
        self.presence.on_answer()
        if block == self._key_block:
            self._on_key(int.from_bytes(raw, "big"), now)
        elif block.table == HOLDING_REGISTER:
            self.settings.on_block(block, raw)
        elif self.tag_reads and block.address >= self.role.read_list_address:
            self._on_tag_reads(self.tag_reads, block, raw, now)
        elif block.address >= self.role.ring_address:
            self._on_ring(block, raw, now)
        else:
            self._on_values(block, raw, now, asked_ms)

    def take_key(self, key: bytes) -> None:
        """The device's command key is another one from now on, and so perhaps its board."""
        self.config = replace(self.config, key=key)
        self._forget_board()

    def may_command(self, opcode: str) -> bool:
        """Whether the device is known well enough to be sent `opcode`."""
        return self.is_verified or (self.is_itself and opcode in UPDATE_OPCODES)

    def take_nonce(self) -> tuple[int, int] | None:
        """The nonce the newest header offered, once: a command uses it up. None from a device that has just failed."""
        nonce, self._nonce = self._nonce, None
        return nonce if self.is_verified and self.presence.is_answering else None

    def on_failure(self, error: LineError, now: Stamp, *, block: Block | None, are_others_fine: bool) -> None:
        """A request brought no good answer, whichever `block`; `are_others_fine`: others on the line do answer."""
        reason = self.presence.on_failure(error, are_others_fine=are_others_fine)
        if error.fault is Fault.EXCEPTION:
            self._on_refusal(block, str(error), now)
        elif reason:
            self._lose(reason, now)

    def _on_refusal(self, block: Block | None, reason: str, now: Stamp) -> None:
        """The device answers and refuses: a block of values is bad then. A command and a ring have no values."""
        number = self.values.find(block) if block else None
        if number is None:
            return
        if number == self._header_number:
            self.values.lose(reason)
            return
        self._pending.pop(number, None)
        self.values.refuse(number, reason, now)
        if self.image.online:
            self.values.show(self._role_read_ms)

    def on_line_down(self, error: LineError, now: Stamp) -> None:
        """The whole line is gone."""
        self._lose(str(error), now)

    def _on_values(self, block: Block, raw: bytes, now: Stamp, asked_ms: int) -> None:
        number = self.values.number_of(block)
        read = self.values.decode(number, raw, now)
        if number == self._header_number:
            self._on_header(read, now, asked_ms)
            return
        self._pending[number] = read
        if block.address >= HEADER_END:
            self._role_read_ms = now.mono_ms
        elif self._key_id >= 0:
            self._copy_settings(self.values.named(number, read))

    def _on_header(self, read: BlockRead, now: Stamp, asked_ms: int) -> None:
        header: dict[str, Any] = self.values.named(self._header_number, read)
        self._header = header
        self.is_itself = (header["map_id"], header["serial_number"]) == (self.role.map_id, self.config.serial)
        if self._key_fault and header["boot_count"] != self._refused_boot:
            self._forget_board()  # it started anew, perhaps with the right key
        refusal = self._identity_fault(header) or self._key_fault
        self.is_itself = self.is_itself and not self._key_fault
        self.swapped = "" if self.is_itself else refusal
        if refusal:
            self._refuse(refusal, header, now)
            return
        self._refused = ""
        self._nonce = (header["nonce_epoch"], header["nonce_counter"])
        found = self.events.on_header(header["boot_count"], header["event_head"])
        for item in found:
            self._note_discontinuity(item, header, now)
        if any(isinstance(item, Restart) for item in found):
            self._pending.clear()
            self._times.restart()
            self._forget_board()
        self._times.on_header(header["event_head"], header["uptime_s"], asked_ms, now.mono_ms)
        if self.presence.is_lost:
            self.presence.is_lost = False
            self._record("device_back", {"boot_count": header["boot_count"]}, now)
        if self.is_verified and self._role_read_ms:
            self._publish(read, header, now)
        self.is_verified = True

    def _on_key(self, key_id: int, now: Stamp) -> None:
        """Which key the board has, by its public name; 0 from one that does not tell."""
        if key_id not in (0, self.config.key_id):
            self.look_for_news()  # a board may start sooner than the book is looked at next
        self._key_id = key_id
        if key_id in (0, self.config.key_id):
            return
        where = f"address {self.config.unit_id} of line {self.config.line}"
        if key_id in self.revoked:
            self._key_fault = f"{where} has the key that was revoked: it is {self.revoked[key_id]}; take it off"
        else:
            self._key_fault = f"{where} has another key than the hub: provision it anew, or check what was fitted there"
        self._refused_boot = self.events.boot_count
        self.is_itself, self.swapped = False, self._key_fault
        self._refuse(self._key_fault, {**self._header, "key_id": key_id}, now)

    def _forget_board(self) -> None:
        """What is on the line may be another board now."""
        self._key_id, self._key_fault = -1, ""
        self.settings.begin_again()

    def _copy_settings(self, values: Mapping[str, Any]) -> None:
        """The slow header was read: it tells whether settings were changed."""
        if "settings_generation" not in values:
            return
        copied = self.settings.on_counters(self.events.boot_count, values["settings_generation"])
        if copied is not None:
            self.copies.append(
                SettingsCopy(
                    boot_count=self.events.boot_count,
                    generation=values["settings_generation"],
                    key_id=self._key_id,
                    firmware_version=self.image.tag("firmware_version").number,
                    calibration_count=self.image.tag("calibration_count").number,
                    values=copied,
                )
            )

    def _publish(self, read: BlockRead, header: Mapping[str, Any], now: Stamp) -> None:
        """The header vouches for what was read before it."""
        quality, reason = self._device_quality(header)
        for number, pending in self._pending.items():
            is_role = self.values.address_of(number) >= HEADER_END
            self.values.publish(number, pending._replace(quality=quality, reason=reason) if is_role else pending)
        self._pending.clear()
        self.values.publish(self._header_number, read)
        self.values.show(self._role_read_ms)
        if self.tag_reads and self.image.tag("read_head").quality is not Quality.BAD:
            self._look_for_reads(self.tag_reads, header["boot_count"], self.image.tag("read_head").number, now)

    def _device_quality(self, header: Mapping[str, Any]) -> tuple[Quality, str]:
        """What the device itself says of its measured values."""
        word = self.role.word("health", header["health"])
        if word in _HEALTHY:
            return Quality.GOOD, ""
        reasons = ", ".join(self.role.words("reasons", header["reasons"])) or "no reason given"
        return Quality.UNCERTAIN, f"the device says {word}: {reasons}"

    def check_ages(self, now: Stamp) -> None:
        """What was not read for long is uncertain."""
        if self.image.online and self.values.age(now):
            self.values.show(self._role_read_ms)

    def _on_ring(self, block: Block, raw: bytes, now: Stamp) -> None:
        for item in self.events.on_ring(block, raw):
            if isinstance(item, Gap):
                self._note_gap(item, now)
            else:
                self._note_event(item, now)

    def _make_tag_reader(self, cursor: tuple[int, int] | None) -> TagReader | None:
        role = self.role
        return TagReader(role.read_list_address, role.read_list_capacity, cursor) if role.read_list_address else None

    def _look_for_reads(self, reader: TagReader, boot_count: int, head: int, now: Stamp) -> None:
        for item in reader.on_header(boot_count, head):
            if isinstance(item, Gap):  # of a restart the event stream has told
                self._note_lost_reads(item, now)

    def _on_tag_reads(self, reader: TagReader, block: Block, raw: bytes, now: Stamp) -> None:
        for item in reader.on_ring(block, raw):
            if isinstance(item, TagRead):
                time = self._times.data(1000 * item.uptime_s + item.millisecond, now)
                self._record("tag_read", {"boot_count": reader.boot_count, **item.data(), **time}, now)
            else:
                self._note_lost_reads(item, now)

    def _note_lost_reads(self, gap: Gap, now: Stamp) -> None:
        lost = gap.last - gap.first + 1
        self.presence.counters.reads_lost += lost
        boot_count = self.tag_reads.boot_count if self.tag_reads else -1
        data = {"boot_count": boot_count, "first": gap.first, "last": gap.last, "lost": lost}
        self._record("tag_read_gap", data, now)

    def _identity_fault(self, values: Mapping[str, int]) -> str:
        """Why this is not the device of the site file; "" when it is."""
        expected = (self.role.map_id, self.config.map_version, self.config.serial)
        found = (values["map_id"], values["map_version"], values["serial_number"])
        where = f"address {self.config.unit_id} of line {self.config.line}"
        if found[0] != expected[0]:
            name = MAP_NAMES.get(found[0], f"map {found[0]}")
            return f"{where} serves {name}, expected {self.role.name}: check the unit id or the site file"
        if found[1] != expected[1] or expected[1] != self.role.map_version:
            return (
                f"{where} serves version {found[1]} of map {self.role.name}, the site file says {expected[1]} and this "
                f"hub knows {self.role.map_version}: update the device, the site file or the hub"
            )
        if found[2] != expected[2]:
            return f"{where} has serial number {found[2]}, expected {expected[2]}: check what was fitted there"
        return ""

    def _refuse(self, reason: str, values: Mapping[str, int], now: Stamp) -> None:
        self.values.lose(reason)
        self.is_verified = False
        self._role_read_ms = 0
        if reason != self._refused:
            self._refused = reason
            told = ("map_id", "map_version", "serial_number", "key_id")
            found = {name: values[name] for name in told if name in values}
            self._record("unknown_device", {"reason": reason, "unit_id": self.config.unit_id, **found}, now)

    def _lose(self, reason: str, now: Stamp) -> None:
        self.values.lose(reason)
        self.is_verified = self.is_itself = False
        self._role_read_ms = 0
        self._pending.clear()
        self._forget_board()
        if not self.presence.is_lost:
            self.presence.is_lost = True
            self._record("device_lost", {"reason": reason}, now)

    def _note_discontinuity(self, item: Restart | Gap, values: Mapping[str, int], now: Stamp) -> None:
        if isinstance(item, Gap):
            self._note_gap(item, now)
            return
        self._role_read_ms = 0
        data = {"boot_count": values["boot_count"], "boot_count_before": item.boot_count_before}
        self._record("device_restarted", data | {"uptime_s": values["uptime_s"]}, now)

    def _note_gap(self, gap: Gap, now: Stamp) -> None:
        lost = gap.last - gap.first + 1
        self.presence.counters.events_lost += lost
        data = {"boot_count": self.events.boot_count, "first": gap.first, "last": gap.last, "lost": lost}
        self._record("event_gap", data, now)

    def _note_event(self, event: DeviceEvent, now: Stamp) -> None:
        self.presence.counters.events += 1
        uptime_ms = 1000 * event.uptime_s + event.millisecond
        self._times.on_event(event.sequence, uptime_ms)
        data = {
            "boot_count": self.events.boot_count,
            "sequence": event.sequence,
            "uptime_s": event.uptime_s,
            "millisecond": event.millisecond,
            **self._times.data(uptime_ms, now),
            **self.role.event_data(event.code, event.argument),
        }
        self._record("device_event", data, now)

    def _record(self, kind: str, data: Mapping[str, Any], now: Stamp) -> None:
        self.outbox.append(Record(kind, self.lane, self.config.name, data, now.wall_ms))
