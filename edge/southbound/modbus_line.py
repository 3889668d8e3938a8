"""One Modbus line: one task owns the port, works off the poll plan and feeds the device sessions.

Knows: the client, the plan, the sessions of this line, commands waiting. Must not know: lanes, the journal's file.
A field problem never leaves this file: it becomes a bad quality with a reason, is counted, and is logged once when it
comes and once when it goes. Records go to the sink together with the event cursors they move.
"""

from __future__ import annotations

import asyncio
import logging
import random
import struct
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edge.config import KIND_RTU, DeviceConfig, LineConfig
from edge.model import Record, Report, Stamp
from edge.poll.merge import Block
from edge.poll.plan import NEVER, Job, JobKind, PollPlan
from edge.southbound.command_exchange import NOT_SENT, CommandExchange, ReadRequest
from edge.southbound.device_session import DeviceSession
from edge.southbound.line_commands import LineCommands, OnOutcome
from edge.southbound.line_error import Fault, LineError
from edge.southbound.line_transfers import LineTransfers, Request
from edge.southbound.modbus_client import ModbusClient
from edge.southbound.profile_session import ProfileSession
from edge.southbound.role_map import MAP_NAMES
from edge.southbound.settings_copy import SettingsCopy

REOPEN_FIRST_S = 0.25
REOPEN_MAX_S = 2.0
SCAN_TIMEOUT_MS = 60
HOLD_MAX_MS = 15  # a journal's commit; a disk that takes longer than that costs the command a poll's time
AGES_PERIOD_MS = 1000  # how often values are looked at that were not read
_IDENTITY_BLOCK = Block(0, 4, 0)  # map_id, map_version, serial_number
_LOGGED_KINDS = ("device_lost", "device_back", "device_restarted", "unknown_device")
_log = logging.getLogger(__name__)

Sink = Callable[[Sequence[Record], Mapping[str, tuple[int, int]]], object]
Session = DeviceSession | ProfileSession
OnReport = Callable[[Report], None]
OnPresence = Callable[[str, bool, str, int], None]


