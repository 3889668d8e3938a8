"""What the hub's tests share: test coroutines, and a tiny field of devices on TCP or a pty.

A test coroutine runs in a loop of its own, with a limit so that a lost event fails and does not hang. A device of the
field is a register image behind our own Modbus server.
"""

import asyncio
import hashlib
import hmac
import inspect
import json
import os
import pty
import time
import tty
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge.config import DeviceConfig, LineConfig
from edge.model import DeviceImage, Record, Report, Stamp
from edge.southbound.modbus_line import ModbusLine, stamp_now
from protocols import command, events
from protocols.modbus.image import INPUTS, RegisterImage
from protocols.modbus.mbap import MBAP_SIZE, MbapCollector, encode_mbap_into
from protocols.modbus.rtu import FRAME_OK, encode_adu_into
from protocols.modbus.server import ModbusServer
from protocols.registers import barrier, rfid, weighbridge

_IMAGES = Path(__file__).parents[2] / "sim_devices" / "images"
_MODULES = {"barrier": barrier, "weighbridge": weighbridge, "rfid": rfid}
KEY = bytes(range(32))
TEST_LIMIT_S = 30.0


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run `async def` tests to their end."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), TEST_LIMIT_S))
    return True


class FakeDevice:
    """One role's image with a serial number, an event ring and a command block that is judged as a device would.

    `mode`: "answer", "silent", "garble" (a broken CRC or length), "hold" (answer only after the next request's bytes).
    """

    def __init__(self, role: str, serial: int) -> None:
        self.map = _MODULES[role]
        self.mode = "answer"
        self.serial = serial
        self.asked = asyncio.Event()
        self.log: list[tuple[float, int]] = []  # when each request came, and its function code
        self.results: dict[int, int] = {}  # opcode -> command_result to answer instead of ACCEPTED
        self.commands: list[tuple[int, int]] = []
        self.silent_after_write = 0  # so many answers are swallowed after a command was carried out
        self.refuse: set[tuple[int, int]] = set()  # (function code, address) that are answered with an exception
        self.lose_writes = 0  # so many command writes are neither carried out nor answered
        registers = json.loads((_IMAGES / f"{role}.json").read_text())["input_register"]
        self.image = RegisterImage(
            self.map.COIL_COUNT,
            self.map.DISCRETE_COUNT,
            self.map.HOLDING_COUNT,
            self.map.INPUT_COUNT,
            self.map.WRITABLE,
        )
        for address, value in enumerate(registers):
            self.image.put_u16(INPUTS, address, value)
        self.image.put_i32(INPUTS, self.map.AT_SERIAL_NUMBER, serial)
        self.image.put_u16(INPUTS, self.map.AT_BOOT_COUNT, 1)
        self.image.put_u16(INPUTS, self.map.AT_NONCE_EPOCH, 1)
        self.image.put_u16(INPUTS, self.map.AT_NONCE_COUNTER, 1)
        self._server = ModbusServer(self.image)

    def put(self, name: str, value: int) -> None:
        """Set a header register by the end of its constant's name."""
        self.image.put_u16(INPUTS, getattr(self.map, f"AT_{name}"), value)

    def push_event(self, code: int, argument: int = 0) -> int:
        """Append to the event ring; the sequence number."""
        sequence = self.image.get_i32(INPUTS, self.map.AT_EVENT_HEAD) + 1
        slot = (sequence - 1) % self.map.RING_CAPACITY
        offset = 2 * (self.map.RING_ADDRESS + slot * events.SLOT_REGISTERS)
        events.write_slot(self.image.inputs, offset, sequence, 10 + sequence, 0, code, argument)
        self.image.put_i32(INPUTS, self.map.AT_EVENT_HEAD, sequence)
        return sequence

    def restart(self, boot_count: int) -> None:
        """A new start: another boot count, an empty ring."""
        self.put("BOOT_COUNT", boot_count)
        self.image.put_i32(INPUTS, self.map.AT_EVENT_HEAD, 0)

    def serve(self, pdu: bytes) -> bytes:
        """The answer's PDU, or nothing."""
        self.asked.set()
        self.log.append((time.monotonic(), pdu[0]))
        response, request = bytearray(300), bytearray(pdu)
        if (pdu[0], int.from_bytes(pdu[1:3])) in self.refuse:
            return bytes((pdu[0] | 0x80, 4))
        if pdu[0] == 16 and self.lose_writes:
            self.lose_writes -= 1
            return b""
        before = self.image.write_count
        size = self._server.handle(request, 0, len(request), response, 0)
        if self.image.write_count != before:
            self._judge_command()
            if self.silent_after_write:
                self.silent_after_write -= 1
                return b""
        return bytes(response[:size])

    def _judge_command(self) -> None:
        block, message = command.CommandBlock(), bytearray(command.MESSAGE_SIZE)
        command.decode_block(self.image.holdings, 2 * self.map.COMMAND_ADDRESS, block)
        epoch = self.image.get_u16(INPUTS, self.map.AT_NONCE_EPOCH)
        counter = self.image.get_u16(INPUTS, self.map.AT_NONCE_COUNTER)
        command.pack_message_into(
            message, self.map.MAP_ID, self.serial, block.opcode, block.target, block.argument, epoch, counter
        )
        result = self.map.COMMAND_RESULT_BAD_TAG
        if (block.nonce_epoch, block.nonce_counter) != (epoch, counter):
            result = self.map.COMMAND_RESULT_STALE_NONCE
        elif command.is_tag_equal(block.tag, hmac.new(KEY, message, hashlib.sha256).digest()):
            result = self.results.get(block.opcode, self.map.COMMAND_RESULT_ACCEPTED)
            self.commands.append((block.opcode, block.argument))
            self.put("NONCE_COUNTER", counter + 1)
        self.put("COMMAND_RESULT", result)
        self.put("COMMAND_OPCODE", block.opcode)
        self.put("COMMAND_NONCE_DONE", block.nonce_counter)


