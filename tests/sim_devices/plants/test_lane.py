"""Trucks keep to the lane's geometry, their drivers to light and boom, and the truth tells what happened."""

import pytest

from sim_devices.plants import lane as places
from sim_devices.plants.driver import Habits
from sim_devices.plants.lane import Arrival, Lane, Truth
from sim_devices.plants.truck import articulated_body, rigid_body

_STEP_US = 5000


def _run(lane: Lane, seconds: float) -> list[Truth]:
    for _ in range(round(seconds * 1e6 / _STEP_US)):
        lane.advance(lane.now_us + _STEP_US)
    return lane.take_truth()


def _kinds(truth: list[Truth]) -> list[str]:
    return [entry.kind for entry in truth]


def _open(lane: Lane) -> None:
    lane.green, lane.boom.position = True, 1.0


@pytest.mark.parametrize("offset_m", [-0.4, 0.0, 0.4])
@pytest.mark.parametrize("body", [rigid_body(18_000), articulated_body(40_000)])
def test_truck_stops_at_the_line_with_all_axles_on_the_deck(offset_m: float, body: object) -> None:
    lane = Lane()
    lane.arrive(Arrival(1, body, stop_offset_m=offset_m))  # type: ignore[arg-type]
    assert _kinds(_run(lane, 40)) == ["entered", "at_camera", "stopped"]
    truck = lane.visitors[0].truck
    assert truck.front_m == pytest.approx(22.0 + offset_m)
    assert all(0.5 < position < 17.5 for position, _ in lane.deck_axles())
    assert sum(load for _, load in lane.deck_axles()) == pytest.approx(truck.body.gross_kg)
    assert not lane.beam_blocked(places.FRONT_BEAM_X)
    assert not lane.beam_blocked(places.REAR_BEAM_X)


def test_truck_moves_forward_only_and_within_its_acceleration() -> None:
    lane = Lane()
    lane.arrive(Arrival(1, rigid_body(18_000)))
    lane.advance(_STEP_US)
    truck = lane.visitors[0].truck
    front, speed = truck.front_m, truck.speed_mps
    for _ in range(6000):
        lane.advance(lane.now_us + _STEP_US)
        assert truck.front_m >= front
        assert truck.speed_mps - speed <= truck.body.acceleration_mps2 * _STEP_US / 1e6 + 1e-9
        front, speed = truck.front_m, truck.speed_mps


def test_green_light_alone_moves_no_truck() -> None:
    lane = Lane()
    lane.green, lane.boom.position = True, 0.9
    lane.arrive(Arrival(1, rigid_body(18_000)))
    assert "under_boom" not in _kinds(_run(lane, 60))


def test_truck_passes_when_green_and_open() -> None:
    lane = Lane()
    _open(lane)
    lane.arrive(Arrival(7, articulated_body(40_000)))
    truth = _run(lane, 60)
    assert _kinds(truth) == ["entered", "at_camera", "stopped", "under_boom", "passed"]
    assert {entry.truck_id for entry in truth} == {7}
    assert lane.visitors == []


def test_next_truck_waits_until_the_lane_is_free() -> None:
    lane = Lane()
    lane.arrive(Arrival(1, rigid_body(18_000)))
    lane.arrive(Arrival(2, rigid_body(18_000)))
    assert {entry.truck_id for entry in _run(lane, 60)} == {1}
    _open(lane)
    truth = _run(lane, 60)
    assert [entry.truck_id for entry in truth if entry.kind in ("passed", "entered")] == [1, 2, 2]


def test_refused_truck_backs_out_and_frees_the_lane() -> None:
    lane = Lane()
    lane.arrive(Arrival(1, articulated_body(60_000)))
    _run(lane, 40)
    lane.turn_back()
    assert _kinds(_run(lane, 40)) == ["backed_out"]
    assert lane.visitors == []


def test_truck_leaves_by_itself_after_arriving() -> None:
    lane = Lane()
    lane.arrive(Arrival(1, rigid_body(18_000), habits=Habits(leaves_after_s=5.0)))
    assert _kinds(_run(lane, 60))[-2:] == ["stopped", "backed_out"]


def test_driver_loses_patience_before_a_red_light_only() -> None:
    lane = Lane()
    lane.arrive(Arrival(1, rigid_body(18_000), habits=Habits(patience_s=20.0)))
    _run(lane, 15)
    lane.green = True
    assert _kinds(_run(lane, 60)) == []
    lane.green = False
    assert _kinds(_run(lane, 60)) == ["backed_out"]


def test_truck_stands_under_the_boom_for_its_time() -> None:
    lane = Lane()
    _open(lane)
    lane.arrive(Arrival(1, rigid_body(18_000), habits=Habits(under_boom_s=15.0)))
    truth = {entry.kind: entry.time_us for entry in _run(lane, 80)}
    assert (truth["passed"] - truth["under_boom"]) / 1e6 > 15.0


