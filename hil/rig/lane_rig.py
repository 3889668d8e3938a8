"""One simulated lane around two devices under test, in virtual time: field, RS-485 line, bus master, script, trace.

Knows: how the parts are joined and in which order they act at one instant. Must not know: how the firmware is run.

At every instant the order is: field, line, devices (barrier first), master, script. All parts name the time at which
they next want to act; the rig jumps there. Nothing reads a clock, so one seed gives one trace.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from hil.rig.bus_master import BusMaster
from hil.rig.script import Script
from hil.rig.verdict import Verdict, judge
from hil.scenarios.model import Action, Scenario, ScenarioTruck
from hil.scenarios.vocabulary import ROLES, names_of
from hil.targets.target import Device, Provision, Target
from hil.trace.event import Trace, TraceEvent
from sim_devices.buses.rs485 import Rs485Line, Station
from sim_devices.devices.field import STEP_US, LaneField
from sim_devices.plants.driver import Habits
from sim_devices.plants.lane import Arrival
from sim_devices.plants.truck import articulated_body, rigid_body

BAUD = 115_200
_RESTART_US = 300_000  # a board's way from power-on to its first scan


@dataclass(slots=True)
class _Node:
    """A device under test with its place on the line; `due_us` is when its loop next has something to do."""

    provision: Provision
    device: Device
    station: Station
    due_us: int = 0
    dead: bool = False


class LaneRig:
    """Runs one scenario on one target; `run` gives the trace and the verdict."""

    def __init__(self, scenario: Scenario, target: Target, directory: Path) -> None:
        rng = random.Random(scenario.seed)
        self.trace = Trace()
        self.field = LaneField(random.Random(rng.getrandbits(32)))
        self.line = Rs485Line(BAUD, random.Random(rng.getrandbits(32)))
        self._scenario = scenario
        self._now_us = 0
        self._script = Script(scenario.steps, self._perform)
        self._host = self.line.attach("host")
        self._nodes = [self._start(target, role, n, rng, directory) for n, role in enumerate(ROLES, 1)]
        self.master = BusMaster([node.provision for node in self._nodes], self._observe)
        self._arrivals = sorted(enumerate(scenario.trucks, 1), key=lambda item: item[1].enters_at_ms)

    def _start(self, target: Target, role: str, unit_id: int, rng: random.Random, directory: Path) -> _Node:
        provision = Provision(role, 1000 * unit_id + 1, unit_id, BAUD, rng.randbytes(32))
        place = directory / role
        place.mkdir(parents=True, exist_ok=True)
        return _Node(provision, target.start(provision, place), self.line.attach(role))

    def run(self) -> Verdict:
        """Run the scenario to its end and judge its trace."""
        end_us = self._scenario.duration_ms * 1000
        try:
            while self._now_us < end_us:
                self._act()
                self._now_us = self._next_us()
        finally:
            for node in self._nodes:
                node.device.close()
        return judge(self._scenario, self.trace, (*self._script.not_done, *self.master.unanswered))

    def _act(self) -> None:
        now_us = self._now_us
        self._admit(now_us)
        if now_us >= self.field.now_us + STEP_US:
            self.field.advance_to(now_us)
            self._record_field()
        self.line.advance_to(now_us)
        for node in self._nodes:
            self._run_node(node)
        self._run_master()
        self._script.run_until(now_us)

    def _next_us(self) -> int:
        wants = [self.field.now_us + STEP_US, self.master.wake_us, *(node.due_us for node in self._nodes)]
        if self._script.next_us is not None:
            wants.append(self._script.next_us)
        if self.line.idle_at_us() >= 0:
            wants.append(self.line.idle_at_us())
        return max(self._now_us + 1, min(wants))

    def _admit(self, now_us: int) -> None:
        while self._arrivals and self._arrivals[0][1].enters_at_ms * 1000 <= now_us:
            truck_id, truck = self._arrivals.pop(0)
            self.field.lane.arrive(_arrival(truck_id, truck))

    def _run_node(self, node: _Node) -> None:
        heard = self._take_burst(node)
        if self._now_us < node.due_us and (node.dead or not heard):
            return
        node.dead = False
        role = node.provision.role
        values, qualities = self.field.inputs_of(role)
        result = node.device.step(self._now_us, values, qualities, heard)
        node.due_us = self._now_us + max(1, result.wait_us)
        if result.outputs != self.field.outputs_of(role):
            self.field.apply_outputs(role, result.outputs)
            self._record_outputs(role)
        if result.sent:
            self.line.transmit(node.station, result.sent, self._now_us)

    def _take_burst(self, node: _Node) -> bytes:
        """What the device heard, handed over when the line is quiet: a burst comes whole, as out of a UART FIFO."""
        return node.station.take() if self.line.idle_at_us() < 0 else b""

    def _run_master(self) -> None:
        received = self._host.take()
        if received:
            self.master.on_bytes(self._now_us, received)
        request = self.master.poll(self._now_us)
        if request:
            self.line.transmit(self._host, request, self._now_us)

    def _perform(self, now_us: int, action: Action) -> None:
        if action.verb == "command":
            self.master.command(action.role, action.opcode, action.argument)
        elif action.verb == "cut bus":
            self.line.cut()
        elif action.verb == "restore bus":
            self.line.restore()
        elif action.verb == "turn back":
            self.field.lane.turn_back()
        else:
            self._kill(action.role)

    def _kill(self, role: str) -> None:
        node = next(item for item in self._nodes if item.provision.role == role)
        node.device.kill()
        node.station.take()
        node.dead, node.due_us = True, self._now_us + _RESTART_US
        self.field.drop_outputs(role)
        self._record_outputs(role)

    def _observe(self, now_us: int, source: str, channel: str, value: int) -> None:
        if channel.startswith("event.") or source in ("command", "rig"):
            self._note(self.trace.add(TraceEvent(now_us // 1000, source, channel, value)))
        else:
            self._note(self.trace.change(now_us // 1000, source, channel, value))

    def _record_field(self) -> None:
        for truth in self.field.lane.take_truth():
            self._note(self.trace.add(TraceEvent(truth.time_us // 1000, "field", truth.kind, truth.truck_id)))
        for node in self._nodes:
            role = node.provision.role
            values, _ = self.field.inputs_of(role)
            self._record_bits(role, "in", names_of(role, "digital_inputs"), values)

    def _record_outputs(self, role: str) -> None:
        self._record_bits(role, "out", names_of(role, "digital_outputs"), self.field.outputs_of(role))

    def _record_bits(self, role: str, kind: str, names: tuple[str, ...], values: list[int] | tuple[int, ...]) -> None:
        for name, value in zip(names, values, strict=False):  # analogue inputs follow the digital ones
            self._note(self.trace.change(self._now_us // 1000, role, f"{kind}.{name}", value))

    def _note(self, event: TraceEvent | None) -> None:
        if event is not None:
            self._script.on_event(self._now_us, event)


def _arrival(truck_id: int, truck: ScenarioTruck) -> Arrival:
    body = articulated_body(truck.gross_kg) if truck.kind == "articulated" else rigid_body(truck.gross_kg)
    habits = Habits(under_boom_s=truck.stops_under_boom_ms / 1000, leaves_after_s=20.0 if truck.reverses_out else -1.0)
    return Arrival(truck_id, body, habits=habits)
