"""What a bench can put around its device: small plants that drive some of its inputs, or talk on its field line.

Knows: which inputs of a role a plant drives, in the words of its register map. Must not know: scenarios, how a device
is run. A plant is one row of PLANTS; the physics are those of sim_devices.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from protocols.registers import barrier
from sim_devices.plants.boom import Boom
from sim_devices.sensors.curtain import LightCurtain
from sim_devices.sensors.edge import SafetyEdge
from sim_devices.sensors.load_cell import LoadCell
from sim_devices.sensors.loop import InductionLoop
from sim_devices.sensors.switch import closed_limit, open_limit

STEP_US = 5_000  # every plant moves in these steps


class Plant(ABC):
    """`advance` moves it by STEP_US; `inputs` are what it drives; a plant with an instrument also has a line."""

    role: ClassVar[str]
    knobs: ClassVar[dict[str, tuple[int, int]]] = {}

    @abstractmethod
    def __init__(self, rng: random.Random) -> None: ...

    @abstractmethod
    def turn(self, knob: str, value: int) -> None:
        """Set one of `knobs` to a value within its limits."""

    @abstractmethod
    def advance(self, outputs: Sequence[int]) -> None:
        """Move by STEP_US under the outputs in force."""

    @abstractmethod
    def inputs(self) -> dict[str, int]:
        """The inputs it drives, by name."""

    def receive(self, data: bytes) -> None:  # noqa: B027  # most plants have no line
        """Take what the device said on its field line."""

    def take(self) -> bytes:
        """What the plant says on the field line since the last call."""
        return b""


class BoomPlant(Plant):
    """A boom between two limit switches, with curtain, edge and safety loop that answer their tests."""

    role = "barrier"
    knobs: ClassVar[dict[str, tuple[int, int]]] = {
        "blocked": (0, 1),  # something in the curtain
        "over_loop": (0, 1),
        "body_under": (0, 1),
        "mains": (0, 1),
    }

    def __init__(self, rng: random.Random) -> None:
        self._boom = Boom()
        self._curtain = LightCurtain()
        self._edge = SafetyEdge()
        self._loop = InductionLoop()
        self._limits = {"LIMIT_OPEN": open_limit(), "LIMIT_CLOSED": closed_limit()}
        self._blocked = 0
        self._over_loop_m = 0.0
        self._sense()

    def turn(self, knob: str, value: int) -> None:
        if knob == "blocked":
            self._blocked = value
        elif knob == "over_loop":
            self._over_loop_m = float(value)
        elif knob == "body_under":
            self._boom.set_body_under(bool(value))
        else:
            self._boom.mains_ok = bool(value)

    def advance(self, outputs: Sequence[int]) -> None:
        self._boom.motor_open = bool(outputs[barrier.OUT_MOTOR_OPEN])
        self._boom.motor_close = bool(outputs[barrier.OUT_MOTOR_CLOSE])
        self._boom.advance(STEP_US / 1e6)
        self._curtain.advance(STEP_US / 1e6, bool(self._blocked), bool(outputs[barrier.OUT_CURTAIN_TEST]))
        self._edge.advance(STEP_US / 1e6, self._boom.contact, bool(outputs[barrier.OUT_EDGE_TEST]))
        self._loop.advance(STEP_US / 1e6, self._over_loop_m, bool(outputs[barrier.OUT_LOOP_TEST]))
        self._sense()

    def inputs(self) -> dict[str, int]:
        boom = self._boom
        limits = {name: int(switch.closed) for name, switch in self._limits.items()}
        return {
            **limits,
            "CURTAIN_CLEAR": int(self._curtain.clear),
            "SAFETY_LOOP": int(self._loop.occupied),
            "EDGE_OK": int(self._edge.ok),
            "ARM_INTACT": int(boom.arm_intact),
            "MAINS_OK": int(boom.mains_ok),
        }

    def _sense(self) -> None:
        for switch in self._limits.values():
            switch.sense(self._boom.position)


class LoadCellPlant(Plant):
    """A load on the cells and their converter at ten conversions a second."""

    role = "weighbridge"
    knobs: ClassVar[dict[str, tuple[int, int]]] = {"load_kg": (-5_000, 200_000), "converts": (0, 1), "wire": (0, 1)}

    def __init__(self, rng: random.Random) -> None:
        self._cell = LoadCell(rng.getrandbits(32))
        self._load_kg = 0

    def turn(self, knob: str, value: int) -> None:
        if knob == "load_kg":
            self._load_kg = value
        elif knob == "converts":
            self._cell.fail("" if value else "silent")
        else:
            self._cell.fail("" if value else "broken_wire")

    def advance(self, outputs: Sequence[int]) -> None:
        self._cell.advance(STEP_US / 1e6, self._load_kg)

    def inputs(self) -> dict[str, int]:
        return {"ADC_COUNTS": self._cell.counts, "ADC_SEQUENCE": self._cell.sequence}


PLANTS: dict[str, type[Plant]] = {"boom": BoomPlant, "load_cell": LoadCellPlant}
