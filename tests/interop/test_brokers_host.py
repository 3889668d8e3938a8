"""The hub's MQTT client against both brokers, with an independent client (aiomqtt) at the other end."""

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from edge.config import LinkConfig, UplinkConfig
from edge.northbound.links import Links
from edge.northbound.mqtt_client import BrokerError, MqttSession
from edge.northbound.mqtt_packets import Will
from edge.northbound.pacer import Pacer
from tests.edge.certificates import Authority
from tests.interop.brokers import KINDS, Broker, BrokerTls, running

_LIMIT_S = 30.0


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, _LIMIT_S))


@asynccontextmanager
async def _session(
    link: LinkConfig, *, will: Will | None = None, client_id: str = "gate"
) -> AsyncIterator[tuple[MqttSession, Links]]:
    """A session of the data over `link`, ended in good order."""
    sessions: asyncio.Queue[MqttSession] = asyncio.Queue()

    async def serve(session: MqttSession) -> None:
        sessions.put_nowait(session)
        await asyncio.shield(session.lost)

    async def get_will() -> Will | None:
        return will

    links = Links(UplinkConfig(client_id, "t", (link,)), Pacer(), get_will)
    task = asyncio.create_task(links.run(serve))
    try:
        yield await sessions.get(), links
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def _listener(port: int, topic: str) -> AsyncIterator[asyncio.Queue[aiomqtt.Message]]:
    heard: asyncio.Queue[aiomqtt.Message] = asyncio.Queue()

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            heard.put_nowait(message)

    async with aiomqtt.Client("127.0.0.1", port, identifier="listener") as client:
        await client.subscribe(topic, qos=1)
        task = asyncio.create_task(listen(client))
        try:
            yield heard
        finally:
            task.cancel()
            await asyncio.wait([task])


def _plain(broker: Broker) -> LinkConfig:
    return LinkConfig("fibre", "127.0.0.1", broker.port)