class Field:
    """Devices by unit id on one wire."""

    def __init__(self) -> None:
        self.devices: dict[int, FakeDevice] = {}
        self._held: list[bytes] = []

    def answer(self, unit_id: int, pdu: bytes, frame: Callable[[bytes], bytes]) -> bytes:
        """The bytes that go onto the wire now."""
        held, self._held = b"".join(self._held), []
        device = self.devices.get(unit_id)
        answer = device.serve(pdu) if device is not None else b""
        if device is None or not answer or device.mode == "silent":
            return held
        framed = frame(answer)
        if device.mode == "garble":
            return held + framed[:-1] + bytes([framed[-1] ^ 0x55])
        if device.mode == "hold":
            self._held.append(framed)
            return held
        return held + framed

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        collector = MbapCollector()
        while data := await reader.read(300):
            for byte in data:
                if collector.on_byte(byte) == FRAME_OK:
                    writer.write(self._answer_tcp(collector))
        writer.close()

    def _answer_tcp(self, collector: MbapCollector) -> bytes:
        unit_id, transaction_id = collector.unit_id, collector.transaction_id
        pdu = bytes(collector.buffer[MBAP_SIZE : collector.size])

        def frame(answer: bytes) -> bytes:
            buffer = bytearray(MBAP_SIZE) + answer
            return bytes(buffer[: encode_mbap_into(buffer, transaction_id, unit_id, len(answer))])

        return self.answer(unit_id, pdu, frame)

    def _answer_rtu(self, received: bytearray) -> bytes:
        """What is answered now to the whole requests in `received`, which are removed from it."""
        out = b""
        while len(received) >= 8:
            size = 8 if received[1] != 16 else 9 + received[6]
            if len(received) < size:
                break
            unit_id, pdu = received[0], bytes(received[1 : size - 2])
            del received[:size]
            out += self.answer(unit_id, pdu, lambda answer, unit_id=unit_id: _frame_rtu(unit_id, answer))
        return out

    async def _serve_rtu_over_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received = bytearray()
        while data := await reader.read(300):
            received += data
            writer.write(self._answer_rtu(received))
        writer.close()

    @asynccontextmanager
    async def on_rtu_over_tcp(self) -> AsyncIterator[LineConfig]:
        """Serve as a gateway does that passes the frames of a serial line through a TCP connection."""
        server = await asyncio.start_server(self._serve_rtu_over_tcp, "127.0.0.1", 0)
        bound = server.sockets[0].getsockname()[1]
        try:
            yield LineConfig("line-1", "rtu_over_tcp", "", 0, "N", "127.0.0.1", bound, 100)
        finally:
            server.close()

    @asynccontextmanager
    async def on_tcp(self, port: int = 0) -> AsyncIterator[LineConfig]:
        """Serve Modbus TCP on a free port."""
        server = await asyncio.start_server(self._serve_tcp, "127.0.0.1", port)
        bound = server.sockets[0].getsockname()[1]
        try:
            yield LineConfig("line-1", "tcp", "", 0, "N", "127.0.0.1", bound, 100)
        finally:
            server.close()

    @asynccontextmanager
    async def on_pty(self) -> AsyncIterator[LineConfig]:
        """Serve Modbus RTU behind a pty; a request is taken to be what one read brings, complete by its size."""
        master, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        received = bytearray()

        def on_readable() -> None:
            received.extend(os.read(master, 300))
            out = self._answer_rtu(received)
            if out:
                os.write(master, out)

        loop = asyncio.get_running_loop()
        loop.add_reader(master, on_readable)
        try:
            yield LineConfig("line-1", "rtu", os.ttyname(slave), 115200, "N", "", 0, 100)
        finally:
            loop.remove_reader(master)
            os.close(master)
            os.close(slave)


