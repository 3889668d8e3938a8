"""The platform's stand-in on MQTT: records in, acknowledgements out, for as long as it is let run.

    python -m sim_devices.devices.platform_mqtt --host 127.0.0.1 --port 1883 --root gate/site --db run/platform.sqlite

Knows: aiomqtt, the topics `<root>/records` and `<root>/acks`, the Sparkplug topics of the gate's node. Must not know:
what is in a record or in a metric. Both are acknowledged after they are on disk, never before; a broker that is missing
or goes away is waited for with backoff.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sqlite3
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiomqtt

from sim_devices.devices.platform import PlatformStore
from sim_devices.devices.platform_telemetry import TelemetryStore

BATCH_COUNT_MAX = 200  # records stored under one flush to disk
_QUEUE_COUNT_MAX = 10_000
_BACKOFF_FIRST_S = 0.2
_BACKOFF_LAST_S = 1.0
_OPERATION_S = 1.0  # a broker that has just started may leave a first connection unanswered
_ASK_AGAIN_S = 2.0  # a birth that was asked for has this long to come
# One metric, "Node Control/Rebirth" (field 1), datatype Boolean (field 4), true (field 14).
REBIRTH = b"\x12\x1a\x0a\x14Node Control/Rebirth\x20\x0b\x70\x01"


@dataclass(frozen=True, slots=True)
class PlatformAddress:
    """Where the broker is and under which topic the gate speaks."""

    host: str
    port: int
    root: str
    node: str = ""  # group/node of the gate's telemetry; "" takes none

    @property
    def topics(self) -> list[str]:
        """What the platform listens to."""
        group, _, node = self.node.partition("/")
        data = [f"spBv1.0/{group}/{kind}/{node}/+" for kind in ("DBIRTH", "DDATA")]
        return [f"{self.root}/records", *(data if self.node else [])]

    @property
    def rebirth_topic(self) -> str:
        """Where the gate's node is asked to be born again."""
        group, _, node = self.node.partition("/")
        return f"spBv1.0/{group}/NCMD/{node}"

    @property
    def client_id(self) -> str:
        return "platform-" + self.root.replace("/", "-")


class Platform:
    """Both stores behind one address."""

    def __init__(self, address: PlatformAddress, records: PlatformStore, telemetry: TelemetryStore) -> None:
        self._address = address
        self._records = records
        self._telemetry = telemetry
        self._may_ask_s = 0.0

    async def serve(self) -> None:
        """Take what comes until cancelled, over as many connections as it needs."""
        address, backoff_s = self._address, _BACKOFF_FIRST_S
        while True:
            before = self._received()
            try:
                await self._serve_once()
            except (aiomqtt.MqttError, OSError) as error:
                print(f"platform: no broker at {address.host}:{address.port} ({error}); trying again", file=sys.stderr)
            backoff_s = _BACKOFF_FIRST_S if self._received() > before else min(backoff_s * 2.0, _BACKOFF_LAST_S)
            await asyncio.sleep(backoff_s)

    async def _serve_once(self) -> None:
        address = self._address
        client = aiomqtt.Client(
            address.host,
            address.port,
            identifier=address.client_id,
            clean_session=False,  # the broker keeps what comes while the platform is away
            timeout=_OPERATION_S,
            max_queued_incoming_messages=_QUEUE_COUNT_MAX,
        )
        async with client:
            for topic in address.topics:
                await client.subscribe(topic, qos=1)
            await self._acknowledge(client, self._records.acknowledged)  # the gate may have missed the last ones
            async for message in client.messages:
                batch = [message]
                while len(client.messages) and len(batch) < BATCH_COUNT_MAX:
                    batch.append(await anext(client.messages))
                await self._take(client, batch)

    async def _take(self, client: aiomqtt.Client, batch: Sequence[aiomqtt.Message]) -> None:
        """Store a batch, then say so."""
        records = [_payload(message) for message in batch if message.topic.value == self._address.topics[0]]
        if records:
            await self._acknowledge(client, self._records.accept(records))
        data = [(message.topic.value, _payload(message)) for message in batch if message.topic.value.startswith("spB")]
        if not data:
            return
        accepted = self._telemetry.accept(data)
        if accepted.ranges:
            await client.publish(f"{self._address.root}/acks", json.dumps({"telemetry": accepted.ranges}), qos=1)
        if accepted.is_birth_missing and time.monotonic() >= self._may_ask_s:
            self._may_ask_s = time.monotonic() + _ASK_AGAIN_S
            await client.publish(self._address.rebirth_topic, REBIRTH, qos=0)

    async def _acknowledge(self, client: aiomqtt.Client, stored: dict[str, int]) -> None:
        for name, seq in stored.items():
            ack = {"class": name, "seq": seq, "hash": self._records.hash_of(name, seq)}
            await client.publish(f"{self._address.root}/acks", json.dumps(ack), qos=1)

    def _received(self) -> int:
        return self._records.counters.received + self._telemetry.counters.received


def _payload(message: aiomqtt.Message) -> bytes:
    return bytes(message.payload) if isinstance(message.payload, bytes | bytearray) else b""


async def _serve_until_told(platform: Platform) -> None:
    task = asyncio.ensure_future(platform.serve())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


class ArrivalLog:
    """One line per record and row that comes: monotonic ns, class, number. For benches; "" keeps none."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "a", buffering=1, encoding="ascii") if path else None  # noqa: SIM115 - for life

    def note(self, record_class: str, number: int) -> None:
        """Something came just now."""
        if self._file is not None:
            self._file.write(f"{time.monotonic_ns()} {record_class} {number}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the platform; 0 when told to end, 2 when a database cannot be opened."""
    options = _parse(argv)
    arrivals = ArrivalLog(options.arrivals)
    telemetry_path = options.db.with_name(f"telemetry-{options.db.name}")
    try:
        records = PlatformStore(options.db, arrivals.note)
        telemetry = TelemetryStore(telemetry_path, arrivals.note)
    except sqlite3.Error as error:
        print(f"platform: {options.db} is no usable SQLite file ({error}); name another with --db", file=sys.stderr)
        return 2
    address = PlatformAddress(options.host, options.port, options.root, options.node)
    asyncio.run(_serve_until_told(Platform(address, records, telemetry)))
    records.close()
    telemetry.close()
    return 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="platform", description="stand-in of the digital border gate platform")
    parser.add_argument("--host", default="127.0.0.1", help="MQTT broker")
    parser.add_argument("--port", type=int, required=True, help="MQTT port of the broker")
    parser.add_argument("--root", required=True, help="topic root of the gate, as in the site file")
    parser.add_argument("--node", default="", help="Sparkplug group/node of the gate; telemetry is taken when given")
    parser.add_argument("--db", type=Path, required=True, help="SQLite file of the platform; telemetry goes beside it")
    parser.add_argument("--arrivals", default="", help="file to note what came when")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
