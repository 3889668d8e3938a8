"""Loops, curtain and limit switches: delays, hysteresis, and every way they go wrong."""

import pytest

from sim_devices.sensors.curtain import LightCurtain
from sim_devices.sensors.loop import InductionLoop
from sim_devices.sensors.switch import closed_limit, open_limit

_STEP_S = 0.005


def test_open_limit_has_hysteresis() -> None:
    switch = open_limit()
    states = []
    for position in (0.98, 0.99, 0.975, 0.96, 0.98):
        switch.sense(position)
        states.append(switch.closed)
    assert states == [False, True, True, False, False]


def test_closed_limit_has_hysteresis() -> None:
    switch = closed_limit()
    states = []
    for position in (0.02, 0.01, 0.025, 0.04, 0.02):
        switch.sense(position)
        states.append(switch.closed)
    assert states == [False, True, True, False, False]


@pytest.mark.parametrize(("kind", "closed"), [("stuck_on", True), ("stuck_off", False)])
def test_failed_limit_ignores_the_boom(kind: str, closed: bool) -> None:
    switch = open_limit()
    switch.fail(kind)
    for position in (0.0, 1.0):
        switch.sense(position)
        assert switch.closed is closed


def _loop_steps_until(loop: InductionLoop, covered_m: float, occupied: bool) -> int:
    for step in range(1, 100):
        loop.advance(_STEP_S, covered_m)
        if loop.occupied is occupied:
            return step
    raise AssertionError("the loop never changed")


def test_loop_picks_up_after_50_ms_and_drops_out_after_100_ms() -> None:
    loop = InductionLoop()
    assert _loop_steps_until(loop, 2.0, True) * _STEP_S == pytest.approx(0.05)
    assert _loop_steps_until(loop, 0.0, False) * _STEP_S == pytest.approx(0.10)


def test_metal_shorter_than_the_pick_up_time_is_not_seen() -> None:
    loop = InductionLoop()
    for covered_m in (2.0, 2.0, 0.0) * 20:
        loop.advance(_STEP_S, covered_m)
        assert not loop.occupied


@pytest.mark.parametrize(
    ("kind", "occupied", "fault"), [("stuck", True, False), ("silent", False, False), ("open", True, True)]
)
def test_failed_loop_reports_as_its_failure_says(kind: str, occupied: bool, fault: bool) -> None:
    loop = InductionLoop()
    loop.fail(kind)
    for covered_m in (0.0, 2.0):
        for _ in range(50):
            loop.advance(_STEP_S, covered_m)
        assert (loop.occupied, loop.fault) == (occupied, fault)


def _curtain_after(curtain: LightCurtain, blocked: bool, test: bool) -> bool:
    for _ in range(10):
        curtain.advance(_STEP_S, blocked, test)
    return curtain.clear


def test_curtain_goes_dark_when_blocked_and_when_tested() -> None:
    curtain = LightCurtain()
    assert curtain.clear
    assert not _curtain_after(curtain, blocked=True, test=False)
    assert _curtain_after(curtain, blocked=False, test=False)
    assert not _curtain_after(curtain, blocked=False, test=True)


def test_curtain_answers_its_test_after_its_response_time() -> None:
    curtain = LightCurtain(response_s=0.02)
    answers = []
    for _ in range(4):
        curtain.advance(_STEP_S, blocked=False, test=True)
        answers.append(curtain.clear)
    assert answers == [True, True, True, False]


@pytest.mark.parametrize(
    ("kind", "blocked", "test", "clear"),
    [
        ("test_ignored", False, True, True),
        ("test_ignored", True, False, False),
        ("blinded", False, False, False),
        ("dazzled", True, True, True),
    ],
)
def test_failed_curtain_reports_as_its_failure_says(kind: str, blocked: bool, test: bool, clear: bool) -> None:
    curtain = LightCurtain()
    curtain.fail(kind)
    assert _curtain_after(curtain, blocked, test) is clear


@pytest.mark.parametrize("sensor", [open_limit(), InductionLoop(), LightCurtain()])
def test_unknown_failure_is_refused_with_the_known_ones(sensor: InductionLoop) -> None:
    with pytest.raises(ValueError, match="use one of"):
        sensor.fail("melted")
