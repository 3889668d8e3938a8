"""What a driver does in a lane: approach, stop at the line, wait for light and boom, drive on; or one of the variants.

Knows: what can be seen from the cab (`CabView`) and the places a driver minds (`Places`). Must not know: sensors,
firmware, the hub. All waiting is counted in plant time handed to `advance`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from sim_devices.plants.truck import Truck

APPROACH = "approach"
WAITING = "waiting"
DRIVING = "driving"
UNDER_BOOM = "under_boom"
LEAVING = "leaving"
ONCOMING = "oncoming"  # reverses in from the exit, through the whole lane

GO_PERMILLE = 950  # a driver moves off under a boom at least this far open
DOUBT_PERMILLE = 900  # and stops before a boom that is lower than this
BOOM_MARGIN_M = 1.0  # he stops this far before the boom
FOLLOWING_M = 2.0  # distance kept to the truck in front
REACTION_S = 1.0  # from seeing "go" to moving


@dataclass(frozen=True, slots=True)
class Places:
    """Where the driver aims, metres on the lane axis."""

    stop_m: float
    boom_m: float
    back_out_m: float


@dataclass(frozen=True, slots=True)
class Habits:
    """What this driver does differently; the defaults are the plain driver.

    `under_boom_s`: stands under the boom for so long. `leaves_after_s`: reverses out by himself after so long at the
    stop line, below 0 never. `patience_s`: the same, counted only while the light is not green; below 0 endless.
    `tailgates`: follows the truck in front through the open boom without stopping. `turns_under_boom`: reverses out
    from where he stood under the boom. `comes_wrong_way`: reverses in from the exit as soon as the boom is open, and
    out at the entry. `stands_at_line`: has arrived at the stop line already when he is first seen.
    """

    under_boom_s: float = 0.0
    leaves_after_s: float = -1.0
    patience_s: float = -1.0
    tailgates: bool = False
    turns_under_boom: bool = False
    comes_wrong_way: bool = False
    stands_at_line: bool = False


PLAIN = Habits()


@dataclass(slots=True)
class CabView:
    """What the driver sees now. `clear_ahead_m` is the tail of the truck in front, or infinity."""

    green: bool = False
    boom_permille: int = 0
    turn_back: bool = False
    clear_ahead_m: float = inf

    @property
    def go(self) -> bool:
        return self.green and self.boom_permille >= GO_PERMILLE


class Driver:
    """Decides where the truck goes next; `phase` is one of the phase names above."""

    def __init__(self, truck: Truck, places: Places, habits: Habits) -> None:
        self.truck = truck
        self.phase = ONCOMING if habits.comes_wrong_way else WAITING if habits.stands_at_line else APPROACH
        self._places = places
        self._habits = habits
        self._stood_s = 0.0
        self._red_s = 0.0
        self._seen_go_s = 0.0
        self._paused = False
        self._holds = False

    def advance(self, dt_s: float, view: CabView) -> None:
        """Look, decide, and let the truck roll for `dt_s`."""
        self._decide(dt_s, view)
        if self.phase == LEAVING:
            self.truck.roll(dt_s, self._places.back_out_m)
        elif self.phase == ONCOMING:
            self.truck.roll(dt_s, self._oncoming_m(view))
        else:
            self.truck.roll(dt_s, min(self._target_m(view), view.clear_ahead_m - FOLLOWING_M))

    def _decide(self, dt_s: float, view: CabView) -> None:
        if self._may_still_turn_back() and self._wants_to_leave(dt_s, view):
            self.phase = LEAVING
        elif self.phase == APPROACH:
            self._approach(view)
        elif self.phase == WAITING:
            self._wait(dt_s, view)
        elif self.phase == DRIVING:
            self._drive()
        elif self.phase == UNDER_BOOM:
            self._pause(dt_s)

    def _may_still_turn_back(self) -> bool:
        return self.phase in (APPROACH, WAITING, DRIVING) and self.truck.front_m < self._places.boom_m

    def _wants_to_leave(self, dt_s: float, view: CabView) -> bool:
        if view.turn_back:
            return True
        if not self.truck.is_standing or self.phase == APPROACH:
            return False
        self._stood_s += dt_s
        self._red_s = 0.0 if view.green else self._red_s + dt_s
        habits = self._habits
        left_early = 0.0 <= habits.leaves_after_s <= self._stood_s
        return left_early or 0.0 <= habits.patience_s <= self._red_s

    def _approach(self, view: CabView) -> None:
        if self._habits.tailgates and view.boom_permille >= GO_PERMILLE:
            self.phase = DRIVING
        elif self.truck.is_standing and self.truck.front_m >= self._places.stop_m - 0.01:
            self.phase = WAITING

    def _wait(self, dt_s: float, view: CabView) -> None:
        self._seen_go_s = self._seen_go_s + dt_s if view.go else 0.0
        if self._seen_go_s >= REACTION_S:
            self.phase = DRIVING

    def _drive(self) -> None:
        if self._paused or self._habits.under_boom_s <= 0.0:
            return
        if self.truck.is_standing and self.truck.front_m >= self._under_boom_m() - 0.01:
            self.phase, self._stood_s = UNDER_BOOM, 0.0

    def _pause(self, dt_s: float) -> None:
        self._stood_s += dt_s
        if self._stood_s >= self._habits.under_boom_s:
            self.phase, self._paused = LEAVING if self._habits.turns_under_boom else DRIVING, True

    def _target_m(self, view: CabView) -> float:
        if self.phase in (APPROACH, WAITING):
            return self._places.stop_m
        if self._holds_before_boom(view):
            return self._places.boom_m - BOOM_MARGIN_M
        if self._habits.under_boom_s > 0.0 and not self._paused:
            return self._under_boom_m()
        return inf

    def _oncoming_m(self, view: CabView) -> float:
        """Through the lane, or with his tail to the boom while it is not open."""
        is_before = self.truck.tail_m >= self._places.boom_m
        if is_before and view.boom_permille < GO_PERMILLE:
            return self._places.boom_m + BOOM_MARGIN_M + self.truck.body.length_m
        return self._places.back_out_m

    def _holds_before_boom(self, view: CabView) -> bool:
        """Whether he stops before the boom: decided once, while he still can, and kept until it is open again."""
        if view.boom_permille >= GO_PERMILLE:
            self._holds = False
        elif view.boom_permille < DOUBT_PERMILLE:
            stops_at_m = self.truck.front_m + self.truck.braking_distance_m
            self._holds = self._holds or stops_at_m <= self._places.boom_m - BOOM_MARGIN_M
        return self._holds

    def _under_boom_m(self) -> float:
        return self._places.boom_m + 2.0  # the cab stands under the boom, in full view of every sensor
