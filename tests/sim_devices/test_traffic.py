"""Trucks come at their rate, in their shares, and the same for the same seed."""

import math
import random
from typing import Any

import pytest

from sim_devices.plants.lane import Arrival
from sim_devices.traffic import Traffic, TrafficMix

_HOUR_US = 3_600_000_000


def _hours(count: int, mix: TrafficMix, seed: int = 1) -> list[tuple[str, Arrival]]:
    return Traffic(random.Random(seed), ("L1", "L2"), mix).arrivals(count * _HOUR_US)


def test_rate_is_kept_over_many_hours() -> None:
    assert len(_hours(50, TrafficMix(trucks_per_hour=100.0))) == pytest.approx(5000, rel=0.05)


def test_same_seed_brings_the_same_trucks_and_another_seed_others() -> None:
    mix = TrafficMix()
    assert _hours(2, mix) == _hours(2, mix) != _hours(2, mix, seed=2)


def test_shares_are_kept() -> None:
    trucks = [truck for _, truck in _hours(50, TrafficMix(trucks_per_hour=100.0))]
    shares = {
        "articulated": sum(truck.body.is_articulated for truck in trucks),
        "overweight": sum(truck.body.gross_kg > 48_000 for truck in trucks),
        "no_read": sum(not truck.readable for truck in trucks),
        "reverses_out": sum(truck.habits.leaves_after_s >= 0 for truck in trucks),
        "stops": sum(truck.habits.under_boom_s > 0 for truck in trucks),
    }
    wanted = {"articulated": 0.5, "overweight": 0.1, "no_read": 0.05, "reverses_out": 0.05, "stops": 0.1}
    assert {name: count / len(trucks) for name, count in shares.items()} == pytest.approx(wanted, abs=0.02)


def test_truck_numbers_rise_by_one() -> None:
    assert [truck.truck_id for _, truck in _hours(1, TrafficMix())] == list(range(1, len(_hours(1, TrafficMix())) + 1))


def test_no_trucks_come_at_rate_zero_or_after_the_stop() -> None:
    assert _hours(10, TrafficMix(trucks_per_hour=0.0)) == []
    traffic = Traffic(random.Random(1), ("L1",), TrafficMix())
    traffic.stop()
    assert traffic.arrivals(_HOUR_US) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("no_read_share", 1.5),
        ("no_read_share", math.nan),
        ("trucks_per_hour", math.inf),
        ("trucks_per_hour", -1.0),
        ("trucks_per_hour", "many"),
        ("trucks_per_hour", True),
        ("max_gross_kg", 0.0),
        ("patience_s", -2.0),
    ],
)
def test_values_outside_their_range_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} is .*; a number from"):
        TrafficMix(**{name: value})


def test_shares_of_oddities_that_exceed_the_whole_are_refused() -> None:
    with pytest.raises(ValueError, match="sum to at most 1"):
        TrafficMix(no_read_share=0.6, overweight_share=0.6)
