"""Something that travels between two ends under two relays, with inertia, and the switches it closes on its way.

Knows positions in parts of AXIS_ONE and steps of AXIS_STEP_US. Must not know channels' names. The arithmetic is that of
`sim_devices/plants/boom.py` in integers: the speed ramps towards the wanted one, the ends stop it dead.
"""

from protocols.compat import const
from protocols.rig.messages import AXIS_ONE, NONE

LIMITS = const(4)


class Axis:
    """`define` it, `step` it every AXIS_STEP_US; `closed[i]` is switch `i`, which moves channel `targets[i]`."""

    def __init__(self) -> None:
        self.limits = 0
        self.targets = bytearray(LIMITS)
        self.closed = bytearray(LIMITS)
        self.position = 0
        self.speed = 0
        self.is_defined = False
        self._on_at = [0] * LIMITS
        self._off_at = [0] * LIMITS
        self._plus = 0
        self._minus = 0
        self._enable = 0
        self._top = 0
        self._ramp = 0
        self._brake = 0

    def clear(self) -> None:
        """Forget the axis and its switches."""
        self.limits = 0
        self.is_defined = False

    def define(self, plus: int, minus: int, enable: int, start: int, top: int, ramp: int, brake: int) -> None:
        """Relays, a level without which nothing moves (NONE: always), and speeds: parts per step, per step and step."""
        self._plus = plus
        self._minus = minus
        self._enable = enable
        self._top = top
        self._ramp = ramp
        self._brake = brake
        self.position = start
        self.speed = 0
        self.is_defined = True

    def add_limit(self, target: int, on_at: int, off_at: int) -> bool:
        """A switch that closes at one position and opens at another, `off_at` on the side the axis comes from."""
        if self.limits == LIMITS:
            return False
        index = self.limits
        self.targets[index] = target
        self._on_at[index] = on_at
        self._off_at[index] = off_at
        self.closed[index] = 0
        self.limits += 1
        self._sense()
        return True

    def is_resting(self, levels: bytearray) -> bool:
        """Whether a step would change nothing."""
        return not self.is_defined or (self.speed == 0 and self._wanted(levels) == 0)

    def step(self, levels: bytearray) -> None:
        """Move for one step under the relays as they are."""
        self._ramp_speed(self._wanted(levels))
        self.position += self.speed
        if self.position < 0:
            self.position = 0
            self.speed = 0
        elif self.position > AXIS_ONE:
            self.position = AXIS_ONE
            self.speed = 0
        self._sense()

    def _wanted(self, levels: bytearray) -> int:
        plus = levels[self._plus]
        if plus == levels[self._minus] or (self._enable != NONE and not levels[self._enable]):
            return 0
        return self._top if plus else -self._top

    def _ramp_speed(self, wanted: int) -> None:
        speed = self.speed
        is_gaining = 0 <= speed < wanted or wanted < speed <= 0
        change = self._ramp if is_gaining else self._brake
        self.speed = min(max(wanted, speed - change), speed + change)

    def _sense(self) -> None:
        for index in range(self.limits):
            on_at = self._on_at[index]
            off_at = self._off_at[index]
            threshold = off_at if self.closed[index] else on_at
            if on_at > off_at:
                self.closed[index] = 1 if self.position >= threshold else 0
            else:
                self.closed[index] = 1 if self.position <= threshold else 0
