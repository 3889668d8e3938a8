"""One simulated lane around two devices under test: trucks, drivers, deck, boom and their sensors.

Knows: how the parts are joined and in which order they act at one instant. Must not know: how the firmware is run.

At every instant the order is: line, field, devices (barrier first), master, script. Continuous devices act before the
field: they have lived until now under what it said before.
"""

from __future__ import annotations

import random
from pathlib import Path

from hil.faults.catalogue import LANE, faults_of
from hil.rig.field_faults import fail_lane
from hil.rig.node import Node
from hil.rig.rig import BAUD, Rig
from hil.scenarios.model import Action, LaneScenario, TruckVisit
from hil.scenarios.vocabulary import LANE_ROLES, names_of
from hil.targets.target import Provision, SteppedTarget
from hil.trace.causes import FIELD
from hil.trace.event import TraceEvent
from sim_devices.devices.field import STEP_US, LaneField
from sim_devices.plants.lane import Arrival
from sim_devices.plants.truck import articulated_body, rigid_body

_FAULTS = faults_of(LANE, "")


class LaneRig(Rig):
    """Runs one lane scenario on one target."""

    def __init__(self, scenario: LaneScenario, target: SteppedTarget, directory: Path) -> None:
        rng = random.Random(scenario.seed)
        self.field = LaneField(random.Random(rng.getrandbits(32)))
        super().__init__(scenario, rng, {role: role for role in LANE_ROLES})
        for unit_id, role in enumerate(LANE_ROLES, 1):
            settings = dict(scenario.settings).get(role, ())
            self._attach(target, Provision(role, 1000 * unit_id + 1, unit_id, BAUD, b"", "", settings), directory)
        self._start_master()
        self._trucks = 0

    def _act(self) -> None:
        now_us = self._now_us
        self.line.advance_to(now_us)
        if self._is_early:
            self._run_devices()
        if now_us >= self.field.now_us + STEP_US:
            self.field.advance_to(now_us)
            self._record_field()
        if not self._is_early:
            self._run_devices()
        self._run_master()
        self._script.run_until(now_us)

    def _wants(self) -> list[tuple[int, str]]:
        return [(self.field.now_us + STEP_US, "the field"), *super()._wants()]

    def _run_devices(self) -> None:
        results = [(node, self._step(node, *self.field.inputs_of(node.role))) for node in self._nodes]
        self._apply([(node, result) for node, result in results if result is not None])

    def _drive(self, at_us: int, node: Node, outputs: tuple[int, ...]) -> None:
        if outputs != self.field.outputs_of(node.role):
            self.field.apply_outputs(node.role, outputs)
        self._record_outputs_of(at_us, node.role)

    def _perform(self, now_us: int, action: Action) -> None:
        if action.verb == "command":
            self.master.command(action.role, action)
        elif action.verb == "fault":
            self._fail(_FAULTS[action.name], action.argument)
        elif action.verb == "switch":
            self.field.set_switch(action.name, bool(action.argument))
        elif action.truck is not None:
            self._trucks += 1
            self.field.lane.arrive(_arrival(self._trucks, action.truck))
        else:
            self.field.lane.turn_back()

    def _fail_plant(self, name: str, kind: str, value: int) -> None:
        fail_lane(self.field, name, kind, value)

    def _drive_safe(self, at_us: int, node: Node) -> None:
        self._drop_outputs(at_us, node)  # the field's red lamp burns without current too

    def _drop_outputs(self, at_us: int, node: Node) -> None:
        self.field.drop_outputs(node.role)
        self._record_outputs_of(at_us, node.role)

    def _record_field(self) -> None:
        for truth in self.field.lane.take_truth():
            cause = self._causes.of_deed(FIELD)
            self._note(self.trace.add(TraceEvent(truth.time_us, FIELD, truth.kind, truth.truck_id, cause)))
            self._causes.hand(FIELD, self.trace.newest)
        for node in self._nodes:
            values, _ = self.field.inputs_of(node.role)
            self._record_inputs(node.role, names_of(node.role, "digital_inputs"), values)

    def _record_outputs_of(self, at_us: int, role: str) -> None:
        self._record_outputs(at_us, role, names_of(role, "digital_outputs"), self.field.outputs_of(role))


def _arrival(truck_id: int, visit: TruckVisit) -> Arrival:
    body = articulated_body(visit.gross_kg) if visit.kind == "articulated" else rigid_body(visit.gross_kg)
    return Arrival(truck_id, body, habits=visit.habits)
