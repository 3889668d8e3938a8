"""Many Modbus TCP devices in one process of their own, and the truth about them: what was read and written when.

    python -m sim_devices.devices.device_farm --spec farm.json --truth farm.bin

Knows: asyncio, Modbus TCP frames, the monotonic clock that all processes of a machine share. Must not know: who asks.
The spec is {"devices": [{"name", "kind": COUNTING | a role, "port": 0, "unit_id": 1, ...}]}; see `make_port`. With
"gateway": true one more port serves all of them by unit id. Once it listens it prints one line, {"ports": [...]}; then
it takes one JSON object a line from its standard input: {"silent": [names]}, {"delay_ms": {name: ms}}, {"begin": true}
lets events happen, {"quiet": true} ends all change; {"sync": n} is answered with {"sync": n} once all that was answered
before is in the truth. The truth is a file of `RECORD`s.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import struct
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from sim_devices.devices.farm_devices import CountingDevice, FarmDevice, RoleStub

# kind, device (index in the spec), connection, counter or first value, monotonic ns when it was answered or happened
RECORD = struct.Struct("<BHIIQ")
READ, WRITE, EVENT = 1, 2, 3
COUNTING = "counting"
READ_REGISTERS_MAX = 125
_FLUSH_S = 0.5
_READ_CODES, _WRITE_ONE, _WRITE_MANY = (3, 4), 6, 16
_ILLEGAL_FUNCTION, _ILLEGAL_ADDRESS = 1, 2
_HEADER = struct.Struct(">HHHBB")
_WORDS = struct.Struct(">HH")


@dataclass(slots=True)
class Port:
    """One device and how it behaves just now."""

    name: str
    index: int
    unit_id: int
    device: FarmDevice
    delay_s: float = 0.0
    is_silent: bool = False


@dataclass(slots=True)
class Truth:
    """What happened, on its way to the file."""

    file: BinaryIO
    connections: int = 0
    waiting: bytearray = field(default_factory=bytearray)

    def add(self, kind: int, port: Port, connection: int, value: int) -> None:
        self.waiting += RECORD.pack(kind, port.index, connection, value, time.monotonic_ns())

    def flush(self) -> None:
        """Hand what waits to the file."""
        self.file.write(self.waiting)
        self.file.flush()
        self.waiting.clear()


class Connection(asyncio.Protocol):
    """One client: frames in, answers out, of the device the unit id names."""

    def __init__(self, units: dict[int, Port], truth: Truth) -> None:
        truth.connections += 1
        self._units, self._truth, self._number = units, truth, truth.connections
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= _HEADER.size:
            size = 6 + int.from_bytes(self._buffer[4:6])
            if len(self._buffer) < size:
                return
            frame, self._buffer = self._buffer[:size], self._buffer[size:]
            port = self._units.get(frame[6])
            if port is None or port.is_silent:
                continue
            if port.delay_s:
                asyncio.get_running_loop().call_later(port.delay_s, self._answer, port, frame)
            else:
                self._answer(port, frame)

    def _answer(self, port: Port, frame: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        transaction, _, _, unit_id, code = _HEADER.unpack_from(frame)
        if code in _READ_CODES:
            pdu = self._read(port, frame)
        elif code in (_WRITE_ONE, _WRITE_MANY):
            pdu = self._write(port, frame, code)
        else:
            pdu = bytes((code | 0x80, _ILLEGAL_FUNCTION))
        self._transport.write(struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit_id) + pdu)

    def _read(self, port: Port, frame: bytes) -> bytes:
        address, count = _WORDS.unpack_from(frame, 8)
        before = port.device.counter
        registers = port.device.read(address, count)
        if registers is None:
            return bytes((frame[7] | 0x80, _ILLEGAL_ADDRESS))
        if port.device.counter != before:
            self._truth.add(READ, port, self._number, port.device.counter)
        return bytes((frame[7], len(registers))) + registers

    def _write(self, port: Port, frame: bytes, code: int) -> bytes:
        address, second = _WORDS.unpack_from(frame, 8)
        values = (second,) if code == _WRITE_ONE else struct.unpack_from(f">{second}H", frame, 13)
        self._truth.add(WRITE, port, self._number, values[-1])
        if not port.device.write(address, values):
            return bytes((code | 0x80, _ILLEGAL_ADDRESS))
        return frame[7:12]


class Farm:
    """The devices of a spec, served; `tell` changes their behaviour."""

    def __init__(self, spec: dict[str, Any], file: BinaryIO) -> None:
        self.truth = Truth(file)
        self._specs = list(spec["devices"])
        self._has_gateway = bool(spec.get("gateway"))
        self.ports = [make_port(index, item) for index, item in enumerate(self._specs)]
        self._by_name = {port.name: port for port in self.ports}
        self._servers: list[asyncio.Server] = []
        self._is_quiet = False
        self._begun = asyncio.Event()
        self._began_ns = time.monotonic_ns()

    async def open(self) -> list[int]:
        """Listen; the ports in the order of the spec, the gateway's last if there is one."""
        for port, item in zip(self.ports, self._specs, strict=True):
            await self._serve({port.unit_id: port}, int(item.get("port", 0)))
        if self._has_gateway:
            await self._serve({port.unit_id: port for port in self.ports}, 0)
        return [server.sockets[0].getsockname()[1] for server in self._servers]

    async def _serve(self, units: dict[int, Port], number: int) -> None:
        loop = asyncio.get_running_loop()
        self._servers.append(await loop.create_server(lambda: Connection(units, self.truth), "127.0.0.1", number))

    def tell(self, word: dict[str, Any]) -> dict[str, Any] | None:
        """Take one line of the standard input; what is to be printed in answer."""
        for port in self.ports if "silent" in word else ():
            port.is_silent = port.name in word["silent"]
        for name, delay_ms in word.get("delay_ms", {}).items():
            self._by_name[name].delay_s = delay_ms / 1000
        if word.get("quiet"):
            self._is_quiet = True
            for port in self.ports:
                if isinstance(port.device, CountingDevice):
                    port.device.is_quiet = True
        if word.get("begin"):
            self._begun.set()
        if "sync" in word:
            self.truth.flush()
            return {"sync": word["sync"]}
        return None

    async def make_events(self, port: Port, per_s: float) -> None:
        """Fill the ring of a role at a steady rate, from the word to begin until quiet."""
        stub = port.device
        assert isinstance(stub, RoleStub)
        loop = asyncio.get_running_loop()
        await self._begun.wait()
        due_s = loop.time()
        while not self._is_quiet:
            due_s += 1.0 / per_s
            await asyncio.sleep(due_s - loop.time())
            uptime_ms = self._uptime_ms()
            stub.set_uptime(uptime_ms)
            self.truth.add(EVENT, port, 0, stub.add_event(uptime_ms))

    async def run(self, lines: asyncio.StreamReader) -> None:
        """Serve until the standard input ends."""
        jobs = [
            asyncio.create_task(self.make_events(port, float(item["events_per_s"])))
            for port, item in zip(self.ports, self._specs, strict=True)
            if item.get("events_per_s")
        ]
        flusher = asyncio.create_task(self._flush_on())
        while line := await lines.readline():
            answer = self.tell(json.loads(line))
            if answer is not None:
                print(json.dumps(answer), flush=True)
        for job in (*jobs, flusher):
            job.cancel()
        self.truth.flush()

    async def _flush_on(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_S)
            self.truth.flush()

    def _uptime_ms(self) -> int:
        return (time.monotonic_ns() - self._began_ns) // 1_000_000


