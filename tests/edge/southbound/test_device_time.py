"""Device uptimes on the hub's clock: the interval always holds the truth and gets narrow."""

import random

import pytest

from edge.model import ClockQuality, Stamp
from edge.southbound.device_time import DRIFT_PPM, DeviceTime, EventTimes


def test_nothing_is_known_before_a_read_and_after_a_restart() -> None:
    time = DeviceTime()
    assert time.to_hub(0, 0) is None
    time.on_uptime(3, 10_000, 10_010)
    assert time.to_hub(3000, 10_010) is not None
    time.restart()
    assert time.to_hub(3000, 10_010) is None


def test_one_read_of_whole_seconds_knows_to_half_a_second() -> None:
    time = DeviceTime()
    time.on_uptime(3, 10_000, 10_010)
    hub_ms, uncertainty_ms = time.to_hub(3500, 10_010) or (0, 0)
    assert (hub_ms, uncertainty_ms) == (10_005, 506)


@pytest.mark.parametrize("drift_ppm", [-DRIFT_PPM, 0, DRIFT_PPM])
@pytest.mark.parametrize("answer_ms", [8, 60])
def test_over_a_day_of_reads_the_truth_is_inside_and_the_interval_is_narrow(drift_ppm: int, answer_ms: int) -> None:
    rng, time = random.Random(drift_ppm), DeviceTime()
    start_ms, widest_ms = 5_123, 0

    def uptime_ms(hub_ms: float) -> float:
        return (hub_ms - start_ms) * (1 + drift_ppm / 1e6)

    hub_ms = 10_000
    while hub_ms < 86_400_000:
        taken_ms = hub_ms + rng.random() * answer_ms
        time.on_uptime(int(uptime_ms(taken_ms) / 1000), hub_ms, hub_ms + answer_ms)
        if hub_ms > 200_000:
            event_ms = hub_ms - rng.randrange(100)
            mapped_ms, uncertainty_ms = time.to_hub(int(uptime_ms(event_ms)), hub_ms) or (0, 0)
            assert abs(mapped_ms - event_ms) <= uncertainty_ms
            widest_ms = max(widest_ms, uncertainty_ms)
        hub_ms += rng.randrange(90, 1500)
    assert widest_ms <= answer_ms + 60


def test_an_event_narrows_it_to_the_time_between_two_reads() -> None:
    time = DeviceTime()
    time.on_uptime(3, 10_000, 10_010)
    time.on_event(3_400, 10_000, 10_110)
    hub_ms, uncertainty_ms = time.to_hub(3_400, 10_110) or (0, 0)
    assert 10_000 <= hub_ms <= 10_110
    assert uncertainty_ms <= 57


def test_a_clock_beyond_its_tolerance_begins_anew_with_the_newest_word() -> None:
    time = DeviceTime()
    time.on_event(1_000, 10_000, 10_010)
    time.on_event(2_000, 19_000, 19_010)
    hub_ms, uncertainty_ms = time.to_hub(2_000, 19_010) or (0, 0)
    assert abs(hub_ms - 19_005) <= uncertainty_ms <= 7


_WALL_MS = 1_700_000_000_000


def _stamp(mono_ms: int, step_ms: int = 0) -> Stamp:
    return Stamp(mono_ms, _WALL_MS + mono_ms + step_ms, ClockQuality.HOLDOVER)


def test_an_event_gets_utc_with_its_uncertainty_and_the_clock() -> None:
    times = EventTimes()  # of a device that started at 5,000
    times.on_header(head=3, uptime_s=5, asked_ms=10_000, answered_ms=10_010)
    times.on_header(head=4, uptime_s=5, asked_ms=10_100, answered_ms=10_110)
    times.on_event(4, 5_050)
    data = times.data(5_050, _stamp(10_150))
    assert abs(data["source_time"] - (_WALL_MS + 10_050)) <= data["uncertainty_ms"] <= 57
    assert data["clock"] == "holdover"


def test_a_step_of_the_wall_clock_moves_utc_and_nothing_else() -> None:
    times = EventTimes()
    times.on_header(head=3, uptime_s=5, asked_ms=10_000, answered_ms=10_010)
    before, after = times.data(5_050, _stamp(10_150)), times.data(5_050, _stamp(10_160, step_ms=-3_600_000))
    assert after["source_time"] == before["source_time"] - 3_600_000
    assert after["uncertainty_ms"] == before["uncertainty_ms"]


def test_events_of_before_the_first_header_do_not_mislead() -> None:
    times = EventTimes()
    times.on_header(head=40, uptime_s=5000, asked_ms=10_000, answered_ms=10_010)
    times.on_event(20, 1_000)
    data = times.data(1_000, _stamp(10_150))
    assert abs(data["source_time"] - (_WALL_MS + 10_005 - 5_000_000 + 1_000 - 500)) <= data["uncertainty_ms"] <= 507


def test_a_restart_forgets_and_says_that_nothing_is_known() -> None:
    times = EventTimes()
    times.on_header(head=3, uptime_s=5, asked_ms=10_000, answered_ms=10_010)
    times.restart()
    assert times.data(100, _stamp(10_150)) == {"source_time": None, "uncertainty_ms": None, "clock": "holdover"}
