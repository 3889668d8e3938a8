"""One connection against a simulated broker: what is refused, what is cancelled, what is too much, how it ends."""

import asyncio
import errno
import socket
from typing import Any

import pytest

from edge.northbound.link_watch import LinkRecord
from edge.northbound.mqtt_client import FLUSH_S, INCOMING_MAX, BrokerError, MqttSession, describe
from edge.northbound.mqtt_packets import encode_publish
from tests.edge.northbound.simulated_link import Broker, Mode, SimulatedLink, connect
from tests.edge.northbound.virtual_loop import run_virtual


class _Wire(asyncio.Transport):
    """Keeps what is written, and says what the test wants."""

    def __init__(self, session: MqttSession) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.is_aborted = False
        self.is_reading = True
        session.connection_made(self)

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def abort(self) -> None:
        self.is_aborted = True

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        self.is_reading = True

    def get_write_buffer_size(self) -> int:
        return 7


async def _opened() -> tuple[MqttSession, _Wire]:
    session = MqttSession(LinkRecord(0.0))
    wire = _Wire(session)
    opening = asyncio.ensure_future(session.open("gate", None))
    await asyncio.sleep(0)
    session.data_received(b"\x20\x02\x00\x00")
    await opening
    wire.written.clear()
    return session, wire


def test_a_broker_that_refuses_says_why() -> None:
    async def run() -> str:
        session = MqttSession(LinkRecord(0.0))
        _Wire(session)
        opening = asyncio.ensure_future(session.open("gate", None))
        await asyncio.sleep(0)
        session.data_received(b"\x20\x02\x00\x05")
        with pytest.raises(BrokerError) as caught:
            await opening
        return str(caught.value)

    assert run_virtual(run()) == "the broker refuses the connection: this gate is not allowed to connect"


@pytest.mark.parametrize("data", [b"\x30\xff\xff\xff\xff\x7f", b"\x40\x01\x00", b"\x36\x03\x00\x00\x00", b"\x90\x00"])
def test_what_no_broker_may_send_ends_the_connection(data: bytes) -> None:
    async def run() -> str:
        session, wire = await _opened()
        session.data_received(data)
        assert wire.is_aborted
        with pytest.raises(BrokerError):
            session.publish_nowait("t", b"")
        return await session.lost

    assert run_virtual(run()).startswith("the broker sent ")


def test_publications_of_one_turn_are_one_write() -> None:
    async def run() -> None:
        session, wire = await _opened()
        for number in range(10):
            session.publish_nowait("t", bytes([number]))
        assert session.unsent == 10 * len(encode_publish("t", b"0")) + 7
        await asyncio.sleep(0)
        assert wire.written == [b"".join(encode_publish("t", bytes([number])) for number in range(10))]
        assert session.unsent == 7

    run_virtual(run())


def test_a_cancelled_publication_keeps_its_number_until_the_broker_has_it() -> None:
    async def run() -> None:
        session, _ = await _opened()
        session.publish_acked("t", b"").cancel()
        acked = session.publish_acked("t", b"")
        session.data_received(b"\x40\x02\x00\x01")
        assert not acked.done()
        session.data_received(b"\x40\x02\x00\x02\x40\x02\x00\x02")
        assert acked.done()

    run_virtual(run())


def test_packet_numbers_are_given_again_and_never_twice_at_a_time() -> None:
    async def run() -> None:
        session, _ = await _opened()
        acked = [session.publish_acked("t", b"") for _ in range(65_535)]
        with pytest.raises(BrokerError, match="65535 messages wait"):
            session.publish_acked("t", b"")
        session.data_received(b"\x40\x02\x00\x09")
        assert acked[8].done()
        again = session.publish_acked("t", b"")
        session.data_received(b"\x40\x02\x00\x09")
        assert again.done()

    run_virtual(run())


def test_who_waits_for_a_lost_connection_is_told() -> None:
    async def run() -> None:
        session, _ = await _opened()
        acked, agreed = session.publish_acked("t", b""), asyncio.ensure_future(session.subscribe("t"))
        messages = asyncio.ensure_future(anext(session.messages()))
        await asyncio.sleep(0)
        session.connection_lost(ConnectionResetError(104, "Connection reset by peer"))
        for waiting in (acked, agreed, messages):
            with pytest.raises(BrokerError, match="Connection reset by peer"):
                await waiting

    run_virtual(run())


def test_a_refused_subscription_is_a_sentence() -> None:
    async def run() -> None:
        session, _ = await _opened()
        agreed = asyncio.ensure_future(session.subscribe("t"))
        await asyncio.sleep(0)
        session.data_received(b"\x90\x03\x00\x01\x80")
        with pytest.raises(BrokerError, match="allow this gate to read its topics"):
            await agreed

    run_virtual(run())


def test_nothing_is_read_from_the_socket_while_too_much_waits_to_be_taken() -> None:
    async def run() -> None:
        session, wire = await _opened()
        session.data_received(encode_publish("t", b"x") * INCOMING_MAX)
        assert not wire.is_reading
        messages = session.messages()
        for _ in range(INCOMING_MAX // 2):
            assert await anext(messages) == ("t", b"x")
        assert wire.is_reading

    run_virtual(run())


def test_a_connection_that_is_closed_in_a_hole_takes_a_second_and_no_more() -> None:
    async def run() -> float:
        link, loop = SimulatedLink(Broker()), asyncio.get_running_loop()
        session = await connect(link, LinkRecord(loop.time()))
        link.set(Mode.HOLE)
        link.delay_s = 5.0
        session.publish_nowait("t", b"last word")
        since_s = loop.time()
        await session.close()
        assert session.lost.done()
        return loop.time() - since_s

    assert run_virtual(run()) <= FLUSH_S


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 1883)"), "Connection refused"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service not known"),
        (OSError("10.0.0.1 is no host name"), "10.0.0.1 is no host name"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_an_error_of_the_system_is_told_in_its_own_words(error: Exception, sentence: str) -> None:
    assert describe(error) == sentence
