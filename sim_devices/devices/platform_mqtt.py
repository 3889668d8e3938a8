"""The platform's stand-in on MQTT: records in, acknowledgements out, for as long as it is let run.

    python -m sim_devices.devices.platform_mqtt --host 127.0.0.1 --port 1883 --root gate/site --db run/platform.sqlite

Knows: aiomqtt, the topics `<root>/records` and `<root>/acks`. Must not know: what is in a record. A record is
acknowledged after it is on disk, never before; a broker that is missing or goes away is waited for with backoff.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiomqtt

from sim_devices.devices.platform import PlatformStore

BATCH_COUNT_MAX = 200  # records stored under one flush to disk
_QUEUE_COUNT_MAX = 10_000
_BACKOFF_FIRST_S = 0.2
_BACKOFF_LAST_S = 5.0


@dataclass(frozen=True, slots=True)
class PlatformAddress:
    """Where the broker is and under which topic the gate speaks."""

    host: str
    port: int
    root: str

    @property
    def client_id(self) -> str:
        return "platform-" + self.root.replace("/", "-")


async def serve(address: PlatformAddress, store: PlatformStore) -> None:
    """Take records until cancelled, over as many connections as it needs."""
    backoff_s = _BACKOFF_FIRST_S
    while True:
        before = store.counters.received
        try:
            await _serve_once(address, store)
        except (aiomqtt.MqttError, OSError) as error:
            print(f"platform: no broker at {address.host}:{address.port} ({error}); trying again", file=sys.stderr)
        worked = store.counters.received > before
        backoff_s = _BACKOFF_FIRST_S if worked else min(backoff_s * 2.0, _BACKOFF_LAST_S)
        await asyncio.sleep(backoff_s)


async def _serve_once(address: PlatformAddress, store: PlatformStore) -> None:
    client = aiomqtt.Client(
        address.host,
        address.port,
        identifier=address.client_id,
        clean_session=False,  # the broker keeps what comes while the platform is away
        max_queued_incoming_messages=_QUEUE_COUNT_MAX,
    )
    async with client:
        await client.subscribe(f"{address.root}/records", qos=1)
        await _acknowledge(client, address, store.acknowledged)  # the gate may have missed the last ones
        async for message in client.messages:
            batch = [_payload(message)]
            while len(client.messages) and len(batch) < BATCH_COUNT_MAX:
                batch.append(_payload(await anext(client.messages)))
            await _acknowledge(client, address, store.accept(batch))


async def _acknowledge(client: aiomqtt.Client, address: PlatformAddress, stored: dict[str, int]) -> None:
    for name, seq in stored.items():
        await client.publish(f"{address.root}/acks", json.dumps({"class": name, "seq": seq}), qos=1)


def _payload(message: aiomqtt.Message) -> bytes:
    return bytes(message.payload) if isinstance(message.payload, bytes | bytearray) else b""


async def _serve_until_told(address: PlatformAddress, store: PlatformStore) -> None:
    task = asyncio.ensure_future(serve(address, store))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the platform; 0 when told to end, 2 when the database cannot be opened."""
    parser = argparse.ArgumentParser(prog="platform", description="stand-in of the digital border gate platform")
    parser.add_argument("--host", default="127.0.0.1", help="MQTT broker")
    parser.add_argument("--port", type=int, required=True, help="MQTT port of the broker")
    parser.add_argument("--root", required=True, help="topic root of the gate, as in the site file")
    parser.add_argument("--db", type=Path, required=True, help="SQLite file of the platform")
    options = parser.parse_args(argv)
    try:
        store = PlatformStore(options.db)
    except sqlite3.Error as error:
        print(f"platform: {options.db} is no usable SQLite file ({error}); name another with --db", file=sys.stderr)
        return 2
    asyncio.run(_serve_until_told(PlatformAddress(options.host, options.port, options.root), store))
    store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
