"""A whole gate on one machine: simulated field, firmware on the VM, hub, broker and platform, run as one program.

Knows: how the parts are started, in which order they end, and how a refused truck learns of it.
Must not know: what the parts do inside.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hil.run.broker import broker_command, require_free_port, write_config
from hil.run.hub_client import HubClient
from hil.run.process import ManagedProcess
from hil.run.site import RigSite
from hil.run.tally import Tally
from sim_devices.devices.camera import CameraPost
from sim_devices.world import World, WorldSpec

PLATFORM_DB = "platform.sqlite"  # in the site's data_dir
_STATUS_PERIOD_S = 0.25
_READY_S = 60.0  # VMs, broker and hub on a slow machine
_AT_REST = "IDLE"
_REFUSED_STATES = ("REFUSED", "BACKING_OUT")


class RunError(Exception):
    """The gate did not come up; the message says which part and why."""


@dataclass(slots=True)
class GateRun:
    """A running gate. `status` is the hub's newest status, {} while it is away; `tally` adds up its counters."""

    site: RigSite
    world: World
    broker: ManagedProcess
    platform: ManagedProcess
    hub: ManagedProcess
    status: dict[str, Any] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    posts: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def processes(self) -> tuple[ManagedProcess, ...]:
        """In the order in which they are stopped: who writes first, who is written to last."""
        return self.hub, self.platform, self.broker

    @property
    def platform_db(self) -> Path:
        return self.site.data_dir / PLATFORM_DB

    async def watch_hub(self, client: HubClient) -> None:
        """Keep `status` fresh and tell refused trucks to reverse out."""
        while True:
            status = await client.status()
            self.status = status or {}
            self.tally.take(self.status.get("devices", {}))
            for name, lane in self.status.get("lanes", {}).items():
                if lane["state"] in _REFUSED_STATES:
                    self.world.turn_back(name)
            await asyncio.sleep(_STATUS_PERIOD_S)

    def deliver(self, client: HubClient, post: CameraPost) -> None:
        """Send a camera's post without holding up the field."""
        task = asyncio.get_running_loop().create_task(client.post_camera(post.content_type, post.body))
        self.posts.add(task)
        task.add_done_callback(self.posts.discard)

    async def wait_until(self, condition: Callable[[], bool], limit_s: float) -> bool:
        """Wait for a condition on world and status; False when it did not come within `limit_s`."""
        end = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > end:
                return False
            await asyncio.sleep(_STATUS_PERIOD_S)
        return True

    async def open(self) -> list[str]:
        """Wait until the gate is up and every lane at rest, then let trucks come.

        A device or lane that does not come up is no reason to keep the rest of the gate closed: it is told in the
        sentences returned. Raises RunError when the hub itself does not come up.
        """
        await self.wait_until(lambda: bool(self.status) and not self._missing(), _READY_S)
        if not self.status:
            raise RunError(f"the hub did not come up in {_READY_S:.0f} s: {self.hub.last_words() or 'it said nothing'}")
        self.world.start_traffic()
        return self._missing()

    def _missing(self) -> list[str]:
        """A sentence for each device that cannot be used and each lane that is not at rest."""
        devices = self.status.get("devices", {}).items()
        lanes = self.status.get("lanes", {}).items()
        missing = [f"{name}: {self._reason(name, device)}" for name, device in devices if device["quality"] == "bad"]
        return missing + [f"lane {name} is {lane['state']}" for name, lane in lanes if lane["state"] != _AT_REST]

    def _reason(self, name: str, device: dict[str, Any]) -> str:
        node = self.world.nodes.get(name)
        words = f" ({node.last_message})" if node and node.last_message else ""
        return f"{device['reason']}{words}"


@contextlib.asynccontextmanager
async def running_gate(site: RigSite, deploy_dir: Path) -> AsyncIterator[GateRun]:
    """Start everything, yield the running gate, stop everything in order."""
    require_free_port(site.broker_port, "link.port")
    require_free_port(site.http_port, "site.http_port")
    for node in (node for lane in site.lanes for node, _ in lane.nodes() if node.tcp_port):
        require_free_port(node.tcp_port, f"simulation.modbus_tcp_port, for {node.name}")
    client = HubClient(site.http_port)
    run = _compose(site, deploy_dir, lambda post: run.deliver(client, post))
    async with client, asyncio.TaskGroup() as group:
        tasks = [group.create_task(process.run(), name=process.name) for process in run.processes]
        tasks.append(group.create_task(run.world.run(), name="world"))
        tasks.append(group.create_task(run.watch_hub(client), name="status"))
        try:
            yield run
        finally:
            for process in run.processes:
                await process.stop()
            for task in (*tasks, *run.posts):
                task.cancel()


def _compose(site: RigSite, deploy_dir: Path, on_post: Callable[[CameraPost], None]) -> GateRun:
    logs = site.data_dir / "log"
    logs.mkdir(parents=True, exist_ok=True)
    config = write_config(site.data_dir / "broker", f"gate-{site.name}", site.broker_port)
    python = sys.executable
    platform = [
        *(python, "-m", "sim_devices.devices.platform_mqtt", "--host", site.broker_host),
        *("--port", str(site.broker_port), "--root", site.topic_root, "--node", site.sparkplug),
        *("--db", str(site.data_dir / "platform.sqlite")),
    ]
    return GateRun(
        site=site,
        world=World(_world_spec(site, deploy_dir), lambda _, post: on_post(post)),
        broker=ManagedProcess("broker", broker_command(config), logs / "broker.log"),
        platform=ManagedProcess("platform", platform, logs / "platform.log"),
        hub=ManagedProcess("hub", [python, "-m", "hil.cli", "hub", str(site.path)], logs / "hub.log"),
    )


def _world_spec(site: RigSite, deploy_dir: Path) -> WorldSpec:
    return WorldSpec(
        lines=site.lines,
        lanes=site.lanes,
        mix=site.traffic,
        seed=site.seed,
        deploy_dir=deploy_dir,
        state_dir=site.data_dir / "devices",
        epoch_ms=int(time.time() * 1000),
    )
