"""One row of the fault table, run and judged: both ends are asked what they have.

Knows: how a row goes on and where each end keeps its truth. Must not know: how a fault is made.
The field's word: requests the operator had answered, events the stub numbered, counts the devices answered. The hub's
word: its ledger. The platform's: its stores and the order in which everything came.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from hil.bench import sites
from hil.bench.children import BenchError
from hil.bench.fault_account import ClassAccount, ClassTruth, account
from hil.bench.fault_rig import FaultRig, Traffic, running_rig
from hil.bench.fault_rows import Row, Span
from hil.bench.figures import spread
from sim_devices.devices.device_farm import EVENT, READ
from sim_devices.devices.platform import PlatformStore
from sim_devices.devices.platform_telemetry import TelemetryStore
from sim_devices.devices.sparkplug_reader import read_metrics

Fact = tuple[str, int] | None

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
        delays = _transaction_delays(rig, span) if row.is_thin else {}
        chain = await _verify(rig)
    times = {
        "fault_s": round(span.ended_s - span.began_s, 1),
        "noticed_s": noticed_s,
        "resumed_s": resumed_s,
        "drained_s": round(drained_s, 1),
        "kills": rig.kills,
    }
    problems = [*_content(accounts, status), *_lateness(row, times), *([chain] if chain else [])]
    return {
        "row": row.name,
        "what": row.sentence,
        "ok": not problems,
        "problems": problems,
        "classes": {
            name: {k: v for k, v in asdict(each).items() if k != "examples"} for name, each in accounts.items()
        },
        **times,
        **({"transaction_delay_ms": delays} if row.is_thin else {}),
    }


def _lateness(row: Row, times: dict[str, Any]) -> list[str]:
    """What took too long: noticing what had time enough to be noticed, and going on afterwards."""
    noticed_s, resumed_s, found = times["noticed_s"], times["resumed_s"], []
    if (
        row.is_noticed is not None
        and times["fault_s"] > NOTICE_MAX_S
        and (noticed_s is None or noticed_s > NOTICE_MAX_S)
    ):
        found.append(f"noticed after {noticed_s} s, expected {NOTICE_MAX_S:.0f} s at most")
    if resumed_s is None or resumed_s > RESUME_MAX_S:
        found.append(f"went on after {resumed_s} s, expected {RESUME_MAX_S:.0f} s at most")
    return found


def _content(accounts: dict[str, ClassAccount], status: dict[str, Any]) -> list[str]:
    """What is wrong with what both ends have."""
    problems = [f"{name}: {example}" for name, each in accounts.items() for example in each.examples]
    problems += [f"{name} is not clean" for name, each in accounts.items() if not each.is_clean and not each.examples]
    ledger = ledger_of(status)
    problems += [f"the ledger of class {name} does not balance" for name in ledger if not ledger[name]["balanced"]]
    return problems


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
    return sum(each["stored"] + each["pending"] for each in ledger_of(status).values())


def ledger_of(status: dict[str, Any]) -> dict[str, Any]:
    """The hub's account by class."""
    return dict(status["ledger"]["classes"])


async def _accounts(rig: FaultRig, status: dict[str, Any]) -> dict[str, ClassAccount]:
    """Every class; what the hub writes while it stops is not part of it."""
    truth = await rig.farm.truth()
    records = _records(rig)
    ledger = ledger_of(status)
    events = [value for kind, _, _, value, _ in truth if kind == EVENT]
    return {
        "transaction": account(
            ClassTruth(
                produced=ledger["transaction"]["produced"],
                arrived=_arrived(rig, ledger["transaction"]["produced"], "transaction"),
                facts=_facts(records, ledger, "transaction", _request_of),
                happened=[("operator", number) for number in rig.requests.answered],
                doubtful=[("operator", number) for number in rig.requests.doubtful],
            )
        ),
        "event": account(
            ClassTruth(
                produced=ledger["event"]["produced"],
                arrived=_arrived(rig, ledger["event"]["produced"], "event"),
                facts=_facts(records, ledger, "event", _event_of),
                happened=[(sites.BARRIER, number) for number in events],
            )
        ),
        "telemetry": account(_telemetry(rig, status, truth)),
    }


def _records(rig: FaultRig) -> list[dict[str, Any]]:
    store = PlatformStore(rig.folder / "platform.sqlite")
    try:
        return store.records(limit=10_000_000)
    finally:
        store.close()


