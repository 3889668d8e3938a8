"""The field of one lane, wired to its two nodes: the barrier node and the weighbridge node.

Wire face: `inputs_of`, `apply_outputs`, `drop_outputs` in the order of the register maps' digital inputs and outputs.
Bench face: `fail`, `set_switch`, `set_quality`, and the plant itself as `lane`. Knows which sensor is wired to which
input. Must not know: how a node is run, Modbus, any clock; time is handed in.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol

from protocols.quality import GOOD
from protocols.registers import barrier, weighbridge
from sim_devices.plants.deck import Deck
from sim_devices.plants.lane import BOOM_X, DECK, FRONT_BEAM_X, REAR_BEAM_X, SAFETY_LOOP, Lane
from sim_devices.plants.lane import ENTRY_LOOP as ENTRY_LOOP_SPAN
from sim_devices.sensors.curtain import LightCurtain
from sim_devices.sensors.edge import SafetyEdge
from sim_devices.sensors.load_cell import LoadCell
from sim_devices.sensors.loop import InductionLoop
from sim_devices.sensors.switch import closed_limit, open_limit

BARRIER = "barrier"
WEIGHBRIDGE = "weighbridge"
STEP_US = 5000  # every plant and sensor moves in these steps, whoever calls and how often

# Bench switches, wired straight to an input of their name, as they are in a healthy lane.
_BARRIER_SWITCHES = {
    "STOP_CHAIN_OK": (barrier.IN_STOP_CHAIN_OK, 1),
    "FIRE": (barrier.IN_FIRE, 0),
    "DRIVE_OK": (barrier.IN_DRIVE_OK, 1),
    "LOCAL_MODE": (barrier.IN_LOCAL_MODE, 0),
    "LOCAL_OPEN": (barrier.IN_LOCAL_OPEN, 0),
    "LOCAL_CLOSE": (barrier.IN_LOCAL_CLOSE, 0),
}
_SEAL = "SEAL_CLOSED"
SWITCHES = (*_BARRIER_SWITCHES, "MAINS_OK", "MANUAL_RELEASED", _SEAL)


class _Breakable(Protocol):
    def fail(self, kind: str) -> None: ...


class LaneField:
    """One lane's plant and sensors. `advance_to` moves them; all randomness comes from `rng`."""

    def __init__(self, rng: random.Random, lane: Lane | None = None) -> None:
        self.lane = lane or Lane()
        self.deck = Deck(DECK[1] - DECK[0], natural_hz=4.0, damping=0.12)
        self.load_cell = LoadCell(rng.getrandbits(32))
        self.entry_loop = InductionLoop()
        self.safety_loop = InductionLoop()
        self.curtain = LightCurtain()
        self.edge = SafetyEdge()
        self.open_limit = open_limit()
        self.closed_limit = closed_limit()
        self.now_us = 0
        self._switches = {name: start for name, (_, start) in _BARRIER_SWITCHES.items()} | {_SEAL: 1}
        self._inputs = {BARRIER: [0] * barrier.IN_COUNT, WEIGHBRIDGE: [0] * (weighbridge.IN_COUNT + 2)}
        self._qualities = {role: [GOOD] * len(values) for role, values in self._inputs.items()}
        self._outputs = {BARRIER: _safe_outputs(BARRIER), WEIGHBRIDGE: _safe_outputs(WEIGHBRIDGE)}
        self._sense(0.0)

    def advance_to(self, now_us: int) -> None:
        """Move plants and sensors up to `now_us` in whole steps of STEP_US; what is left waits for the next call."""
        while self.now_us + STEP_US <= now_us:
            self.now_us += STEP_US
            self.lane.advance(self.now_us)
            self._sense(STEP_US / 1e6)

    def inputs_of(self, role: str) -> tuple[list[int], list[int]]:
        """Input values and qualities of the node of `role`, in map order. The caller must not change the lists."""
        return self._inputs[role], self._qualities[role]

    def outputs_of(self, role: str) -> tuple[int, ...]:
        """The outputs in force."""
        return tuple(self._outputs[role])

    def apply_outputs(self, role: str, outputs: Sequence[int]) -> None:
        """Let the node of `role` drive the field; `outputs` holds 0 or 1 in map order."""
        if len(outputs) != len(self._outputs[role]):
            raise ValueError(f"{role} has {len(self._outputs[role])} outputs, not {len(outputs)}")
        self._outputs[role] = list(outputs)
        if role == BARRIER:
            self._drive_barrier()

    def drop_outputs(self, role: str) -> None:
        """The node is gone: its relays fall off. The motor stops; the red lamp is wired to burn without current."""
        self.apply_outputs(role, _safe_outputs(role))

    def fail(self, sensor: str, kind: str) -> None:
        """Break a part, or repair it with kind "": entry_loop, safety_loop, curtain, edge, open_limit, closed_limit,
        drive, load_cell. Raises ValueError for an unknown part or kind."""
        sensors: dict[str, _Breakable] = {
            "entry_loop": self.entry_loop,
            "safety_loop": self.safety_loop,
            "curtain": self.curtain,
            "edge": self.edge,
            "open_limit": self.open_limit,
            "closed_limit": self.closed_limit,
            "drive": self.lane.boom,
            "load_cell": self.load_cell,
        }
        if sensor not in sensors:
            raise ValueError(f"sensor {sensor!r} is not in the lane: use one of {', '.join(sensors)}")
        sensors[sensor].fail(kind)

    def set_switch(self, name: str, on: bool) -> None:
        """Throw one of SWITCHES; MAINS_OK and MANUAL_RELEASED act on the boom itself."""
        if name not in SWITCHES:
            raise ValueError(f"switch {name!r} is not in the lane: use one of {', '.join(SWITCHES)}")
        if name == "MAINS_OK":
            self.lane.boom.mains_ok = on
        elif name == "MANUAL_RELEASED":
            self.lane.boom.released = on
        else:
            self._switches[name] = int(on)
        self._sense(0.0)

    def set_quality(self, role: str, index: int, quality: int) -> None:
        """Make the input card report `quality` (protocols.quality) for one input."""
        self._qualities[role][index] = quality

    def _drive_barrier(self) -> None:
        outputs = self._outputs[BARRIER]
        boom = self.lane.boom
        boom.motor_open = bool(outputs[barrier.OUT_MOTOR_OPEN])
        boom.motor_close = bool(outputs[barrier.OUT_MOTOR_CLOSE])
        self.lane.green = bool(outputs[barrier.OUT_LIGHT_GREEN]) and not outputs[barrier.OUT_LIGHT_RED]

    def _sense(self, dt_s: float) -> None:
        lane = self.lane
        self.entry_loop.advance(dt_s, lane.loop_cover_m(ENTRY_LOOP_SPAN))
        outputs = self._outputs[BARRIER]
        self.safety_loop.advance(dt_s, lane.loop_cover_m(SAFETY_LOOP), bool(outputs[barrier.OUT_LOOP_TEST]))
        self.curtain.advance(dt_s, lane.beam_blocked(BOOM_X), bool(outputs[barrier.OUT_CURTAIN_TEST]))
        self.edge.advance(dt_s, lane.boom.contact, bool(outputs[barrier.OUT_EDGE_TEST]))
        self.open_limit.sense(lane.boom.position)
        self.closed_limit.sense(lane.boom.position)
        self.deck.set_axles(lane.deck_axles())
        self.deck.advance(dt_s)
        self.load_cell.advance(dt_s, self.deck.indicated_kg)
        self._wire_barrier()
        self._wire_weighbridge()

    def _wire_barrier(self) -> None:
        inputs, boom = self._inputs[BARRIER], self.lane.boom
        for name, (index, _) in _BARRIER_SWITCHES.items():
            inputs[index] = self._switches[name]
        inputs[barrier.IN_LIMIT_OPEN] = int(self.open_limit.closed)
        inputs[barrier.IN_LIMIT_CLOSED] = int(self.closed_limit.closed)
        inputs[barrier.IN_ENTRY_LOOP] = int(self.entry_loop.occupied)
        inputs[barrier.IN_SAFETY_LOOP] = int(self.safety_loop.occupied)
        inputs[barrier.IN_EXIT_LOOP] = 0  # not fitted
        inputs[barrier.IN_CURTAIN_CLEAR] = int(self.curtain.clear)
        inputs[barrier.IN_LOOPS_OK] = int(not (self.entry_loop.fault or self.safety_loop.fault))
        inputs[barrier.IN_EDGE_OK] = int(self.edge.ok)
        inputs[barrier.IN_ARM_INTACT] = int(boom.arm_intact)
        inputs[barrier.IN_MANUAL_RELEASED] = int(boom.released)
        inputs[barrier.IN_MAINS_OK] = int(boom.mains_ok)

    def _wire_weighbridge(self) -> None:
        inputs = self._inputs[WEIGHBRIDGE]
        inputs[weighbridge.IN_FRONT_CLEAR] = int(not self.lane.beam_blocked(FRONT_BEAM_X))
        inputs[weighbridge.IN_REAR_CLEAR] = int(not self.lane.beam_blocked(REAR_BEAM_X))
        inputs[weighbridge.IN_SEAL_CLOSED] = self._switches[_SEAL]
        inputs[weighbridge.IN_COUNT] = self.load_cell.counts
        inputs[weighbridge.IN_COUNT + 1] = self.load_cell.sequence


def _safe_outputs(role: str) -> list[int]:
    if role == WEIGHBRIDGE:
        return [0] * weighbridge.OUT_COUNT
    outputs = [0] * barrier.OUT_COUNT
    outputs[barrier.OUT_LIGHT_RED] = 1
    return outputs
