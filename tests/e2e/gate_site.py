"""What the end-to-end tests share: a gate of its own for each test, trucks in a hurry, and the books at the end.

Every part is a real process on ports the operating system had free; only the road is short. Waiting is always for a
condition, looked at with every tick of the simulated field.
"""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.journal.store import JournalStore
from hil.bench.children import free_ports
from hil.run.account import TruckTruth, discrepancies, transactions_of
from hil.run.gate import GateRun, running_gate
from hil.run.site import RigSite, build_site, make_missing_keys, read_tables
from protocols.registers import barrier
from sim_devices.devices.platform import PlatformStore
from sim_devices.plants.driver import PLAIN, Habits
from sim_devices.plants.lane import BOOM_X, STOPPED, Arrival
from sim_devices.plants.truck import TruckBody
from sim_devices.traffic import TrafficMix

ROOT = Path(__file__).parents[2]
LIMIT_S = 30.0  # for anything that takes a second or two on a free machine
NO_TRAFFIC = TrafficMix(trucks_per_hour=0.0)
_MOTORS = (barrier.OUT_MOTOR_OPEN, barrier.OUT_MOTOR_CLOSE)

_LANE = """
[[device]]
name = "barrier{n}"
line = "line{n}"
unit_id = 1
map = "barrier"
map_version = 3
serial = {n}001
key_file = "keys/barrier{n}.key"

[[device]]
name = "weighbridge{n}"
line = "line{n}"
unit_id = 2
map = "weighbridge"
map_version = 3
serial = {n}002
key_file = "keys/weighbridge{n}.key"

[[lane]]
name = "L{n}"
barrier = "barrier{n}"
weighbridge = "weighbridge{n}"
camera = "cam{n}"
max_gross_kg = 48000
on_unidentified = "refuse"
"""


def write_site(folder: Path, *, lanes: int = 1, extra: str = "") -> Path:
    """A site of `lanes` lanes, one line each, with keys; `extra` is put at its end."""
    http_port, broker_port = free_ports(2)
    head = f'[site]\nname = "e2e"\ndata_dir = "data"\nhttp_port = {http_port}\n'
    uplink = f'[uplink]\n[[link]]\nname = "broker"\nhost = "127.0.0.1"\nport = {broker_port}\n'
    lines = [
        f'[[line]]\nname = "line{n}"\nkind = "rtu"\nport = "tty/line{n}"\nbaud = 115200\n' for n in range(1, lanes + 1)
    ]
    path = folder / "site.toml"
    path.write_text("\n".join([head, uplink, *lines, *(_LANE.format(n=n) for n in range(1, lanes + 1)), extra]))
    make_missing_keys(read_tables(path), folder)
    return path


def rig_site(path: Path, traffic: TrafficMix = NO_TRAFFIC) -> RigSite:
    return replace(build_site(path, read_tables(path), None), traffic=traffic)


@contextlib.asynccontextmanager
async def gate(site: RigSite, deploy_dir: Path) -> AsyncIterator[GateRun]:
    """The gate of `site`, up and idle; its safety is watched until the end."""
    async with running_gate(site, deploy_dir) as run:
        await until(run, lambda: _are_lanes_up(run), "every device of the lanes answers")
        run.world.start_traffic()
        guard = asyncio.create_task(_watch_safety(run))
        try:
            yield run
        finally:
            guard.cancel()
            await asyncio.wait([guard])
            if not guard.cancelled():
                guard.result()


async def until(run: GateRun, condition: Callable[[], bool], what: str, limit_s: float = LIMIT_S) -> None:
    """Wait tick by tick for `condition`; fails with `what` was waited for."""
    try:
        async with asyncio.timeout(limit_s):
            while not condition():
                await run.world.ticked()
    except TimeoutError:
        said = {name: node.last_message for name, node in run.world.nodes.items() if node.last_message}
        raise AssertionError(f"{what}: not within {limit_s} s; nodes said {said}; status {run.status}") from None


def hasty_truck(number: int, habits: Habits = PLAIN) -> Arrival:
    """A short truck that accelerates and brakes like no truck does."""
    body = TruckBody(7.0, (1.2, 5.5), (6_000.0, 9_000.0), max_speed_mps=9.0, acceleration_mps2=5.0, braking_mps2=6.0)
    return Arrival(number, body, f"29H{number:05d}", habits)


def is_on_deck(run: GateRun, lane: str = "L1") -> bool:
    """A truck stands where it is weighed."""
    return any(STOPPED in visitor.seen for visitor in run.world.fields[lane].lane.visitors)


