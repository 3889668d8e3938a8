"""The uplink against a real broker, with an independent client as the platform."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from edge.cancellation import cancel_count, raise_if_cancelled
from edge.config import LinkConfig, UplinkConfig
from edge.journal.writer import JournalWriter
from edge.model import Record
from edge.northbound.uplink import Uplink
from tests.interop.brokers import KINDS

_ROOT = "gate/test"


class _Platform:
    """Stores records by number, acknowledges the contiguous run, and comes back after a broken connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.records: dict[int, dict[str, Any]] = {}
        self.order: list[int] = []
        self.subscribed = asyncio.Event()
        self._changed = asyncio.Condition()

    async def run(self) -> None:
        """The library may lose a cancellation that comes with the answer to a publication."""
        since = cancel_count()
        while True:
            raise_if_cancelled(since)
            try:
                async with aiomqtt.Client(
                    "127.0.0.1", self._port, identifier="platform", clean_session=False, keepalive=5
                ) as client:
                    await client.subscribe(f"{_ROOT}/records", qos=1)
                    self.subscribed.set()
                    async for message in client.messages:
                        await self._take(client, message)
                        raise_if_cancelled(since)
            except aiomqtt.MqttError:
                await asyncio.sleep(0.05)

    async def _take(self, client: aiomqtt.Client, message: aiomqtt.Message) -> None:
        assert isinstance(message.payload, bytes)
        content = json.loads(message.payload)
        if content["seq"] not in self.records:
            self.order.append(content["seq"])
        self.records[content["seq"]] = content
        contiguous = 0
        while contiguous + 1 in self.records:
            contiguous += 1
        await client.publish(f"{_ROOT}/acks", json.dumps({"class": "transaction", "seq": contiguous}), qos=1)
        async with self._changed:
            self._changed.notify_all()

    async def until(self, count: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.records) >= count)


class _Acked:
    """Waits for the journal's cursor, looked at after every commit."""

    def __init__(self, journal: JournalWriter) -> None:
        self._journal = journal
        self._committed = asyncio.Event()
        journal.listeners.append(self._committed.set)

    async def until(self, seq: int) -> None:
        while self._journal.acked_count < seq:
            await self._committed.wait()
            self._committed.clear()


def _config(port: int) -> UplinkConfig:
    return UplinkConfig("hub", _ROOT, (LinkConfig("broker", "127.0.0.1", port),))


def _batch(first: int, count: int) -> list[Record]:
    return [Record("passed", "lane-1", "", {"n": number}, number) for number in range(first, first + count)]


@pytest.mark.parametrize("broker_kind", KINDS)
async def test_every_record_arrives_in_order_though_the_broker_is_killed(tmp_path: Path, open_broker: Any) -> None:
    journal = JournalWriter(tmp_path / "journal.db")
    runner = asyncio.create_task(journal.run())
    acked = _Acked(journal)
    async with open_broker() as broker:
        uplink = Uplink(_config(broker.port), journal)
        platform = _Platform(broker.port)
        tasks = [asyncio.create_task(platform.run())]
        await platform.subscribed.wait()
        tasks.append(asyncio.create_task(uplink.run()))
        await journal.append(_batch(1, 150))
        await platform.until(100)
        broker.kill()
        await journal.append(_batch(151, 100))
        assert journal.last_seq == 250
        await broker.start()
        await acked.until(250)
        journal.post(_batch(251, 1))
        await uplink.drain()
        assert journal.acked_count == 251
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    assert platform.order == list(range(1, 252))
    assert uplink.status()["connects"] >= 2
    assert await journal.close(runner)


async def test_a_missing_broker_is_a_reason_and_stops_nothing(tmp_path: Path) -> None:
    journal = JournalWriter(tmp_path / "journal.db")
    runner = asyncio.create_task(journal.run())
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    uplink = Uplink(_config(port), journal)
    task = asyncio.create_task(uplink.run())
    await journal.append(_batch(1, 10))
    while uplink.status()["reason"] == "not connected yet":  # noqa: ASYNC110 - nothing tells of it, so it is asked
        await asyncio.sleep(0.01)
    assert uplink.status()["state"].startswith("offline (")
    assert uplink.status()["backlog"] == 10
    await uplink.drain()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await journal.close(runner)
