"""The lane's field speaks the register map's inputs and outputs, and one seed gives one history."""

import hashlib
import random

import pytest

from protocols.quality import BAD
from protocols.registers import barrier, weighbridge
from sim_devices.devices.field import BARRIER, STEP_US, WEIGHBRIDGE, LaneField
from sim_devices.plants.driver import Habits
from sim_devices.plants.lane import BOOM_X, Arrival
from sim_devices.plants.truck import articulated_body, rigid_body


def _field(seed: int = 1) -> LaneField:
    return LaneField(random.Random(seed))


def _drive(field: LaneField, **outputs: int) -> None:
    image = [0] * barrier.OUT_COUNT
    for name, value in outputs.items():
        image[getattr(barrier, f"OUT_{name}")] = value
    field.apply_outputs(BARRIER, image)


def _input(field: LaneField, name: str) -> int:
    index: int = getattr(barrier, f"IN_{name}")
    return field.inputs_of(BARRIER)[0][index]


def _counts(field: LaneField) -> int:
    return field.inputs_of(WEIGHBRIDGE)[0][weighbridge.IN_COUNT]


def test_quiet_lane_reads_as_a_healthy_one() -> None:
    field = _field()
    field.advance_to(1_000_000)
    energised = {
        "STOP_CHAIN_OK",
        "LIMIT_CLOSED",
        "CURTAIN_CLEAR",
        "LOOPS_OK",
        "EDGE_OK",
        "ARM_INTACT",
        "DRIVE_OK",
        "MAINS_OK",
    }
    names = [name.removeprefix("IN_") for name in vars(barrier) if name.startswith("IN_")]
    on = {name for name in names if name not in ("COUNT", "ADDRESS") and _input(field, name)}
    assert on == energised
    assert field.inputs_of(WEIGHBRIDGE)[0][:3] == [1, 1, 1]


def test_opening_boom_leaves_one_limit_and_makes_the_other_in_its_travel_time() -> None:
    field = _field()
    _drive(field, MOTOR_OPEN=1)
    field.advance_to(1_000_000)
    assert (_input(field, "LIMIT_CLOSED"), _input(field, "LIMIT_OPEN")) == (0, 0)
    field.advance_to(2_800_000)
    assert _input(field, "LIMIT_OPEN") == 0
    field.advance_to(3_100_000)
    assert _input(field, "LIMIT_OPEN") == 1


def test_lost_outputs_stop_the_motor_and_show_red() -> None:
    field = _field()
    _drive(field, MOTOR_OPEN=1, LIGHT_GREEN=1)
    field.advance_to(1_000_000)
    field.drop_outputs(BARRIER)
    field.advance_to(1_500_000)
    resting = field.lane.boom.position
    field.advance_to(5_000_000)
    assert field.lane.boom.position == resting
    assert field.outputs_of(BARRIER)[barrier.OUT_LIGHT_RED] == 1
    assert not field.lane.green


def test_truck_on_the_deck_is_weighed_and_clears_both_beams() -> None:
    field = _field()
    field.advance_to(1_000_000)
    empty = _counts(field)
    field.lane.arrive(Arrival(1, articulated_body(40_000)))
    field.advance_to(40_000_000)
    assert (_counts(field) - empty) / 50 == pytest.approx(40_000, abs=20)
    assert field.inputs_of(WEIGHBRIDGE)[0][:2] == [1, 1]


def test_conversions_are_numbered_ten_a_second() -> None:
    field = _field()
    field.advance_to(10_000_000)
    assert field.inputs_of(WEIGHBRIDGE)[0][weighbridge.IN_COUNT + 1] == 100


def test_curtain_answers_its_test_output() -> None:
    field = _field()
    _drive(field, CURTAIN_TEST=1)
    field.advance_to(50_000)
    assert _input(field, "CURTAIN_CLEAR") == 0
    _drive(field)
    field.advance_to(100_000)
    assert _input(field, "CURTAIN_CLEAR") == 1


@pytest.mark.parametrize(
    ("output", "name", "sensor", "idle"),
    [("EDGE_TEST", "EDGE_OK", "edge", 1), ("LOOP_TEST", "SAFETY_LOOP", "safety_loop", 0)],
)
def test_edge_and_loop_answer_their_test_output_unless_broken(output: str, name: str, sensor: str, idle: int) -> None:
    for kind, answer in (("", 1 - idle), ("test_ignored", idle)):
        field = _field()
        field.fail(sensor, kind)
        _drive(field, **{output: 1})
        field.advance_to(200_000)
        assert _input(field, name) == answer
        _drive(field)
        field.advance_to(400_000)
        assert _input(field, name) == idle


