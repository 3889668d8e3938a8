"""A hub with devices, an operator and a platform, on a link that fails on command; everything can be killed.

Knows: how the parts are started, stopped and asked. Must not know: which fault is tried, what counts as a success.
Between hub and broker lies a `FaultyLink`; the platform sits on the broker's side of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hil.bench import sites
from hil.bench.children import BenchError, Child, accepts, free_ports
from hil.bench.farm import FarmProcess
from hil.run.broker import broker_command, write_config
from hil.run.hub_client import HubClient
from sim_devices.buses.faulty_link import FaultyLink

SITE_NAME = "faults"
ROOT = f"gate/{SITE_NAME}"
NODE = f"gate/{SITE_NAME}"
_UP_S = 60.0
_ASK_S = 8.0  # the hub answers an operator within half of this


@dataclass(frozen=True, slots=True)
class Traffic:
    """What goes on in a row: events of the barrier, requests of the operator, and counting devices."""

    events_per_s: float = 5.0  # a device keeps 32: enough for a hub that takes six seconds to come back
    requests_per_s: float = 5.0
    devices: int = 5
    registers: int = 20
    period_ms: int = 200


@dataclass(slots=True)
class Requests:
    """What an operator asked. `answered` are durable by the hub's word; about `doubtful` it said nothing."""

    asked: int = 0
    answered: list[int] = field(default_factory=list)
    doubtful: list[int] = field(default_factory=list)
    answered_ns: dict[int, int] = field(default_factory=dict)  # when, on the monotonic clock


