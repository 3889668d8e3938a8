"""A simulated lane in real time: real VM processes with the deployed firmware, real bytes on a pty, one truck."""

import asyncio
import os
import tty
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from protocols.crc import crc16
from sim_devices.devices.camera import CameraPost
from sim_devices.devices.vm_node import NodeSpec
from sim_devices.plants.lane import Arrival
from sim_devices.plants.truck import rigid_body
from sim_devices.traffic import TrafficMix
from sim_devices.world import LaneSpec, LineSpec, World, WorldSpec
from tools.deploy import ROOT, deploy

_DEADLINE_S = 30.0
_BOOT_COUNT = 5  # input register of the header block
_BAUD = 115200


@pytest.fixture(scope="module")
def deploy_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("deploy")
    for role in ("barrier", "weighbridge"):
        deploy(ROOT, role, "unix", out)
    return out


class _Hub:
    """One register at a time over the hub's end of the line."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._handle)

    async def read_register(self, unit_id: int, address: int) -> int:
        """Ask until the device answers; a node that is starting does not."""
        request = bytes([unit_id, 4, 0, address, 0, 1])
        request += crc16(request, 0, len(request)).to_bytes(2, "little")
        async with asyncio.timeout(_DEADLINE_S):
            while True:
                os.write(self._handle, request)
                answer = await self._read(7, 0.3)
                if len(answer) == 7 and answer[:3] == bytes([unit_id, 4, 2]) and crc16(answer, 0, 7) == 0:
                    return int.from_bytes(answer[3:5], "big")

    async def _read(self, size: int, limit_s: float) -> bytes:
        loop = asyncio.get_running_loop()
        data = b""
        try:
            async with asyncio.timeout(limit_s):
                while len(data) < size:
                    readable = asyncio.Event()
                    loop.add_reader(self._handle, readable.set)
                    await readable.wait()
                    loop.remove_reader(self._handle)
                    data += os.read(self._handle, 256)
        except TimeoutError:
            loop.remove_reader(self._handle)
        return data


def _world_spec(tmp_path: Path, deploy_dir: Path) -> WorldSpec:
    line = LineSpec("line1", tmp_path / "tty" / "line1", _BAUD)

    def node(name: str, role: str, unit_id: int) -> NodeSpec:
        return NodeSpec(name, role, 1000 + unit_id, unit_id, _BAUD, bytes(32), line.tty_of(name))

    lane = LaneSpec("L1", "cam1", node("b1", "barrier", 1), "line1", node("w1", "weighbridge", 2), "line1")
    return WorldSpec((line,), (lane,), TrafficMix(trucks_per_hour=0.0), 1, deploy_dir, tmp_path / "nodes", 0)


def _with_world(
    tmp_path: Path, deploy_dir: Path, body: Callable[[World, _Hub, list[CameraPost]], Coroutine[Any, Any, None]]
) -> None:
    async def run() -> None:
        posts: list[CameraPost] = []
        world = World(_world_spec(tmp_path, deploy_dir), lambda _, post: posts.append(post))
        task = asyncio.create_task(world.run())
        await asyncio.sleep(0)  # lets it open the line
        try:
            await body(world, _Hub(tmp_path / "tty" / "line1"), posts)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        assert {node.pid for node in world.nodes.values()} == {0}

    asyncio.run(run())


def test_killed_node_comes_back_and_counts_its_starts(tmp_path: Path, deploy_dir: Path) -> None:
    async def body(world: World, hub: _Hub, posts: list[CameraPost]) -> None:
        first = await hub.read_register(1, _BOOT_COUNT)
        assert await hub.read_register(2, _BOOT_COUNT) == 1
        world.nodes["b1"].kill()
        async with asyncio.timeout(_DEADLINE_S):
            while await hub.read_register(1, _BOOT_COUNT) == first:
                pass
        assert await hub.read_register(1, _BOOT_COUNT) == first + 1
        assert await hub.read_register(2, _BOOT_COUNT) == 1
        assert (world.nodes["b1"].counters.starts, world.nodes["b1"].counters.kills) == (2, 1)

    _with_world(tmp_path, deploy_dir, body)


async def _until(world: World, outcome: str) -> None:
    """Wait for the truth, which the world itself renews every 10 ms."""
    async with asyncio.timeout(_DEADLINE_S):
        while not any(truck.outcome == outcome for truck in world.trucks):
            await world.ticked()


def test_truck_is_seen_by_the_camera_and_leaves_when_turned_back(tmp_path: Path, deploy_dir: Path) -> None:
    async def body(world: World, hub: _Hub, posts: list[CameraPost]) -> None:
        hurried = replace(rigid_body(18_000), max_speed_mps=10.0, acceleration_mps2=5.0, braking_mps2=5.0)
        world.arrive("L1", Arrival(1, hurried, plate="12C12345"))
        async with asyncio.timeout(_DEADLINE_S):
            while not posts:
                await world.ticked()
        assert b"12C12345" in posts[0].body
        assert world.counts()["in_lane"] == 1
        world.turn_back("L1")
        await _until(world, "turned_back")
        assert world.counts() == {
            "entered": 1, "passed": 0, "turned_back": 1, "in_lane": 0, "waiting": 0, "hits": 0
        }  # fmt: skip
        assert [(truck.truck_id, truck.lane, truck.gross_kg) for truck in world.trucks] == [(1, "L1", 18_000.0)]

    _with_world(tmp_path, deploy_dir, body)


def test_full_queue_turns_further_trucks_away(tmp_path: Path, deploy_dir: Path) -> None:
    world = World(_world_spec(tmp_path, deploy_dir), lambda _, post: None)
    taken = [world.arrive("L1", Arrival(number, rigid_body(18_000))) for number in range(1, 30)]
    assert (sum(taken), world.stayed_away) == (20, 9)
