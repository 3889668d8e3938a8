"""What one publication costs in CPU, the hub's MQTT client against aiomqtt, towards one broker on this machine.

Both publish the same QoS 0 messages, one at a time with a pause between, as a hub does; the pause's own cost is
measured and taken off. Prints one JSON line; `ratio` is our time over the library's, in the same run.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import aiomqtt

from edge.northbound.link_watch import LinkRecord
from edge.northbound.mqtt_client import MqttSession
from edge.northbound.pacer import Pacer, TrafficClass
from tests.interop.brokers import running

COUNT = 4000
PAUSE_S = 0.0005
PAYLOAD = bytes(700)
TOPIC = "spBv1.0/gate/DDATA/north/device-17"


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with running("nats-server", Path(folder)) as broker:
            ours_us = await ours(broker.port)
            their_us = await theirs(broker.port)
    figures = {"ours": round(ours_us, 1), "aiomqtt": round(their_us, 1), "ratio": round(ours_us / their_us, 2)}
    print(json.dumps({"bench": "mqtt_publish", "unit": "us of CPU per message of 700 bytes"} | figures))


async def ours(port: int) -> float:
    loop, pacer = asyncio.get_running_loop(), Pacer()
    session = MqttSession(LinkRecord(loop.time()), pacer)
    await loop.create_connection(lambda: session, "127.0.0.1", port)
    await session.open("ours", None)

    async def publish() -> None:
        await pacer.wait_room(TrafficClass.LIVE)
        session.publish_nowait(TOPIC, PAYLOAD)
        pacer.sent(TrafficClass.LIVE, len(PAYLOAD))

    cost_us = await cpu_us(publish)
    await session.close()
    return cost_us


async def theirs(port: int) -> float:
    async with aiomqtt.Client("127.0.0.1", port, identifier="theirs") as client:
        return await cpu_us(lambda: client.publish(TOPIC, PAYLOAD, qos=0))


async def cpu_us(publish: Callable[[], Awaitable[None]]) -> float:
    """CPU time of this process per call, without the pause after it."""
    since_s = time.process_time()
    for _ in range(COUNT):
        await publish()
        await asyncio.sleep(PAUSE_S)
    middle_s = time.process_time()
    for _ in range(COUNT):
        await asyncio.sleep(PAUSE_S)
    return (2 * middle_s - since_s - time.process_time()) / COUNT * 1e6


if __name__ == "__main__":
    asyncio.run(main())
