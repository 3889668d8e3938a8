"""A truck as a body on one axis: where its axles are, what sensors could see of it, and how it accelerates and brakes.

Knows metres, seconds and kilograms along the direction of travel. Must not know: the lane, its sensors, why the
driver wants to be somewhere (`driver.py`), any clock.

Glossary: *front* = position of the foremost point on the lane's x axis; *gap* = the coupling gap between tractor and
trailer, which no sensor sees; *blind zone* = gap and high frame around it, which an induction loop does not see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import copysign, sqrt

Span = tuple[float, float]
"""A stretch of the x axis in metres, lower end first."""

BLIND_BEFORE_GAP_M = 1.5  # rear frame of the tractor: high and open
BLIND_AFTER_GAP_M = 2.5  # raised front of the trailer


@dataclass(frozen=True, slots=True)
class TruckBody:
    """What does not change while the truck drives; distances are metres behind the front, loads kilograms.

    `gap_position_m` below 0 means a rigid truck without a coupling gap.
    """

    length_m: float
    axle_positions_m: tuple[float, ...]
    axle_loads_kg: tuple[float, ...]
    gap_position_m: float = -1.0
    gap_length_m: float = 1.0
    max_speed_mps: float = 3.0
    acceleration_mps2: float = 0.8
    braking_mps2: float = 1.2

    def __post_init__(self) -> None:
        if len(self.axle_positions_m) != len(self.axle_loads_kg):
            raise ValueError(f"{len(self.axle_positions_m)} axle positions do not fit {len(self.axle_loads_kg)} loads")
        if any(not 0.0 <= position <= self.length_m for position in self.axle_positions_m):
            raise ValueError(f"axle positions {self.axle_positions_m} must lie within the length {self.length_m} m")

    @property
    def gross_kg(self) -> float:
        return sum(self.axle_loads_kg)

    @property
    def is_articulated(self) -> bool:
        return self.gap_position_m >= 0.0


def rigid_body(gross_kg: float) -> TruckBody:
    """A three-axle rigid truck, 10 m, loads shared 30/35/35."""
    return TruckBody(10.0, (1.4, 6.6, 8.0), _share(gross_kg, (30, 35, 35)))


def articulated_body(gross_kg: float) -> TruckBody:
    """A tractor with a three-axle semi-trailer, 16 m; loads shared 17/23/20/20/20."""
    return TruckBody(16.0, (1.4, 4.9, 11.4, 12.7, 14.0), _share(gross_kg, (17, 23, 20, 20, 20)), gap_position_m=4.2)


@dataclass(slots=True)
class Truck:
    """One truck on the lane axis. `roll` moves it; positive speed is forward."""

    truck_id: int
    body: TruckBody
    front_m: float
    speed_mps: float = 0.0

    @property
    def tail_m(self) -> float:
        return self.front_m - self.body.length_m

    @property
    def is_standing(self) -> bool:
        return self.speed_mps == 0.0

    @property
    def braking_distance_m(self) -> float:
        """How far the truck still rolls if the driver brakes now."""
        return self.speed_mps * abs(self.speed_mps) / (2.0 * self.body.braking_mps2)

    def covers(self, x_m: float) -> bool:
        """Whether any part of the truck, coupling included, is at `x_m`."""
        return self.tail_m <= x_m <= self.front_m

    def axles(self) -> list[Span]:
        """Every axle as (position on the lane, load in kg)."""
        pairs = zip(self.body.axle_positions_m, self.body.axle_loads_kg, strict=True)
        return [(self.front_m - position, load) for position, load in pairs]

    def optical_spans(self) -> list[Span]:
        """What a light beam across the lane can hit: everything but the coupling gap."""
        return self._without(0.0, self.body.gap_length_m)

    def metal_spans(self) -> list[Span]:
        """What an induction loop in the road feels: everything but the blind zone."""
        return self._without(BLIND_BEFORE_GAP_M, self.body.gap_length_m + BLIND_AFTER_GAP_M)

    def roll(self, dt_s: float, target_m: float) -> None:
        """Drive towards `target_m` for `dt_s` and come to rest exactly there, never beyond; monotone unless braking
        from the other direction."""
        distance = target_m - self.front_m
        if self.speed_mps * distance < 0.0:
            self._brake(dt_s)
        elif abs(distance) < 1e-3:
            self.front_m, self.speed_mps = target_m, 0.0
        else:
            self._approach(dt_s, distance)

    def _approach(self, dt_s: float, distance: float) -> None:
        body = self.body
        room = abs(distance)
        speed = min(abs(self.speed_mps) + body.acceleration_mps2 * dt_s, body.max_speed_mps, room / dt_s)
        speed = min(speed, max(sqrt(2.0 * body.braking_mps2 * room), 0.02))
        # A target that jumps nearer cannot stop the truck faster than its brakes can.
        speed = max(speed, abs(self.speed_mps) - body.braking_mps2 * dt_s * 1.5)
        self.speed_mps = copysign(speed, distance)
        self.front_m += self.speed_mps * dt_s

    def _brake(self, dt_s: float) -> None:
        speed = max(abs(self.speed_mps) - self.body.braking_mps2 * dt_s, 0.0)
        self.front_m += copysign(speed, self.speed_mps) * dt_s
        self.speed_mps = copysign(speed, self.speed_mps) if speed > 0.0 else 0.0

    def _without(self, before_m: float, after_m: float) -> list[Span]:
        gap = self.body.gap_position_m
        if not self.body.is_articulated:
            return [(self.tail_m, self.front_m)]
        return [(self.front_m - gap + before_m, self.front_m), (self.tail_m, self.front_m - gap - after_m)]


def overlap_m(spans: Sequence[Span], low_m: float, high_m: float) -> float:
    """Length of `spans` within `low_m`..`high_m`; spans must not overlap each other."""
    return sum(max(0.0, min(high, high_m) - max(low, low_m)) for low, high in spans)


def _share(gross_kg: float, percents: tuple[int, ...]) -> tuple[float, ...]:
    return tuple(gross_kg * percent / 100.0 for percent in percents)
