"""One of our devices at the other end of a question: its points by name, and commands with its key.

Knows: maps, how a point is asked for, how a command is carried through. Must not know: arguments, what is allowed,
how anything is told.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import ModuleType

from edge.service.asker import Answer, Asker, Heard
from edge.service.listener import EXCEPTIONS, UNKNOWN_EXCEPTION
from edge.service.names import ROLES, TABLES
from edge.service.probe import Found, probe
from edge.southbound.command_exchange import CommandExchange, ReadRequest, WriteRequest
from edge.southbound.line_error import Fault, LineError
from edge.southbound.role_map import ROLE_MAPS
from edge.words import tr
from protocols.modbus import pdu
from protocols.registers.tag import Tag

COMMAND_S = 3.0  # a device that stores a setting answers within one; reading back takes some questions more
_SIGNED = ("int16", "int32")
_BIT_TABLES = ("coil", "discrete_input")
_FUNCTION_CODES = {table: code for code, table in TABLES.items()}


class DeviceError(Exception):
    """The device cannot be used; the text says why and what to do. `is_there` is False when nobody answers."""

    def __init__(self, text: str, *, is_there: bool = True) -> None:
        super().__init__(text)
        self.is_there = is_there


@dataclass(frozen=True, slots=True)
class Command:
    """`target` is the holding register of a setting, else 0."""

    opcode: str
    target: int = 0
    argument: int = 0


class Device:
    """The unit `unit_id` that `asker` reaches; raises DeviceError where it is none of ours.

    `is_any_version`: only what every version of every map has is asked of it.
    """

    def __init__(self, asker: Asker, unit_id: int, timeout_s: float, *, is_any_version: bool = False) -> None:
        self._is_any_version = is_any_version
        self._asker = asker
        self._unit_id = unit_id
        self._timeout_s = timeout_s
        self.who = self._identify()
        self.map: ModuleType = ROLES[self.who.role]

    def read(self, tag: Tag) -> int:
        """The raw value of a point."""
        code = _FUNCTION_CODES[tag.table]
        answer = self._read(code, tag.address, tag.count)
        if answer.heard is not Heard.ANSWER:
            raise DeviceError(_failure(tag.name, answer), is_there=answer.heard is not Heard.NOTHING)
        if tag.table in _BIT_TABLES:
            return int.from_bytes(answer.data[1:], "little")  # the first bit is the lowest of the first byte (6.1)
        return int.from_bytes(answer.data[1:], "big", signed=tag.type in _SIGNED)

    def command(self, command: Command, key: bytes) -> str:
        """Carry a command through: "" when the device took it, else the word for why it did not."""
        deadline_ms = int(1000 * (time.monotonic() + COMMAND_S))
        exchange = CommandExchange(
            ROLE_MAPS[self.who.role],
            self.who.serial,
            key,
            command.opcode,
            command.argument,
            deadline_ms,
            target=command.target,
        )
        while exchange.outcome is None:
            self._one_request(exchange)
            exchange.on_time(int(1000 * time.monotonic()))
        return exchange.outcome[1]

    def transfer(self, request: ReadRequest | WriteRequest) -> bytes:
        """The input registers that were read, or b"" for a write. Raises LineError."""
        if isinstance(request, ReadRequest):
            answer = self._read(pdu.READ_INPUT_REGISTERS, request.address, request.count)
        else:
            answer = self._write(request)
        if answer.heard is not Heard.ANSWER:
            raise _as_error(answer)
        return answer.data[1:] if isinstance(request, ReadRequest) else b""

    def _one_request(self, exchange: CommandExchange) -> None:
        request = exchange.next_request()
        try:
            raw = self.transfer(request)
        except LineError as error:
            exchange.on_failure(error)
            return
        if isinstance(request, ReadRequest):
            exchange.on_registers(request, raw)
        else:
            exchange.on_written()

    def _read(self, function_code: int, address: int, count: int) -> Answer:
        request = bytearray(5)
        pdu.encode_read_request_into(request, 0, function_code, address, count)
        return self._asker.ask(self._unit_id, bytes(request), self._timeout_s)

    def _write(self, request: WriteRequest) -> Answer:
        frame = bytearray(6 + 2 * len(request.values))
        pdu.encode_write_registers_request_into(frame, 0, request.address, list(request.values))
        return self._asker.ask(self._unit_id, bytes(frame), self._timeout_s)

    def _identify(self) -> Found:
        found = probe(self._asker, self._unit_id, self._timeout_s)
        if found is None:
            raise DeviceError(
                tr("unit {unit} does not answer; gate scan tells who does, gate help silent why", unit=self._unit_id),
                is_there=False,
            )
        if not found.role:
            who = " ".join(found.identity) or tr("does not say who it is")
            raise DeviceError(tr("unit {unit} is none of our devices ({who})", unit=self._unit_id, who=who))
        known = ROLES[found.role].MAP_VERSION
        if found.map_version != known and not self._is_any_version:
            raise DeviceError(
                tr(
                    "unit {unit} has version {version} of the {role} map, this gate knows {known}; "
                    "use the gate command of its own version",
                    unit=self._unit_id,
                    version=found.map_version,
                    role=found.role,
                    known=known,
                )
            )
        return found


def _failure(name: str, answer: Answer) -> str:
    if answer.heard is Heard.EXCEPTION:
        why = tr(EXCEPTIONS.get(answer.code, UNKNOWN_EXCEPTION))
        return tr("{name}: the device refuses to tell it ({reason})", name=name, reason=why)
    if answer.heard is Heard.GARBLED:
        return tr("{name}: the answer is garbled; check the wires, the termination and who else asks", name=name)
    return tr("{name}: no answer any more; check supply and cable", name=name)


def _as_error(answer: Answer) -> LineError:
    if answer.heard is Heard.EXCEPTION:
        return LineError(Fault.EXCEPTION, "", answer.code)
    return LineError(Fault.GARBLED if answer.heard is Heard.GARBLED else Fault.TIMEOUT, "")
