"""What the hub believes about one device: its identity, its newest values, its events, and whether it can be used.

Knows: the site file's device, its role map, the event stream. Must not know: ports, plans, the journal's file.
Fed with what was read (`on_block`) and what failed (`on_failure`); fills `image` for the lanes and `outbox` for the
journal. Role values are published only once a header read after them shows the same boot, so that counters of two
boots never stand in one image.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edge.config import DeviceConfig
from edge.model import DeviceImage, Quality, Record, TagValue
from edge.poll.merge import Block
from edge.southbound.event_reader import DeviceEvent, EventReader, Gap, Restart
from edge.southbound.line_error import Fault, LineError
from edge.southbound.role_map import HEADER_END, MAP_NAMES, ROLE_MAPS, SLOW_PERIOD_MS
from edge.southbound.tag_reads import TagRead, TagReader

FAILURES_UNTIL_LOST = 3
_OUTCOMES_KEPT = 20
_GARBLED_SHARE = 0.5
READS_SUFFIX = "/reads"  # what the cursor of a read list is called; no device name has a slash


@dataclass(frozen=True, slots=True)
class Stamp:
    """One moment on both clocks: monotonic, and Unix time, in ms."""

    mono_ms: int
    wall_ms: int


@dataclass
class SessionCounters:
    """What happened with this device since the start of the hub."""

    reads: int = 0
    timeouts: int = 0
    garbled: int = 0
    exceptions: int = 0
    events: int = 0
    events_lost: int = 0
    reads_lost: int = 0


class DeviceSession:
    """One configured device. `blocks` is what it should be polled by; the line compares it to tell the plan."""

    def __init__(self, config: DeviceConfig, lane: str, cursors: Mapping[str, tuple[int, int]]) -> None:
        """`cursors` are those of any device, by the names of `cursors`."""
        self.config = config
        self.role = ROLE_MAPS[config.map]
        self.lane = lane
        self.image = DeviceImage(config.name)
        self.outbox: list[Record] = []
        self.counters = SessionCounters()
        self.events = EventReader(self.role.ring_address, self.role.ring_capacity, cursors.get(config.name))
        self._tag_reads_name = config.name + READS_SUFFIX
        self.tag_reads = self._make_tag_reader(cursors.get(self._tag_reads_name))
        self.is_verified = False
        self._is_lost = False
        self._refused = ""
        self._failures = 0
        self._outcomes: deque[Fault | None] = deque(maxlen=_OUTCOMES_KEPT)
        self._fresh: dict[str, TagValue] = {}
        self._role_read_ms = 0
        self._all_blocks = self.role.all_blocks(config.period_ms)
        self._header_blocks = self.role.header_blocks(config.period_ms)
        self._slow_header_blocks = self.role.header_blocks(SLOW_PERIOD_MS)

    @property
    def blocks(self) -> list[Block]:
        """The reads this device needs: all of them once it is known to be the right one, until then its header."""
        if self.is_verified:
            return self._all_blocks
        return self._slow_header_blocks if self._refused else self._header_blocks

    @property
    def is_answering(self) -> bool:
        """Whether the newest request brought an answer."""
        return bool(self._outcomes) and self._outcomes[-1] is None

    @property
    def event_block(self) -> Block | None:
        """The read of the event ring, or else of the read list, that is wanted now."""
        if not self.is_verified:
            return None
        block = self.events.next_block()
        return self.tag_reads.next_block() if block is None and self.tag_reads else block

    @property
    def cursors(self) -> dict[str, tuple[int, int]]:
        """How far events and reads were taken, to be stored together with what they gave."""
        found = {self.config.name: self.events.cursor}
        return found | {self._tag_reads_name: self.tag_reads.cursor} if self.tag_reads else found

    def on_block(self, block: Block, registers: Sequence[int], now: Stamp) -> None:
        """`block` was read."""
        self.counters.reads += 1
        self._failures = 0
        self._outcomes.append(None)
        if self.tag_reads and block.address >= self.role.read_list_address:
            self._on_tag_reads(block, registers, now)
            return
        if block.address >= self.role.ring_address:
            self._on_ring(block, registers, now)
            return
        values = self.role.decode(block.address, registers)
        if "map_id" in values:
            self._on_header(values, now)
        else:
            self._role_read_ms = now.mono_ms if block.address >= HEADER_END else self._role_read_ms
            self._fresh.update(_good(values, now))

    def on_failure(self, error: LineError, now: Stamp, *, are_others_fine: bool) -> None:
        """A request to this device brought no good answer; `are_others_fine`: others on the line do answer."""
        self._outcomes.append(error.fault)
        self._count(error.fault)
        if error.fault is Fault.EXCEPTION:
            self.image = self.image.lost(str(error))
            return
        self._failures += 1
        if self._failures >= FAILURES_UNTIL_LOST:
            self._lose(self._loss_reason(error, are_others_fine), now)

    def on_line_down(self, error: LineError, now: Stamp) -> None:
        """The whole line is gone."""
        self._lose(str(error), now)

    def _on_header(self, values: Mapping[str, int], now: Stamp) -> None:
        refusal = self._identity_fault(values)
        if refusal:
            self._refuse(refusal, values, now)
            return
        self._refused = ""
        found = self.events.on_header(values["boot_count"], values["event_head"])
        for item in found:
            self._note_discontinuity(item, values, now)
        if any(isinstance(item, Restart) for item in found):
            self._fresh.clear()
        self._fresh.update(_good(values, now))
        if self._is_lost:
            self._is_lost = False
            self._record("device_back", {"boot_count": values["boot_count"]}, now)
        if self.is_verified and self._role_read_ms:
            self.image = self.image.with_tags(self._fresh, self._role_read_ms)
            if self.tag_reads and "read_head" in self._fresh:
                self._look_for_reads(self.tag_reads, values["boot_count"], self._fresh["read_head"].value or 0, now)
        self.is_verified = True

    def _on_ring(self, block: Block, registers: Sequence[int], now: Stamp) -> None:
        for item in self.events.on_ring(block, registers):
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

    def _on_tag_reads(self, block: Block, registers: Sequence[int], now: Stamp) -> None:
        if self.tag_reads is None:
            return
        for item in self.tag_reads.on_ring(block, registers):
            if isinstance(item, TagRead):
                self._record("tag_read", {"boot_count": self.tag_reads.boot_count, **item.data()}, now)
            else:
                self._note_lost_reads(item, now)

    def _note_lost_reads(self, gap: Gap, now: Stamp) -> None:
        lost = gap.last - gap.first + 1
        self.counters.reads_lost += lost
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
        self.image = self.image.lost(reason)
        self.is_verified = False
        self._role_read_ms = 0
        if reason != self._refused:
            self._refused = reason
            found = {name: values[name] for name in ("map_id", "map_version", "serial_number")}
            self._record("unknown_device", {"reason": reason, "unit_id": self.config.unit_id, **found}, now)

    def _lose(self, reason: str, now: Stamp) -> None:
        self.image = self.image.lost(reason)
        self.is_verified = False
        self._role_read_ms = 0
        self._fresh.clear()
        if not self._is_lost:
            self._is_lost = True
            self._record("device_lost", {"reason": reason}, now)

    def _loss_reason(self, error: LineError, are_others_fine: bool) -> str:
        failures = [fault for fault in self._outcomes if fault is not None]
        if failures.count(Fault.GARBLED) < _GARBLED_SHARE * len(failures):
            return str(error)
        if are_others_fine:
            return (
                f"answers from address {self.config.unit_id} are garbled while the rest of line {self.config.line} is "
                "fine: two devices may share this address, disconnect one and check its unit id"
            )
        return f"answers on line {self.config.line} are garbled: check wiring, termination, baud rate and parity"

    def _note_discontinuity(self, item: Restart | Gap, values: Mapping[str, int], now: Stamp) -> None:
        if isinstance(item, Gap):
            self._note_gap(item, now)
            return
        self._role_read_ms = 0
        data = {"boot_count": values["boot_count"], "boot_count_before": item.boot_count_before}
        self._record("device_restarted", data | {"uptime_s": values["uptime_s"]}, now)

    def _note_gap(self, gap: Gap, now: Stamp) -> None:
        lost = gap.last - gap.first + 1
        self.counters.events_lost += lost
        data = {"boot_count": self.events.boot_count, "first": gap.first, "last": gap.last, "lost": lost}
        self._record("event_gap", data, now)

    def _note_event(self, event: DeviceEvent, now: Stamp) -> None:
        self.counters.events += 1
        data = {
            "boot_count": self.events.boot_count,
            "sequence": event.sequence,
            "uptime_s": event.uptime_s,
            "millisecond": event.millisecond,
            **self.role.event_data(event.code, event.argument),
        }
        self._record("device_event", data, now)

    def _record(self, kind: str, data: Mapping[str, Any], now: Stamp) -> None:
        self.outbox.append(Record(kind, self.lane, self.config.name, data, now.wall_ms))

    def _count(self, fault: Fault) -> None:
        if fault is Fault.TIMEOUT:
            self.counters.timeouts += 1
        elif fault is Fault.GARBLED:
            self.counters.garbled += 1
        elif fault is Fault.EXCEPTION:
            self.counters.exceptions += 1


def _good(values: Mapping[str, int], now: Stamp) -> dict[str, TagValue]:
    return {name: TagValue(value, Quality.GOOD, "", now.wall_ms, now.mono_ms) for name, value in values.items()}