def _frame_rtu(unit_id: int, answer: bytes) -> bytes:
    buffer = bytearray(1) + answer + bytearray(2)
    return bytes(buffer[: encode_adu_into(unit_id, buffer, len(answer))])


@pytest.fixture(params=["tcp", "rtu"])
def wire(request: pytest.FixtureRequest) -> str:
    """Every test that takes this runs on both wires."""
    return str(request.param)


@pytest.fixture
def open_field() -> Callable[[Field, str], object]:
    """`async with open_field(field, wire) as line_config`."""

    def open_on(field: Field, wire: str) -> object:
        opened = {"tcp": field.on_tcp, "rtu": field.on_pty, "rtu_over_tcp": field.on_rtu_over_tcp}
        return opened[wire]()

    return open_on


@pytest.fixture
def make_field() -> Callable[..., Field]:
    """`make_field(unit_id=(role, serial), ...)` as keyword `u1=("barrier", 77)`."""

    def make(**units: tuple[str, int]) -> Field:
        field = Field()
        field.devices = {int(name[1:]): FakeDevice(role, serial) for name, (role, serial) in units.items()}
        return field

    return make


class RunningLine:
    """A line task with what it told: images by its sessions, records and cursors through its sink."""

    def __init__(
        self,
        config: LineConfig,
        devices: list[DeviceConfig],
        cursors: dict[str, tuple[int, int]],
        stamp: Callable[[], Stamp] = stamp_now,
    ) -> None:
        self.records: list[Record] = []
        self.cursors = dict(cursors)
        self._changed = asyncio.Condition()
        pairs = [(device, "lane-1") for device in devices]
        self.reports: list[Report] = []
        self.presence: list[tuple[str, bool]] = []
        self.line = ModbusLine(
            config,
            pairs,
            cursors,
            sink=self._sink,
            on_change=lambda _: self._notify(),
            report=self.reports.append,
            on_presence=lambda device, is_online, reason, time_ms: self.presence.append((device, is_online)),
            stamp=stamp,
        )
        self.outcomes: list[tuple[bool, str]] = []

    def _sink(self, records: Sequence[Record], cursors: Mapping[str, tuple[int, int]]) -> None:
        self.records += records
        self.cursors |= cursors
        self._notify()

    def _notify(self) -> None:
        self._changed_task = asyncio.ensure_future(self._notify_all())

    async def _notify_all(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, condition: Callable[[], object]) -> None:
        """Until `condition` holds, looked at after every change the line tells of."""
        async with self._changed:
            await self._changed.wait_for(condition)

    def image(self, unit_id: int = 1) -> DeviceImage:
        """The newest image of a unit."""
        return self.line.sessions[unit_id].image

    def kinds(self) -> list[str]:
        """The kinds of all records so far."""
        return [record.kind for record in self.records]

    async def command(
        self, opcode: str, argument: int = 0, timeout_ms: int = 3000, device: str = "dev-1"
    ) -> tuple[bool, str]:
        """Send a command and await its outcome."""

        def on_outcome(ok: bool, reason: str) -> None:
            self.outcomes.append((ok, reason))
            self._notify()

        count = len(self.outcomes)
        self.line.submit(device, opcode, argument, time.monotonic_ns() // 1_000_000 + timeout_ms, on_outcome)
        await self.until(lambda: len(self.outcomes) > count)
        return self.outcomes[-1]


def device_config(unit_id: int, role: str, serial: int) -> DeviceConfig:
    """A device of the tests' line: `dev-<unit_id>`."""
    return DeviceConfig(f"dev-{unit_id}", "line-1", unit_id, role, _MODULES[role].MAP_VERSION, serial, KEY, 20)


@pytest.fixture
def run_line() -> Callable[..., object]:
    """`async with run_line(line_config, [(unit, role, serial) or DeviceConfig, ...]) as running`."""

    @asynccontextmanager
    async def run(
        config: LineConfig,
        devices: Sequence[tuple[int, str, int] | DeviceConfig],
        cursors: dict[str, tuple[int, int]] | None = None,
        stamp: Callable[[], Stamp] = stamp_now,
    ) -> AsyncIterator[RunningLine]:
        configs = [it if isinstance(it, DeviceConfig) else device_config(*it) for it in devices]
        running = RunningLine(config, configs, cursors or {}, stamp)
        task = asyncio.create_task(running.line.run())
        try:
            yield running
        finally:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    return run
