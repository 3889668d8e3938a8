"""One row of the fault table, run and judged: both ends are asked what they have.

Knows: how a row goes on and where each end keeps its truth. Must not know: how a fault is made.
The field's word: requests the operator had answered, events the stub numbered, counts the devices answered. The hub's
word: its ledger. The platform's: its stores and the order in which everything came.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import defaultdict
from dataclasses import asdict
from typing import Any

from hil.bench.children import BenchError
from hil.bench.fault_account import ClassAccount, ClassTruth, account
from hil.bench.fault_rig import FaultRig, Traffic, running_rig
from hil.bench.fault_rows import Row, Span
from sim_devices.devices.device_farm import EVENT
from sim_devices.devices.platform import PlatformStore

CLASSES = ("transaction", "event")
NOTICE_MAX_S = 10.0
RESUME_MAX_S = 2.0
_BEFORE_S = 3.0
_AFTER_S = 5.0


async def run_row(row: Row, traffic: Traffic, share: float = 1.0) -> dict[str, Any]:
    """Run `row` with `share` of its time; what came of it. Raises BlockedError and BenchError."""
    async with running_rig(traffic) as rig:
        await row.prepare(rig)
        await rig.start_hub()
        await rig.start_traffic()
        await asyncio.sleep(_BEFORE_S * min(1.0, 2 * share))
        watch = asyncio.create_task(_watch(rig, row))
        span = await row.deed(rig, share)
        resumed_s = await _first_arrival(rig, span)
        noticed_s = await _noticed(watch, span)
        await asyncio.sleep(_AFTER_S * min(1.0, 2 * share))
        await rig.quiet()
        status = await _drained(rig, row.drain_s)
        drained_s = time.monotonic() - span.ended_s
        await rig.stop_hub()
        accounts = await _accounts(rig, status)
        chain = await _verify(rig)
    return _judge(row, accounts, status, chain) | {
        "fault_s": round(span.ended_s - span.began_s, 1),
        "noticed_s": noticed_s,
        "resumed_s": resumed_s,
        "drained_s": round(drained_s, 1),
        "kills": rig.kills,
    }


def _judge(row: Row, accounts: dict[str, ClassAccount], status: dict[str, Any], chain: str) -> dict[str, Any]:
    problems = [f"{name}: {example}" for name, each in accounts.items() for example in each.examples]
    problems += [f"{name} is not clean" for name, each in accounts.items() if not each.is_clean and not each.examples]
    ledger = status["journal"]["ledger"]
    problems += [f"the ledger of class {name} does not balance" for name in ledger if not ledger[name]["balanced"]]
    problems += [chain] if chain else []
    return {
        "row": row.name,
        "what": row.sentence,
        "ok": not problems,
        "problems": problems,
        "classes": {
            name: {k: v for k, v in asdict(each).items() if k != "examples"} for name, each in accounts.items()
        },
    }


async def _watch(rig: FaultRig, row: Row) -> float:
    """The moment the hub first says that it knows."""
    while True:
        status = await rig.status()
        if row.is_noticed is not None and status and row.is_noticed(status):
            return time.monotonic()
        await asyncio.sleep(0.05)


async def _noticed(watch: asyncio.Task[float], span: Span) -> float | None:
    """How long after the beginning the hub said so; None when it never did."""
    if not watch.done():
        watch.cancel()
        await asyncio.wait([watch])
        return None
    return round(max(0.0, watch.result() - span.began_s), 2)


async def _first_arrival(rig: FaultRig, span: Span, limit_s: float = 30.0) -> float | None:
    """How long after the end of the fault something came to the platform."""
    ended_ns = int(span.ended_s * 1e9)
    while time.monotonic() < span.ended_s + limit_s:
        after = [at for at, *_ in rig.arrivals() if at > ended_ns]
        if after:
            return round((after[0] - ended_ns) / 1e9, 2)
        await asyncio.sleep(0.1)
    return None


async def _drained(rig: FaultRig, limit_s: float) -> dict[str, Any]:
    """Until the platform has everything and a second later still has; the hub's status then."""
    deadline_s = time.monotonic() + limit_s
    steady = 0
    while steady < 10:
        status = await rig.status()
        steady = steady + 1 if status and not backlog(status) else 0
        if time.monotonic() > deadline_s:
            raise BenchError(f"not everything was acknowledged within {limit_s:.0f} s: {backlog(status)} are left")
        await asyncio.sleep(0.1)
    return status


def backlog(status: dict[str, Any]) -> int:
    """How many records and rows the platform has not acknowledged."""
    return sum(each["stored"] + each["pending"] for each in status["journal"]["ledger"].values())


async def _accounts(rig: FaultRig, status: dict[str, Any]) -> dict[str, ClassAccount]:
    arrived: dict[str, list[int]] = defaultdict(list)
    for _, name, number in rig.arrivals():
        arrived[name].append(number)
    store = PlatformStore(rig.folder / "platform.sqlite")
    records = store.records(limit=10_000_000)
    store.close()
    ledger = status["journal"]["ledger"]
    found = {}
    for name, fact_of, happened, doubtful in (
        ("transaction", _request_of, rig.requests.answered, rig.requests.doubtful),
        ("event", _event_of, await _events(rig), []),
    ):
        last = ledger[name]["produced"]  # what the hub writes while it stops is not part of the account
        mine = [record for record in records if record["class"] == name and record["class_seq"] <= last]
        source = "operator" if name == "transaction" else "barrier"
        found[name] = account(
            ClassTruth(
                produced=last,
                arrived={name: [number for number in arrived[name] if number <= last]},
                facts={record["class_seq"]: _fact(source, fact_of(record)) for record in mine},
                happened=[(source, number) for number in happened],
                doubtful=[(source, number) for number in doubtful],
            )
        )
    return found


def _fact(source: str, number: int | None) -> tuple[str, int] | None:
    return None if number is None else (source, number)


def _request_of(record: dict[str, Any]) -> int | None:
    word, _, number = str(record["data"].get("reason", "")).partition(" ")
    return int(number) if record["kind"] == "override" and word == "bench" else None


def _event_of(record: dict[str, Any]) -> int | None:
    return int(record["data"]["argument"]) if record["kind"] == "device_event" else None


async def _events(rig: FaultRig) -> list[int]:
    return [value for kind, _, _, value, _ in await rig.farm.truth() if kind == EVENT]


async def _verify(rig: FaultRig) -> str:
    """What `gate journal verify` has to say against the journal; "" for nothing."""
    command = [sys.executable, "-m", "hil.cli", "journal", "verify", str(rig.folder / "site.toml")]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    return said.decode().strip() if process.returncode else ""
