"""What ends by itself begins again by itself, without a restart of the hub and without hurting the device."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from edge.config import LineConfig
from edge.southbound.modbus_client import SILENT_REQUESTS_MAX
from edge.southbound.modbus_line import REOPEN_FIRST_S, REOPEN_MAX_S, ModbusLine


class _Server:
    """A TCP server in front of a field: `mode` is "serve", "swallow" (reads and says nothing) or "slam" (closes)."""

    def __init__(self, field: Any) -> None:
        self.mode = "serve"
        self.connections = 0
        self._field = field
        self._writers: list[asyncio.StreamWriter] = []

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        if self.mode == "slam":
            writer.close()
        elif self.mode == "swallow":
            while await reader.read(300):
                pass
            writer.close()
        else:
            await self._field._serve_tcp(reader, writer)

    def drop(self) -> None:
        """Close every connection, as a device does that restarts."""
        for writer in self._writers:
            writer.close()
        self._writers.clear()


@asynccontextmanager
async def _server(field: Any, mode: str = "serve") -> AsyncIterator[tuple[_Server, LineConfig]]:
    front = _Server(field)
    front.mode = mode
    server = await asyncio.start_server(front.take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield front, LineConfig("line-1", "tcp", "", 0, "N", "127.0.0.1", port, 200)
    finally:
        server.close()
        front.drop()


async def test_a_device_that_closes_its_connection_is_read_again(make_field: Any, run_line: Any) -> None:
    field = make_field(u1=("barrier", 77))
    async with _server(field) as (front, config), run_line(config, [(1, "barrier", 77)]) as running:
        for count in (1, 2, 3):
            await running.until(lambda: running.image().online)
            assert front.connections == count, "one connection at a time, and none too many"
            front.drop()
            await running.until(lambda: not running.image().online)
        await running.until(lambda: running.image().online)
        assert running.kinds() == ["device_lost", "device_back"] * 3


async def test_a_connection_that_swallows_everything_is_made_anew(make_field: Any, run_line: Any) -> None:
    field = make_field(u1=("barrier", 77))
    async with _server(field, "swallow") as (front, config), run_line(config, [(1, "barrier", 77)]) as running:
        await running.until(lambda: "did not answer" in running.image().reason)
        front.mode = "serve"
        await running.until(lambda: running.image().online)
        assert front.connections == 2
        assert running.line.status()["timeouts"] >= SILENT_REQUESTS_MAX


async def test_a_server_that_closes_at_once_is_left_ever_longer_in_peace(
    make_field: Any, run_line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    enough = asyncio.Event()

    async def pause(line: ModbusLine, seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 6:
            enough.set()
            await asyncio.Event().wait()

    monkeypatch.setattr(ModbusLine, "_pause", pause)
    async with (
        _server(make_field(u1=("barrier", 77)), "slam") as (front, config),
        run_line(config, [(1, "barrier", 77)]),
    ):
        await enough.wait()
        assert front.connections == 6
    wanted = [min(REOPEN_FIRST_S * 2**number, REOPEN_MAX_S) for number in range(6)]
    assert all(0.8 * want <= got <= 1.2 * want for want, got in zip(wanted, pauses, strict=True)), pauses


async def test_a_device_that_dies_again_and_again_is_always_found_again(
    make_field: Any, open_field: Any, run_line: Any, wire: str
) -> None:
    field = make_field(u1=("barrier", 77), u2=("weighbridge", 5))
    async with (
        open_field(field, wire) as config,
        run_line(config, [(1, "barrier", 77), (2, "weighbridge", 5)]) as running,
    ):
        for _ in range(3):
            await running.until(lambda: running.image(1).online and running.image(2).online)
            field.devices[1].mode = "silent"
            await running.until(lambda: not running.image(1).online)
            assert running.image(2).online
            field.devices[1].mode = "answer"
        await running.until(lambda: running.image(1).online)
        assert running.line.status()["opened"] == 1


async def test_a_write_waits_for_no_poll_of_a_slow_neighbour(make_field: Any, open_field: Any, run_line: Any) -> None:
    field = make_field(u1=("barrier", 77), u2=("weighbridge", 5), u3=("weighbridge", 6))
    devices = [(1, "barrier", 77), (2, "weighbridge", 5), (3, "weighbridge", 6)]
    async with open_field(field, "tcp") as config, run_line(config, devices) as running:
        await running.until(lambda: all(running.image(unit_id).online for unit_id in (1, 2, 3)))
        field.devices[2].mode = field.devices[3].mode = "silent"
        await running.until(lambda: not running.image(2).online)
        before = running.line.status()["timeouts"]
        assert await running.command("OPEN") == (True, "")
        assert running.line.status()["timeouts"] - before <= 2, "at most one between the command's requests"
