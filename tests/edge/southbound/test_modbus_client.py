"""The Modbus client on both wires: right answers only, and every failure under its own name."""

import asyncio
import os
import pty
import struct
import tty
from typing import Any

import pytest

from edge.config import LineConfig
from edge.poll.merge import Block
from edge.southbound.answer_gate import AnswerGate, write_shape
from edge.southbound.line_error import Fault, LineError
from edge.southbound.modbus_client import ModbusClient
from protocols.registers import barrier, weighbridge


async def _opened(config: LineConfig) -> ModbusClient:
    client = ModbusClient(config)
    await client.open()
    return client


async def _read(client: ModbusClient, unit_id: int, address: int, count: int) -> list[int]:
    raw = await client.read(unit_id, Block(address, count, 0))
    return list(struct.unpack(f">{count}H", raw))


async def _fault(client: ModbusClient, unit_id: int = 1, address: int = 0, count: int = 4) -> Fault:
    with pytest.raises(LineError) as caught:
        await _read(client, unit_id, address, count)
    return caught.value.fault


async def test_registers_are_read(make_field: Any, open_field: Any, wire: str) -> None:
    async with open_field(make_field(u1=("barrier", 77)), wire) as config:
        client = await _opened(config)
        assert await _read(client, 1, 0, 4) == [barrier.MAP_ID, barrier.MAP_VERSION, 0, 77]
        assert len(await _read(client, 1, 0, 125)) == 125
        client.close()


async def test_silence_is_a_timeout_and_the_next_answer_is_right(make_field: Any, open_field: Any, wire: str) -> None:
    field = make_field(u1=("barrier", 77))
    async with open_field(field, wire) as config:
        client = await _opened(config)
        field.devices[1].mode = "silent"
        assert await _fault(client) is Fault.TIMEOUT
        field.devices[1].mode = "answer"
        assert await _read(client, 1, 0, 4) == [barrier.MAP_ID, barrier.MAP_VERSION, 0, 77]
        assert client.counters.timeouts == 1
        client.close()


@pytest.mark.parametrize("wire", ["tcp", "rtu", "rtu_over_tcp"])
async def test_a_late_answer_is_never_taken_for_the_next_ones(make_field: Any, open_field: Any, wire: str) -> None:
    field = make_field(u1=("barrier", 77))
    async with open_field(field, wire) as config:
        client = await _opened(config)
        field.devices[1].mode = "hold"
        assert await _fault(client, address=0) is Fault.TIMEOUT
        field.devices[1].mode = "answer"
        assert await _read(client, 1, 64, 4) == [0, 0, 0, 0], "the held answer was [1, 1, 0, 77]"
        assert client.counters.strays == 1
        client.close()


