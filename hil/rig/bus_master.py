"""The rig's client on the line: polls stations, drains their events, sends authenticated commands, in virtual time.

Knows: frames, register maps, the command block. Must not know: what carries the bytes, what a scenario wants.
It stands in for the hub so that a scenario needs none, and speaks the hub's side of the wire in the plainest form: one
request at a time, one read for header and role, one more when the event ring moved.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hil.scenarios.model import Action
from hil.scenarios.vocabulary import EVENT_GAP, level_tags, map_of, tag_of
from hil.targets.target import Provision
from protocols.command import BLOCK_REGISTERS, MESSAGE_SIZE, encode_block_into, pack_message_into
from protocols.events import SLOT_REGISTERS, SLOT_SIZE, read_slot
from protocols.modbus import pdu, rtu
from protocols.registers.tag import Tag

POLL_PERIOD_US = 100_000
REPLY_TIMEOUT_US = 200_000
_SLOTS_PER_READ = pdu.READ_REGISTERS_MAX // SLOT_REGISTERS
_NO_RESULT = 0  # NONE of command_result, the same in every map
_ADU_SIZE = rtu.ADU_SIZE_MAX

Observer = Callable[[int, str, str, int], None]
"""Told (now_us, source, channel, value) for every level read, event drained, command sent and command answered."""


@dataclass(slots=True)
class _Sent:
    """A command whose result is awaited; `is_confirmed` when the device has answered the write."""

    command: Action
    nonce: tuple[int, int]
    is_confirmed: bool = False


@dataclass(slots=True)
class _Station:
    provision: Provision
    due_us: int
    tags: tuple[Tag, ...]  # what is recorded
    commands: deque[Action] = field(default_factory=deque)
    sent: _Sent | None = None
    boot_count: int = -1
    seen: int = 0
    head: int = 0
    nonce: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class _Request:
    station: _Station
    kind: str
    frame: bytearray
    sequence: int = 0
    count: int = 0


class BusMaster:
    """`poll(now_us)` gives bytes to send or none; `on_bytes` takes what came; `wake_us` is when to poll next."""

    def __init__(
        self, stations: Sequence[Provision], observer: Observer, watched: Sequence[frozenset[str]] | None = None
    ) -> None:
        """`watched` are, for each station, the points to record beside those that every rig records."""
        self.timeouts = 0
        self.bad_frames = 0
        self.cycles = 0
        self._observer = observer
        self._stations = [
            _Station(item, index * 7_000, level_tags(item.role, watched[index] if watched else frozenset()))
            for index, item in enumerate(stations)
        ]
        self._gap_us = rtu.t35_us(stations[0].baud)
        self._baud = stations[0].baud
        self._request: _Request | None = None
        self._reply = bytearray()
        self._deadline_us = 0
        self._free_us = 0
        self._last_byte_us = 0

    @property
    def wake_us(self) -> int:
        """When `poll` could next do anything without new bytes."""
        if self._request is None:
            return max(self._free_us, min(station.due_us for station in self._stations))
        if self._reply:
            return min(self._deadline_us, self._last_byte_us + self._gap_us)
        return self._deadline_us

    @property
    def unanswered(self) -> list[str]:
        """A sentence for every command whose result has not been read."""
        names = [
            f"{station.provision.role} {opcode}"
            for station in self._stations
            for opcode in [
                *([station.sent.command.name] if station.sent else []),
                *(item.name for item in station.commands),
            ]
        ]
        return [f"the result of command {name} was never read" for name in names]

    def command(self, role: str, command: Action) -> None:
        """Queue a command; it is sent with the station's next nonce, ahead of polls."""
        station = self._station(role)
        station.commands.append(command)
        station.due_us = 0

    def on_bytes(self, now_us: int, data: bytes) -> None:
        """Take bytes from the line; those that answer nothing are dropped."""
        if self._request is not None:
            self._reply += data
            self._last_byte_us = now_us

    def poll(self, now_us: int) -> bytes:
        """End a request that is answered or late, begin the next one that is due."""
        if self._request is not None and not self._finish(now_us):
            return b""
        if now_us < self._free_us:
            return b""
        station = min(self._stations, key=lambda item: item.due_us)
        if station.due_us > now_us:
            return b""
        return self._begin(now_us, self._next_request(now_us, station))

    def _station(self, role: str) -> _Station:
        return next(item for item in self._stations if item.provision.role == role)

    def _begin(self, now_us: int, request: _Request) -> bytes:
        self._request = request
        self._reply.clear()
        wire_us = len(request.frame) * 11_000_000 // self._baud
        self._deadline_us = now_us + wire_us + REPLY_TIMEOUT_US
        return bytes(request.frame)

    def _finish(self, now_us: int) -> bool:
        request = self._request
        assert request is not None
        complete = bool(self._reply) and now_us >= self._last_byte_us + self._gap_us
        if not complete and now_us < self._deadline_us:
            return False
        self._request = None
        self._free_us = now_us + self._gap_us
        request.station.due_us = now_us + POLL_PERIOD_US
        if complete:
            self._accept(now_us, request)
        else:
            self.timeouts += 1
        return True

    def _next_request(self, now_us: int, station: _Station) -> _Request:
        if station.head > station.seen:
            return self._ring_request(station)
        if station.commands and station.boot_count >= 0 and station.sent is None:
            return self._command_request(now_us, station)
        last = station.tags[-1]
        return self._read_request(station, "levels", 0, last.address + last.count)

    def _read_request(self, station: _Station, kind: str, address: int, count: int) -> _Request:
        frame = bytearray(_ADU_SIZE)
        size = pdu.encode_read_request_into(frame, rtu.PDU_START, pdu.READ_INPUT_REGISTERS, address, count)
        return _Request(station, kind, frame[: rtu.encode_adu_into(station.provision.unit_id, frame, size)])

    def _ring_request(self, station: _Station) -> _Request:
        ring = map_of(station.provision.role)
        if station.head - station.seen > ring.RING_CAPACITY:
            station.seen = station.head - ring.RING_CAPACITY
            self._observer(self._free_us, "rig", EVENT_GAP, station.provision.unit_id)
        slot = station.seen % ring.RING_CAPACITY
        count = min(station.head - station.seen, ring.RING_CAPACITY - slot, _SLOTS_PER_READ)
        request = self._read_request(station, "ring", ring.RING_ADDRESS + slot * SLOT_REGISTERS, count * SLOT_REGISTERS)
        request.sequence, request.count = station.seen + 1, count
        return request

    def _command_request(self, now_us: int, station: _Station) -> _Request:
        command = station.commands.popleft()
        provision, ring = station.provision, map_of(station.provision.role)
        self._observer(now_us, "bus", f"command.{provision.role}.{command.name}", command.argument)
        epoch, counter = station.nonce
        opcode, target, argument = ring.OPCODES[command.name], command.target, command.argument
        message = bytearray(MESSAGE_SIZE)
        pack_message_into(message, ring.MAP_ID, provision.serial, opcode, target, argument, epoch, counter)
        tag = hmac.new(provision.key, message, hashlib.sha256).digest()
        block = bytearray(BLOCK_REGISTERS * 2)
        encode_block_into(block, 0, opcode, target, argument, epoch, counter, tag)
        values = [int.from_bytes(block[at : at + 2], "big") for at in range(0, len(block), 2)]
        frame = bytearray(_ADU_SIZE)
        size = pdu.encode_write_registers_request_into(frame, rtu.PDU_START, ring.COMMAND_ADDRESS, values)
        station.sent = _Sent(command, station.nonce)
        return _Request(station, "command", frame[: rtu.encode_adu_into(provision.unit_id, frame, size)])

    def _accept(self, now_us: int, request: _Request) -> None:
        collector = rtu.RtuCollector(request.station.provision.unit_id)
        for byte in self._reply:
            collector.on_byte(byte)
        answer = collector.buffer
        if collector.on_silence() != rtu.FRAME_OK or pdu.decode_response(
            request.frame, rtu.PDU_START, answer, rtu.PDU_START, collector.pdu_size
        ):
            self.bad_frames += 1
            return
        if request.kind == "command" and request.station.sent:
            request.station.sent.is_confirmed = True
        if request.kind == "levels":
            self._on_levels(now_us, request.station, answer)
        elif request.kind == "ring":
            self._on_ring(now_us, request, answer)
        if request.station.head > request.station.seen or request.kind == "command":
            request.station.due_us = now_us

    def _on_levels(self, now_us: int, station: _Station, answer: bytearray) -> None:
        self.cycles += 1
        role = station.provision.role
        self._on_boot(station, self._value(role, "boot_count", answer))
        station.head = self._value(role, "event_head", answer)
        station.nonce = (self._value(role, "nonce_epoch", answer), self._value(role, "nonce_counter", answer))
        for tag in station.tags:
            self._observer(now_us, role, tag.name, self._value(role, tag.name, answer))
        if station.sent is not None:
            self._settle(now_us, station, station.sent, answer)

    def _settle(self, now_us: int, station: _Station, sent: _Sent, answer: bytearray) -> None:
        """Tell a command's result, or send it anew when the device's nonce shows that it never arrived."""
        role = station.provision.role
        result = self._value(role, "command_result", answer)
        is_done = self._value(role, "command_nonce_done", answer) == sent.nonce[1] and result != _NO_RESULT
        if is_done:
            self._observer(now_us, "command", f"{role}.{sent.command.name}", result)
        elif station.nonce == sent.nonce and not sent.is_confirmed:
            station.commands.appendleft(sent.command)
        else:
            return
        station.sent = None

    def _on_boot(self, station: _Station, boot_count: int) -> None:
        if station.boot_count not in (-1, boot_count):
            station.seen, station.sent = 0, None
        station.boot_count = boot_count

    def _on_ring(self, now_us: int, request: _Request, answer: bytearray) -> None:
        events = map_of(request.station.provision.role).EVENTS
        for index in range(request.count):
            sequence, _, _, code, argument = read_slot(answer, rtu.PDU_START + 2 + index * SLOT_SIZE)
            if sequence != request.sequence + index:
                continue
            name = events[code].name if code in events else f"CODE_{code}"
            self._observer(now_us, request.station.provision.role, f"event.{name}", argument)
        request.station.seen = request.sequence + request.count - 1

    def _value(self, role: str, point: str, answer: bytearray) -> int:
        tag = tag_of(role, point)
        assert tag is not None
        value = pdu.read_register(answer, rtu.PDU_START, tag.address)
        if tag.count == 2:
            value = value << 16 | pdu.read_register(answer, rtu.PDU_START, tag.address + 1)
        signed = tag.type.startswith("int") and value >> (16 * tag.count - 1)
        return value - (1 << 16 * tag.count) if signed else value
