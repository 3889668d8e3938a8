"""The simulated gate in real time: fields, lines, nodes, cameras and the trucks that come, as one asyncio program.

Knows: how the parts are put together and that the fields are advanced every 10 ms. Must not know: the hub, the site
file, HTTP: the rig hands in what is to be simulated and takes the camera posts.

Field time follows the loop's monotonic clock, but never leaps: when the machine stalls, the field stands still
(`slipped_us`) instead of teleporting trucks.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim_devices.buses.pty_line import PtyLine
from sim_devices.devices.camera import CameraPost, PlateCamera
from sim_devices.devices.field import LaneField
from sim_devices.devices.vm_node import NodeSpec, VmNode
from sim_devices.plants.lane import AT_CAMERA, BACKED_OUT, ENTERED, PASSED, Arrival, Truth
from sim_devices.traffic import Traffic, TrafficMix

TICK_S = 0.01
_LEAP_US_MAX = 100_000  # the most the field moves in one tick
_QUEUE_COUNT_MAX = 20  # trucks before one lane; the road holds no more and further ones stay away

IN_LANE = "in_lane"
TURNED_BACK = "turned_back"


@dataclass(frozen=True, slots=True)
class LineSpec:
    """An RS-485 line; the hub opens `path`, the nodes `path` with their name appended."""

    name: str
    path: Path
    baud: int

    def tty_of(self, node: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{node}")


@dataclass(frozen=True, slots=True)
class LaneSpec:
    """A lane: its camera's id, its two nodes and the lines they hang on."""

    name: str
    camera: str
    barrier: NodeSpec
    barrier_line: str
    weighbridge: NodeSpec
    weighbridge_line: str

    def nodes(self) -> tuple[tuple[NodeSpec, str], ...]:
        return (self.barrier, self.barrier_line), (self.weighbridge, self.weighbridge_line)


@dataclass(frozen=True, slots=True)
class WorldSpec:
    """All of it. `deploy_dir` holds `<role>-unix/`, `state_dir` gets one directory per node."""

    lines: tuple[LineSpec, ...]
    lanes: tuple[LaneSpec, ...]
    mix: TrafficMix
    seed: int
    deploy_dir: Path
    state_dir: Path
    epoch_ms: int


@dataclass(slots=True)
class TruckRecord:
    """What really became of a truck that entered; `outcome` is in_lane, passed or turned_back."""

    truck_id: int
    lane: str
    plate: str
    gross_kg: float
    readable: bool
    outcome: str = IN_LANE


