"""One device of any role on the bench: the scenario sets its inputs, speaks on its field line, plays the hub.

Knows: how the parts are joined and in which order they act at one instant. Must not know: how the firmware is run, what
an input means.

At every instant the order is: line, script, plant, device, master. So what a step sets at one instant, the device sees
in one scan. A continuous device acts before the script: it has lived until now under what was set before.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from hil.faults.catalogue import faults_of
from hil.rig.node import Node
from hil.rig.plants import PLANTS, STEP_US
from hil.rig.rig import BAUD, Rig
from hil.rig.stage import bench_event
from hil.scenarios.model import Action, BenchScenario
from hil.scenarios.vocabulary import DEVICE, LINE_SENT, input_names, names_of, safe_outputs
from hil.targets.target import Provision, SteppedTarget, StepResult
from hil.trace.causes import FIELD
from hil.trace.event import TraceEvent
from protocols.crc import crc16
from protocols.quality import GOOD

_SERIAL, _UNIT_ID = 1001, 1
_LINE_PER_POLL = 128  # what a poll takes from its field line; more at once would be lost in the receiver
_LINE_RETRY_US = 1000


# The instruments' speeds as delivered, where it is not 9600; "" is the default protocol of the role.
_LINE_BAUDS = {
    ("rfid", ""): 115_200,
    ("rfid", "r200"): 115_200,
    ("rfid", "uhfreader18"): 57_600,
    ("charging_post", ""): 115_200,
}


class BenchRig(Rig):
    """Runs one bench scenario on one target. An output card drops the outputs of a device that hangs."""

    def __init__(self, scenario: BenchScenario, target: SteppedTarget, directory: Path) -> None:
        rng = random.Random(scenario.seed)
        role = scenario.role
        super().__init__(scenario, rng, {DEVICE: role})
        provision = Provision(
            role, _SERIAL, _UNIT_ID, BAUD, b"", scenario.line_protocol, scenario.settings, _line_baud(scenario)
        )
        self._attach(target, provision, directory)
        self._start_master()
        self._node = self._nodes[0]
        self._names = input_names(role)
        self._digital, self._outputs_of = names_of(role, "digital_inputs"), names_of(role, "digital_outputs")
        self._values = [0] * len(self._names)
        self._places = {name: index for index, name in enumerate(self._names)}
        self._qualities = [GOOD] * len(self._names)
        self._plant = (
            PLANTS[scenario.plant](random.Random(rng.getrandbits(32)), scenario.line_protocol)
            if scenario.plant
            else None
        )
        self._faults = faults_of(role, scenario.plant)
        self._plant_us = 0
        self._is_stirred = True  # the plant may drive its inputs otherwise than before
        self._forced: set[str] = set()
        self._outputs: tuple[int, ...] = (0,) * len(self._outputs_of)
        self._clock_us = 0
        self._field_line = bytearray()

    def _act(self) -> None:
        now_us = self._now_us
        self.line.advance_to(now_us)
        if self._is_early:
            self._run_device()
        self._script.run_until(now_us)
        self._move_plant()
        self._record_inputs(DEVICE, self._digital, self._values)
        if not self._is_early:
            self._run_device()
        self._run_master()

    def _wants(self) -> list[tuple[int, str]]:
        wants = super()._wants()
        if self._plant is not None:
            wants.append((self._plant_us + STEP_US, "the plant"))
        return wants

    def _move_plant(self) -> None:
        plant = self._plant
        if plant is None:
            return
        while self._plant_us + STEP_US <= self._now_us:
            self._plant_us += STEP_US
            plant.advance(self._outputs)
            self._is_stirred = True
        self._field_line += plant.take()
        if self._is_stirred:
            self._is_stirred = False
            for name, value in plant.inputs().items():
                if name not in self._forced:
                    self._values[self._places[name]] = value

    def _run_device(self) -> None:
        line = b"" if self._node.asleep else bytes(self._field_line[:_LINE_PER_POLL])
        result = self._step(self._node, self._values, self._qualities, self._clock_us, line)
        if result is not None:
            del self._field_line[:_LINE_PER_POLL]
            self._take(result)

    def _take(self, result: StepResult) -> None:
        self._apply([(self._node, result)])
        if result.field_sent:
            self._level(LINE_SENT, crc16(bytearray(result.field_sent), 0, len(result.field_sent)))
            if self._plant is not None:
                self._plant.receive(result.field_sent)
        if self._field_line:
            self._node.due_us = min(self._node.due_us, self._now_us + _LINE_RETRY_US)

    def _level(self, name: str, value: int) -> None:
        source, channel = name.split(".", 1)
        self._note(self.trace.change(self._now_us, source, channel, value, self._causes.of_deed(source)))

    def _drive(self, at_us: int, node: Node, outputs: tuple[int, ...]) -> None:
        self._outputs = outputs
        self._record_outputs(at_us, DEVICE, self._outputs_of, outputs)

    def _drive_safe(self, at_us: int, node: Node) -> None:
        self._drive(at_us, node, safe_outputs(node.role))

    def _drop_outputs(self, at_us: int, node: Node) -> None:
        self._drive(at_us, node, (0,) * len(self._outputs_of))

    def _perform(self, now_us: int, action: Action) -> None:
        self._is_stirred = True
        if action.verb in ("set", "free"):
            self._set(action)
        elif action.verb == "knob":
            assert self._plant is not None  # the reader has refused a knob without a plant
            self._plant.turn(action.name, action.argument)
        elif action.verb == "command":
            self.master.command(self._node.role, action)
        elif action.verb == "fault":
            self._fail(self._faults[action.name], action.argument)
        elif action.verb == "line":
            self._field_line += action.data
        elif action.verb == "hang":
            self._node.hang(now_us + action.argument)
        else:
            self._clock_us += action.argument

    def _set(self, action: Action) -> None:
        index = self._places[action.name]
        if action.verb == "free":
            self._forced.discard(action.name)
        else:
            self._forced.add(action.name)
            self._values[index] = action.argument
        if self._qualities[index] != action.quality:
            self._qualities[index] = action.quality
            cause = self._causes.of_deed(FIELD)
            event = TraceEvent(self._now_us, DEVICE, f"quality.{action.name}", action.quality, cause)
            self._note(self.trace.add(event))
            self._causes.hand(DEVICE, self.trace.newest)

    def _fail_plant(self, name: str, kind: str, value: int) -> None:
        assert self._plant is not None  # the catalogue has no such fault without a plant
        self._plant.fail(name, kind, value)

    def _restart(self, node: Node, how: Callable[[], None], off_us: int = 0) -> None:
        super()._restart(node, how, off_us)
        self._field_line.clear()

    def _speaker(self, source: str, channel: str) -> str:
        return DEVICE

    def _observe(self, now_us: int, source: str, channel: str, value: int) -> None:
        super()._observe(now_us, *bench_event(self._node.role, source, channel), value)


def _line_baud(scenario: BenchScenario) -> int:
    return _LINE_BAUDS.get((scenario.role, scenario.line_protocol), 9600)
