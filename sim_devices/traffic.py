"""Trucks that come to the gate: when, what kind, with which plate and load. A seed gives one history.

Knows: rates and shares. Must not know: lanes beyond their names, any clock; time is handed in.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from sim_devices.plants.driver import Habits
from sim_devices.plants.lane import STOP_SPREAD_M, Arrival
from sim_devices.plants.truck import TruckBody, articulated_body, rigid_body

_PLATE_PROVINCES = (12, 14, 15, 20, 24, 29, 51, 61)
_PLATE_SERIES = "CDH"
_HOUR_US = 3_600_000_000
# The first truck comes early, so as not to keep a spectator waiting, but not before he has seen the lanes at rest.
_SETTLE_US = 6_000_000
# Values a mix may have; a truck every second is more than any gate takes. Shares lie from 0 to 1.
_RANGES = {"trucks_per_hour": (0.0, 3600.0), "max_gross_kg": (1.0, 200_000.0), "patience_s": (-1.0, 86_400.0)}
_SHARE_RANGE = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class TrafficMix:
    """Rate over the whole gate and shares, each 0 to 1. A truck has at most one of the oddities.

    `max_gross_kg` is the gate's limit, which overweight trucks exceed by 5 to 20 %; `patience_s` is how long a driver
    stands before a light that is not green.
    """

    trucks_per_hour: float = 120.0
    articulated_share: float = 0.5
    overweight_share: float = 0.1
    no_read_share: float = 0.05
    reverses_out_share: float = 0.05
    stops_under_boom_share: float = 0.1
    tailgates_share: float = 0.0
    max_gross_kg: float = 48_000.0
    patience_s: float = 90.0

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            _check_range(name, getattr(self, name), *_RANGES.get(name, _SHARE_RANGE))
        shares = {name: getattr(self, name) for name in self.__dataclass_fields__ if name.endswith("_share")}
        if sum(shares.values()) - self.articulated_share > 1.0:
            raise ValueError(f"the shares of oddities sum to at most 1, not to more as in {shares}")


def _check_range(name: str, value: object, low: float, high: float) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and low <= value <= high):  # type: ignore[operator]
        raise ValueError(f"{name} is {value!r}; a number from {low:g} to {high:g} is expected")


class Traffic:
    """`arrivals(now_us)` yields every truck due by then as (lane name, arrival), each once."""

    def __init__(self, rng: random.Random, lanes: tuple[str, ...], mix: TrafficMix) -> None:
        self._rng = rng
        self._lanes = lanes
        self._mix = mix
        self._count = 0
        self._stopped = mix.trucks_per_hour <= 0.0
        self._next_us = 0 if self._stopped else _SETTLE_US + self._gap_us() // 4

    def arrivals(self, now_us: int) -> list[tuple[str, Arrival]]:
        due: list[tuple[str, Arrival]] = []
        while not self._stopped and self._next_us <= now_us:
            due.append((self._rng.choice(self._lanes), self._truck()))
            self._next_us += self._gap_us()
        return due

    def stop(self) -> None:
        """No more trucks from now on."""
        self._stopped = True

    def _gap_us(self) -> int:
        return round(self._rng.expovariate(self._mix.trucks_per_hour) * _HOUR_US)

    def _truck(self) -> Arrival:
        self._count += 1
        oddity = self._oddity()
        return Arrival(
            truck_id=self._count,
            body=self._body(oddity == "overweight"),
            plate=self._plate(),
            habits=self._habits(oddity),
            stop_offset_m=self._rng.uniform(-STOP_SPREAD_M, STOP_SPREAD_M),
            readable=oddity != "no_read",
        )

    def _oddity(self) -> str:
        mix, draw = self._mix, self._rng.random()
        shares = (
            ("overweight", mix.overweight_share),
            ("no_read", mix.no_read_share),
            ("reverses_out", mix.reverses_out_share),
            ("stops_under_boom", mix.stops_under_boom_share),
            ("tailgates", mix.tailgates_share),
        )
        for name, share in shares:
            if draw < share:
                return name
            draw -= share
        return ""

    def _body(self, overweight: bool) -> TruckBody:
        rng, limit = self._rng, self._mix.max_gross_kg
        articulated = rng.random() < self._mix.articulated_share
        share = (
            rng.uniform(1.05, 1.2) if overweight else rng.uniform(0.3, 0.95) if articulated else rng.uniform(0.2, 0.5)
        )
        gross_kg = float(round(limit * share / 10.0) * 10)
        return articulated_body(gross_kg) if articulated else rigid_body(gross_kg)

    def _habits(self, oddity: str) -> Habits:
        rng, patience_s = self._rng, self._mix.patience_s
        if oddity == "reverses_out":
            return Habits(leaves_after_s=rng.uniform(0.5, 4.0), patience_s=patience_s)
        if oddity == "stops_under_boom":
            return Habits(under_boom_s=rng.uniform(5.0, 20.0), patience_s=patience_s)
        return Habits(tailgates=oddity == "tailgates", patience_s=patience_s)

    def _plate(self) -> str:
        rng = self._rng
        return f"{rng.choice(_PLATE_PROVINCES)}{rng.choice(_PLATE_SERIES)}{rng.randrange(100_000):05d}"
