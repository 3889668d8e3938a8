"""Telemetry over a real broker, heard by a client that is not ours and read by a decoder that is not ours."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from tests.edge.northbound.sparkplug.wired_gate import GROUP, NODE, Gate
from tests.edge.northbound.sparkplug_host import Host
from tests.interop.brokers import KINDS


class _Listener:
    """A host application's client: hears everything below the group."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.host = Host()
        self._changed = asyncio.Condition()
        self.subscribed = asyncio.Event()

    async def run(self) -> None:
        async with aiomqtt.Client("127.0.0.1", self._port, identifier="host") as client:
            await client.subscribe(f"spBv1.0/{GROUP}/#", qos=1)
            self.subscribed.set()
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                self.host.take(str(message.topic), message.payload)
                async with self._changed:
                    self._changed.notify_all()

    async def until(self, *kinds: str) -> None:
        """Until a message of each of these kinds has come."""
        async with self._changed:
            await self._changed.wait_for(lambda: set(kinds) <= {seen.kind for seen in self.host.seen})

    async def until_rows(self, count: int) -> None:
        """Until so many different rows have come."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(set(self.host.rows())) >= count)


async def _listen(port: int) -> tuple[_Listener, "asyncio.Task[None]"]:
    listener = _Listener(port)
    task = asyncio.create_task(listener.run())
    await listener.subscribed.wait()
    return listener, task


@pytest.mark.parametrize("broker_kind", KINDS)
async def test_births_and_data_arrive_as_they_were_sent(tmp_path: Path, open_broker: Any) -> None:
    async with open_broker() as broker:
        listener, task = await _listen(broker.port)
        gate = Gate(tmp_path, broker.port)
        gate.telemetry.device_online("scale")
        async with gate.running():
            await listener.until("NBIRTH", "DBIRTH")
            gate.report(7)
            await listener.until("DDATA")
        await listener.until("NDEATH")
        task.cancel()
        await asyncio.wait([task])
    assert listener.host.kinds() == ["NBIRTH", "DBIRTH scale", "DDATA scale", "NDEATH"]
    assert listener.host.seen[2].values()["speed"] == 7


@pytest.mark.parametrize("broker_kind", KINDS)
async def test_a_gate_that_vanishes_is_told_dead_by_the_broker(tmp_path: Path, open_broker: Any) -> None:
    async with open_broker() as broker:
        listener, task = await _listen(broker.port)
        gate = Gate(tmp_path, broker.port)
        async with gate.running():
            await listener.until("NBIRTH")
            session = gate.uplink._links.session
            assert session is not None
            session.abort("the cable is cut")
            await listener.until("NDEATH")
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    birth, death = listener.host.seen[0], listener.host.seen[1]
    assert death.topic == f"spBv1.0/{GROUP}/NDEATH/{NODE}"
    assert death.values() == {"bdSeq": birth.values()["bdSeq"]}


@pytest.mark.parametrize("broker_kind", KINDS)
async def test_what_a_dead_broker_missed_comes_as_history_of_the_next_start(tmp_path: Path, open_broker: Any) -> None:
    async with open_broker() as broker:
        listener, task = await _listen(broker.port)
        gate = Gate(tmp_path, broker.port)
        gate.telemetry.device_online("scale")
        async with gate.running():
            await listener.until("NBIRTH")
            broker.kill()
            with pytest.raises(aiomqtt.MqttError):
                await task
            for speed in range(20):
                gate.report(speed)
        await broker.start()
        listener, task = await _listen(broker.port)  # a host that hears QoS 0 must be there before it is sent
        again = Gate(tmp_path, broker.port)
        again.telemetry.device_online("scale")
        async with again.running():
            again.report(20)
            await listener.until_rows(21)
        task.cancel()
        await asyncio.wait([task])
    history = [number for number, is_historical in listener.host.rows() if is_historical]
    assert history[:20] == list(range(1, 21))
    assert {number for number, _ in listener.host.rows()} == set(range(1, 22))


async def test_a_broker_s_acknowledgement_covers_what_was_sent_before_it(tmp_path: Path, open_broker: Any) -> None:
    async with open_broker() as broker:
        listener, task = await _listen(broker.port)
        gate = Gate(tmp_path, broker.port, telemetry_ack="broker")
        gate.telemetry.device_online("scale")
        async with gate.running():
            await listener.until("NBIRTH")
            for speed in range(3):
                gate.report(speed)
            async with asyncio.timeout(10):
                while gate.telemetry.ledger()["acknowledged"] < 3:  # noqa: ASYNC110 - nothing tells of it, so it is asked
                    await asyncio.sleep(0.01)
                await listener.until_rows(3)
        task.cancel()
        await asyncio.wait([task])
    assert gate.telemetry.ledger()["stored"] == 0