def is_under_boom(run: GateRun, lane: str = "L1") -> bool:
    return any(visitor.truck.covers(BOOM_X) for visitor in run.world.fields[lane].lane.visitors)


def is_boom_closing(run: GateRun, lane: str = "L1") -> bool:
    """The motor closes and the arm is well on its way."""
    field = run.world.fields[lane]
    return bool(field.outputs_of("barrier")[barrier.OUT_MOTOR_CLOSE]) and field.lane.boom.position < 0.8


def is_idle(run: GateRun, lane: str = "L1") -> bool:
    """The hub's lane has closed its transaction and the road is empty."""
    state = run.status.get("lanes", {}).get(lane, {}).get("state")
    return state == "IDLE" and not run.world.fields[lane].lane.visitors


def kill(run: GateRun, victim: str) -> None:
    """SIGKILL a part: hub, broker, platform, or a node by its name."""
    node = run.world.nodes.get(victim)
    if node is not None:
        node.kill()
        return
    pid = {process.name: process.pid for process in run.processes}[victim]
    if pid is not None:
        os.kill(pid, signal.SIGKILL)


def are_motors_off(run: GateRun, barrier_name: str) -> bool:
    """Whether neither motor of the boom is driven."""
    lane = next(lane.name for lane in run.site.lanes if lane.barrier.name == barrier_name)
    outputs = run.world.fields[lane].outputs_of("barrier")
    return not any(outputs[motor] for motor in _MOTORS)


def _are_lanes_up(run: GateRun) -> bool:
    devices = run.status.get("devices", {})
    return bool(devices) and all(devices[node]["online"] for node in run.world.nodes)


async def _watch_safety(run: GateRun) -> None:
    """At every tick: no motor runs whose node is gone, and no boom has touched a truck."""
    barriers = [lane.barrier.name for lane in run.site.lanes]
    while True:
        await run.world.ticked()
        assert run.world.counts()["hits"] == 0, "a boom touched a truck"
        for name in barriers:
            assert run.world.nodes[name].pid or are_motors_off(run, name), f"{name} is dead and its motor runs"


def books(run: GateRun) -> list[str]:
    """What is wrong with the accounts while the gate runs; [] when every truck and every record is accounted for."""
    journal, uplink = run.status.get("journal", {}), run.status.get("uplink", {})
    if not run.status or uplink.get("acked") != journal.get("last_seq"):
        return ["not everything is acknowledged"]
    trucks = [TruckTruth(truck.truck_id, truck.lane, truck.plate, truck.outcome) for truck in run.world.trucks]
    return discrepancies(trucks, transactions_of(_platform_records(run.platform_db)))


async def settled(run: GateRun, limit_s: float = LIMIT_S) -> None:
    """Wait until nothing is wrong with the books."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            while books(run):
                await run.world.ticked()
    assert books(run) == []


def check_books_of(site: RigSite) -> list[str]:
    """After the gate has stopped: journal intact and gapless, the platform has just that; the kinds in order."""
    verified = gate_command("journal", "verify", str(site.path))
    assert verified.returncode == 0, verified.stderr
    store = JournalStore(site.data_dir / "journal.sqlite")
    try:
        written = store.records_after(0, 1_000_000)
    finally:
        store.close()
    assert [record.seq for record in written] == list(range(1, len(written) + 1))
    received = _platform_records(site.data_dir / "platform.sqlite")
    # hub_stopped may still have been on its way when the broker was stopped.
    assert len(written) - len(received) <= 1
    assert [record["hash"] for record in received] == [record.hash for record in written[: len(received)]]
    _check_transaction_numbers([str(record["data"]["transaction"]) for record in received if _opens(record)])
    return [record.kind for record in written]


def _opens(record: dict[str, Any]) -> bool:
    return str(record["kind"]) == "transaction_opened"


def _check_transaction_numbers(names: list[str]) -> None:
    counts: dict[str, int] = {}
    for name in names:
        lane = name.rsplit("-", 1)[0]
        counts[lane] = counts.get(lane, 0) + 1
        assert name == f"{lane}-{counts[lane]:06d}"


def _platform_records(path: Path) -> list[dict[str, Any]]:
    store = PlatformStore(path)
    try:
        assert store.chain_breaks() == []
        return store.records(limit=1_000_000)
    finally:
        store.close()


def gate_command(*words: str, limit_s: float = LIMIT_S) -> "subprocess.CompletedProcess[str]":
    """Run `gate` with `words` to its end."""
    command = [sys.executable, "-m", "hil.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=limit_s, check=False)


def no_traceback(text: str) -> bool:
    return re.search(r"Traceback|Error:|\bline \d+, in ", text) is None
