"""The registers of an update as the hub and a technician's tool read and write them, and a machine run against them.

Knows: the header's points, the data window, what a line's errors mean to the machine (edge/update/steps.py). Must not
know: which line, lanes, the journal.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from edge.southbound.command_exchange import ReadRequest, WriteRequest
from edge.southbound.line_error import Fault, LineError
from edge.southbound.role_map import RoleMap
from edge.update.bundle import Bundle
from edge.update.steps import Command, DeviceUpdate, Look, Pause, Send, Status

COMMAND_WAIT_MS = 5000
_FIRST, _LAST = "firmware_version", "other_version"
_BUSY = 6  # Modbus Application Protocol V1.1b3, 7: server device busy
_FRAME_MS_MAX = 60  # on a slow line frames are shorter, so that a command never waits for longer
_BITS_PER_CHARACTER = 11
_DATA_MIN, _DATA_MAX = 16, 236


class DevicePort(Protocol):
    """One device; every method raises LineError when there is no answer, or one that refuses."""

    async def transfer(self, request: ReadRequest | WriteRequest) -> bytes:
        """What was read, b"" for a write."""
        ...

    async def command(self, opcode: str, argument: int, deadline_ms: int) -> tuple[bool, str]:
        """Whether the device took it, and the word for why not."""
        ...


class DeviceRegisters:
    """Requests and their answers for one role's map."""

    def __init__(self, role: RoleMap) -> None:
        self._role = role
        first, last = role.tag(_FIRST), role.tag(_LAST)
        self.look = ReadRequest(first.address, last.address + last.count - first.address)

    def status(self, raw: bytes) -> Status:
        """What was read by `look`."""
        values = self._role.decode(self.look.address, raw)
        return Status(
            state=self._role.word("update_state", values["update_state"]),
            reason=self._role.word("update_reason", values["update_reason"]),
            want=values["update_want"],
            permille=values["update_permille"],
            slot=self._role.word("running_slot", values["running_slot"]),
            other_version=values["other_version"],
            version=values["firmware_version"],
        )

    def data(self, offset: int, data: bytes) -> WriteRequest:
        """The write of `data`, an even number of bytes, that lie at `offset` of the bundle."""
        words = struct.unpack(f">{len(data) // 2}H", data)
        return WriteRequest(self._role.update_window_address, (offset >> 16, offset & 0xFFFF, *words))


def data_size(baud: int) -> int:
    """Bytes of a bundle in one frame at `baud`, 0 for a network."""
    if not baud:
        return _DATA_MAX
    size = _FRAME_MS_MAX * baud // (1000 * _BITS_PER_CHARACTER)
    return min(_DATA_MAX, max(_DATA_MIN, size // 2 * 2))


async def run_update(
    update: DeviceUpdate,
    bundle: Bundle,
    port: DevicePort,
    registers: DeviceRegisters,
    *,
    before_command: Callable[[Command], Awaitable[None]],
    on_step: Callable[[], None],
) -> None:
    """Until `update` has its verdict; `before_command` is awaited first, for what must be written down by then."""
    while update.verdict is None:
        step = update.next_step()
        try:
            if isinstance(step, Pause):
                await asyncio.sleep(step.ms / 1000)
                update.on_pause()
            elif isinstance(step, Look):
                update.on_status(registers.status(await port.transfer(registers.look)), now_ms())
            elif isinstance(step, Send):
                await port.transfer(registers.data(step.offset, bundle.data[step.offset : step.offset + step.size]))
                update.on_sent(now_ms())
            else:
                await before_command(step)
                update.on_command(*await port.command(step.opcode, step.argument, now_ms() + COMMAND_WAIT_MS), now_ms())
        except LineError as error:
            _tell(update, step, error)
        on_step()


def _tell(update: DeviceUpdate, step: Look | Send | Command | Pause, error: LineError) -> None:
    if not isinstance(step, Send) or error.fault is not Fault.EXCEPTION:
        update.on_silence(now_ms())
    elif error.exception_code == _BUSY:
        update.on_busy(now_ms())
    else:
        update.on_refused(now_ms())


def now_ms() -> int:
    """Monotonic."""
    return time.monotonic_ns() // 1_000_000
