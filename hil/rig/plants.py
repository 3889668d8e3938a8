"""What a bench can put around its device: small plants that drive some of its inputs, or talk on its field line.

Knows: which inputs of a role a plant drives, in the words of its register map, and how the faults of the catalogue are
brought about in it. Must not know: scenarios, how a device is run. A plant is one row of PLANTS; the physics are those
of sim_devices.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Protocol

from hil.rig.field_faults import fail_charging, fail_load_cell
from hil.rig.knob import LOAD, Knob, thing
from hil.scenarios.vocabulary import input_names
from protocols.registers import barrier
from sim_devices.devices.charging_field import SWITCHES, ChargingField
from sim_devices.devices.indicator import Indicator
from sim_devices.devices.rfid_reader import R200Reader, TagField, Uhf18Reader
from sim_devices.plants.boom import Boom
from sim_devices.plants.charging_bay import Vehicle
from sim_devices.sensors.curtain import LightCurtain
from sim_devices.sensors.edge import SafetyEdge
from sim_devices.sensors.load_cell import LoadCell
from sim_devices.sensors.loop import InductionLoop
from sim_devices.sensors.switch import closed_limit, open_limit

# Switches of a post that a scenario sets, as they are wired straight to an input.
_CHARGING_SWITCHES = tuple(name for n, name in enumerate(input_names("charging_post")) if n in SWITCHES)
STEP_US = 5_000  # every plant moves in these steps


class _Breakable(Protocol):
    def fail(self, kind: str) -> None: ...


class Plant(ABC):
    """`advance` moves it by STEP_US; `inputs` are what it drives; a plant with an instrument also has a line."""

    role: ClassVar[str]
    knobs: ClassVar[dict[str, Knob]] = {}

    @abstractmethod
    def __init__(self, rng: random.Random, protocol: str) -> None:
        """`protocol` is what the device expects on its field line, "" for the role's default."""

    @abstractmethod
    def turn(self, knob: str, value: int) -> None:
        """Set one of `knobs` to a value within its limits."""

    @abstractmethod
    def advance(self, outputs: Sequence[int]) -> None:
        """Move by STEP_US under the outputs in force."""

    @abstractmethod
    def inputs(self) -> dict[str, int]:
        """The inputs it drives, by name."""

    @abstractmethod
    def fail(self, name: str, kind: str, value: int) -> None:
        """Bring about a fault of the catalogue in its kind or with its value, or repair it with "" and 0."""

    def harm(self) -> list[str]:
        """What must never happen and did, in words with its count."""
        return []

    def receive(self, data: bytes) -> None:  # noqa: B027  # most plants have no line
        """Take what the device said on its field line."""

    def take(self) -> bytes:
        """What the plant says on the field line since the last call."""
        return b""