@pytest.mark.parametrize(
    ("sensor", "kind", "name", "value"),
    [
        ("entry_loop", "stuck", "ENTRY_LOOP", 1),
        ("safety_loop", "open", "LOOPS_OK", 0),
        ("curtain", "blinded", "CURTAIN_CLEAR", 0),
        ("open_limit", "stuck_on", "LIMIT_OPEN", 1),
        ("closed_limit", "stuck_off", "LIMIT_CLOSED", 0),
    ],
)
def test_broken_sensor_shows_on_its_input_and_its_repair_too(sensor: str, kind: str, name: str, value: int) -> None:
    field = _field()
    field.fail(sensor, kind)
    field.advance_to(500_000)
    assert _input(field, name) == value
    field.fail(sensor, "")
    field.advance_to(1_000_000)
    assert _input(field, name) != value


@pytest.mark.parametrize("name", ["STOP_CHAIN_OK", "FIRE", "DRIVE_OK", "LOCAL_MODE", "MAINS_OK", "MANUAL_RELEASED"])
def test_bench_switch_reaches_its_input_at_once(name: str) -> None:
    field = _field()
    before = _input(field, name)
    field.set_switch(name, not before)
    assert _input(field, name) == 1 - before


def test_bad_quality_is_told_with_the_value() -> None:
    field = _field()
    field.set_quality(BARRIER, barrier.IN_SAFETY_LOOP, BAD)
    assert field.inputs_of(BARRIER)[1][barrier.IN_SAFETY_LOOP] == BAD


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    field = _field()
    with pytest.raises(ValueError, match="use one of"):
        field.fail("radar", "stuck")
    with pytest.raises(ValueError, match="use one of"):
        field.set_switch("LIMIT_OPEN", True)
    with pytest.raises(ValueError, match="9 outputs, not 2"):
        field.apply_outputs(BARRIER, [0, 1])


def _digest(seed: int, step_us: int) -> str:
    """A minute of a lane in which a truck passes and the boom moves, as a hash of every input at every 20 ms."""
    field = _field(seed)
    field.lane.arrive(Arrival(1, rigid_body(17_800)))
    field.lane.arrive(Arrival(2, articulated_body(41_200)))
    history = hashlib.sha256()
    for now_us in range(0, 60_000_001, 20_000):
        if now_us == 20_000_000:
            _drive(field, MOTOR_OPEN=1, LIGHT_GREEN=1)
        for part_us in range(now_us - 20_000 + step_us, now_us + 1, step_us):
            field.advance_to(part_us)
        history.update(repr((field.inputs_of(BARRIER), field.inputs_of(WEIGHBRIDGE))).encode())
    history.update(repr(field.lane.take_truth()).encode())
    return history.hexdigest()


def test_same_seed_gives_the_same_history_and_another_seed_another() -> None:
    assert _digest(1, 20_000) == _digest(1, 20_000) != _digest(2, 20_000)


def test_history_does_not_depend_on_how_often_the_field_is_advanced() -> None:
    assert _digest(1, 20_000) == _digest(1, 2_500)


def test_a_boom_driven_onto_a_truck_opens_the_safety_edge() -> None:
    field = _field()
    field.lane.boom.position = 1.0
    field.lane.green = True
    field.lane.arrive(Arrival(1, rigid_body(18_000), habits=Habits(under_boom_s=20.0)))
    while not field.lane.beam_blocked(BOOM_X):
        _drive(field, LIGHT_GREEN=1)
        field.advance_to(field.now_us + STEP_US)
    _drive(field, MOTOR_CLOSE=1)
    field.advance_to(field.now_us + 3_000_000)
    assert _input(field, "EDGE_OK") == 0
    assert _input(field, "ARM_INTACT") == 1


def test_a_truck_that_drives_into_a_lowered_arm_breaks_it() -> None:
    field = _field()
    field.lane.boom.set_body_under(True)
    field.advance_to(STEP_US)
    assert _input(field, "ARM_INTACT") == 0