def test_tailgater_follows_through_the_open_boom_without_stopping() -> None:
    lane = Lane()
    _open(lane)
    lane.arrive(Arrival(1, rigid_body(18_000)))
    lane.arrive(Arrival(2, rigid_body(18_000), habits=Habits(tailgates=True)))
    truth = _run(lane, 60)
    assert [(entry.kind, entry.truck_id) for entry in truth if entry.kind == "passed"] == [("passed", 1), ("passed", 2)]
    assert ("stopped", 2) not in [(entry.kind, entry.truck_id) for entry in truth]
    passes = [entry.time_us for entry in truth if entry.kind == "passed"]
    assert passes[1] - passes[0] < 10_000_000


def test_driver_stops_before_a_boom_that_comes_down_in_front_of_him() -> None:
    lane = Lane()
    _open(lane)
    lane.arrive(Arrival(1, rigid_body(18_000)))
    while not (lane.visitors and lane.visitors[0].truck.front_m > 22.5):
        lane.advance(lane.now_us + _STEP_US)
    lane.boom.position = 0.0
    _run(lane, 20)
    assert lane.visitors[0].truck.front_m == pytest.approx(places.BOOM_X - 1.0)
    assert lane.boom.strikes == 0


def test_boom_closed_onto_a_standing_truck_is_told_as_a_hit() -> None:
    lane = Lane()
    _open(lane)
    lane.arrive(Arrival(3, rigid_body(18_000), habits=Habits(under_boom_s=30.0)))
    while not lane.visitors or lane.visitors[0].driver.phase != "under_boom":
        lane.advance(lane.now_us + _STEP_US)
    lane.take_truth()
    lane.boom.motor_close = True
    assert Truth(lane.now_us, "hit", 3).kind in _kinds(_run(lane, 5))
    assert lane.hits == 1


def test_coupling_gap_hides_the_truck_from_loop_and_curtain_for_a_short_time() -> None:
    lane = Lane()
    _open(lane)
    lane.arrive(Arrival(1, articulated_body(40_000)))
    hidden_steps = 0
    for _ in range(12_000):
        lane.advance(lane.now_us + _STEP_US)
        covered = any(visitor.truck.covers(places.BOOM_X) for visitor in lane.visitors)
        seen = lane.beam_blocked(places.BOOM_X) or lane.loop_cover_m(places.SAFETY_LOOP) >= 0.4
        hidden_steps += covered and not seen
    assert 0.1 < hidden_steps * _STEP_US / 1e6 < 2.0


def test_truck_longer_than_the_deck_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit the deck"):
        Arrival(1, type(rigid_body(1000))(25.0, (1.0, 24.0), (500.0, 500.0)))


def test_a_truck_that_has_only_just_come_in_does_not_take_a_refusal_for_itself() -> None:
    lane = Lane()
    lane.arrive(Arrival(1, rigid_body(18_000)))
    while not lane.visitors or lane.visitors[0].truck.front_m < places.CAMERA_X - 0.5:
        lane.advance(lane.now_us + _STEP_US)
    lane.turn_back()
    assert "stopped" in _kinds(_run(lane, 40))


def test_truck_that_turns_under_the_boom_reverses_out() -> None:
    lane = Lane()
    _open(lane)
    lane.arrive(Arrival(1, rigid_body(18_000), habits=Habits(under_boom_s=2.0, turns_under_boom=True)))
    assert _kinds(_run(lane, 60)) == ["entered", "at_camera", "stopped", "under_boom", "backed_out"]
    assert lane.visitors == []


def test_truck_that_comes_the_wrong_way_waits_for_the_boom_and_leaves_at_the_entry() -> None:
    lane = Lane()
    lane.arrive(Arrival(1, rigid_body(18_000), habits=Habits(comes_wrong_way=True)))
    assert _kinds(_run(lane, 30)) == []
    assert lane.visitors[0].truck.tail_m == pytest.approx(places.BOOM_X + 1.0)
    _open(lane)
    assert _kinds(_run(lane, 60)) == ["wrong_way", "backed_out"]
    assert lane.boom.strikes == 0
    assert lane.visitors == []


def test_truck_that_stands_at_the_line_needs_no_approach() -> None:
    lane = Lane()
    _open(lane)
    lane.arrive(Arrival(1, rigid_body(18_000), habits=Habits(stands_at_line=True)))
    truth = _run(lane, 20)
    assert _kinds(truth) == ["entered", "at_camera", "stopped", "under_boom", "passed"]
    assert truth[0].time_us == truth[2].time_us
