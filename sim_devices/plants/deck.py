"""The weighbridge deck: axle loads at places on it, and the swing before the load cells show their sum.

Knows: axles as (metres from the deck's start, load in kg), the deck's natural frequency and damping, the bounce of a
truck on its springs. Must not know: trucks, load cells, converters, any clock. The cells' corners are taken as
trimmed, so where a standing axle is matters at the ends only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

# Length of road a truck tyre touches: at a deck end an axle rests partly on the deck and partly on the approach.
_CONTACT_M = 0.3

# A rolling truck bounces on its springs: uneven road of this wavelength and this part of its load drives a body mode
# of about 2 Hz, which fades over some seconds once it stands.
_UNEVENNESS_M = 0.75
_UNEVENNESS_PART = 0.005
_BODY_HZ = 1.8
_BODY_DAMPING = 0.08

_STANDS_M = 1e-6


class Deck:
    """A platform on springs with little damping. Set the axles, call `advance`, read `indicated_kg`.

    After a load change the indication swings with `natural_hz` around the new load and dies away with `damping`. With
    4 Hz and 0.12 the swing of a 40 t step is below 10 kg, half a scale interval, after about 3 s. While axles move,
    the load bounces by one to three percent.
    """

    def __init__(self, length_m: float, natural_hz: float = 4.0, damping: float = 0.12) -> None:
        """`damping` is the ratio to critical damping, above 0 and below 1. Raises ValueError for what cannot swing."""
        if length_m <= 0.0 or natural_hz <= 0.0 or not 0.0 < damping < 1.0:
            raise ValueError(
                f"deck of {length_m} m, {natural_hz} Hz, damping {damping}: "
                "use a length and a frequency above 0 and a damping between 0 and 1"
            )
        self.length_m = length_m
        self.load_kg = 0.0
        self._axles: list[tuple[float, float]] = []
        self._shift_m = 0.0
        self._travelled_m = 0.0
        self._platform = _Spring(natural_hz, damping)
        self._body = _Spring(_BODY_HZ, _BODY_DAMPING)

    @property
    def indicated_kg(self) -> float:
        """What ideal load cells under the deck would show now."""
        return self._platform.value

    def set_axles(self, axles: Sequence[tuple[float, float]]) -> None:
        """Put axles on the deck, each as (position_on_deck_m, load_kg); axles beside the deck carry nothing."""
        self.load_kg = sum(load_kg * self._share_at(position_m) for position_m, load_kg in axles)
        # Axles come and go at the ends, so the nearest pair of an old and a new place tells how far all have moved.
        self._shift_m += min((abs(new - old) for new, _ in axles for old, _ in self._axles), default=0.0)
        self._axles = list(axles)

    def advance(self, dt_s: float) -> None:
        """Swing for `dt_s`. For standing axles the motion is exact, so the size of the steps does not matter."""
        drive = 0.0
        if self._shift_m > _STANDS_M:
            self._travelled_m = (self._travelled_m + self._shift_m) % _UNEVENNESS_M
            drive = _UNEVENNESS_PART * math.sin(2.0 * math.pi * self._travelled_m / _UNEVENNESS_M)
        self._shift_m = 0.0
        self._body.advance(dt_s, drive)
        self._platform.advance(dt_s, self.load_kg * (1.0 + self._body.value))

    def _share_at(self, position_m: float) -> float:
        """Part of an axle's load the deck bears: rises from 0 to 1 while the tyre's contact rolls over the end."""
        inside_m = min(position_m, self.length_m - position_m)
        return min(max(inside_m / _CONTACT_M + 0.5, 0.0), 1.0)


class _Spring:
    """A damped spring: `value` swings towards the target. Closed form, exact for a constant target."""

    def __init__(self, natural_hz: float, damping: float) -> None:
        omega = 2.0 * math.pi * natural_hz
        self.value = 0.0
        self._speed = 0.0
        self._decay = damping * omega
        self._swing = omega * math.sqrt(1.0 - damping * damping)

    def advance(self, dt_s: float, target: float) -> None:
        offset = self.value - target
        across = (self._speed + self._decay * offset) / self._swing
        fade = math.exp(-self._decay * dt_s)
        cosine, sine = math.cos(self._swing * dt_s), math.sin(self._swing * dt_s)
        left = fade * (offset * cosine + across * sine)
        self._speed = fade * self._swing * (across * cosine - offset * sine) - self._decay * left
        self.value = target + left