class FaultRig:
    """The running parts; made by `running_rig`."""

    def __init__(self, folder: Path, traffic: Traffic, link: FaultyLink, ports: Mapping[str, int]) -> None:
        self.folder = folder
        self.traffic = traffic
        self.link = link
        self.requests = Requests()
        self.hub_words = ["-m", "hil.cli"]  # what stands for `gate`
        self._ports = dict(ports)
        self._broker: Child | None = None
        self._hub: Child | None = None
        self._platform: Child | None = None
        self._farm: FarmProcess | None = None
        self._operator: asyncio.Task[None] | None = None
        self._client = HubClient(ports["http"])
        self.kills = 0
        self._last_deeds: list[Callable[[], object]] = []

    def at_end(self, deed: Callable[[], object]) -> None:
        """Have `deed` done once everything is stopped."""
        self._last_deeds.append(deed)

    @property
    def data_dir(self) -> Path:
        """The hub's data."""
        return self.folder / "data"

    @property
    def farm(self) -> FarmProcess:
        assert self._farm is not None
        return self._farm

    async def start(self) -> None:
        """Everything but the hub."""
        await self.start_broker()
        self._farm = await FarmProcess.start(self._farm_spec(), self.folder)
        self._write_site()
        words = ["-m", "sim_devices.devices.platform_mqtt", "--port", str(self._ports["broker"]), "--root", ROOT]
        words += ["--node", NODE, "--db", str(self.folder / "platform.sqlite")]
        words += ["--arrivals", str(self.folder / "arrivals.txt")]
        self._platform = await Child.start("platform", [sys.executable, *words], self.folder)
        await self._client.__aenter__()

    async def start_broker(self) -> None:
        """nats-server on its port and its store, as it was left."""
        config = write_config(self.folder / "broker", SITE_NAME, self._ports["broker"])
        self._broker = await Child.start("broker", broker_command(config), self.folder)
        await accepts(self._ports["broker"], self._broker)

    async def stop_broker(self, *, kill: bool) -> None:
        """By SIGKILL or in order."""
        assert self._broker is not None
        await (self._broker.kill() if kill else self._broker.stop())

    async def start_hub(self) -> None:
        """The hub as a process of its own, from `gate hub`; returns once it answers."""
        words = [*self.hub_words, "hub", str(self.folder / "site.toml")]
        self._hub = await Child.start("hub", [sys.executable, *words], self.folder)
        await self.until(lambda status: bool(status), "the hub answers")

    async def kill_hub(self) -> None:
        """SIGKILL."""
        assert self._hub is not None
        await self._hub.kill()
        self.kills += 1

    async def stop_hub(self) -> None:
        """In order."""
        if self._hub is not None:
            await self._hub.stop()

    async def start_traffic(self) -> None:
        """From now on things happen at a steady rate; the hub has seen every device before."""
        devices = 2 + self.traffic.devices
        await self.until(
            lambda status: sum(device["online"] for device in status.get("devices", {}).values()) == devices,
            "every device answers",
        )
        await self.farm.tell(begin=True)
        self._operator = asyncio.create_task(self._ask_on())

    async def quiet(self) -> None:
        """The field stands still: no more events, requests or changing registers."""
        if self._operator is not None:
            self._operator.cancel()
            await asyncio.wait([self._operator])
            self._operator = None
        await self.farm.tell(quiet=True)

    async def status(self) -> dict[str, Any]:
        """The hub's status, {} while it is away."""
        return await self._client.status() or {}

    async def until(self, condition: Callable[[dict[str, Any]], bool], what: str, limit_s: float = _UP_S) -> float:
        """Ask the hub until `condition` holds of its status; how long that took. Raises BenchError when it does not."""
        began_s = time.monotonic()
        while time.monotonic() - began_s < limit_s:
            if condition(await self.status()):
                return time.monotonic() - began_s
            if self._hub is not None and not self._hub.is_running:
                raise BenchError(f"{what}: the hub ended: {self._hub.last_words() or 'it said nothing'}")
            await asyncio.sleep(0.05)
        raise BenchError(f"{what}: not within {limit_s:.0f} s")

    def arrivals(self) -> list[tuple[int, str, int]]:
        """What came to the platform: (monotonic ns, class or stream, number)."""
        path = self.folder / "arrivals.txt"
        lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
        return [(int(at), name, int(number)) for at, name, number in (line.split() for line in lines)]

    async def stop(self) -> None:
        """Hub first, so that it can say its last; then who listens to it."""
        if self._operator is not None:
            self._operator.cancel()
        await self._client.__aexit__()
        await self.stop_hub()
        parts: list[Child | FarmProcess | None] = [self._platform, self._farm, self._broker]
        for part in parts:
            if part is not None:
                await part.stop()
        for deed in self._last_deeds:
            deed()

    async def _ask_on(self) -> None:
        """Number after number, each in a request that the lane refuses and journals."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            due_s = max(due_s + 1.0 / self.traffic.requests_per_s, loop.time())
            await asyncio.sleep(due_s - loop.time())
            with contextlib.suppress(OSError):  # nobody behind the door: nothing was asked
                reader, writer = await asyncio.open_unix_connection(self.data_dir / "operator.sock")
                number = self.requests.asked = self.requests.asked + 1
                self.requests.doubtful.append(number)
                if await _ask(reader, writer, number):
                    self.requests.doubtful.remove(number)
                    self.requests.answered.append(number)
                    self.requests.answered_ns[number] = time.monotonic_ns()

    def _farm_spec(self) -> dict[str, Any]:
        size = self.traffic.registers
        return {
            "devices": [
                *sites.stub_specs(self.traffic.events_per_s),
                *({"name": f"dev{n}", "kind": "counting", "size": size} for n in range(self.traffic.devices)),
            ]
        }

    def _write_site(self) -> None:
        stubs, devices = self.farm.ports[:2], self.farm.ports[2:]
        traffic, unit_ids = self.traffic, [1] * len(devices)
        (self.folder / "site.toml").write_text(
            sites.head(SITE_NAME, "data", self._ports["http"], self.link.port, ROOT)
            + sites.lane_tables(self.folder, stubs, period_ms=100)
            + sites.counting_tables(self.folder, devices, unit_ids, traffic.registers, traffic.period_ms),
            encoding="utf-8",
        )


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> bool:
    """One request through the operator's door; whether it was answered, which it is once it is durable."""
    try:
        async with asyncio.timeout(_ASK_S):
            line = json.dumps({"lane": sites.LANE, "request": "release", "reason": f"bench {number}"})
            writer.write(line.encode() + b"\n")
            answer = json.loads(await reader.readline())
    except (OSError, TimeoutError, ValueError):
        return False
    finally:
        writer.close()
    # Refused by the lane means journalled; refused because the journal does not answer means the contrary.
    return answer["code"] == "done" or (answer["code"] == "refused" and "changes nothing" in answer["text"])


@contextlib.asynccontextmanager
async def running_rig(traffic: Traffic) -> AsyncIterator[FaultRig]:
    """Everything but the hub, running; all of it ends with the context."""
    broker, http = free_ports(2)
    with tempfile.TemporaryDirectory(prefix="gate-faults-") as name:
        async with FaultyLink("127.0.0.1", broker) as link:
            rig = FaultRig(Path(name), traffic, link, {"broker": broker, "http": http})
            try:
                await rig.start()
                yield rig
            finally:
                await rig.stop()
