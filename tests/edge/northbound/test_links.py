"""Outages in virtual time: how soon they are noticed, how soon data flows again, and over which link."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest

from edge.config import LinkConfig, UplinkConfig
from edge.northbound import link as link_module
from edge.northbound.link import make_socket
from edge.northbound.link_watch import LinkRecord
from edge.northbound.links import Links
from edge.northbound.mqtt_client import BrokerError, MqttSession
from edge.northbound.mqtt_packets import Will
from edge.northbound.pacer import Pacer
from tests.edge.northbound.simulated_link import Broker, Mode, SimulatedLink, connect
from tests.edge.northbound.virtual_loop import run_virtual

_NOTICE_S = 10.0
_RESUME_S = 2.0
_PUBLISH_S = 0.05


@pytest.fixture(autouse=True)
def _simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Links open the simulated link that has their host's name, in the place of TCP."""

    async def open_simulated(link: link_module.Link, session: MqttSession, client_id: str, will: Any) -> None:
        async with asyncio.timeout(link_module.PHASE_S):
            await _LINKS[link.config.host].open(session)
        async with asyncio.timeout(link_module.PHASE_S):
            await session.open(client_id, await will())

    monkeypatch.setattr(link_module.Link, "_open", open_simulated)


_LINKS: dict[str, SimulatedLink] = {}


class _Sender:
    """Publishes a number every _PUBLISH_S while there is a connection, and counts connections at a time."""

    def __init__(self) -> None:
        self.number = 0
        self.connections = 0
        self.most = 0

    async def serve(self, session: MqttSession) -> None:
        self.connections += 1
        self.most = max(self.most, self.connections)
        try:
            while True:
                self.number += 1
                session.publish_nowait("data", str(self.number).encode())
                await asyncio.sleep(_PUBLISH_S)
        finally:
            self.connections -= 1
            if not session.lost.done():
                session.publish_nowait("last", b"")


@asynccontextmanager
async def _running(*simulated: SimulatedLink) -> AsyncIterator[tuple[Links, _Sender]]:
    _LINKS.clear()
    names = ("fibre", "5g")[: len(simulated)]
    _LINKS.update(zip(names, simulated, strict=True))
    config = UplinkConfig("gate", "t", tuple(LinkConfig(name, name, 1) for name in names))
    links, sender = Links(config, Pacer(clock=asyncio.get_running_loop().time)), _Sender()
    task = asyncio.ensure_future(links.run(sender.serve))
    try:
        yield links, sender
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


async def _noticed_s(mode: Mode, *, busy: bool, acks: bool = True) -> float:
    """From the failure to the end of the session."""
    broker, loop = Broker(), asyncio.get_running_loop()
    link = SimulatedLink(broker)
    session = await connect(link, LinkRecord(loop.time()))
    await asyncio.sleep(random.Random(int(busy)).uniform(0.0, 10.0))
    link.set(mode)
    broker.acks_publications = acks
    since_s = loop.time()
    while busy and not session.lost.done():
        session.publish_acked("data", b"")
        await asyncio.sleep(_PUBLISH_S)
    await session.lost
    with pytest.raises(BrokerError):
        session.publish_nowait("data", b"")
    return loop.time() - since_s


@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.parametrize("mode", [Mode.HOLE, Mode.DOWN_HOLE])
def test_a_link_that_swallows_is_noticed_within_ten_seconds(mode: Mode, busy: bool) -> None:
    assert run_virtual(_noticed_s(mode, busy=busy)) < _NOTICE_S


def test_a_broker_that_answers_echoes_and_keeps_nothing_is_left() -> None:
    assert run_virtual(_noticed_s(Mode.PASS, busy=True, acks=False)) < 12.5


def test_a_working_link_is_never_given_up() -> None:
    async def days() -> None:
        broker, loop = Broker(), asyncio.get_running_loop()
        link = SimulatedLink(broker, delay_s=0.9)
        session = await connect(link, LinkRecord(loop.time()))
        await asyncio.sleep(86_400.0)
        assert not session.lost.done()

    run_virtual(days())


async def _outage(mode: Mode, seed: int) -> tuple[float, int, float]:
    """From the link's return to the next number at the broker; attempts while it was away, and for how long."""
    chance, broker, loop = random.Random(seed), Broker(), asyncio.get_running_loop()
    link = SimulatedLink(broker, delay_s=chance.choice([0.001, 0.02, 0.08]))
    async with _running(link) as (links, _):
        await asyncio.sleep(chance.uniform(0.0, 20.0))
        link.set(mode)
        attempts, lasted_s = len(link.attempts_s), chance.uniform(0.5, 60.0)
        await asyncio.sleep(lasted_s)
        attempts, count, since_s = len(link.attempts_s) - attempts, len(broker.arrivals), loop.time()
        was_lost = not links.is_connected
        link.set(Mode.PASS)
        if mode is not Mode.REFUSED and not was_lost:
            return 0.0, attempts, lasted_s  # shorter than it takes to notice: no outage for a real transport either
        while len(broker.arrivals) == count:  # noqa: ASYNC110 - virtual time, the broker tells nobody
            await asyncio.sleep(0.01)
        return loop.time() - since_s, attempts, lasted_s


