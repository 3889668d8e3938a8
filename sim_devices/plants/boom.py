"""The boom: a driven arm with inertia between two end stops, and what happens when it meets a truck.

Knows: position 0 (closed) to 1 (open), speed in 1/s, motor relays, mains, hand release. Must not know: limit switches,
inputs and outputs, any clock. Gravity is left out: a spring balances the arm and a brake holds it.
"""

from __future__ import annotations

# A truck body under the arm stops it here: a 4 m high body 0.5 m beside a pivot 1 m above the road meets an arm
# raised by 80 of its 90 degrees, less some play.
CONTACT_POSITION = 0.85
_CONTACT_PLAY = 0.005

FAILURES = ("", "dead", "slow", "welded_open", "welded_close")
_SLOW = 0.4  # part of its speed that a drive with a slipping clutch reaches


class Boom:
    """One arm. Set the inputs, call `advance`, read `position`, `contact`, `hits`.

    `hits` counts how often the arm was driven onto a body: the thing that must never happen. `strikes` counts trucks
    that drove into a lowered arm, which breaks it.
    """

    def __init__(
        self, travel_s: float = 3.0, ramp_s: float = 0.3, brake_s: float = 0.15, position: float = 0.0
    ) -> None:
        """`travel_s`: end stop to end stop, ramp included; `ramp_s`, `brake_s`: to full speed, and from it."""
        self.top_speed = 1.0 / (travel_s - ramp_s / 2.0)
        self.position = position
        self.speed = 0.0
        self.motor_open = False
        self.motor_close = False
        self.mains_ok = True
        self.released = False
        self.hand_speed = 0.0
        self.arm_intact = True
        self.contact = False
        self.hits = 0
        self.strikes = 0
        self.ramp = self.top_speed / ramp_s
        self.brake = self.top_speed / brake_s
        self._body_under = False
        self._failure = ""

    @property
    def permille(self) -> int:
        return round(self.position * 1000.0)

    def fail(self, kind: str) -> None:
        """Break or repair the drive. Raises ValueError for an unknown kind.

        "dead" = it does not move; "slow" = its clutch slips; "welded_open", "welded_close" = the contactor of this
        direction stays in, whatever the relays do; "" = repaired.
        """
        if kind not in FAILURES:
            raise ValueError(f"drive failure {kind!r} is unknown: use one of {', '.join(map(repr, FAILURES))}")
        self._failure = kind

    def set_body_under(self, present: bool) -> None:
        """Whether a truck is under the arm. One that arrives while the arm is low breaks it and is counted."""
        if present and not self._body_under and self.arm_intact and self.position < CONTACT_POSITION:
            self.strikes += 1
            self.arm_intact = False
        self._body_under = present

    def advance(self, dt_s: float) -> None:
        """Move for `dt_s`: ramp towards the wanted speed, then stop at an end stop or at a body."""
        self._ramp_speed(self._wanted_speed(), dt_s)
        before = self.position
        after = before + self.speed * dt_s
        if self._body_under and self.arm_intact and after < CONTACT_POSITION <= before:
            self._touch()
        else:
            self.position = min(max(after, 0.0), 1.0)
            if self.position != after:
                self.speed = 0.0
        if not self._body_under or self.position > CONTACT_POSITION + _CONTACT_PLAY:
            self.contact = False

    def _wanted_speed(self) -> float:
        if self.released:
            return self.hand_speed
        opens = self.motor_open or self._failure == "welded_open"
        closes = self.motor_close or self._failure == "welded_close"
        if not self.mains_ok or self._failure == "dead" or opens == closes:  # both in: the contactors lock each other
            return 0.0
        speed = self.top_speed * (_SLOW if self._failure == "slow" else 1.0)
        return speed if opens else -speed

    def _ramp_speed(self, wanted: float, dt_s: float) -> None:
        is_gaining = wanted != 0.0 and self.speed * wanted >= 0.0 and abs(self.speed) < abs(wanted)
        change = (self.ramp if is_gaining else self.brake) * dt_s
        self.speed = min(max(wanted, self.speed - change), self.speed + change)

    def _touch(self) -> None:
        if not self.contact:
            self.hits += 1
        self.position, self.speed, self.contact = CONTACT_POSITION, 0.0, True
