"""What one report of 125 values costs from the report to the packet: encoded, on disk, published, acknowledged.

Beside it, in the same run, the least that anybody must do for it with the usual libraries: encode it with the protobuf
library and commit one row. Prints one JSON line; `ratio` is our time over that, so it means the same on any machine.
CPU time, the medium's own time is not in it: rows are durable against a killed process at once, and on the medium with
the next checkpoint, which runs in a thread.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pysparkplug._protobuf import Payload

from edge.config import UplinkConfig
from edge.model import ClockQuality, Quality, Report
from edge.northbound.mqtt_packets import encode_publish
from edge.northbound.pacer import Pacer
from edge.northbound.telemetry import Telemetry
from protocols.registers.tag import Tag

COUNT = 125
DEVICES = 50
REPORTS = 3000
ACKNOWLEDGED_AT_ONCE = 25
TIME_MS = 1_796_039_649_078
VALUES = [[(at * 251 + turn * 7919) % 65536 for at in range(COUNT)] for turn in range(97)]


class Wire:
    """A connection that takes everything as bytes, as the real one does before it writes."""

    def publish_nowait(self, topic: str, payload: bytes) -> None:
        encode_publish(topic, payload)

    def publish_acked(self, topic: str, payload: bytes) -> asyncio.Future[None]:
        encode_publish(topic, payload, packet_id=1)
        return asyncio.get_running_loop().create_future()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        ours_us = asyncio.run(our_us(Path(folder)))
        theirs_us = their_us(Path(folder))
    figures = {
        "bench": "telemetry_path",
        "unit": "us of CPU per report of 125 values",
        "ours": round(ours_us, 1),
        "protobuf_and_a_commit": round(theirs_us, 1),
        "ratio": round(ours_us / theirs_us, 2),
    }
    print(json.dumps(figures))


async def our_us(folder: Path) -> float:
    pacer = Pacer()
    tags = [Tag(f"r{at}", "input_register", at, "uint16", 1) for at in range(COUNT)]
    devices = {f"device-{number}": tags for number in range(DEVICES)}
    telemetry = Telemetry(UplinkConfig("gate", "gate/bench", ()), folder, devices, post=list, pacer=pacer)
    await telemetry.will()
    serving = asyncio.create_task(telemetry.serve(Wire()))
    await asyncio.sleep(0)
    for turn in range(2 * DEVICES):  # births and tables are made once
        await report(telemetry, pacer, turn)
    started = time.process_time()
    for turn in range(REPORTS):
        await report(telemetry, pacer, turn)
    spent_s = time.process_time() - started
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    telemetry.close()
    if telemetry.ledger()["acknowledged"] < REPORTS or telemetry.status()["sent_history"]:
        raise SystemExit("telemetry_path: not every report was sent live and acknowledged; nothing was measured")
    return spent_s / REPORTS * 1e6


async def report(telemetry: Telemetry, pacer: Pacer, turn: int) -> None:
    values, device = VALUES[turn % len(VALUES)], f"device-{turn % DEVICES}"
    telemetry.report(Report(device, range(COUNT), values, Quality.GOOD, "", TIME_MS + turn, ClockQuality.SYNCHRONISED))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    pacer.acked(pacer.under_way)
    if turn % ACKNOWLEDGED_AT_ONCE == 0:
        last = telemetry.ledger()["produced"]
        first = max(1, last - 2 * ACKNOWLEDGED_AT_ONCE)
        telemetry.on_ack(json.dumps({"telemetry": [[first, last]]}).encode())


def their_us(folder: Path) -> float:
    db = sqlite3.connect(folder / "other.sqlite", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    db.execute("CREATE TABLE rows (number INTEGER PRIMARY KEY, metrics BLOB)")
    started = time.process_time()
    for turn in range(REPORTS):
        payload = Payload()
        for at, value in enumerate(VALUES[turn % len(VALUES)]):
            metric = payload.metrics.add()
            metric.alias, metric.timestamp, metric.int_value = 128 + at, TIME_MS + turn, value
        db.execute("INSERT INTO rows VALUES (?, ?)", (turn, payload.SerializeToString()))
    spent_s = time.process_time() - started
    db.close()
    return spent_s / REPORTS * 1e6


if __name__ == "__main__":
    main()
