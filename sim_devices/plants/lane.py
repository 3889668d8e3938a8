"""One lane of the gate: its geometry, its boom, the trucks in it and waiting for it, and the truth about them.

Knows: where things are on the lane axis (metres along the travel, 0 = lane start) and what each place could see.
Must not know: sensors, inputs and outputs, the hub. Time is `now_us`, moved by `advance` in one step per call; the
caller keeps the steps short (5 ms) and equal.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from math import inf

from sim_devices.plants.boom import Boom
from sim_devices.plants.driver import LEAVING, ONCOMING, PLAIN, CabView, Driver, Habits, Places
from sim_devices.plants.truck import Span, Truck, TruckBody, overlap_m

WAITING_X = -5.0  # a truck waits here until the lane is free
ENTRY_LOOP = (1.0, 3.0)
CAMERA_X = 3.0
DECK = (4.0, 22.0)
STOP_X = 22.0  # where the front comes to rest, within STOP_SPREAD_M
STOP_SPREAD_M = 0.4
FRONT_BEAM_X = 22.5  # the stop line: a truck that covers it may have its first axle off the deck
REAR_BEAM_X = 4.0
SAFETY_LOOP = (24.0, 28.0)
BOOM_X = 26.0
LANE_END_X = 32.0
_PLACES = Places(stop_m=STOP_X, boom_m=BOOM_X, back_out_m=WAITING_X)

ENTERED, AT_CAMERA, STOPPED, UNDER_BOOM = "entered", "at_camera", "stopped", "under_boom"
PASSED, BACKED_OUT, WRONG_WAY, HIT, STRUCK = "passed", "backed_out", "wrong_way", "hit", "struck"
TRUTH_KINDS = (ENTERED, AT_CAMERA, STOPPED, UNDER_BOOM, PASSED, BACKED_OUT, WRONG_WAY, HIT, STRUCK)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A truck that comes to the lane: identity, body, habits, and how far from STOP_X its driver stops."""

    truck_id: int
    body: TruckBody
    plate: str = ""
    habits: Habits = PLAIN
    stop_offset_m: float = 0.0
    readable: bool = True

    def __post_init__(self) -> None:
        if abs(self.stop_offset_m) > STOP_SPREAD_M:
            raise ValueError(f"stop offset {self.stop_offset_m} m of truck {self.truck_id} exceeds {STOP_SPREAD_M} m")
        if self.body.length_m > DECK[1] - DECK[0] - 2.0 * STOP_SPREAD_M:
            raise ValueError(f"truck {self.truck_id} of {self.body.length_m} m does not fit the deck")


@dataclass(frozen=True, slots=True)
class Truth:
    """Something that really happened to a truck, whatever any sensor says; `kind` is one of TRUTH_KINDS."""

    time_us: int
    kind: str
    truck_id: int


@dataclass(slots=True)
class Visitor:
    """A truck in the lane with its driver and what has happened to it so far."""

    arrival: Arrival
    truck: Truck
    driver: Driver
    seen: set[str] = field(default_factory=set)


