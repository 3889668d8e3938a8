"""The boom obeys its inertia, its end stops and the truck under it."""

from itertools import pairwise

import pytest

from sim_devices.plants.boom import CONTACT_POSITION, Boom

_STEP_S = 0.005


def _run(boom: Boom, seconds: float) -> list[float]:
    positions = []
    for _ in range(round(seconds / _STEP_S)):
        boom.advance(_STEP_S)
        positions.append(boom.position)
    return positions


def _opened() -> Boom:
    return Boom(position=1.0)


def test_boom_travels_end_to_end_in_three_seconds() -> None:
    boom = Boom()
    boom.motor_open = True
    positions = _run(boom, 4.0)
    travel_s = next(index for index, position in enumerate(positions) if position >= 1.0) * _STEP_S
    assert travel_s == pytest.approx(3.0, abs=0.05)


def test_opening_is_monotone_and_never_faster_than_its_top_speed() -> None:
    boom = Boom()
    boom.motor_open = True
    positions = [0.0, *_run(boom, 4.0)]
    steps = [after - before for before, after in pairwise(positions)]
    assert min(steps) >= 0.0
    assert max(steps) <= boom.top_speed * _STEP_S + 1e-12


def test_boom_coasts_a_little_after_the_motor_is_off_and_then_stands() -> None:
    boom = Boom()
    boom.motor_open = True
    _run(boom, 1.0)
    before = boom.position
    boom.motor_open = False
    _run(boom, 0.5)
    assert 0.0 < boom.position - before < 0.05
    assert boom.speed == 0.0


def test_both_relays_in_drive_nothing() -> None:
    boom = Boom(position=0.5)
    boom.motor_open = boom.motor_close = True
    _run(boom, 1.0)
    assert boom.position == 0.5


def test_mains_loss_stops_the_boom() -> None:
    boom = _opened()
    boom.motor_close = True
    _run(boom, 1.0)
    boom.mains_ok = False
    _run(boom, 0.5)
    before = boom.position
    _run(boom, 2.0)
    assert 0.0 < before == boom.position


def test_released_boom_follows_the_hand_not_the_motor() -> None:
    boom = _opened()
    boom.released = True
    boom.motor_open = True
    boom.hand_speed = -0.2
    _run(boom, 6.0)
    assert boom.position == 0.0


def test_boom_driven_onto_a_body_is_one_hit_until_it_lets_go() -> None:
    boom = _opened()
    boom.set_body_under(True)
    boom.motor_close = True
    _run(boom, 3.0)
    assert (boom.position, boom.contact, boom.hits) == (CONTACT_POSITION, True, 1)
    boom.motor_close, boom.motor_open = False, True
    _run(boom, 1.0)
    assert (boom.contact, boom.hits) == (False, 1)
    boom.motor_close, boom.motor_open = True, False
    _run(boom, 3.0)
    assert boom.hits == 2


def test_truck_that_drives_into_a_low_boom_breaks_the_arm_and_is_counted() -> None:
    boom = Boom(position=0.5)
    boom.set_body_under(True)
    assert (boom.strikes, boom.arm_intact, boom.hits) == (1, False, 0)
