"""What was written to a connection that delivers nothing does not arrive once the connection was given up."""

import asyncio
import socket
from typing import Any

import pytest

from edge.southbound import modbus_client
from edge.southbound.line_error import Fault, LineError
from edge.southbound.modbus_client import ModbusClient
from edge.southbound.tcp_end import has_undelivered, take_back
from protocols.registers import barrier

_CHUNK = bytes(65_536)


async def _connected(listener: socket.socket) -> tuple[asyncio.Transport, socket.socket]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, *listener.getsockname())
    return transport, listener.accept()[0]


def _listener() -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


def _count_bytes(other: socket.socket, arrived: list[int]) -> None:
    other.settimeout(20)
    while data := other.recv(len(_CHUNK)):
        arrived.append(len(data))


async def test_what_the_other_end_s_system_has_not_taken_is_taken_back() -> None:
    with _listener() as listener:
        transport, other = await _connected(listener)
        with other:
            assert not has_undelivered(transport)
            written = 0
            while transport.get_write_buffer_size() == 0:  # until neither system takes any more
                transport.write(_CHUNK)
                written += len(_CHUNK)
            assert has_undelivered(transport)
            take_back(transport)
            await asyncio.sleep(0)
            arrived: list[int] = []
            with pytest.raises(ConnectionResetError):
                _count_bytes(other, arrived)
            assert sum(arrived) < written
            assert not has_undelivered(transport)


async def test_a_write_that_is_not_delivered_in_time_ends_its_connection(
    make_field: Any, open_field: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = make_field(u1=("barrier", 77))
    async with open_field(field, "tcp") as config:
        client = ModbusClient(config)
        await client.open()
        field.devices[1].mode = "silent"
        block = (1, barrier.COMMAND_ADDRESS, [0] * 10)
        with pytest.raises(LineError) as caught:
            await client.write_registers(*block, deadline_ms=2**62)
        assert (caught.value.fault, client.is_open) == (Fault.TIMEOUT, True), "the device has it, and says nothing"
        monkeypatch.setattr(modbus_client, "has_undelivered", lambda transport: True)
        with pytest.raises(LineError) as caught:
            await client.write_registers(*block, deadline_ms=2**62)
        assert (caught.value.fault, client.is_open) == (Fault.CONNECTION_LOST, False)
