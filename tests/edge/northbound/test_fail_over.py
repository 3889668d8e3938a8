"""Two links to one broker behind failing proxies, real sockets: records over every switch, none lost, all in order."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from edge.config import LinkConfig, UplinkConfig
from edge.journal.writer import JournalWriter
from edge.northbound import link_watch
from edge.northbound.uplink import Uplink
from sim_devices.buses.faulty_link import FaultyLink, Mode
from tests.edge.northbound.test_uplink import _ROOT, _Acked, _batch, _Platform


async def _produce(journal: JournalWriter, enough: asyncio.Event) -> None:
    """Records without end. Nothing is under way to the disk once it returns: a cancelled append may still be kept."""
    for number in itertools.count(1):
        await journal.append(_batch(number, 1))
        if enough.is_set():
            return
        await asyncio.sleep(0.03)


async def _active(uplink: Uplink, name: str) -> None:
    """Until the data goes over the link called `name`."""
    while not (uplink.status()["active"] == name and uplink.status()["connected"]):  # noqa: ASYNC110 - asked, as users do
        await asyncio.sleep(0.02)


def _config(fibre: FaultyLink, mobile: FaultyLink) -> UplinkConfig:
    links = (LinkConfig("fibre", "127.0.0.1", fibre.port), LinkConfig("5g", "127.0.0.1", mobile.port))
    return UplinkConfig("hub", _ROOT, links, fail_back_after_s=1)


_LONG = [pytest.param(mode, marks=pytest.mark.long) for mode in (Mode.UP_HOLE, Mode.DOWN_HOLE, Mode.STALL)]


@pytest.mark.parametrize("mode", [Mode.CUT, Mode.HOLE, *_LONG])
async def test_records_go_over_the_second_link_and_back_and_none_is_lost(
    tmp_path: Path, open_broker: Any, monkeypatch: pytest.MonkeyPatch, mode: Mode
) -> None:
    monkeypatch.setattr(link_watch, "ECHO_MAX_S", 1.0)  # five seconds of waiting show no more
    journal = JournalWriter(tmp_path / "journal.db")
    runner = asyncio.create_task(journal.run())
    acked = _Acked(journal)
    async with (
        open_broker() as broker,
        FaultyLink("127.0.0.1", broker.port) as fibre,
        FaultyLink("127.0.0.1", broker.port) as mobile,
    ):
        uplink, platform, enough = Uplink(_config(fibre, mobile), journal), _Platform(broker.port), asyncio.Event()
        tasks = [asyncio.create_task(platform.run())]
        await platform.subscribed.wait()
        tasks += [asyncio.create_task(work) for work in (uplink.run(), _produce(journal, enough))]
        await platform.until(30)
        await fibre.set(mode)
        await _active(uplink, "5g")
        await platform.until(len(platform.records) + 30)
        await fibre.set(Mode.PASS, reset=True)
        await _active(uplink, "fibre")
        await platform.until(len(platform.records) + 30)
        enough.set()
        await tasks.pop()
        await acked.until(journal.last_seq)
        status = uplink.status()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    assert platform.order == list(range(1, journal.last_seq + 1))
    assert status["switches"] == 2
    assert status["links"]["fibre"]["outages"] >= 1
    assert status["links"]["5g"]["outages"] == 0
    assert await journal.close(runner)