def make_port(index: int, item: dict[str, Any]) -> Port:
    """A device of the spec: `size` and `changing` registers of a counting one, `serial` and `values` of a role."""
    size = int(item.get("size", READ_REGISTERS_MAX))
    device: FarmDevice
    if item["kind"] == COUNTING:
        device = CountingDevice(size, int(item.get("changing", size)))
    else:
        values = {int(address): int(value) for address, value in item.get("values", {}).items()}
        device = RoleStub(item["kind"], int(item["serial"]), values)
    return Port(item["name"], index, int(item.get("unit_id", 1)), device, float(item.get("delay_ms", 0)) / 1000)


def read_truth(path: Path) -> Iterable[tuple[int, int, int, int, int]]:
    """The records of a truth file: (kind, device, connection, value, monotonic ns)."""
    return RECORD.iter_unpack(path.read_bytes())


async def _serve(spec: dict[str, Any], file: BinaryIO) -> None:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lines.feed_eof)
    farm = Farm(spec, file)
    print(json.dumps({"ports": await farm.open()}), flush=True)
    await farm.run(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the devices until the standard input ends or a signal comes."""
    parser = argparse.ArgumentParser(prog="device_farm", description="Modbus TCP devices for the benches")
    parser.add_argument("--spec", type=Path, required=True, help="JSON file of the devices")
    parser.add_argument("--truth", type=Path, required=True, help="file for what was read and written when")
    options = parser.parse_args(argv)
    with options.truth.open("wb") as file:
        asyncio.run(_serve(json.loads(options.spec.read_text(encoding="utf-8")), file))
    return 0


if __name__ == "__main__":
    sys.exit(main())