class BoomPlant(Plant):
    """A boom between two limit switches, with curtain, edge and safety loop that answer their tests."""

    role = "barrier"
    knobs: ClassVar[dict[str, Knob]] = {
        "blocked": Knob("something is in the curtain"),
        "over_loop": Knob("metal is over the safety loop"),
        "over_entry_loop": Knob("metal is over the entry loop"),
        "body_under": Knob("a body is under the boom, seen by no sensor but the edge"),
    }

    def __init__(self, rng: random.Random, protocol: str) -> None:
        self._boom = Boom()
        self._curtain = LightCurtain()
        self._edge = SafetyEdge()
        self._loop = InductionLoop()
        self._entry_loop = InductionLoop()
        self._limits = {"LIMIT_OPEN": open_limit(), "LIMIT_CLOSED": closed_limit()}
        self._parts: dict[str, _Breakable] = {
            "curtain": self._curtain,
            "edge": self._edge,
            "safety_loop": self._loop,
            "entry_loop": self._entry_loop,
            "open_limit": self._limits["LIMIT_OPEN"],
            "closed_limit": self._limits["LIMIT_CLOSED"],
            "drive": self._boom,
        }
        self._blocked = 0
        self._over_loop_m = self._over_entry_loop_m = 0.0
        self._sense()

    def turn(self, knob: str, value: int) -> None:
        if knob == "blocked":
            self._blocked = value
        elif knob == "over_loop":
            self._over_loop_m = float(value)
        elif knob == "over_entry_loop":
            self._over_entry_loop_m = float(value)
        else:
            self._boom.set_body_under(bool(value))

    def fail(self, name: str, kind: str, value: int) -> None:
        if name == "mains":
            self._boom.mains_ok = not kind
        elif name == "arm":
            self._boom.arm_intact = not kind
        else:
            self._parts[name].fail(kind)

    def harm(self) -> list[str]:
        return [f"{self._boom.hits} times the boom driven onto a body"] if self._boom.hits else []

    def advance(self, outputs: Sequence[int]) -> None:
        self._boom.motor_open = bool(outputs[barrier.OUT_MOTOR_OPEN])
        self._boom.motor_close = bool(outputs[barrier.OUT_MOTOR_CLOSE])
        self._boom.advance(STEP_US / 1e6)
        self._curtain.advance(STEP_US / 1e6, bool(self._blocked), bool(outputs[barrier.OUT_CURTAIN_TEST]))
        self._edge.advance(STEP_US / 1e6, self._boom.contact, bool(outputs[barrier.OUT_EDGE_TEST]))
        self._entry_loop.advance(STEP_US / 1e6, self._over_entry_loop_m)
        self._loop.advance(STEP_US / 1e6, self._over_loop_m, bool(outputs[barrier.OUT_LOOP_TEST]))
        self._sense()

    def inputs(self) -> dict[str, int]:
        boom = self._boom
        limits = {name: int(switch.closed) for name, switch in self._limits.items()}
        return {
            **limits,
            "CURTAIN_CLEAR": int(self._curtain.clear),
            "SAFETY_LOOP": int(self._loop.occupied),
            "ENTRY_LOOP": int(self._entry_loop.occupied),
            "LOOPS_OK": int(not (self._loop.fault or self._entry_loop.fault)),
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
    knobs: ClassVar[dict[str, Knob]] = {"load": LOAD}

    def __init__(self, rng: random.Random, protocol: str) -> None:
        self._cell = LoadCell(rng.getrandbits(32))
        self._load_kg = 0

    def turn(self, knob: str, value: int) -> None:
        self._load_kg = value

    def fail(self, name: str, kind: str, value: int) -> None:
        fail_load_cell(self._cell, name, kind, value)

    def advance(self, outputs: Sequence[int]) -> None:
        self._cell.advance(STEP_US / 1e6, self._load_kg)

    def inputs(self) -> dict[str, int]:
        return {"ADC_COUNTS": self._cell.counts, "ADC_SEQUENCE": self._cell.sequence}


class IndicatorPlant(Plant):
    """A load on a weighing indicator, which talks on the field line."""

    role = "weighbridge"
    knobs: ClassVar[dict[str, Knob]] = {"load": LOAD}

    def __init__(self, rng: random.Random, protocol: str) -> None:
        self._indicator = Indicator(protocol, rng.getrandbits(32))
        self._load_kg = 0

    def turn(self, knob: str, value: int) -> None:
        self._load_kg = value

    def fail(self, name: str, kind: str, value: int) -> None:
        self._indicator.fail(kind)

    def advance(self, outputs: Sequence[int]) -> None:
        self._indicator.advance(STEP_US / 1e6, self._load_kg)

    def inputs(self) -> dict[str, int]:
        return {}

    def receive(self, data: bytes) -> None:
        self._indicator.receive(data)

    def take(self) -> bytes:
        return self._indicator.take()


class ReaderPlant(Plant):
    """A reader with one tag that is before its antenna or not."""

    role = "rfid"
    knobs: ClassVar[dict[str, Knob]] = {"tag": thing("a tag before the antenna")}
    _EPC = bytes.fromhex("30751feb705c5904e3d50d70")

    def __init__(self, rng: random.Random, protocol: str) -> None:
        self._tag = TagField().add(self._EPC, antenna=0)
        field = TagField()
        field.tags.append(self._tag)
        self._reader = Uhf18Reader(field) if protocol == "uhfreader18" else R200Reader(field)
        self._now_ms = 0
        self._said = b""

    def turn(self, knob: str, value: int) -> None:
        self._tag.antenna = value

    def fail(self, name: str, kind: str, value: int) -> None:
        reader = self._reader
        if name == "reader_repeats":
            reader.repeats = value
        elif name == "reader_delay":
            reader.delay_ms = value
        elif name == "ghost_tags":
            reader.ghosts = [self._EPC[:-1] + bytes([number]) for number in range(value)]
        else:
            reader.is_silent, reader.talks_garbage = kind == "silent", kind == "garbage"
            reader.breaks_frames, reader.cuts_frames = kind == "breaks_frames", kind == "cuts_frames"

    def advance(self, outputs: Sequence[int]) -> None:
        self._now_ms += STEP_US // 1000
        self._said += self._reader.advance(self._now_ms)

    def inputs(self) -> dict[str, int]:
        return {}

    def receive(self, data: bytes) -> None:
        self._reader.receive(data, self._now_ms)

    def take(self) -> bytes:
        said, self._said = self._said, b""
        return said


class ChargingPlant(Plant):
    """A charging bay with its power module; a vehicle is there or not."""

    role = "charging_post"
    knobs: ClassVar[dict[str, Knob]] = {
        "vehicle": thing("a vehicle in the bay"),
        "wants_charge": Knob("the vehicle asks for current"),
    }

    def __init__(self, rng: random.Random, protocol: str) -> None:
        self._field = ChargingField()
        self._vehicle = Vehicle(4711)
        self._now_us = 0

    def turn(self, knob: str, value: int) -> None:
        bay = self._field.bay
        if knob == "wants_charge":
            self._vehicle.wants_charge = bool(value)
        elif value:
            bay.arrive(self._vehicle)
        else:
            bay.leave()

    def fail(self, name: str, kind: str, value: int) -> None:
        fail_charging(self._field, self._vehicle, name, kind, value)

    def harm(self) -> list[str]:
        bay = self._field.bay
        live, fed = bay.live_moves, bay.circuit.shorts
        counts = {"steps of the arm with live plates": live, "steps in which stray metal is fed": fed}
        return [f"{count} {what}" for what, count in counts.items() if count]

    def advance(self, outputs: Sequence[int]) -> None:
        self._now_us += STEP_US
        self._field.apply_outputs(outputs)
        self._field.advance_to(self._now_us)

    def inputs(self) -> dict[str, int]:
        driven = zip(input_names(self.role), self._field.inputs(), strict=True)
        return {name: value for name, value in driven if name not in _CHARGING_SWITCHES}

    def receive(self, data: bytes) -> None:
        self._field.receive(data)

    def take(self) -> bytes:
        return self._field.take()


# Of each role the plant that stands around a device of it when nobody says which.
USUAL_PLANT = {"barrier": "boom", "weighbridge": "load_cell", "rfid": "reader", "charging_post": "charging"}
PLANTS: dict[str, type[Plant]] = {
    "boom": BoomPlant,
    "load_cell": LoadCellPlant,
    "indicator": IndicatorPlant,
    "reader": ReaderPlant,
    "charging": ChargingPlant,
}