def test_messages_of_both_qualities_arrive_in_order_and_whole(kind: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with (
            running(kind, tmp_path) as broker,
            _listener(broker.port, "t/#") as heard,
            _session(_plain(broker)) as (session, _),
        ):
            payloads = [number.to_bytes(2, "big") * (1 + number * 19) for number in range(300)]
            acked = []
            for number, payload in enumerate(payloads):
                if number % 3:
                    session.publish_nowait("t/0", payload)
                else:
                    acked.append(session.publish_acked("t/1", payload))
            await asyncio.gather(*acked)
            messages = [await heard.get() for _ in payloads]
            by_topic = {topic: [m.payload for m in messages if str(m.topic) == topic] for topic in ("t/0", "t/1")}
            # Brokers keep the order of each quality by itself.
            assert by_topic["t/0"] == [payload for number, payload in enumerate(payloads) if number % 3]
            assert by_topic["t/1"] == payloads[::3]
            assert session.unsent == 0
            segments = session.segments()
            if sys.platform == "linux":
                assert segments is not None
                assert 10 < segments[0] < 10_000  # a field beside it would be a rate or a size
                assert segments[1] < segments[0] / 4

    _run(work())


def test_what_is_subscribed_arrives(kind: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with running(kind, tmp_path) as broker, _session(_plain(broker)) as (session, _):
            await session.subscribe("t/acks")
            messages = session.messages()
            async with aiomqtt.Client("127.0.0.1", broker.port) as client:
                for qos, count in ((0, 2500), (1, 100)):  # more than the session keeps unread
                    for number in range(count):
                        await client.publish("t/acks", str(number).encode(), qos=qos)
                    heard = [(await anext(messages))[1] for _ in range(count)]
                    assert heard == [str(number).encode() for number in range(count)]

    _run(work())


def test_a_retained_message_is_there_for_whoever_comes_later(kind: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with running(kind, tmp_path) as broker, _session(_plain(broker)) as (session, _):
            await session.publish_acked("t/state", b"kept", retain=True)
            message = await _first_kept(session, broker.port)
            assert (message.payload, message.retain) == (b"kept", True)

    _run(work())


async def _first_kept(session: MqttSession, port: int) -> aiomqtt.Message:
    """What a newcomer gets first, once the broker has put the retained message away.

    An acknowledged publication is stored, but nats-server shows it to newcomers a moment later. A newcomer that hears
    a live message first came too early, and the next one asks again.
    """
    while True:
        async with _listener(port, "t/state") as heard:
            await session.publish_acked("t/state", b"live")
            message = await heard.get()
            if message.payload != b"live":
                return message


def test_the_will_is_published_for_a_lost_gate_and_not_for_one_that_says_goodbye(kind: str, tmp_path: Path) -> None:
    async def work() -> None:
        will = Will("t/death", b"\x00\x01\xff")
        async with running(kind, tmp_path) as broker, _listener(broker.port, "t/death") as heard:
            async with _session(_plain(broker), will=will, client_id="polite") as (session, _):
                await session.publish_acked("t/x", b"")
            async with _session(_plain(broker), will=will) as (session, _):
                session.abort("test")
                message = await heard.get()
                assert (message.payload, message.qos) == (will.payload, 1)
            assert heard.empty()

    _run(work())


def test_a_killed_broker_ends_the_session_and_is_found_again(kind: str, tmp_path: Path) -> None:
    async def work() -> None:
        sessions: asyncio.Queue[MqttSession] = asyncio.Queue()

        async def serve(session: MqttSession) -> None:
            sessions.put_nowait(session)
            await asyncio.shield(session.lost)

        async with running(kind, tmp_path) as broker:
            links = Links(UplinkConfig("gate", "t", (_plain(broker),)), Pacer())
            task = asyncio.create_task(links.run(serve))
            first = await sessions.get()
            broker.kill()
            with pytest.raises(BrokerError):
                await first.publish_acked("t/x", b"1")
            await first.lost
            assert not links.is_connected
            await broker.start()
            await (await sessions.get()).publish_acked("t/x", b"2")
            status = links.status()["links"]["fibre"]
            assert (status["connected"], status["connects"], status["outages"]) == (True, 2, 1)
            task.cancel()
            await asyncio.wait([task])

    _run(work())


async def _reason(link: LinkConfig) -> str:
    """Why the link cannot be used, in the hub's words."""
    links = Links(UplinkConfig("gate", "t", (link,)), Pacer())
    task = asyncio.create_task(links.run(lambda session: session.lost))
    while links.reason in ("", "not connected yet"):  # noqa: ASYNC110 - nothing tells of it, so it is asked
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    return links.reason


class _Site:
    """A broker's CA and a gate's CA, and a link that fits them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broker_ca, self.gate_ca = Authority(folder, "broker-ca"), Authority(folder, "gate-ca")
        self.gate = self.gate_ca.issue("gate")

    def tls(self, *names: str, days: float = 90) -> BrokerTls:
        return BrokerTls(self.broker_ca.issue("broker", *names, days=days), self.gate_ca.pair.cert_file)

    def link(self, broker: Broker, **other: Any) -> LinkConfig:
        files = {"ca_file": self.broker_ca.pair.cert_file, "cert_file": self.gate.cert_file}
        return LinkConfig("fibre", "127.0.0.1", broker.port, **{**files, "key_file": self.gate.key_file, **other})


def test_tls_with_certificates_on_both_sides_carries_the_data(kind: str, tmp_path: Path) -> None:
    async def work() -> None:
        site = _Site(tmp_path)
        async with running(kind, tmp_path / "b", site.tls("127.0.0.1")) as broker:
            async with _session(site.link(broker)) as (session, links):
                await session.publish_acked("t/x", bytes(200_000))
                assert links.status()["links"]["fibre"]["bytes_out"] > 200_000
            async with _session(site.link(broker, server_name="127.0.0.1")) as (session, _):
                await session.publish_acked("t/x", b"")

    _run(work())


def test_each_way_tls_can_fail_is_one_sentence(kind: str, tmp_path: Path) -> None:
    async def work() -> None:
        site, told = _Site(tmp_path), {}
        stranger = Authority(tmp_path, "stranger")
        mine = stranger.issue("mine")
        async with running(kind, tmp_path / "b", site.tls("127.0.0.1")) as broker:
            told["ca"] = await _reason(site.link(broker, ca_file=stranger.pair.cert_file))
            told["name"] = await _reason(site.link(broker, server_name="platform.example"))
            told["stranger"] = await _reason(site.link(broker, cert_file=mine.cert_file, key_file=mine.key_file))
            told["none"] = await _reason(site.link(broker, cert_file=None, key_file=None))
            told["plain"] = await _reason(LinkConfig("fibre", "127.0.0.1", broker.port))
        async with running(kind, tmp_path / "old", site.tls("127.0.0.1", days=-1)) as broker:
            told["expired"] = await _reason(site.link(broker))
        async with running(kind, tmp_path / "plain") as broker:
            told["no tls"] = await _reason(site.link(broker))
        for why, words in (
            ("ca", "the broker's certificate is not signed by a CA of ca_file"),
            ("name", "the broker's certificate is not for platform.example; correct host, or give server_name"),
            ("expired", "the broker's certificate has expired; renew it, or set this machine's clock"),
        ):
            assert told[why].startswith(words), (why, told[why])
        # Whether the broker's alert or its reset is seen first is the broker's doing; both sentences name the cause.
        for why, words in (("stranger", "(cert_file "), ("none", "(no cert_file is given)")):
            assert f"this gate's certificate {words}" in told[why], (why, told[why])
        assert told["plain"].endswith("before it accepted this gate; see its log, and whether it expects TLS there")
        assert told["no tls"].endswith("during the TLS handshake; is this the broker's TLS port?")

    _run(work())


def test_a_renewed_certificate_is_taken_without_a_restart(kind: str, tmp_path: Path) -> None:
    async def work() -> None:
        site = _Site(tmp_path)
        expired = site.gate_ca.issue("renewed", days=-1)
        async with running(kind, tmp_path / "b", site.tls("127.0.0.1")) as broker:
            link = site.link(broker, cert_file=expired.cert_file, key_file=expired.key_file)
            links = Links(UplinkConfig("gate", "t", (link,)), Pacer())
            task = asyncio.create_task(links.run(lambda session: session.lost))
            while "does not accept this gate's certificate" not in links.reason:  # noqa: ASYNC110 - asked, as users do
                await asyncio.sleep(0.01)
            assert site.gate_ca.issue("renewed") == expired
            while not links.is_connected:  # noqa: ASYNC110 - asked, as users do
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.wait([task])

    _run(work())