@pytest.mark.parametrize("mode", [Mode.REFUSED, Mode.HOLE, Mode.DEAF])
def test_data_flows_within_two_seconds_of_the_links_return(mode: Mode) -> None:
    for seed in range(60):
        resumed_s, attempts, lasted_s = run_virtual(_outage(mode, seed))
        assert resumed_s < _RESUME_S, (mode, seed)
        assert attempts <= 4 + 4 * lasted_s, (mode, seed)


def test_two_hubs_with_one_client_id_do_not_storm_the_broker() -> None:
    async def fight() -> float:
        broker = Broker()
        links = [SimulatedLink(broker), SimulatedLink(broker)]
        async with _running(links[0]), _running(links[1]):
            _LINKS["fibre"] = links[0]
            await asyncio.sleep(100.0)
        return len([*links[0].attempts_s, *links[1].attempts_s]) / 100.0

    assert run_virtual(fight()) <= 3.0


async def _fail_over(mode: Mode) -> tuple[Broker, _Sender, list[str]]:
    broker = Broker()
    fibre, mobile = SimulatedLink(broker), SimulatedLink(broker, delay_s=0.05)
    active: list[str] = []
    async with _running(fibre, mobile) as (links, sender):
        for act, pause_s in ((Mode.PASS, 10.0), (mode, 20.0), (Mode.PASS, 59.0), (Mode.PASS, 10.0)):
            fibre.set(act)
            await asyncio.sleep(pause_s)
            active.append(links.status()["active"])
        assert links.status()["switches"] == 2
    return broker, sender, active


@pytest.mark.parametrize("mode", [Mode.REFUSED, Mode.HOLE, Mode.DOWN_HOLE, Mode.DEAF])
def test_the_second_link_stands_in_and_the_preferred_one_comes_back_later(mode: Mode) -> None:
    broker, sender, active = run_virtual(_fail_over(mode))
    assert active == ["fibre", "5g", "5g", "fibre"]
    assert sender.most == 1
    data = [arrival for arrival in broker.arrivals if arrival.topic == "data"]
    gap_s = max(after.at_s - before.at_s for before, after in pairwise(data))
    assert gap_s < _NOTICE_S
    numbers = [int(arrival.payload) for arrival in data]
    assert numbers == sorted(numbers)
    assert {arrival.client_id for arrival in data} == {"gate"}


def test_a_link_that_was_left_on_purpose_says_its_last_word_and_goodbye() -> None:
    broker, _, _ = run_virtual(_fail_over(Mode.REFUSED))
    assert [arrival.topic for arrival in broker.arrivals].count("last") == 2  # going back to fibre, and the end
    assert broker.events.count("bye gate") == 2


def test_a_link_that_becomes_slow_is_left_for_a_good_one() -> None:
    async def slow() -> list[str]:
        broker = Broker()
        fibre, mobile = SimulatedLink(broker), SimulatedLink(broker, delay_s=0.05)
        active = []
        async with _running(fibre, mobile) as (links, _):
            await asyncio.sleep(10.0)
            fibre.delay_s = 0.9
            for pause_s in (5.0, 20.0):
                await asyncio.sleep(pause_s)
                active.append(links.status()["active"])
        return active

    assert run_virtual(slow()) == ["fibre", "5g"]


def test_the_probe_of_the_second_link_is_cheap() -> None:
    async def hour() -> int:
        broker = Broker()
        fibre, mobile = SimulatedLink(broker), SimulatedLink(broker)
        async with _running(fibre, mobile) as (links, _):
            await asyncio.sleep(3600.0)
            status = links.status()["links"]["5g"]
            assert (status["connected"], status["echoes_lost"]) == (True, 0)
            return int(status["bytes_out"])

    assert run_virtual(hour()) < 4000


def test_the_will_is_made_anew_for_every_connection() -> None:
    async def run() -> int:
        asked = []

        async def will() -> Will:
            asked.append(len(asked))
            return Will("death", bytes(asked))

        broker = Broker()
        link = SimulatedLink(broker)
        _LINKS["fibre"] = link
        config = UplinkConfig("gate", "t", (LinkConfig("fibre", "fibre", 1),))
        links = Links(config, Pacer(clock=asyncio.get_running_loop().time), will)
        task = asyncio.ensure_future(links.run(_Sender().serve))
        await asyncio.sleep(10.0)
        link.set(Mode.REFUSED)
        await asyncio.sleep(1.0)
        link.set(Mode.PASS)
        await asyncio.sleep(10.0)
        task.cancel()
        await asyncio.wait([task])
        return len(asked)

    assert run_virtual(run()) == 2


def test_an_error_of_the_program_is_not_taken_for_a_lost_link() -> None:
    async def run() -> None:
        async def serve(_: MqttSession) -> None:
            raise KeyError("ours")

        _LINKS["fibre"] = SimulatedLink(Broker())
        config = UplinkConfig("gate", "t", (LinkConfig("fibre", "fibre", 1),))
        await Links(config, Pacer()).run(serve)

    with pytest.raises(ExceptionGroup) as caught:
        run_virtual(run())
    assert caught.group_contains(KeyError)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_message_does_not_wait_for_the_acknowledgement_of_the_one_before(family: socket.AddressFamily) -> None:
    with make_socket(family) as sock:
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert not sock.getblocking()