def _transaction_delays(rig: FaultRig, span: Span) -> dict[str, float]:
    """From an operator's answer to the record's first arrival, of requests made while the fault lasted."""
    numbers = {fact[1]: record["class_seq"] for record in _records(rig) if (fact := _request_of(record)) is not None}
    arrived: dict[int, int] = {}
    for at_ns, name, number in rig.arrivals():
        if name == "transaction":
            arrived.setdefault(number, at_ns)
    return spread(
        max(0.0, (arrived[numbers[request]] - at_ns) / 1e6)
        for request, at_ns in rig.requests.answered_ns.items()
        if span.began_s * 1e9 < at_ns < span.ended_s * 1e9 and numbers.get(request) in arrived
    )


def _facts(
    records: Sequence[dict[str, Any]], ledger: dict[str, Any], name: str, fact_of: Callable[[dict[str, Any]], Fact]
) -> dict[int, Fact]:
    last = ledger[name]["produced"]
    mine = (record for record in records if record["class"] == name and record["class_seq"] <= last)
    return {record["class_seq"]: fact_of(record) for record in mine}


def _arrived(rig: FaultRig, last: int, *streams: str) -> list[tuple[str, int]]:
    return [(name, number) for _, name, number in rig.arrivals() if name in streams and number <= last]


def _request_of(record: dict[str, Any]) -> Fact:
    word, _, number = str(record["data"].get("reason", "")).partition(" ")
    return ("operator", int(number)) if record["kind"] == "override" and word == "bench" else None


def _event_of(record: dict[str, Any]) -> Fact:
    return (record["device"], int(record["data"]["argument"])) if record["kind"] == "device_event" else None


def _telemetry(rig: FaultRig, status: dict[str, Any], truth: Sequence[tuple[int, int, int, int, int]]) -> ClassTruth:
    """Rows against counts; what is in doubt is what the devices answered and the hub may not have taken."""
    produced = ledger_of(status)["telemetry"]["produced"]
    first = len(sites.stub_specs(0.0))
    reads = [(f"dev{device - first}", line, count) for kind, device, line, count, _ in truth if kind == READ]
    facts = {number: fact for number, fact in _rows(rig) if number <= produced}
    answered = [(device, count) for device, _, count in reads]
    doubtful = _in_hand(reads) if rig.kills else set()
    doubtful |= _late(set(answered) - set(facts.values()), status)
    return ClassTruth(
        produced=produced,
        arrived=_arrived(rig, produced, "live", "history"),
        facts=facts,
        happened=[fact for fact in answered if fact not in doubtful],
        doubtful=doubtful,
    )


def _in_hand(reads: Iterable[tuple[str, int, int]]) -> set[Fact]:
    """The last count of each connection: a killed hub may have had it in its hands, not written down yet."""
    newest = {(device, line): count for device, line, count in reads}
    return {(device, count) for (device, _), count in newest.items()}


def _late(untold: Iterable[Fact], status: dict[str, Any]) -> set[Fact]:
    """As many untold counts of each device as its line had time-outs: answers that came when they were given up."""
    found: set[Fact] = set()
    for device, count in sorted(fact for fact in untold if fact is not None):
        known = sum(fact is not None and fact[0] == device for fact in found)
        if known < status["lines"][device]["timeouts"]:
            found.add((device, count))
    return found


def _rows(rig: FaultRig) -> Iterator[tuple[int, Fact]]:
    """Every stored row and the count it tells; None for rows of the stubs. Register 0 has 16 bits, no row more."""
    store = TelemetryStore(rig.folder / "telemetry-platform.sqlite")
    aliases: dict[str, int] = {}
    for row in store.rows():
        if row.device not in aliases:
            names = store.names(row.device)
            aliases[row.device] = next((alias for alias, name in names.items() if name == sites.COUNT_POINT), -1)
        count = next((m.value for m in read_metrics(row.payload) if m.alias == aliases[row.device]), None)
        yield row.number, (row.device, count) if isinstance(count, int) else None
    store.close()


async def _verify(rig: FaultRig) -> str:
    """What `gate journal verify` has to say against the journal; "" for nothing."""
    command = [sys.executable, "-m", "hil.cli", "journal", "verify", str(rig.folder / "site.toml")]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    return said.decode().strip() if process.returncode else ""
