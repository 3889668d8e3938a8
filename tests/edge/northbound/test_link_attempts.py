"""Attempts on real sockets: whatever the other end does, none leaves a socket behind."""

import asyncio
import contextlib
import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.config import LinkConfig
from edge.northbound import link as link_module
from edge.northbound.link import Link
from edge.northbound.mqtt_client import BrokerError
from tests.edge.certificates import Authority

_LIMIT_S = 10.0  # a server of a test has done its part by then

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


class _TlsServer(threading.Thread):
    """Takes one connection, does the server's part of a TLS 1.3 handshake, and then `end`.

    It judges the client's certificate once it `may_judge`; for the client the handshake is over before.
    """

    def __init__(self, folder: Path, end: Callable[[ssl.SSLSocket], None], verify: ssl.VerifyMode) -> None:
        super().__init__(daemon=True)
        authority = Authority(folder)
        pair = authority.issue("broker", "127.0.0.1")
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_3
        self._context.load_cert_chain(pair.cert_file, pair.key_file)
        self._context.load_verify_locations(authority.pair.cert_file)
        self._context.verify_mode = verify
        self._end = end
        self.may_judge = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.config = LinkConfig("fibre", *self._listening.getsockname(), authority.pair.cert_file)
        self.start()

    def run(self) -> None:
        with self._listening:
            connection, _ = self._listening.accept()
        connection.recv(1, socket.MSG_PEEK)  # the client's first message is there
        with self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as secured:
            secured.setblocking(False)
            # It waits for what the client answers to the server's part; if that is here already, it judges at once.
            with contextlib.suppress(ssl.SSLError):
                secured.do_handshake()
            secured.setblocking(True)
            self.may_judge.wait(_LIMIT_S)
            with contextlib.suppress(ssl.SSLError):  # a certificate that is not accepted
                secured.do_handshake()
                self._end(secured)


def _reset(connection: ssl.SSLSocket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("end", [_reset, ssl.SSLSocket.close])
async def test_a_broker_that_goes_right_after_the_handshake_lets_look_at_the_certificate(
    tmp_path: Path, end: Callable[[ssl.SSLSocket], None]
) -> None:
    server = _TlsServer(tmp_path, end, ssl.CERT_NONE)
    server.may_judge.set()
    reason = await _attempt(Link(server.config, 0.0))
    assert reason.startswith(f"127.0.0.1:{server.config.port}: ")
    assert reason.endswith(
        " right after the TLS handshake; see the broker's log, and whether it accepts this gate's certificate "
        "(no cert_file is given)"
    )


async def test_an_alert_that_has_arrived_with_a_reset_is_read_before_anything_is_sent(tmp_path: Path) -> None:
    server = _TlsServer(tmp_path, ssl.SSLSocket.close, ssl.CERT_REQUIRED)

    async def will_of_a_busy_machine() -> None:
        server.may_judge.set()
        server.join(_LIMIT_S)  # the loop stands meanwhile, and the server's last word is there when it goes on

    link = Link(server.config, 0.0)
    with pytest.raises(BrokerError, match="does not accept this gate's certificate"):
        await link.connect("gate", will_of_a_busy_machine, None)
