"""Every fault of the catalogue: it is written and read, a plant takes it, shows it, and is whole again afterwards."""

import random
from collections.abc import Iterator

import pytest

from hil.faults.catalogue import BUS, LANE, faults_of
from hil.faults.spec import FaultError, FaultSpec
from hil.rig.field_faults import BusFaults, fail_lane
from hil.rig.plants import PLANTS, STEP_US, Plant
from hil.scenarios.vocabulary import names_of
from protocols.charger.power_module import SETPOINT, Frame
from protocols.rfid import r200
from sim_devices.buses.rs485 import Rs485Line
from sim_devices.devices.field import LaneField

_COMMON = {spec.name for spec in BUS} | {"node"}
_MOTOR_S = 4.0


def _own(plant: str) -> Iterator[FaultSpec]:
    """The faults of a plant, without those of line and node."""
    return (spec for name, spec in faults_of(PLANTS[plant].role, plant).items() if name not in _COMMON)


_ALL = [(plant, spec, level) for plant in PLANTS for spec in _own(plant) for level in range(1, len(spec.kinds) + 1)]
_ALL += [(plant, spec, spec.high) for plant in PLANTS for spec in _own(plant) if spec.unit]


def _outputs(role: str, *on: str) -> list[int]:
    return [int(name in on) for name in names_of(role, "digital_outputs")]


class _Bench:
    """A plant that is worked through all it can do; what it shows meanwhile is its history."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.plant: Plant = PLANTS[name](random.Random(3), "toledo_checksum" if name == "indicator" else "")
        self.history: list[object] = []

    def work(self, fault: tuple[str, str, int] | None) -> list[object]:
        if fault:
            self.plant.fail(*fault)
        getattr(self, f"_work_{self.name}")()
        return self.history

    def run(self, seconds: float, *on: str) -> None:
        for _ in range(round(seconds * 1e6) // STEP_US):
            self.plant.advance(_outputs(self.plant.role, *on))
            self.history.append((self.plant.inputs(), self.plant.take()))

    def _work_boom(self) -> None:
        for output in ("CURTAIN_TEST", "EDGE_TEST", "LOOP_TEST"):
            self.run(0.5, output)
            self.run(0.5)
        self.run(_MOTOR_S, "MOTOR_OPEN")
        for knob in ("blocked", "over_loop", "over_entry_loop", "body_under"):
            self.plant.turn(knob, 1)
            self.run(0.5)
            if knob != "body_under":
                self.plant.turn(knob, 0)
        self.run(_MOTOR_S, "MOTOR_CLOSE")
        self.plant.turn("body_under", 0)
        self.run(_MOTOR_S, "MOTOR_CLOSE")

    def _work_load_cell(self) -> None:
        self.plant.turn("load", 24_000)
        self.run(20.0)

    def _work_indicator(self) -> None:
        self.plant.turn("load", 24_000)
        self.run(3.0)
        self.plant.turn("load", 12_000)
        self.run(3.0)

    def _work_reader(self) -> None:
        self.plant.turn("tag", 1)
        buffer = bytearray(r200.FRAME_MAX)
        for _ in range(5):
            self.plant.receive(bytes(buffer[: r200.put_single_poll(buffer)]))
            self.run(6.0)

    def _work_charging(self) -> None:
        self.plant.turn("vehicle", 1)
        self.run(3.0, "ARM_EXTEND", "MODULE_POWER")
        self.run(4.0, "IMD_TEST", "MODULE_POWER")
        on = ("MODULE_POWER", "VEHICLE_CONNECT", "PRECHARGE", "MODULE_ENABLE")
        for more in ((), ("CONTACTOR",), ("CONTACTOR",)):
            for _ in range(10):
                self._tell_module(20)
                self.run(0.1, *on, *more)
        self.run(1.0, "MODULE_POWER", "CONTACTOR", "VEHICLE_CONNECT")
        self.run(1.0, "MODULE_POWER")

    def _tell_module(self, current_a: int) -> None:
        frame, data = Frame(), bytearray(16)
        frame.kind, frame.flags, frame.voltage_v_x10, frame.current_a_x10 = SETPOINT, 1, 560, current_a * 10
        frame.pack(data)
        self.plant.receive(bytes(data))


@pytest.mark.parametrize(("plant", "spec", "level"), _ALL, ids=lambda item: getattr(item, "name", str(item)))
def test_every_fault_of_a_plant_shows_and_is_repaired(plant: str, spec: FaultSpec, level: int) -> None:
    value = level if spec.unit else 0
    healthy = _Bench(plant).work(None)
    assert _Bench(plant).work((spec.name, spec.kind_of(level), value)) != healthy
    mended = _Bench(plant)
    mended.plant.fail(spec.name, spec.kind_of(level), value)
    assert mended.work((spec.name, "", 0)) == healthy


@pytest.mark.parametrize("name", sorted(set(faults_of(LANE, "")) - _COMMON - {"barrier_node", "weighbridge_node"}))
def test_the_lane_takes_every_fault_of_its_sensors(name: str) -> None:
    spec = faults_of(LANE, "")[name]
    for level in [spec.low, spec.high] if spec.unit else range(len(spec.kinds) + 1):
        fail_lane(LaneField(random.Random(1)), name, spec.kind_of(level), level if spec.unit else 0)


def _heard(*faults: tuple[str, str, int]) -> list[tuple[int, int]]:
    line = Rs485Line(115_200, random.Random(5))
    left, right = line.attach("left"), line.attach("right")
    bus = BusFaults(line)
    for fault in faults:
        bus.fail(*fault, now_us=0)
    for start_us in range(0, 500_000, 50_000):
        line.transmit(left, b"frame", start_us)
        line.advance_to(start_us + 40_000)
    return right.take_timed()


@pytest.mark.parametrize("spec", BUS, ids=lambda spec: spec.name)
def test_every_fault_of_the_line_shows_and_is_repaired(spec: FaultSpec) -> None:
    for level in range(1, len(spec.kinds) + 1) if spec.kinds else (spec.high // 2,):
        fault = (spec.name, spec.kind_of(level), level if spec.unit else 0)
        assert _heard(fault) != _heard()
        assert _heard(fault, (spec.name, "", 0)) == _heard()


@pytest.mark.parametrize("spec", [spec for role in (LANE, "rfid") for spec in faults_of(role, "reader").values()])
def test_a_level_is_what_was_written(spec: FaultSpec) -> None:
    for number, kind in enumerate(spec.kinds, 1):
        assert (spec.level_of([kind]), spec.kind_of(number), spec.describe(number)) == (number, kind, kind)
    if spec.unit:
        assert spec.level_of([str(spec.high), spec.unit]) == spec.high
        assert spec.describe(spec.high) == f"{spec.high} {spec.unit}"
    assert spec.describe(0) == "repaired"


@pytest.mark.parametrize("words", [[], ["broken"], ["3"], ["0", "ms"], ["6000", "ms"], ["5", "s"], ["5", "ms", "x"]])
def test_a_value_that_is_none_is_told_with_what_would_be(words: list[str]) -> None:
    with pytest.raises(FaultError, match="write 'fault reader_delay' with 1 to 5000 ms"):
        faults_of("rfid", "reader")["reader_delay"].level_of(words)


def test_a_fault_of_one_kind_needs_no_word() -> None:
    assert faults_of("barrier", "boom")["mains"].level_of([]) == 1
    with pytest.raises(FaultError, match=r"with test_ignored \| blinded \| dazzled"):
        faults_of("barrier", "boom")["curtain"].level_of([])
