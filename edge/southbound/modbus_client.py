"""The only file that knows pymodbus: one line's port or connection, one request at a time, no hidden retries.

Knows: pymodbus 3.16's clients, its hooks, and how the library frames a request. Must not know: devices, register
meanings, plans.

pymodbus opens the port, frames and sends. It matches answers loosely (any CRC-correct frame of the unit counts) and
decodes them register by register, so no received byte reaches its decoder: every one goes through the answer gate
(answer_gate.py) in the library's trace hook, and the one right frame ends the request there.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from dataclasses import dataclass
from typing import Any

from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient, AsyncModbusTlsClient
from pymodbus.client.base import ModbusBaseClient
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
)

from edge.cancellation import cancel_count, raise_if_cancelled
from edge.config import KIND_RTU, KIND_RTU_OVER_TCP, LineConfig
from edge.poll.merge import COIL, DISCRETE_INPUT, HOLDING_REGISTER, INPUT_REGISTER, Block
from edge.southbound.answer_gate import AnswerGate, Shape, read_shape, sync_counts, write_shape
from edge.southbound.line_error import Fault, LineError
from edge.southbound.port_error import early_end_error, port_error, port_name
from edge.southbound.precise_wait import PreciseWait
from edge.southbound.tcp_end import has_undelivered, take_back
from edge.southbound.tls import make_context

CONNECT_TIMEOUT_S = 2.0
SILENCE_MIN_S = 0.00175  # t3.5 above 19200 baud (MODBUS over Serial Line V1.02, 2.5.1.1)
SILENCE_WAIT_MAX_S = 0.2  # a line that is never silent is a fault, not something to wait for
SILENT_REQUESTS_MAX = 6  # so many time-outs in a row, of whatever device, and a TCP connection is made anew
_BITS_PER_CHARACTER = 11
_READ_SIZE, _WRITE_SIZE = 8, 9  # characters of a request over RTU, without the registers of a write
_GATEWAY_EXCEPTIONS = (0x0A, 0x0B)  # the gateway answers that the device behind it does not (V1.1b3, 7)
_EXCEPTION_NAMES = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    6: "device busy",
}
_READS: dict[str, type[ModbusPDU]] = {
    COIL: ReadCoilsRequest,
    DISCRETE_INPUT: ReadDiscreteInputsRequest,
    HOLDING_REGISTER: ReadHoldingRegistersRequest,
    INPUT_REGISTER: ReadInputRegistersRequest,
}
_SYNC_BLOCK = Block(0, 18, 0)  # a write has no address of its own to read at; our devices have a header there

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
    wire_us: int = 0  # what the answered requests take on a serial line: characters, and the silence after each frame


class ModbusClient:
    """One line's connection. Every method but the constructor raises LineError; cancellation passes through."""

    def __init__(self, config: LineConfig) -> None:
        self._config = config
        self._is_serial = config.kind == KIND_RTU
        self._gate = AnswerGate(is_rtu=config.kind in (KIND_RTU, KIND_RTU_OVER_TCP))
        self._silence_s = max(SILENCE_MIN_S, 3.5 * _BITS_PER_CHARACTER / config.baud) if self._is_serial else 0.0
        self._wait = PreciseWait()
        self._client: ModbusBaseClient | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._end_error: BaseException | None = None
        self._last_byte_s = 0.0
        self._request_size = 0
        self._has_answered = False  # on this connection
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
        failure = _record_failure(client)
        since = cancel_count()
        try:
            is_connected = await client.connect()
            raise_if_cancelled(since)
        except (OSError, ValueError) as error:
            raise port_error(self._config, error) from error
        except asyncio.CancelledError:
            client.close()
            raise
        if not is_connected:
            client.close()
            raise port_error(self._config, failure[0] if failure else TimeoutError())
        self._client = client
        self._gate.forget()
        self._silent_requests = 0
        self._has_answered = False
        self.counters.opened += 1

    def close(self) -> None:
        """Close the port or connection; a second call does nothing. What was not delivered never arrives."""
        self._wait.close()
        if self._client is not None:
            if self._has_undelivered():
                take_back(self._client.ctx.transport)
            self._client.close()
            self._client = None

    async def read(self, unit_id: int, block: Block, *, timeout_ms: int = 0) -> bytes:
        """What the registers or bits of `block` hold, as on the wire; `timeout_ms` 0 takes the line's."""
        kind = _READS[block.table]
        shape = read_shape(unit_id, kind.function_code, block.count)
        if self._gate.is_unsettled(shape, _now_ms()):
            await self._settle(unit_id, block)
        request = kind(address=block.address, count=block.count, dev_id=unit_id)
        frame = await self._request(shape, request, timeout_ms or self._config.timeout_ms)
        return self._gate.data(frame)

    async def write_registers(self, unit_id: int, address: int, values: list[int], *, deadline_ms: int = 0) -> bool:
        """Write `values` to holding registers in one request, which is never repeated.

        False: something before it took until `deadline_ms` (monotonic; 0 for none), and it was not sent.
        """
        shape = write_shape(unit_id)
        if self._gate.is_unsettled(shape, _now_ms()):
            await self._settle(unit_id, _SYNC_BLOCK)
        if self._is_serial:
            await self._await_silence()
        if deadline_ms and _now_ms() >= deadline_ms:
            return False
        request = WriteMultipleRegistersRequest(address=address, registers=values, dev_id=unit_id)
        try:
            await self._request(shape, request, self._config.timeout_ms, _WRITE_SIZE + 2 * len(values))
        except LineError as error:
            if error.fault is Fault.TIMEOUT and self._has_undelivered():
                self.close()
                text = f"{port_name(self._config)} does not deliver: a write was taken back"
                raise LineError(Fault.CONNECTION_LOST, text) from error
            raise
        return True

    def _has_undelivered(self) -> bool:
        return not self._is_serial and self._client is not None and has_undelivered(self._client.ctx.transport)

    async def _settle(self, unit_id: int, block: Block) -> None:
        """An older answer of this shape could come, so get one of another shape first (see answer_gate.py).

        A device that answers this with an exception has answered.
        """
        kind = _READS[block.table]
        counts = sync_counts(kind.function_code, block.count)
        shapes = [read_shape(unit_id, kind.function_code, count) for count in counts]
        place = self._gate.most_settled(shapes, _now_ms())
        request = kind(address=block.address, count=counts[place], dev_id=unit_id)
        try:
            await self._request(shapes[place], request, self._config.timeout_ms)
        except LineError as error:
            if error.fault is not Fault.EXCEPTION:
                raise

    async def _request(self, shape: Shape, request: ModbusPDU, timeout_ms: int, size: int = _READ_SIZE) -> bytes:
        """Send `size` characters, and await the frame that answers; any other end raises LineError."""
        client = self._open_client()
        if self._is_serial:
            await self._await_silence()
        self.counters.requests += 1
        self._gate.open(shape)
        loop = asyncio.get_running_loop()
        self._answer = loop.create_future()
        timer = loop.call_later(timeout_ms / 1000 + self._frames_s(shape, size), self._finish, b"")
        frame = b""
        try:
            request.transaction_id = client.ctx.getNextTID()
            client.ctx.pdu_send(request)
            frame = await self._answer
        finally:
            timer.cancel()
            self._gate.shut(_now_ms(), answered=bool(frame))
            self.counters.strays = self._gate.strays
        if not frame:
            raise self._unanswered(shape, timeout_ms)
        self._check(frame, shape)
        return frame

    def _finish(self, frame: bytes) -> None:
        """End the request under way: with its answer, or with nothing."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(frame)

    def _check(self, frame: bytes, shape: Shape) -> None:
        self._silent_requests = 0
        self._has_answered = True
        self.counters.answers += 1
        if self._is_serial:
            characters_us = (self._request_size + len(frame)) * _BITS_PER_CHARACTER * 1_000_000 // self._config.baud
            self.counters.wire_us += characters_us + int(2e6 * self._silence_s)
        code = self._gate.exception_code(frame)
        if code in _GATEWAY_EXCEPTIONS:
            self.counters.timeouts += 1
            raise LineError(Fault.TIMEOUT, f"unit {shape.unit_id} did not answer its gateway (exception {code})")
        if code:
            self.counters.exceptions += 1
            name = _EXCEPTION_NAMES.get(code, "see the Modbus specification, 7")
            raise LineError(Fault.EXCEPTION, f"unit {shape.unit_id} answered exception {code} ({name})", code)

    def _unanswered(self, shape: Shape, timeout_ms: int) -> LineError:
        if not self.is_open:
            return self._ended("was lost during a request")
        if self._gate.bytes_seen:
            self.counters.garbled += 1
            text = f"unit {shape.unit_id} answered with a broken frame ({self._gate.bytes_seen} bytes)"
            return LineError(Fault.GARBLED, text)
        self.counters.timeouts += 1
        self._silent_requests += 1
        if not self._is_serial and self._silent_requests >= SILENT_REQUESTS_MAX:
            self.close()
        return LineError(Fault.TIMEOUT, f"unit {shape.unit_id} did not answer within {timeout_ms} ms")

    async def _await_silence(self) -> None:
        """RTU frames are kept apart by 3.5 characters; whoever still talks is let finish."""
        give_up_s = time.monotonic() + SILENCE_WAIT_MAX_S
        while (rest_s := self._last_byte_s + self._silence_s - time.monotonic()) > 0:
            if time.monotonic() > give_up_s:
                text = f"{port_name(self._config)} is never silent: somebody talks without being asked"
                raise LineError(Fault.GARBLED, text)
            await self._wait.wait(rest_s)

    def _frames_s(self, shape: Shape, request_size: int) -> float:
        """How long the request and its answer take on the wire; the time-out counts from when they have passed."""
        if not self._is_serial:
            return 0.0
        return (request_size + shape.pdu_size + 3) * _BITS_PER_CHARACTER / self._config.baud

    def _trace(self, sending: bool, data: bytes) -> bytes:
        """pymodbus's hook on every packet: requests pass, received bytes stay here."""
        if sending:
            self._request_size = len(data)
            self._gate.sent(data)
            return data
        self._last_byte_s = time.monotonic()
        frame = self._gate.pick(data)
        if frame:
            self._finish(frame)
        return b""

    def _on_end(self, error: BaseException | None) -> None:
        """The port or connection is gone."""
        self._end_error = error
        self._finish(b"")

    def _ended(self, what: str) -> LineError:
        """Why the connection is gone."""
        if isinstance(self._end_error, ssl.SSLError):
            return port_error(self._config, self._end_error)
        if self._config.ca_file and not self._has_answered:
            return early_end_error(self._config)
        return LineError(Fault.CONNECTION_LOST, f"{port_name(self._config)} {what}")

    def _open_client(self) -> ModbusBaseClient:
        if self._client is None or not self._client.connected:
            raise self._ended("is not open")
        return self._client

    def _make_client(self) -> ModbusBaseClient:
        config = self._config
        common: dict[str, Any] = {
            "timeout": CONNECT_TIMEOUT_S,
            "retries": 0,
            "reconnect_delay": 0,
            "trace_packet": self._trace,
        }
        client: ModbusBaseClient
        if config.kind == KIND_RTU:
            stop_bits = 2 if config.parity == "N" else 1  # 11 bits per character either way (Serial Line V1.02, 2.5.1)
            client = AsyncModbusSerialClient(
                config.port, baudrate=config.baud, parity=config.parity, stopbits=stop_bits, **common
            )
        elif config.ca_file:
            client = AsyncModbusTlsClient(config.host, port=config.tcp_port, sslctx=make_context(config), **common)
        else:
            framer = FramerType.RTU if config.kind == KIND_RTU_OVER_TCP else FramerType.SOCKET
            client = AsyncModbusTcpClient(config.host, port=config.tcp_port, framer=framer, **common)
        self._end_error = None
        client.ctx.callback_disconnected = self._on_end  # type: ignore[method-assign,assignment]  # it tells the reason
        return client


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
