"""How fast records become durable, and what a backlog of a million costs, on this machine's disk.

    python bench/journal.py [--seconds 20] [--backlog 1000000] [--dir DIRECTORY]

`offered`: records come at a fixed rate, each awaited by itself; how long until it was durable. `flat_out`: as many as
64 callers get through. `bound`: in the same run and directory the same bytes as bare appends with a flush each, and as
rows of a bare SQLite table in transactions of the same size; `ratio_to_sqlite` is ours over that. `drain`: a backlog
(nine device events to one transaction) goes through the uplink's windows to broker and platform in this process, which
acknowledge after 5 ms, while new transactions come at 20 a second: memory, rate, how long until the new ones were
durable, and how long until they were sent once the transactions before them were through. `broker`: a smaller backlog
over the hub's own connection to a real nats-server and the platform's stand-in, processes of their own on the same
machine. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from edge.config import LinkConfig, UplinkConfig
from edge.journal.store import JournalStore
from edge.journal.writer import JournalWriter
from edge.model import Record
from edge.northbound.pacer import Pacer
from edge.northbound.records import WINDOW, RecordUplink
from edge.northbound.uplink import Uplink
from hil.bench.children import free_ports
from hil.run.broker import broker_command, write_config

RATE = 2000  # records a second offered
CALLERS = 64
ACK_AFTER_S = 0.005
NEW_EVERY_S = 0.05
BATCH = 5000
PLAIN_COUNT = 200  # flushes and commits measured for the bound


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--backlog", type=int, default=1_000_000)
    parser.add_argument("--broker", type=int, default=50_000, help="records of the backlog over a real broker")
    parser.add_argument("--dir", type=Path, default=None)
    parser.add_argument("--fill", type=Path, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill:
        fill(options.fill, options.backlog)
        return
    with tempfile.TemporaryDirectory(dir=options.dir) as name:
        folder = Path(name)
        offered = asyncio.run(measure_offered(folder / "offered.sqlite", options.seconds))
        flat_out = asyncio.run(measure_flat_out(folder / "flat.sqlite", options.seconds / 2))
        bound = measure_bound(folder, max(1, round(flat_out["records_per_commit"])))
        per_s = flat_out["records_per_s"]
        result = {"bench": "journal", "offered": offered, "flat_out": flat_out, "bound": bound}
        result["ratio_to_sqlite"] = round(per_s / bound["sqlite_records_per_s"], 2)
        result["broker"] = drain_over_broker(folder, options.broker) if options.broker else None
        result["drain"] = drain(folder / "drain.sqlite", options.backlog) if options.backlog else None
    print(json.dumps(result))


def record(number: int) -> Record:
    """About the size of a lane's records; every tenth is a transaction, the others are device events."""
    data = {"boot_count": 7, "sequence": number, "code": 21, "argument": number % 1000, "name": "WEIGHT_REGISTERED"}
    kind = "device_event" if number % 10 else "passed"
    return Record(kind, "lane-1", "barrier-1", data, time.time_ns() // 1_000_000)


async def measure_offered(path: Path, seconds: float) -> dict[str, float]:
    journal = JournalWriter(path)
    runner = asyncio.create_task(journal.run())
    latencies: list[float] = []
    pending: set[asyncio.Task[None]] = set()

    async def append(number: int) -> None:
        started = time.perf_counter()
        await journal.append([record(number)])
        latencies.append(time.perf_counter() - started)

    cpu, started = time.process_time(), time.perf_counter()
    number = 0
    while (now := time.perf_counter() - started) < seconds:
        for number in range(number, int(now * RATE)):  # noqa: B020 - goes on where the last turn ended
            task = asyncio.create_task(append(number))
            pending.add(task)
            task.add_done_callback(pending.discard)
        number = int(now * RATE)
        await asyncio.sleep(0.002)
    await asyncio.gather(*pending)
    took, cpu = time.perf_counter() - started, time.process_time() - cpu
    await journal.close(runner)
    return {
        "records_per_s": round(len(latencies) / took),
        "durable_ms": quantiles(latencies),
        "cpu_percent_of_core": round(100 * cpu / took, 1),
    }


async def measure_flat_out(path: Path, seconds: float) -> dict[str, float]:
    journal = JournalWriter(path)
    runner = asyncio.create_task(journal.run())
    commits, latencies = [0], list[float]()
    journal.listeners.append(lambda: commits.__setitem__(0, commits[0] + 1))
    end = time.perf_counter() + seconds

    async def caller(first: int) -> None:
        number = first
        while (started := time.perf_counter()) < end:
            await journal.append([record(number)])
            latencies.append(time.perf_counter() - started)
            number += CALLERS

    started = time.perf_counter()
    await asyncio.gather(*(caller(first) for first in range(CALLERS)))
    took = time.perf_counter() - started
    await journal.close(runner)
    return {
        "records_per_s": round(len(latencies) / took),
        "records_per_commit": round(len(latencies) / commits[0], 1),
        "durable_ms": quantiles(latencies),
    }


def measure_bound(folder: Path, batch: int) -> dict[str, float]:
    """What the disk and the database give when nobody hashes, numbers or waits: the same bytes, the same batches."""
    store = JournalStore(folder / "sample.sqlite")
    store.append([record(number) for number in range(batch)])
    rows = store.tail(batch)
    store.close()
    text = "\n".join(row.payload() for row in rows).encode()
    with (folder / "flush.bin").open("wb", buffering=0) as file:

        def flush() -> None:
            file.write(text)
            os.fdatasync(file.fileno())

        flush_s = best_mean(flush)
    db = sqlite3.connect(folder / "plain.sqlite", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE t (seq INTEGER PRIMARY KEY, a, b, c, d, e, f, g, h, i, j)")

    def commit() -> None:
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO t VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [tuple(row)[1:] for row in rows])
        db.execute("COMMIT")

    commit_s = best_mean(commit)
    db.close()
    return {
        "batch": batch,
        "flush_ms": round(1000 * flush_s, 2),
        "flush_records_per_s": round(batch / flush_s),
        "sqlite_commit_ms": round(1000 * commit_s, 2),
        "sqlite_records_per_s": round(batch / commit_s),
    }


def drain(path: Path, count: int) -> dict[str, object]:
    subprocess.run([sys.executable, __file__, "--fill", str(path), "--backlog", str(count)], check=True)
    return asyncio.run(measure_drain(path, count))


def fill(path: Path, count: int) -> None:
    """In a process of its own, so that its memory is not taken for the drain's."""
    store = JournalStore(path)
    for first in range(0, count, BATCH):
        store.append([record(number) for number in range(first, min(first + BATCH, count))])
    store.close()


class Platform:
    """Broker and platform in one: what is published is acknowledged up to there, a little later."""

    def __init__(self) -> None:
        self.uplink: RecordUplink | None = None
        self.newest: dict[str, int] = {}
        self.arrived: dict[int, float] = {}
        self.watched_from = sys.maxsize
        self._is_due = False

    def publish_acked(self, topic: str, payload: bytes) -> asyncio.Future[None]:
        message = json.loads(payload)
        self.newest[message["class"]] = message["class_seq"]
        if message["seq"] >= self.watched_from:
            self.arrived[message["seq"]] = time.perf_counter()
        loop = asyncio.get_running_loop()
        if not self._is_due:
            self._is_due = True
            loop.call_later(ACK_AFTER_S, self._acknowledge)
        done: asyncio.Future[None] = loop.create_future()
        done.set_result(None)
        return done

    def _acknowledge(self) -> None:
        self._is_due = False
        assert self.uplink is not None
        for name, seq in self.newest.items():
            self.uplink.on_ack(json.dumps({"class": name, "seq": seq}).encode())


async def measure_drain(path: Path, count: int) -> dict[str, object]:
    journal = JournalWriter(path)
    runner = asyncio.create_task(journal.run())
    pacer = Pacer()
    pacer.window = 1e12  # no thin link here
    platform = Platform()
    uplink = platform.uplink = RecordUplink(journal, "gate/bench", pacer)
    platform.watched_from = journal.last_seq + 1
    durable, appended, rss = list[float](), dict[int, float](), [rss_mb()]
    caught_up_s = 0.0
    started, sending = time.perf_counter(), asyncio.create_task(uplink.send(platform))
    while journal.acked_count < count:
        before = time.perf_counter()
        seq = await journal.append([record(0)])  # a transaction
        durable.append(time.perf_counter() - before)
        backlog = journal.heads["transaction"] - journal.acked["transaction"]
        caught_up_s = caught_up_s or (time.perf_counter() - started if backlog <= WINDOW else 0.0)
        if caught_up_s:
            appended[seq] = before
        rss.append(rss_mb())
        await asyncio.sleep(NEW_EVERY_S)
    took = time.perf_counter() - started
    await uplink.drained()
    sending.cancel()
    await asyncio.wait([sending])
    balanced = all(ledger.difference == 0 for ledger in journal.ledger().values())
    await journal.close(runner)
    sent = [platform.arrived[seq] - at for seq, at in appended.items()]
    return {
        "records": count,
        "records_per_s": round(count / took),
        "rss_mb": {"first": rss[0], "middle": rss[len(rss) // 2], "last": rss[-1], "max": max(rss)},
        "new_records": len(durable),
        "new_durable_ms": quantiles(durable),
        "transactions_through_s": round(caught_up_s, 2),
        "new_sent_ms": quantiles(sent),
        "balanced": balanced,
    }


def drain_over_broker(folder: Path, count: int) -> dict[str, object]:
    """The whole way: journal, uplink, nats-server, platform, its acknowledgement."""
    path, root, (port,) = folder / "broker.sqlite", "gate/bench", free_ports(1)
    subprocess.run([sys.executable, __file__, "--fill", str(path), "--backlog", str(count)], check=True)
    quiet = subprocess.DEVNULL
    broker = subprocess.Popen(broker_command(write_config(folder / "nats", "bench", port)), stdout=quiet, stderr=quiet)
    module = [sys.executable, "-m", "sim_devices.devices.platform_mqtt", "--port", str(port), "--root", root]
    platform = subprocess.Popen([*module, "--db", str(folder / "platform.sqlite")], stderr=quiet)
    try:
        config = UplinkConfig("bench", root, (LinkConfig("broker", "127.0.0.1", port),))
        return asyncio.run(watch_drain(path, config, count))
    finally:
        for process in (platform, broker):
            process.terminate()
            process.wait()


async def watch_drain(path: Path, config: UplinkConfig, count: int) -> dict[str, object]:
    journal = JournalWriter(path)
    runner = asyncio.create_task(journal.run())
    uplink = Uplink(config, journal)
    sending = asyncio.create_task(uplink.run())
    await acked(journal, WINDOW)
    cpu, started, first = time.process_time(), time.perf_counter(), journal.acked_count
    await acked(journal, count)
    took, cpu = time.perf_counter() - started, time.process_time() - cpu
    status = uplink.status()
    sending.cancel()
    await asyncio.wait([sending])
    await journal.close(runner)
    return {
        "records": count,
        "records_per_s": round((count - first) / took),
        "cpu_us_per_record": round(1e6 * cpu / (count - first)),
        "republished": status["republished"],
    }


async def acked(journal: JournalWriter, count: int) -> None:
    """Until the platform has `count` records, looked at after every commit of the cursors."""
    committed = asyncio.Event()
    journal.listeners.append(committed.set)
    while journal.acked_count < count:
        await committed.wait()
        committed.clear()


def best_mean(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    for _ in range(PLAIN_COUNT):
        work()
    return (time.perf_counter() - started) / PLAIN_COUNT


def quantiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    at = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {name: round(1000 * ordered[min(len(ordered) - 1, int(q * len(ordered)))], 1) for name, q in at.items()}


def rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGESIZE") / 1e6, 1)


if __name__ == "__main__":
    main()
