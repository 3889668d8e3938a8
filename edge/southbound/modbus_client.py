"""The only file that knows pymodbus: one line's port or connection, one request at a time, no hidden retries.

Knows: pymodbus 3.16's client, its trace hook, and how its failures map to the hub's own reasons.
Must not know: devices, register meanings, plans.

pymodbus matches answers loosely: any CRC-correct frame of the unit counts. So every received byte goes through the
answer gate (answer_gate.py) in pymodbus's trace hook, and pymodbus sees nothing but the one right answer.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.client.base import ModbusBaseClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from edge.cancellation import cancel_count, raise_if_cancelled
from edge.config import KIND_RTU, LineConfig
from edge.southbound.answer_gate import READ_INPUTS, WRITE_REGISTERS, AnswerGate, Shape
from edge.southbound.line_error import Fault, LineError

CONNECT_TIMEOUT_S = 2.0
SILENCE_MIN_S = 0.00175  # t3.5 above 19200 baud (MODBUS over Serial Line V1.02, 2.5.1.1)
SILENCE_WAIT_MAX_S = 0.2  # a line that is never silent is a fault, not something to wait for
SILENT_REQUESTS_MAX = 6  # so many time-outs in a row, of whatever device, and a TCP connection is made anew
_BITS_PER_CHARACTER = 11
_REQUEST_SIZE_MAX = 29
_FOREVER = 10**9
_EXCEPTION_NAMES = {1: "illegal function", 2: "illegal data address", 3: "illegal data value", 4: "device failure"}

logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # its failures come back as exceptions; ours are logged once


@dataclass
class LineCounters:
    """What happened on the line since the start of the hub."""

    requests: int = 0
    answers: int = 0
    timeouts: int = 0
    garbled: int = 0  # bytes came, but no frame with a right CRC and size: the hub's side of CRC errors
    exceptions: int = 0
    strays: int = 0
    opened: int = 0


class ModbusClient:
    """One line's connection. Every method but the constructor raises LineError; cancellation passes through."""

    def __init__(self, config: LineConfig) -> None:
        self._config = config
        self._is_rtu = config.kind == KIND_RTU
        self._gate = AnswerGate(is_rtu=self._is_rtu)
        self._client: ModbusBaseClient | None = None
        self._last_byte_s = 0.0
        self._silent_requests = 0
        self.counters = LineCounters()

    @property
    def is_open(self) -> bool:
        """Whether the port is open or the connection stands."""
        return self._client is not None and self._client.connected

    async def open(self) -> None:
        """Open the port, exclusively, or connect."""
        self.close()
        client = self._make_client()
        client.set_max_no_responses(_FOREVER)
        failure = _record_failure(client)
        since = cancel_count()
        try:
            is_connected = await client.connect()
            raise_if_cancelled(since)
        except (OSError, ValueError) as error:
            raise self._port_error(error) from error
        except asyncio.CancelledError:
            client.close()
            raise
        if not is_connected:
            client.close()
            raise self._port_error(failure[0] if failure else TimeoutError())
        self._client = client
        self._gate.forget()
        self._silent_requests = 0
        self.counters.opened += 1

    def close(self) -> None:
        """Close the port or connection; a second call does nothing."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def read_inputs(self, unit_id: int, address: int, count: int, *, timeout_ms: int = 0) -> list[int]:
        """Read `count` (1..125) input registers; `timeout_ms` 0 takes the line's."""
        shape = Shape(unit_id, READ_INPUTS, count)
        await self._settle(shape)
        response = await self._request(
            shape,
            lambda client: client.read_input_registers(address, count=count, device_id=unit_id),
            timeout_ms or self._config.timeout_ms,
        )
        return list(response.registers)

    async def write_registers(self, unit_id: int, address: int, values: list[int]) -> None:
        """Write `values` to holding registers in one request, which is never repeated."""
        shape = Shape(unit_id, WRITE_REGISTERS, len(values))
        await self._settle(shape)
        await self._request(
            shape,
            lambda client: client.write_registers(address, values, device_id=unit_id),
            self._config.timeout_ms,
        )

    async def _settle(self, shape: Shape) -> None:
        """While an older answer of this shape could come, get one of another shape first (see answer_gate.py)."""
        if self._gate.is_unsettled(shape, _now_ms()):
            sync = self._gate.sync_shape(shape.unit_id, _now_ms())
            await self._request(
                sync,
                lambda client: client.read_input_registers(0, count=sync.count, device_id=sync.unit_id),
                self._config.timeout_ms,
            )

    async def _request(
        self, shape: Shape, send: Callable[[ModbusBaseClient], Awaitable[ModbusPDU]], timeout_ms: int
    ) -> ModbusPDU:
        client = self._open_client()
        await self._await_silence()
        client.ctx.comm_params.timeout_connect = timeout_ms / 1000 + self._frames_s(shape)
        self.counters.requests += 1
        self._gate.open(shape)
        answered, since = False, cancel_count()
        try:
            response = await send(client)
            raise_if_cancelled(since)
            answered = True
        except (ModbusException, OSError) as error:
            raise self._unanswered(shape, timeout_ms) from error
        finally:
            self._gate.shut(_now_ms(), answered=answered)
            self.counters.strays = self._gate.strays
        return self._checked(response, shape)

    def _checked(self, response: ModbusPDU, shape: Shape) -> ModbusPDU:
        self._silent_requests = 0
        self.counters.answers += 1
        if response.isError():
            self.counters.exceptions += 1
            code = int(response.exception_code)
            name = _EXCEPTION_NAMES.get(code, "see the Modbus specification, 7")
            raise LineError(Fault.EXCEPTION, f"unit {shape.unit_id} answered exception {code} ({name})", code)
        return response

    def _unanswered(self, shape: Shape, timeout_ms: int) -> LineError:
        if not self.is_open:
            return LineError(Fault.CONNECTION_LOST, f"{self._port_name()} was lost during a request")
        if self._gate.bytes_seen:
            self.counters.garbled += 1
            text = f"unit {shape.unit_id} answered with a broken frame ({self._gate.bytes_seen} bytes)"
            return LineError(Fault.GARBLED, text)
        self.counters.timeouts += 1
        self._silent_requests += 1
        if not self._is_rtu and self._silent_requests >= SILENT_REQUESTS_MAX:
            self.close()
        return LineError(Fault.TIMEOUT, f"unit {shape.unit_id} did not answer within {timeout_ms} ms")

    async def _await_silence(self) -> None:
        """RTU frames are kept apart by 3.5 characters; whoever still talks is let finish."""
        if not self._is_rtu:
            return
        silence_s = max(SILENCE_MIN_S, 3.5 * _BITS_PER_CHARACTER / self._config.baud)
        give_up_s = time.monotonic() + SILENCE_WAIT_MAX_S
        while (rest_s := self._last_byte_s + silence_s - time.monotonic()) > 0:
            if time.monotonic() > give_up_s:
                raise LineError(
                    Fault.GARBLED, f"{self._port_name()} is never silent: somebody talks without being asked"
                )
            await asyncio.sleep(rest_s)

    def _frames_s(self, shape: Shape) -> float:
        """How long the request and its answer take on the wire; the time-out counts from when they have passed."""
        if not self._is_rtu:
            return 0.0
        return (_REQUEST_SIZE_MAX + shape.pdu_size + 3) * _BITS_PER_CHARACTER / self._config.baud

    def _trace(self, sending: bool, data: bytes) -> bytes:
        """pymodbus's hook on every packet: requests pass, of the received bytes only the right answer does."""
        if sending:
            self._gate.sent(data)
            return data
        self._last_byte_s = time.monotonic()
        return self._gate.pick(data)

    def _open_client(self) -> ModbusBaseClient:
        if self._client is None or not self._client.connected:
            raise LineError(Fault.CONNECTION_LOST, f"{self._port_name()} is not open")
        return self._client

    def _make_client(self) -> ModbusBaseClient:
        config = self._config
        common: dict[str, Any] = {
            "timeout": CONNECT_TIMEOUT_S,
            "retries": 0,
            "reconnect_delay": 0,
            "trace_packet": self._trace,
        }
        if not self._is_rtu:
            return AsyncModbusTcpClient(config.host, port=config.tcp_port, **common)
        stop_bits = 2 if config.parity == "N" else 1  # 11 bits per character either way (Serial Line V1.02, 2.5.1)
        return AsyncModbusSerialClient(
            config.port, baudrate=config.baud, parity=config.parity, stopbits=stop_bits, **common
        )

    def _port_name(self) -> str:
        config = self._config
        return f"port {config.port}" if self._is_rtu else f"connection to {config.host}:{config.tcp_port}"

    def _port_error(self, error: BaseException) -> LineError:
        name = self._port_name()
        number = getattr(error, "errno", None)
        if number == errno.ENOENT or (self._is_rtu and not Path(self._config.port).exists()):
            return LineError(
                Fault.PORT_MISSING, f"{name} does not exist: check the cable, the converter and the site file"
            )
        if number in (errno.EBUSY, errno.EAGAIN):
            return LineError(Fault.PORT_BUSY, f"{name} is in use by another program: end it, the line needs it alone")
        if number in (errno.EACCES, errno.EPERM):
            return LineError(Fault.PORT_DENIED, f"{name} may not be opened: give the hub's user the right to it")
        if number == errno.ECONNREFUSED:
            return LineError(
                Fault.CONNECTION_REFUSED, f"{name} was refused: check that the device serves Modbus TCP there"
            )
        return LineError(
            Fault.UNREACHABLE, f"{name} cannot be opened ({error or 'no answer'}): check address and cable"
        )


def _record_failure(client: ModbusBaseClient) -> list[BaseException]:
    """pymodbus says only that connecting failed; this keeps the reason, newest first."""
    failures: list[BaseException] = []
    create = client.ctx.call_create

    async def create_and_record() -> Any:
        try:
            return await create()
        except OSError as error:
            failures.insert(0, error)
            raise

    client.ctx.call_create = create_and_record
    return failures


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
