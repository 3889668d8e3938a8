"""What every rig has: devices under test on one RS-485 line, a bus master, a script, a trace; all in virtual time.

Knows: in which order the parts of one device act, how a trace is filled. Must not know: how the firmware is run, what
surrounds the devices; that is for the rigs in `lane_rig.py` and `bench_rig.py`.

All parts name the time at which they next want to act; the rig jumps there. Nothing reads a clock, so one seed gives
one trace.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hil.rig.bus_master import BusMaster
from hil.rig.script import Script
from hil.rig.verdict import Verdict, judge
from hil.scenarios.model import Action, Scenario
from hil.targets.target import Device, Provision, StepResult, Target
from hil.trace.causes import FIELD, Causes
from hil.trace.event import Trace, TraceEvent
from sim_devices.buses.rs485 import Rs485Line, Station

BAUD = 115_200
RESTART_US = 300_000  # a board's way from power-on to its first scan
_TO_FIELD = ("set", "free", "plant")  # actions that a device learns of through its inputs alone


@dataclass(slots=True)
class Node:
    """A device under test with its place on the line; `due_us` is when its loop next has something to do."""

    provision: Provision
    device: Device
    station: Station
    due_us: int = 0
    asleep: bool = False

    @property
    def role(self) -> str:
        return self.provision.role

    def sleep(self, until_us: int) -> None:
        """Do nothing until then, whatever is heard."""
        self.asleep, self.due_us = True, until_us


class Rig(ABC):
    """Runs one scenario on one target; `run` gives the trace and the verdict."""

    def __init__(self, scenario: Scenario, rng: random.Random, roles: Mapping[str, str]) -> None:
        self.trace = Trace(roles)
        self.line = Rs485Line(BAUD, random.Random(rng.getrandbits(32)))
        self._scenario = scenario
        self._now_us = 0
        self._causes = Causes()
        self._script = Script(scenario.steps, self._carry_out)
        self._host = self.line.attach("host")
        self._nodes: list[Node] = []
        self.master: BusMaster

    def run(self) -> Verdict:
        """Run the scenario to its end and judge its trace."""
        end_us = self._scenario.duration_ms * 1000
        try:
            while self._now_us < end_us:
                self._act()
                self._now_us = max(self._now_us + 1, min(self._wants()))
            self.trace.end_us = end_us
        finally:
            for node in self._nodes:
                node.device.close()
        return judge(self._scenario, self.trace, (*self._script.not_done, *self.master.unanswered))

    @abstractmethod
    def _act(self) -> None:
        """Let every part act at the present instant."""

    def _wants(self) -> list[int]:
        """The times at which the parts want to act next."""
        wants = [self.master.wake_us, *(node.due_us for node in self._nodes)]
        if self._script.next_us is not None:
            wants.append(self._script.next_us)
        if self.line.idle_at_us() >= 0:
            wants.append(self.line.idle_at_us())
        return wants

    def _attach(self, target: Target, provision: Provision, directory: Path, rng: random.Random) -> None:
        """Start a device on the line, with a command key of its own."""
        provision = replace(provision, key=rng.randbytes(32))
        place = directory / provision.role
        place.mkdir(parents=True, exist_ok=True)
        self._nodes.append(Node(provision, target.start(provision, place), self.line.attach(provision.role)))

    def _start_master(self) -> None:
        self.master = BusMaster([node.provision for node in self._nodes], self._observe)

    def _step(
        self, node: Node, values: Sequence[int], qualities: Sequence[int], clock_us: int = 0, field_line: bytes = b""
    ) -> StepResult | None:
        """Run the node's loop once, if it is due or was told something; its clock is `clock_us` ahead."""
        heard = self._take_burst(node)
        if self._now_us < node.due_us and (node.asleep or not (heard or field_line)):
            return None
        node.asleep = False
        result = node.device.step(self._now_us + clock_us, values, qualities, heard, field_line)
        node.due_us = self._now_us + max(1, result.wait_us)
        if result.sent:
            self.line.transmit(node.station, result.sent, self._now_us)
        return result

    def _take_burst(self, node: Node) -> bytes:
        """What the device heard, handed over when the line is quiet: a burst comes whole, as out of a UART FIFO."""
        return node.station.take() if self.line.idle_at_us() < 0 else b""

    def _cut_power(self, node: Node) -> None:
        """Everything but the settings is gone; the device runs again after RESTART_US."""
        node.device.kill()
        node.station.take()
        node.sleep(self._now_us + RESTART_US)

    def _run_master(self) -> None:
        received = self._host.take()
        if received:
            self.master.on_bytes(self._now_us, received)
        request = self.master.poll(self._now_us)
        if request:
            self.line.transmit(self._host, request, self._now_us)

    def _carry_out(self, now_us: int, action: Action, cause: int) -> None:
        """Record an action of the script as the stimulus it is, and carry it out."""
        self.trace.add(TraceEvent(now_us, "fault" if action.is_fault else "script", action.label, action.number, cause))
        for party in self._concerned(action):
            self._causes.hand(party, self.trace.newest)
        self._perform(now_us, action)

    def _concerned(self, action: Action) -> Sequence[str]:
        if action.verb in _TO_FIELD:
            return (FIELD,)
        return (action.role,) if action.role else (FIELD, *self.trace.roles)

    @abstractmethod
    def _perform(self, now_us: int, action: Action) -> None:
        """Do what an action says."""

    def _observe(self, now_us: int, source: str, channel: str, value: int) -> None:
        """Record what the master read: happenings always, levels when they change."""
        party = self._speaker(source, channel)
        cause = self._causes.of_report(party)
        if channel.startswith("event."):
            self._note(self.trace.add(TraceEvent(now_us, source, channel, value, cause)))
            self._causes.do(party, self.trace.newest)
        elif source in ("command", "rig"):
            self._note(self.trace.add(TraceEvent(now_us, source, channel, value, cause)))
        else:
            self._note(self.trace.change(now_us, source, channel, value, cause))

    def _speaker(self, source: str, channel: str) -> str:
        """Which party an observation of the master comes from."""
        return channel.split(".")[0] if source == "command" else source

    def _record_inputs(self, party: str, names: Sequence[str], values: Sequence[int]) -> None:
        """Record what changed of a device's inputs: deeds of the field, stimuli to the device."""
        for name, value in zip(names, values, strict=False):  # analogue inputs follow the digital ones
            event = self.trace.change(self._now_us, party, f"in.{name}", value, self._causes.of_deed(FIELD))
            if event is not None:
                self._causes.hand(party, self.trace.newest)
                self._note(event)

    def _record_outputs(self, party: str, names: Sequence[str], values: Sequence[int]) -> None:
        """Record what changed of a device's outputs: deeds of the device, stimuli to the field."""
        for name, value in zip(names, values, strict=True):
            event = self.trace.change(self._now_us, party, f"out.{name}", value, self._causes.of_deed(party))
            if event is not None:
                self._causes.do(party, self.trace.newest)
                self._causes.hand(FIELD, self.trace.newest)
                self._note(event)

    def _note(self, event: TraceEvent | None) -> None:
        if event is not None:
            self._script.on_event(self._now_us, event, self.trace.newest)
