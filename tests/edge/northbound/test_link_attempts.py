"""Attempts on real sockets: whatever the other end does, none leaves a socket behind."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from edge.config import LinkConfig
from edge.northbound import link as link_module
from edge.northbound.link import Link
from edge.northbound.mqtt_client import BrokerError
from tests.edge.certificates import Authority

_ANSWERS = {
    "silent": None,
    "closing": b"",
    "refusing": b"\x20\x02\x00\x03",
    "no MQTT": b"HTTP/1.1 400 Bad Request\r\n\r\n",
}


async def _no_will() -> None:
    pass


async def _attempt(link: Link) -> str:
    with pytest.raises(BrokerError) as caught:
        await link.connect("gate", _no_will, None)
    return str(caught.value)


async def _turns(count: int) -> None:
    """Let the loop go round so often."""
    for _ in range(count):
        await asyncio.sleep(0)


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("has_tls", [False, True])
@pytest.mark.parametrize("answer", list(_ANSWERS))
async def test_no_attempt_leaves_a_socket_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, has_tls: bool
) -> None:
    monkeypatch.setattr(link_module, "PHASE_S", 0.05)
    here: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here.add(writer)
        await reader.read(1)
        if (data := _ANSWERS[answer]) is not None:
            writer.write(data)
            writer.close()

    ca_file = Authority(tmp_path).pair.cert_file if has_tls else None
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        link = Link(LinkConfig("fibre", "127.0.0.1", server.sockets[0].getsockname()[1], ca_file), 0.0)
        assert await _attempt(link)
        before = _open_files() - len(here)
        for _ in range(20):
            await _attempt(link)
        for writer in here:
            writer.transport.abort()
        await _turns(5)
        assert _open_files() <= before + 1


async def test_an_attempt_that_is_cancelled_leaves_no_socket_behind() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = Link(LinkConfig("fibre", "127.0.0.1", server.getsockname()[1]), 0.0)
        before = _open_files()
        for turns in range(40):  # wherever it is by then
            task = asyncio.ensure_future(link.connect("gate", _no_will, None))
            await _turns(turns)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
        await _turns(5)
        assert _open_files() <= before + 1


async def test_a_will_that_a_slow_disk_gives_late_is_not_taken_for_a_silent_broker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(link_module, "PHASE_S", 0.5)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"\x20\x02\x00\x00")
        await reader.read()
        writer.close()

    async def late_will() -> None:
        await asyncio.sleep(2 * link_module.PHASE_S)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        config = LinkConfig("fibre", "127.0.0.1", server.sockets[0].getsockname()[1])
        session = await Link(config, 0.0).connect("gate", late_will, None)
        assert not session.lost.done()
        await session.close()
