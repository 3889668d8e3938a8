"""One Modbus line: one task owns the port, works off the poll plan and feeds the device sessions.

Knows: the client, the plan, the sessions of this line, commands waiting. Must not know: lanes, the journal's file.
A field problem never leaves this file: it becomes a bad quality with a reason, is counted, and is logged once when it
comes and once when it goes. Records go to the sink together with the event cursors they move.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edge.config import KIND_RTU, DeviceConfig, LineConfig
from edge.model import Record
from edge.poll.merge import Block
from edge.poll.plan import NEVER, Job, JobKind, PollPlan
from edge.southbound.command_exchange import NOT_SENT, CommandExchange, ReadRequest
from edge.southbound.device_session import DeviceSession, Stamp
from edge.southbound.line_error import Fault, LineError
from edge.southbound.modbus_client import ModbusClient
from edge.southbound.role_map import MAP_NAMES

REOPEN_FIRST_S = 0.25
REOPEN_MAX_S = 2.0
SCAN_TIMEOUT_MS = 60
_IDENTITY_REGISTERS = 4  # map_id, map_version, serial_number
_LOGGED_KINDS = ("device_lost", "device_back", "device_restarted", "unknown_device")
_log = logging.getLogger(__name__)

Sink = Callable[[Sequence[Record], Mapping[str, tuple[int, int]]], object]
OnOutcome = Callable[[bool, str], None]


@dataclass
class _Command:
    device: str
    exchange: CommandExchange
    on_outcome: OnOutcome


class ModbusLine:
    """Run `run` as a task. `on_change` is called after every change of a device image."""

    def __init__(
        self,
        config: LineConfig,
        devices: Sequence[tuple[DeviceConfig, str]],
        cursors: Mapping[str, tuple[int, int]],
        *,
        sink: Sink,
        on_change: Callable[[str], None],
    ) -> None:
        """`devices` are (device, lane name) of this line; `cursors` the journalled event cursors of any device."""
        self.config = config
        self.sessions = {device.unit_id: DeviceSession(device, lane, cursors) for device, lane in devices}
        self._by_name = {session.config.name: session for session in self.sessions.values()}
        self._client = ModbusClient(config)
        self._plan = PollPlan(scan=config.kind == KIND_RTU, now_ms=_stamp().mono_ms)
        self._sink = sink
        self._on_change = on_change
        self._commands: dict[int, list[_Command]] = {unit_id: [] for unit_id in self.sessions}
        self._wake = asyncio.Event()
        self._strangers: set[int] = set()
        self._blocks: dict[int, list[Block]] = {}
        self._down_reason = ""
        self.polls = 0

    async def run(self) -> None:
        """Work the line until cancelled: open, serve, open again."""
        pause_s = REOPEN_FIRST_S
        try:
            while True:
                try:
                    await self._client.open()
                except LineError as error:
                    self._on_line_down(error)
                    await self._wait(pause_s * random.uniform(0.8, 1.2))
                    pause_s = min(2 * pause_s, REOPEN_MAX_S)
                    continue
                self._on_line_up()
                pause_s = REOPEN_FIRST_S
                await self._serve()
        finally:
            self._client.close()

    def submit(self, device: str, opcode: str, argument: int, deadline_ms: int, on_outcome: OnOutcome) -> None:
        """Send a command as soon as possible; `on_outcome(ok, reason)` is called once, by the deadline (monotonic).

        A device that is not known to be the right one is sent nothing: the outcome is NOT_SENT, at once.
        """
        session = self._by_name[device]
        if not session.is_verified:
            on_outcome(False, NOT_SENT)
            return
        config = session.config
        exchange = CommandExchange(session.role, config.serial, config.key, opcode, argument, deadline_ms)
        waiting = self._commands[config.unit_id]
        waiting.append(_Command(device, exchange, on_outcome))
        if len(waiting) == 1 and config.unit_id in self._blocks:
            self._plan.request_command(config.unit_id)
        self._wake.set()

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
        }

    async def _serve(self) -> None:
        """Until the connection is lost."""
        while self._client.is_open:
            now_ms = _stamp().mono_ms
            self._expire_commands(now_ms)
            job = self._plan.next_job(now_ms)
            if job is None:
                wait_ms = self._plan.wait_ms(now_ms)
                await self._wait(None if wait_ms == NEVER else wait_ms / 1000)
            else:
                await self._do(job)
        self._on_line_down(LineError(Fault.CONNECTION_LOST, f"line {self.config.name} was lost"))

    async def _do(self, job: Job) -> None:
        answered = True
        try:
            if job.kind is JobKind.COMMAND:
                await self._do_command(job.unit_id)
            elif job.kind is JobKind.SCAN:
                await self._do_scan(job.unit_id)
            elif job.block is not None:
                await self._do_read(job.unit_id, job.block)
        except LineError as error:
            answered = error.fault is Fault.EXCEPTION
            if not error.is_line_wide and job.unit_id in self.sessions:
                self._on_failure(self.sessions[job.unit_id], error)
        self._plan.finish(job, _stamp().mono_ms, answered=answered)
        self._after(job.unit_id)

    async def _do_read(self, unit_id: int, block: Block) -> None:
        registers = await self._client.read_inputs(unit_id, block.address, block.count)
        self.polls += 1
        session = self.sessions[unit_id]
        before = session.image
        session.on_block(block, registers, _stamp())
        if session.image is not before:
            self._on_change(session.config.name)

    async def _do_command(self, unit_id: int) -> None:
        """One step of the first waiting command of this unit."""
        waiting = self._commands[unit_id]
        while waiting and not waiting[0].exchange.is_started and not self.sessions[unit_id].is_verified:
            waiting.pop(0).on_outcome(False, NOT_SENT)
        if not waiting:
            return
        exchange = waiting[0].exchange
        request = exchange.next_request()
        try:
            if isinstance(request, ReadRequest):
                registers = await self._client.read_inputs(unit_id, request.address, request.count)
                exchange.on_registers(request, registers)
            else:
                await self._client.write_registers(unit_id, request.address, list(request.values))
                exchange.on_written()
        except LineError as error:
            exchange.on_failure(error)
            raise
        finally:
            self._settle_commands(unit_id)

    async def _do_scan(self, unit_id: int) -> None:
        """Ask an address nobody configured; whoever answers is recorded once."""
        try:
            registers = await self._client.read_inputs(unit_id, 0, _IDENTITY_REGISTERS, timeout_ms=SCAN_TIMEOUT_MS)
            name = MAP_NAMES.get(registers[0], f"map {registers[0]}")
            found = f"a {name} with serial number {registers[2] << 16 | registers[3]}"
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
            self._sink([Record("unknown_device", "", "", data, _stamp().wall_ms)], {})

    def _after(self, unit_id: int) -> None:
        """Pass on what the session has to tell, and tell the plan what it wants now."""
        session = self.sessions.get(unit_id)
        if session is None:
            return
        self._flush(session)
        if self._blocks.get(unit_id) != session.blocks:
            self._set_blocks(unit_id)
        wanted = session.event_block
        if wanted is not None:
            self._plan.request_events(unit_id, wanted, _stamp().mono_ms)

    def _flush(self, session: DeviceSession) -> None:
        if session.outbox:
            records, session.outbox = session.outbox, []
            for record in records:
                if record.kind in _LOGGED_KINDS:
                    detail = record.data.get("reason") or f"boot_count {record.data.get('boot_count')}"
                    _log.warning("%s: %s: %s", record.device, record.kind, detail)
            self._sink(records, session.cursors)

    def _on_failure(self, session: DeviceSession, error: LineError) -> None:
        others = [other for other in self.sessions.values() if other is not session]
        before = session.image
        session.on_failure(error, _stamp(), are_others_fine=any(other.is_answering for other in others))
        if session.image != before:
            self._on_change(session.config.name)

    def _on_line_down(self, error: LineError) -> None:
        if not self._down_reason:
            _log.warning("line %s: %s", self.config.name, error)
            for session in self.sessions.values():
                session.on_line_down(error, _stamp())
                self._flush(session)
                self._on_change(session.config.name)
        self._down_reason = str(error)

    def _on_line_up(self) -> None:
        if self._down_reason:
            _log.warning("line %s is open again", self.config.name)
        self._down_reason = ""
        for unit_id in self.sessions:
            self._set_blocks(unit_id)
            self._plan.drop_commands(unit_id)
            if self._commands[unit_id]:
                self._plan.request_command(unit_id)

    def _set_blocks(self, unit_id: int) -> None:
        self._blocks[unit_id] = self.sessions[unit_id].blocks
        self._plan.set_blocks(unit_id, self._blocks[unit_id], _stamp().mono_ms)

    def _settle_commands(self, unit_id: int) -> None:
        """Tell the outcome of the first command if it has one, and ask for a job if one is left."""
        waiting = self._commands[unit_id]
        if waiting:
            waiting[0].exchange.on_time(_stamp().mono_ms)
            outcome = waiting[0].exchange.outcome
            if outcome is not None:
                waiting.pop(0).on_outcome(*outcome)
        if waiting:
            self._plan.request_command(unit_id)

    def _expire_commands(self, now_ms: int) -> None:
        for unit_id, waiting in self._commands.items():
            for command in [command for command in waiting if command.exchange.deadline_ms <= now_ms]:
                waiting.remove(command)
                command.exchange.on_time(now_ms)
                command.on_outcome(*(command.exchange.outcome or (False, "")))
            if not waiting:
                self._plan.drop_commands(unit_id)

    async def _wait(self, timeout_s: float | None) -> None:
        """Until a command is submitted, a command's deadline, or `timeout_s`."""
        deadlines = [command.exchange.deadline_ms for waiting in self._commands.values() for command in waiting]
        if deadlines:
            rest_s = max(0, min(deadlines) - _stamp().mono_ms) / 1000
            timeout_s = rest_s if timeout_s is None else min(rest_s, timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()
        self._expire_commands(_stamp().mono_ms)


def _stamp() -> Stamp:
    return Stamp(time.monotonic_ns() // 1_000_000, time.time_ns() // 1_000_000)