class ModbusLine:
    """Run `run` as a task. `on_change` is called after every new image of a device.

    `report` takes what changed with each read, `on_presence(device, is_online, reason, time_ms)` what came or went;
    a device that came is told before its first values. Both are called from the line's task and must not wait.
    """

    def __init__(
        self,
        config: LineConfig,
        devices: Sequence[tuple[DeviceConfig, str]],
        cursors: Mapping[str, tuple[int, int]],
        *,
        sink: Sink,
        on_change: Callable[[str], None],
        report: OnReport = lambda report: None,
        on_presence: OnPresence = lambda device, is_online, reason, time_ms: None,
        on_copy: Callable[[str, SettingsCopy], None] = lambda device, copy: None,
        stamp: Callable[[], Stamp] | None = None,
    ) -> None:
        """`devices` are (device, lane name) of this line; `cursors` the journalled event cursors of any device."""
        self.config = config
        self.sessions = {device.unit_id: _make_session(device, lane, cursors) for device, lane in devices}
        self._by_name = {session.config.name: session for session in self.sessions.values()}
        self._client = ModbusClient(config)
        phase = zlib.crc32(config.name.encode()) / 2**32  # of its own, and the same after every start
        self._plan = PollPlan(scan=config.kind == KIND_RTU, now_ms=_now_ms(), phase=phase)
        self._sink = sink
        self._on_change = on_change
        self._report = report
        self._on_presence = on_presence
        self._on_copy = on_copy
        self._stamp = stamp or stamp_now
        self._commands = LineCommands(self._plan, self.sessions)
        self._transfers = LineTransfers(self._plan, config)
        self._waiter: asyncio.Future[None] | None = None
        self._online: set[int] = set()
        self._ages_due_ms = 0
        self._hold_until_ms = 0
        self._strangers: set[int] = set()
        self._blocks: dict[int, list[Block]] = {}
        self._down_reason = ""
        self.polls = 0

    async def run(self) -> None:
        """Work the line until cancelled: open, serve, open again, ever more slowly while nobody answers there."""
        pause_s = REOPEN_FIRST_S
        try:
            while True:
                answers = self._client.counters.answers
                try:
                    await self._client.open()
                    self._on_line_up()
                    error = await self._serve()
                except LineError as raised:
                    error = raised
                self._on_line_down(error)
                if self._client.counters.answers != answers:
                    pause_s = REOPEN_FIRST_S
                await self._pause(pause_s * random.uniform(0.8, 1.2))
                pause_s = min(2 * pause_s, REOPEN_MAX_S)
        finally:
            self._client.close()

    def submit(self, device: str, opcode: str, argument: int, deadline_ms: int, on_outcome: OnOutcome) -> None:
        """Send a command as soon as possible; `on_outcome(ok, reason)` is called once, by the deadline (monotonic).

        A device that is not known to be the right one is sent nothing: the outcome is NOT_SENT, at once.
        """
        session = self._by_name[device]
        if session.role is None or not session.may_command(opcode):
            on_outcome(False, NOT_SENT)
            return
        config = session.config
        exchange = CommandExchange(session.role, config.serial, config.key, opcode, argument, deadline_ms)
        self._hold_until_ms = 0
        self._commands.add(config.unit_id, exchange, on_outcome, is_planned=config.unit_id in self._blocks)
        self._wake()

    async def transfer(self, device: str, request: Request) -> bytes:
        """Read input registers, or write holding registers, of a device that is known to be the one of the site file.

        Goes when the line is free for it (edge/poll/plan.py, rule 5), one at a time. What was read, b"" for a write.
        Raises LineError.
        """
        session = self._by_name[device]
        if not session.is_itself or session.config.unit_id not in self._blocks:
            raise LineError(Fault.TIMEOUT, session.image.reason or f"{device} has not been recognised yet")
        waiting = self._transfers.ask(session.config.unit_id, request, _now_ms())
        self._wake()
        return await waiting

    def expect_command(self) -> None:
        """A command for this line is being journalled: no poll is begun meanwhile that it would have to wait for."""
        self._hold_until_ms = _now_ms() + HOLD_MAX_MS

    def status(self) -> dict[str, Any]:
        """Counters of the line, for people."""
        counters = self._client.counters
        return {
            "is_open": self._client.is_open,
            "reason": self._down_reason,
            "poll_cycles": self.polls,
            "requests": counters.requests,
            "answers": counters.answers,
            "timeouts": counters.timeouts,
            "crc_errors": counters.garbled,
            "exceptions": counters.exceptions,
            "stray_answers": counters.strays,
            "opened": counters.opened,
            "wire_ms": counters.wire_us // 1000,
        }

    def poll_status(self, unit_id: int) -> dict[str, Any]:
        """How punctually a unit of this line is read."""
        return self._plan.lateness(unit_id).status() if unit_id in self._blocks else {}

    async def _serve(self) -> LineError:
        """Until the connection is lost; the reason."""
        lost = LineError(Fault.CONNECTION_LOST, "the connection was lost")
        while self._client.is_open:
            now_ms = _now_ms()
            self._commands.expire(now_ms)
            if now_ms >= self._ages_due_ms:
                self._check_ages()
            if now_ms < self._hold_until_ms and not self._commands.earliest_deadline_ms:
                await self._wait_until(self._hold_until_ms)
                continue
            job = self._plan.next_job(now_ms)
            if job is None:
                await self._wait_until(self._plan.due_ms())
            else:
                lost = await self._do(job) or lost
        return lost

    async def _do(self, job: Job) -> LineError | None:
        """One job; the error if it ended the connection."""
        failure = None
        try:
            if job.kind is JobKind.COMMAND:
                await self._do_command(job.unit_id)
            elif job.kind is JobKind.SCAN:
                await self._do_scan(job.unit_id)
            elif job.kind is JobKind.TRANSFER:
                await self._do_transfer(job.unit_id)
            elif job.block is not None:
                await self._do_read(job.unit_id, job.block)
        except LineError as error:
            failure = error
            if not error.is_line_wide and job.unit_id in self.sessions:
                self._on_failure(self.sessions[job.unit_id], error, job.block)
        answered = failure is None or failure.fault is Fault.EXCEPTION
        self._plan.finish(job, _now_ms(), answered=answered)
        self._after(job.unit_id)
        return failure if failure is not None and failure.is_line_wide else None

    async def _do_read(self, unit_id: int, block: Block) -> None:
        asked_ms = _now_ms()
        raw = await self._client.read(unit_id, block)
        self.polls += 1
        if self._down_reason:  # a port that opens and tells nothing is no better than none
            _log.warning("line %s is back", self.config.name)
            self._down_reason = ""
        session = self.sessions[unit_id]
        before = session.image
        session.on_block(block, raw, self._stamp(), asked_ms)
        if session.image is not before:
            self._on_change(session.config.name)

    async def _do_command(self, unit_id: int) -> None:
        """One step of the first waiting command of this unit."""
        commands = self._commands
        while (exchange := commands.current(unit_id)) is not None:
            if exchange.is_started or self.sessions[unit_id].may_command(exchange.opcode):
                break
            commands.refuse(unit_id, NOT_SENT)
        if exchange is None:
            return
        if not exchange.is_started:
            exchange.begin_with(self._take_nonce(unit_id))
        request = exchange.next_request()
        try:
            if isinstance(request, ReadRequest):
                raw = await self._client.read(unit_id, Block(request.address, request.count, 0))
                exchange.on_registers(request, raw)
            elif await self._client.write_registers(
                unit_id, request.address, list(request.values), deadline_ms=exchange.deadline_ms
            ):
                exchange.on_written()
        except LineError as error:
            exchange.on_failure(error)
            raise
        finally:
            commands.settle(unit_id, _now_ms())

    async def _do_transfer(self, unit_id: int) -> None:
        """The transfer that waits; a device that answers with an exception has answered."""
        request = self._transfers.current(unit_id)
        if request is None:
            return
        try:
            if isinstance(request, ReadRequest):
                block = Block(request.address, request.count, 0)
                self._transfers.settle(await self._client.read(unit_id, block))
            else:
                await self._client.write_registers(unit_id, request.address, list(request.values))
                self._transfers.settle(b"")
        except LineError as error:
            self._transfers.settle(error)
            raise

    def _take_nonce(self, unit_id: int) -> tuple[int, int] | None:
        session = self.sessions[unit_id]
        return session.take_nonce() if isinstance(session, DeviceSession) else None

    async def _do_scan(self, unit_id: int) -> None:
        """Ask an address nobody configured; whoever answers is recorded once."""
        try:
            raw = await self._client.read(unit_id, _IDENTITY_BLOCK, timeout_ms=SCAN_TIMEOUT_MS)
            map_id, _, serial_number = struct.unpack(">HHI", raw)
            found = f"a {MAP_NAMES.get(map_id, f'map {map_id}')} with serial number {serial_number}"
        except LineError as error:
            if error.fault is not Fault.EXCEPTION:
                raise
            found = "a device"
        if unit_id not in self._strangers:
            self._strangers.add(unit_id)
            reason = (
                f"{found} answers at address {unit_id} of line {self.config.name}, which the site file does not name"
            )
            data = {"reason": reason, "line": self.config.name, "unit_id": unit_id}
            _log.warning("%s: add it to the site file or disconnect it", reason)
            self._sink([Record("unknown_device", "", "", data, self._stamp().wall_ms)], {})

    def _after(self, unit_id: int) -> None:
        """Pass on what the session has to tell, and tell the plan what it wants now."""
        session = self.sessions.get(unit_id)
        if session is None:
            return
        self._flush(session)
        self._tell(session)
        if isinstance(session, DeviceSession) and session.copies:
            copies, session.copies = session.copies, []
            for copy in copies:
                self._on_copy(session.config.name, copy)
        if self._blocks.get(unit_id) != session.blocks:
            self._set_blocks(unit_id)
        wanted = session.event_block
        if wanted is not None:
            self._plan.request_events(unit_id, wanted, _now_ms())

    def _flush(self, session: Session) -> None:
        if session.outbox:
            records, session.outbox = session.outbox, []
            for record in records:
                if record.kind in _LOGGED_KINDS:
                    _log.warning("%s: %s%s", record.device, record.kind, _detail(record))
            self._sink(records, session.cursors)

    def _check_ages(self) -> None:
        now = self._stamp()
        self._ages_due_ms = now.mono_ms + AGES_PERIOD_MS
        for session in self.sessions.values():
            before = session.image
            session.check_ages(now)
            if session.image is not before:
                self._tell(session)
                self._on_change(session.config.name)

    def _tell(self, session: Session) -> None:
        """Pass on whether the device came or went, and what changed."""
        image, unit_id = session.image, session.config.unit_id
        if image.online != (unit_id in self._online):
            self._online ^= {unit_id}
            self._on_presence(session.config.name, image.online, image.reason, self._stamp().wall_ms)
        if session.values.reports:
            reports, session.values.reports = session.values.reports, []
            for report in reports:
                self._report(report)

    def _on_failure(self, session: Session, error: LineError, block: Block | None) -> None:
        others = [other for other in self.sessions.values() if other is not session]
        before = session.image
        is_anybody_fine = any(other.presence.is_answering for other in others)
        session.on_failure(error, self._stamp(), block=block, are_others_fine=is_anybody_fine)
        if session.image is not before:
            self._on_change(session.config.name)

    def _on_line_down(self, error: LineError) -> None:
        if str(error) != self._down_reason:
            _log.warning("line %s: %s", self.config.name, error)
            for session in self.sessions.values():
                session.on_line_down(error, self._stamp())
                self._flush(session)
                self._tell(session)
                self._on_change(session.config.name)
        self._down_reason = str(error)

    def _on_line_up(self) -> None:
        for unit_id in self.sessions:
            self._set_blocks(unit_id)
            self._commands.plan_again(unit_id)

    def _set_blocks(self, unit_id: int) -> None:
        self._blocks[unit_id] = self.sessions[unit_id].blocks
        self._plan.set_blocks(unit_id, self._blocks[unit_id], _now_ms())

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait_until(self, due_ms: int) -> None:
        """Until a command is submitted, a command's deadline, or `due_ms` (monotonic, NEVER for no such time)."""
        deadline_ms = self._commands.earliest_deadline_ms
        if deadline_ms and (due_ms == NEVER or deadline_ms < due_ms):
            due_ms = deadline_ms
        loop = asyncio.get_running_loop()  # whose clock is the monotonic one
        self._waiter = loop.create_future()
        timer = None if due_ms == NEVER else loop.call_at(due_ms / 1000, self._wake)
        try:
            await self._waiter
        finally:
            if timer is not None:
                timer.cancel()
        self._commands.expire(_now_ms())

    async def _pause(self, seconds: float) -> None:
        """Before the line is opened again; commands expire meanwhile, and a new one does not cut it short."""
        end_ms = _now_ms() + int(seconds * 1000)
        while _now_ms() < end_ms:
            await self._wait_until(end_ms)


def _detail(record: Record) -> str:
    """What the log adds to the kind of a record: why, or which start of the device; a profile tells of none."""
    boot_count = record.data.get("boot_count")
    detail = record.data.get("reason") or ("" if boot_count is None else f"boot_count {boot_count}")
    return f": {detail}" if detail else ""


def _make_session(device: DeviceConfig, lane: str, cursors: Mapping[str, tuple[int, int]]) -> Session:
    profile = device.profile
    return DeviceSession(device, lane, cursors) if profile is None else ProfileSession(device, profile, lane)


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def stamp_now() -> Stamp:
    """Now, by a clock of which nothing is known."""
    return Stamp(time.monotonic_ns() // 1_000_000, time.time_ns() // 1_000_000)