async def test_a_write_that_was_held_up_beyond_its_deadline_is_not_sent(
    make_field: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ms = [1000]
    monkeypatch.setattr("edge.southbound.modbus_client._now_ms", lambda: now_ms[0])
    async with make_field(u1=("barrier", 77)).on_pty() as config:
        client = await _opened(config)
        client._gate.open(write_shape(1))
        client._gate.shut(now_ms[0], answered=False)  # an earlier write is owed its answer: something is read first
        settle = client._settle

        async def take_long(unit_id: int, block: Block) -> None:
            await settle(unit_id, block)
            now_ms[0] = 1100

        monkeypatch.setattr(client, "_settle", take_long)
        assert not await client.write_registers(1, barrier.COMMAND_ADDRESS, [0] * 10, deadline_ms=1100)
        assert client.counters.requests == 1
        assert await client.write_registers(1, barrier.COMMAND_ADDRESS, [0] * 10, deadline_ms=1101)
        assert client.counters.requests == 2
        client.close()


async def test_a_broken_crc_is_garbled_not_silent(make_field: Any) -> None:
    field = make_field(u1=("barrier", 77))
    async with field.on_pty() as config:
        client = await _opened(config)
        field.devices[1].mode = "garble"
        assert await _fault(client) is Fault.GARBLED
        assert (client.counters.garbled, client.counters.timeouts) == (1, 0)
        field.devices[1].mode = "answer"
        assert await _read(client, 1, 0, 4) == [barrier.MAP_ID, barrier.MAP_VERSION, 0, 77]
        client.close()


async def test_an_exception_answer_keeps_its_code(make_field: Any, open_field: Any, wire: str) -> None:
    async with open_field(make_field(u1=("barrier", 77)), wire) as config:
        client = await _opened(config)
        with pytest.raises(LineError, match="illegal data address") as caught:
            await _read(client, 1, 4000, 4)
        assert (caught.value.fault, caught.value.exception_code) == (Fault.EXCEPTION, 2)
        client.close()


async def test_a_silent_unit_leaves_its_neighbour_alone(make_field: Any, open_field: Any, wire: str) -> None:
    async with open_field(make_field(u2=("weighbridge", 5)), wire) as config:
        client = await _opened(config)
        for _ in range(3):
            assert await _fault(client, unit_id=1) is Fault.TIMEOUT
            assert await _read(client, 2, 0, 4) == [2, weighbridge.MAP_VERSION, 0, 5]
        client.close()


async def test_a_missing_port_a_busy_port_and_a_refused_connection_are_told_apart() -> None:
    missing = ModbusClient(LineConfig("l", "rtu", "/dev/no_such_port", 19200, "E", "", 0, 100))
    with pytest.raises(LineError) as caught:
        await missing.open()
    assert caught.value.fault is Fault.PORT_MISSING

    master, slave = pty.openpty()
    tty.setraw(slave)
    config = LineConfig("l", "rtu", os.ttyname(slave), 19200, "N", "", 0, 100)
    first = await _opened(config)
    with pytest.raises(LineError) as caught:
        await ModbusClient(config).open()
    assert caught.value.fault is Fault.PORT_BUSY
    first.close()
    os.close(master)
    os.close(slave)

    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    refused = ModbusClient(LineConfig("l", "tcp", "", 0, "N", "127.0.0.1", port, 100))
    with pytest.raises(LineError) as caught:
        await refused.open()
    assert caught.value.fault is Fault.CONNECTION_REFUSED


async def test_a_port_that_vanishes_is_a_lost_connection() -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    client = await _opened(LineConfig("l", "rtu", os.ttyname(slave), 19200, "N", "", 0, 5000))
    reading = asyncio.create_task(_read(client, 1, 0, 4))
    gone = asyncio.Event()
    asyncio.get_running_loop().add_reader(master, gone.set)
    await gone.wait()
    asyncio.get_running_loop().remove_reader(master)
    os.close(slave)
    os.close(master)
    with pytest.raises(LineError) as caught:
        await reading
    assert caught.value.fault is Fault.CONNECTION_LOST
    assert not client.is_open


async def test_cancelling_a_request_is_not_swallowed(make_field: Any, open_field: Any, wire: str) -> None:
    field = make_field(u1=("barrier", 77))
    async with open_field(field, wire) as config:
        client = await _opened(config)
        field.devices[1].mode = "hold"
        reading = asyncio.create_task(_read(client, 1, 0, 4))
        await field.devices[1].asked.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        field.devices[1].mode = "answer"
        assert await _read(client, 1, 64, 4) == [0, 0, 0, 0]
        client.close()


async def test_a_cancellation_in_the_same_turn_as_the_answer_is_not_swallowed(
    make_field: Any, open_field: Any, wire: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pick = AnswerGate.pick

    def pick_and_cancel(gate: AnswerGate, received: bytes) -> bytes:
        frame = pick(gate, received)
        if frame:
            reading.cancel()
        return frame

    monkeypatch.setattr(AnswerGate, "pick", pick_and_cancel)
    async with open_field(make_field(u1=("barrier", 77)), wire) as config:
        client = await _opened(config)
        reading = asyncio.create_task(_read(client, 1, 0, 4))
        with pytest.raises(asyncio.CancelledError):
            await reading
        client.close()