class Lane:
    """Advance it, ask what each place sees, take the truth. `green` and `boom`'s relays are its only inputs."""

    def __init__(self, boom: Boom | None = None, entry_pause_s: float = 3.0) -> None:
        """`entry_pause_s`: from the lane being free until the next waiting truck moves off."""
        self.boom = boom or Boom()
        self.green = False
        self.now_us = 0
        self.visitors: list[Visitor] = []
        self.queue: deque[Arrival] = deque()
        self.hits = 0
        self.strikes = 0
        self._turned_back: set[int] = set()
        self._truth: list[Truth] = []
        self._entry_pause_s = entry_pause_s
        self._free_s = entry_pause_s

    def arrive(self, arrival: Arrival) -> None:
        """Put a truck at the end of the queue before the lane."""
        self.queue.append(arrival)

    def turn_back(self) -> None:
        """Tell the first truck in the lane that it is refused: it reverses out. One that has only just come in does
        not take it for itself."""
        if self.visitors and self.visitors[0].truck.front_m >= CAMERA_X:
            self._turned_back.add(self.visitors[0].arrival.truck_id)

    def advance(self, now_us: int) -> None:
        """Move everything to `now_us` in one step."""
        dt_s = (now_us - self.now_us) / 1e6
        self.now_us = now_us
        self._let_in(dt_s)
        self._drive(dt_s)
        self.boom.set_body_under(any(visitor.truck.covers(BOOM_X) for visitor in self.visitors))
        self.boom.advance(dt_s)
        self._note_contacts()
        self._let_out()

    def loop_cover_m(self, loop: Span) -> float:
        """Metres of `loop` under metal that an induction loop feels."""
        return sum(overlap_m(visitor.truck.metal_spans(), *loop) for visitor in self.visitors)

    def beam_blocked(self, x_m: float) -> bool:
        """Whether a light beam across the lane at `x_m` is interrupted."""
        spans = (span for visitor in self.visitors for span in visitor.truck.optical_spans())
        return any(low <= x_m <= high for low, high in spans)

    def deck_axles(self) -> list[Span]:
        """Every axle in the lane as (metres from the deck's start, load in kg); those beside the deck included."""
        axles = (axle for visitor in self.visitors for axle in visitor.truck.axles())
        return [(x - DECK[0], load) for x, load in axles]

    def take_truth(self) -> list[Truth]:
        """What happened since the last call, in order."""
        taken, self._truth = self._truth, []
        return taken

    def _let_in(self, dt_s: float) -> None:
        self._free_s = 0.0 if self.visitors else self._free_s + dt_s
        if not self.queue:
            return
        follows = self.queue[0].habits.tailgates and self._has_room_behind_last()
        if follows or self._free_s >= self._entry_pause_s:
            self._enter(self.queue.popleft())

    def _has_room_behind_last(self) -> bool:
        if not self.visitors:
            return False
        last = self.visitors[-1]
        return last.driver.phase != LEAVING and last.truck.tail_m > 0.0

    def _enter(self, arrival: Arrival) -> None:
        places = replace(_PLACES, stop_m=STOP_X + arrival.stop_offset_m)
        truck = Truck(arrival.truck_id, arrival.body, _start_m(arrival, places.stop_m))
        self.visitors.append(Visitor(arrival, truck, Driver(truck, places, arrival.habits)))

    def _drive(self, dt_s: float) -> None:
        ahead_m = inf
        for visitor in self.visitors:
            told = visitor.arrival.truck_id in self._turned_back
            visitor.driver.advance(dt_s, CabView(self.green, self.boom.permille, told, ahead_m))
            ahead_m = visitor.truck.tail_m
            self._note_progress(visitor)

    def _note_progress(self, visitor: Visitor) -> None:
        truck, phase = visitor.truck, visitor.driver.phase
        if phase == ONCOMING:
            if truck.covers(BOOM_X):
                self._note_once(visitor, WRONG_WAY)
            return
        if truck.front_m >= 0.0:
            self._note_once(visitor, ENTERED)
        if truck.front_m >= CAMERA_X and phase != LEAVING:
            self._note_once(visitor, AT_CAMERA)
        if truck.is_standing and abs(truck.front_m - STOP_X) <= STOP_SPREAD_M + 0.01:
            self._note_once(visitor, STOPPED)
        if truck.front_m >= BOOM_X:
            self._note_once(visitor, UNDER_BOOM)

    def _note_once(self, visitor: Visitor, kind: str) -> None:
        if kind not in visitor.seen:
            visitor.seen.add(kind)
            self._truth.append(Truth(self.now_us, kind, visitor.arrival.truck_id))

    def _note_contacts(self) -> None:
        under = [visitor for visitor in self.visitors if visitor.truck.covers(BOOM_X)]
        truck_id = under[0].arrival.truck_id if under else 0
        if self.boom.hits > self.hits:
            self._truth.append(Truth(self.now_us, HIT, truck_id))
        if self.boom.strikes > self.strikes:
            self._truth.append(Truth(self.now_us, STRUCK, truck_id))
        self.hits, self.strikes = self.boom.hits, self.boom.strikes

    def _let_out(self) -> None:
        for visitor in list(self.visitors):
            phase = visitor.driver.phase
            passed = visitor.truck.tail_m >= LANE_END_X and phase != ONCOMING
            backed_out = phase in (LEAVING, ONCOMING) and visitor.truck.front_m <= min(0.0, WAITING_X + 0.01)
            if passed or backed_out:
                self._note_once(visitor, PASSED if passed else BACKED_OUT)
                self.visitors.remove(visitor)
                self._turned_back.discard(visitor.arrival.truck_id)


def _start_m(arrival: Arrival, stop_m: float) -> float:
    """Where the front of a truck is when it is first seen."""
    if arrival.habits.comes_wrong_way:
        return LANE_END_X + arrival.body.length_m
    return stop_m if arrival.habits.stands_at_line else WAITING_X