class World:
    """`run` simulates until cancelled; trucks come by themselves from `start_traffic` on. `nodes` and `lines` are there
    to be broken by tests and the rig."""

    def __init__(self, spec: WorldSpec, on_post: Callable[[str, CameraPost], None]) -> None:
        """`on_post` is told (lane name, post) for every camera post; it must not block."""
        seeds = random.Random(spec.seed)
        self.slipped_us = 0
        self.stayed_away = 0
        self.now_us = 0
        self.trucks: list[TruckRecord] = []
        self.fields = {lane.name: LaneField(_branch(seeds)) for lane in spec.lanes}
        self.cameras = {lane.name: PlateCamera(lane.camera, _branch(seeds), spec.epoch_ms) for lane in spec.lanes}
        self.lines = {
            line.name: PtyLine(line.baud, _branch(seeds), line.path.parent, line.path.name) for line in spec.lines
        }
        self.nodes = {node.name: self._make_node(spec, lane.name, node, line) for lane, node, line in _each_node(spec)}
        self._spec = spec
        self._on_post = on_post
        self._traffic_from_us = -1
        self._traffic = Traffic(_branch(seeds), tuple(self.fields), spec.mix)
        self._arrivals: dict[int, Arrival] = {}
        self._moved = asyncio.Event()
        self._in_lane: dict[int, TruckRecord] = {}

    async def run(self) -> None:
        """Open the lines, start the nodes, let trucks come. Raises OSError when a pty or the VM cannot be had."""
        try:
            for line in self._spec.lines:
                self.lines[line.name].open([node.name for _, node, name in _each_node(self._spec) if name == line.name])
            async with asyncio.TaskGroup() as group:
                for node in self.nodes.values():
                    group.create_task(node.run(), name=node.spec.name)
                group.create_task(self._tick_for_ever(), name="field")
        finally:
            for pty_line in self.lines.values():
                pty_line.close()

    def arrive(self, lane: str, arrival: Arrival) -> bool:
        """Send a truck to a lane; False when its queue is full and the truck stays away."""
        queue = self.fields[lane].lane.queue
        if len(queue) >= _QUEUE_COUNT_MAX:
            self.stayed_away += 1
            return False
        self._arrivals[arrival.truck_id] = arrival
        self.fields[lane].lane.arrive(arrival)
        return True

    def start_traffic(self) -> None:
        """Let trucks come from now on."""
        self._traffic_from_us = self.now_us

    def stop_traffic(self) -> None:
        """No more trucks: the queues before the lanes go home, those in the lanes finish."""
        self._traffic.stop()
        for field in self.fields.values():
            field.lane.queue.clear()

    async def ticked(self) -> None:
        """Wait until the world has moved on by one tick."""
        await self._moved.wait()

    def turn_back(self, lane: str) -> None:
        """Show the first truck in `lane` that it is refused: it reverses out."""
        self.fields[lane].lane.turn_back()

    def counts(self, lane: str | None = None) -> dict[str, int]:
        """Trucks entered, passed, turned back and in the lane, and boom hits; of one lane or of all."""
        chosen = [truck for truck in self.trucks if lane in (None, truck.lane)]
        fields = self.fields.values() if lane is None else [self.fields[lane]]
        return {
            "entered": len(chosen),
            "passed": sum(truck.outcome == PASSED for truck in chosen),
            "turned_back": sum(truck.outcome == TURNED_BACK for truck in chosen),
            "in_lane": sum(truck.outcome == IN_LANE for truck in chosen),
            "waiting": sum(len(field.lane.queue) for field in fields),
            "hits": sum(field.lane.hits + field.lane.strikes for field in fields),
        }

    def _make_node(self, spec: WorldSpec, lane: str, node: NodeSpec, line: str) -> VmNode:
        pty_line = self.lines[line]
        return VmNode(
            node,
            self.fields[lane],
            spec.deploy_dir / f"{node.role}-unix",
            spec.state_dir / node.name,
            lambda: pty_line.flush(node.name),
        )

    async def _tick_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = last_s = loop.time()
        while True:
            self._tick(round((loop.time() - last_s) * 1e6))
            last_s = loop.time()
            self._moved.set()
            self._moved.clear()
            due_s = max(due_s + TICK_S, last_s)
            await asyncio.sleep(due_s - last_s)

    def _tick(self, passed_us: int) -> None:
        step_us = min(passed_us, _LEAP_US_MAX)
        self.slipped_us += passed_us - step_us
        self.now_us += step_us
        if self._traffic_from_us >= 0:
            for lane, arrival in self._traffic.arrivals(self.now_us - self._traffic_from_us):
                self.arrive(lane, arrival)
        for lane, field in self.fields.items():
            field.advance_to(self.now_us)
            self._note(lane, field.lane.take_truth())
            for post in self.cameras[lane].due(self.now_us):
                self._on_post(lane, post)
        for node in self.nodes.values():
            node.pump()

    def _note(self, lane: str, truths: Sequence[Truth]) -> None:
        for truth in truths:
            if truth.kind == ENTERED:
                self._enter(lane, self._arrivals.pop(truth.truck_id))
            elif truth.kind == AT_CAMERA:
                record = self._in_lane[truth.truck_id]
                self.cameras[lane].on_truck(truth.time_us, record.plate, record.readable)
            elif truth.kind in (PASSED, BACKED_OUT):
                record = self._in_lane.pop(truth.truck_id)
                record.outcome = PASSED if truth.kind == PASSED else TURNED_BACK

    def _enter(self, lane: str, arrival: Arrival) -> None:
        record = TruckRecord(arrival.truck_id, lane, arrival.plate, arrival.body.gross_kg, arrival.readable)
        self._in_lane[arrival.truck_id] = record
        self.trucks.append(record)


def _branch(seeds: random.Random) -> random.Random:
    """A generator of its own for each part, so that parts do not disturb each other's history."""
    return random.Random(seeds.getrandbits(64))


def _each_node(spec: WorldSpec) -> list[tuple[LaneSpec, NodeSpec, str]]:
    return [(lane, node, line) for lane in spec.lanes for node, line in lane.nodes()]
