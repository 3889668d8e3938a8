"""What every rig of stepped devices has: devices under test on one RS-485 line and a bus master, in virtual time.

Knows: in which order the parts of one device act. Must not know: how the firmware is run, what surrounds the devices;
that is for the rigs in `lane_rig.py` and `bench_rig.py`.

All parts name the time at which they next want to act; the rig jumps there. Nothing reads a clock, so one seed gives
one trace.
"""

from __future__ import annotations

import hashlib
import random
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hil.faults.catalogue import BUS
from hil.faults.spec import FaultSpec
from hil.rig.bus_master import BusMaster
from hil.rig.field_faults import BusFaults
from hil.rig.node import NEVER_US, Node
from hil.rig.progress import LivelockError, Progress
from hil.rig.stage import Stage
from hil.rig.verdict import Verdict
from hil.scenarios.content import watched_points
from hil.scenarios.model import Scenario
from hil.scenarios.vocabulary import BROKEN
from hil.targets.target import UNDRIVEN, ContinuousDevice, Provision, SteppedTarget, StepResult, TargetError
from hil.trace.event import TraceEvent
from sim_devices.buses.rs485 import Rs485Line

BAUD = 115_200
_NODE = "node"


class Rig(Stage):
    """Runs one scenario on one target; `run` gives the trace and the verdict."""

    def __init__(self, scenario: Scenario, rng: random.Random, roles: Mapping[str, str]) -> None:
        super().__init__(scenario, roles)
        self.line = Rs485Line(BAUD, random.Random(rng.getrandbits(32)))
        self._bus_faults = BusFaults(self.line)
        self._host = self.line.attach("host")
        self._nodes: list[Node] = []
        self._recorded: dict[tuple[str, str], tuple[int, ...]] = {}
        self._progress = Progress()
        self._breakdowns: list[str] = []
        self._is_continuous = False  # all devices of a target are, or none

    def run(self) -> Verdict:
        """Run the scenario to its end and judge its trace.

        A run in which scenario time stood still or a device broke down has failed for that alone: what followed shows
        nothing.
        """
        try:
            while (end_us := self._script.end_us) is None or self._now_us < end_us:
                self._act()
                wanted_us, who = min(self._wants())
                self._progress.note(self._now_us, who)
                self._go_on(max(self._now_us + 1, wanted_us))
            self.trace.end_us = end_us
        except LivelockError as error:
            self._breakdowns.append(str(error))
            self.trace.end_us = self._now_us
        finally:
            for node in self._nodes:
                node.device.close()
        if self._breakdowns:
            return Verdict(tuple(self._breakdowns), (), self._script.verdict(()).problems)
        return self._script.verdict((*self.master.unanswered, *self._checked()))

    def _go_on(self, to_us: int) -> None:
        """The next instant, on every device's own clock too."""
        self._now_us = to_us
        for node in self._nodes:
            if isinstance(node.device, ContinuousDevice) and not node.broken:
                self._live(node, node.device)

    def _live(self, node: Node, device: ContinuousDevice) -> None:
        try:
            device.pass_time(self._now_us)
        except TargetError as error:
            self._break_down(node, error)

    @abstractmethod
    def _act(self) -> None:
        """Let every part act at the present instant."""

    def _wants(self) -> list[tuple[int, str]]:
        """The times at which the parts want to act next, each with its name."""
        wants = [(self.master.wake_us, "the bus master"), *((node.wake_us, node.role) for node in self._nodes)]
        if self._script.next_us is not None:
            wants.append((self._script.next_us, "the script"))
        if self.line.idle_at_us() >= 0:
            wants.append((self.line.idle_at_us(), "the line"))
        return wants

    def _attach(self, target: SteppedTarget, provision: Provision, directory: Path) -> None:
        """Start a device on the line, with a command key of its own: of the device, so that all runs have the same."""
        provision = replace(provision, key=hashlib.sha256(provision.serial.to_bytes(4, "big")).digest())
        place = directory / provision.role
        place.mkdir(parents=True, exist_ok=True)
        node = Node(provision, target.start(provision, place), self.line.attach(provision.role))
        self._nodes.append(node)
        self._is_continuous = node.is_continuous

    def _start_master(self) -> None:
        watched = [watched_points(self._scenario, name) for name in self.trace.roles]
        self.master = BusMaster([node.provision for node in self._nodes], self._observe, watched)

    def _step(
        self, node: Node, values: Sequence[int], qualities: Sequence[int], clock_us: int = 0, field_line: bytes = b""
    ) -> StepResult | None:
        """Run the node's loop once, if it is due or was told something; its clock is `clock_us` ahead.

        A continuous device is brought to the present.
        """
        heard = self._take_burst(node)
        if node.is_bitten(self._now_us):
            self._restart(node, node.device.reset)
        if self._now_us < node.due_us and (node.asleep or not (node.is_continuous or heard or field_line)):
            if node.card.has_expired(self._now_us):
                self._drive_safe(self._now_us, node)
            return None
        try:
            result = node.device.step(self._now_us + clock_us, values, qualities, heard, field_line)
        except TargetError as error:
            self._break_down(node, error)
            return None
        node.note(self._now_us, result)
        if result.sent:
            self.line.transmit(node.station, result.sent, self._now_us)
        return result

    def _take_burst(self, node: Node) -> bytes:
        """What the device heard, handed over when the line is quiet: a burst comes whole, as out of a UART FIFO.

        A continuous device may have a FIFO of its own, and then gets every character as it arrives.
        """
        device = node.device
        has_fifo = isinstance(device, ContinuousDevice) and not device.takes_bursts
        return node.station.take() if has_fifo or self.line.is_idle(self._now_us) else b""

    @property
    def _is_early(self) -> bool:
        """Whether devices act first at this instant: continuous ones do, as they come from the instant before."""
        return self._is_continuous and self._now_us > 0

    def _restart(self, node: Node, how: Callable[[], None], off_us: int = 0) -> None:
        """Everything but the settings is gone and the outputs fall off; it runs again after `off_us` and its start."""
        how()
        node.station.take()
        node.start(self._now_us + off_us)
        self._drop_outputs(self._now_us, node)

    def _break_down(self, node: Node, error: TargetError) -> None:
        """The program has ended: nobody drives the outputs, and nothing is expected of the device any more."""
        sentence = f"{node.role} broke down at {self._now_us // 1000} ms and is broken until its power is cut: {error}"
        self._breakdowns.append(sentence)
        node.break_down(sentence)
        source, channel = BROKEN.split(".")
        self._note(self.trace.add(TraceEvent(self._now_us, source, channel, node.provision.unit_id)))
        self._drop_outputs(self._now_us, node)

    def _fail_board(self, node: Node, kind: str) -> None:
        """The faults of the catalogue's `node`; "" repairs."""
        if kind == "hang" and not node.asleep:
            node.hang(NEVER_US)
        elif kind == "reset" and not node.broken:
            self._restart(node, node.device.reset)
        elif kind in ("power_cut", "brown_out"):
            self._restart(node, node.device.kill, NEVER_US if kind == "power_cut" else 0)
        elif node.is_hung:
            node.hang(self._now_us)
        elif node.is_off and not node.broken and node.due_us >= NEVER_US:
            node.start(self._now_us)

    def _apply(self, results: Sequence[tuple[Node, StepResult]]) -> None:
        """Let the devices' outputs act, in the order in which they changed."""
        changes = [(at_us, node, outputs) for node, result in results for at_us, outputs in result.changes]
        changes.sort(key=lambda change: change[0])
        changes += [(self._now_us, node, result.outputs) for node, result in results]
        for at_us, node, outputs in changes:
            if outputs == UNDRIVEN:
                self._drop_outputs(at_us, node)
            else:
                self._drive(at_us, node, outputs)

    @abstractmethod
    def _drive(self, at_us: int, node: Node, outputs: tuple[int, ...]) -> None:
        """The node drives its outputs so from `at_us` on."""

    @abstractmethod
    def _drive_safe(self, at_us: int, node: Node) -> None:
        """The output card drives what hurts nobody: the node has not said its outputs for too long."""

    @abstractmethod
    def _drop_outputs(self, at_us: int, node: Node) -> None:
        """Nobody drives the node's outputs from `at_us` on: the relays fall off."""

    def _run_master(self) -> None:
        received = self._host.take()
        if received:
            self.master.on_bytes(self._now_us, received)
        request = self.master.poll(self._now_us)
        if request:
            self.line.transmit(self._host, request, self._now_us)

    def _fail(self, spec: FaultSpec, level: int) -> None:
        """Bring a fault about, or repair it with level 0."""
        kind = spec.kind_of(level)
        if spec in BUS:
            self._bus_faults.fail(spec.name, kind, level, self._now_us)
        elif spec.name.endswith(_NODE):
            role = spec.name.removesuffix(_NODE).removesuffix("_")
            self._fail_board(next(node for node in self._nodes if role in ("", node.role)), kind)
        else:
            self._fail_plant(spec.name, kind, 0 if spec.kinds else level)

    @abstractmethod
    def _fail_plant(self, name: str, kind: str, value: int) -> None:
        """A fault of what surrounds the devices."""

    def _record_inputs(self, party: str, names: Sequence[str], values: Sequence[int]) -> None:
        """Record what changed of a device's inputs: deeds of the field, stimuli to the device."""
        if self._is_recorded(party, "in", values):
            return
        for name, value in zip(names, values, strict=False):  # analogue inputs follow the digital ones
            self._record_input(self._now_us, party, name, value)

    def _record_outputs(self, at_us: int, party: str, names: Sequence[str], values: Sequence[int]) -> None:
        """Record what changed of a device's outputs: deeds of the device, stimuli to the field."""
        if self._is_recorded(party, "out", values):
            return
        for name, value in zip(names, values, strict=True):
            self._record_output(at_us, party, name, value)

    def _is_recorded(self, party: str, kind: str, values: Sequence[int]) -> bool:
        """True when these are the values it was asked about last: at most instants nothing has moved."""
        seen = tuple(values)
        is_recorded = self._recorded.get((party, kind)) == seen
        self._recorded[party, kind] = seen
        return is_recorded
