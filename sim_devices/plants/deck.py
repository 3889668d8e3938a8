"""The weighbridge deck: axle loads at places on it, and the swing before the load cells show their sum.

Knows: axles as (metres from the deck's start, load in kg), the deck's natural frequency and damping. Must not know:
trucks, load cells, converters, any clock. The cells' corners are taken as trimmed, so a place matters at the ends only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

# Length of road a truck tyre touches: at a deck end an axle rests partly on the deck and partly on the approach.
_CONTACT_M = 0.3


class Deck:
    """A platform on springs with little damping. Set the axles, call `advance`, read `indicated_kg`.

    After a load change the indication swings with `natural_hz` around the new load and dies away with `damping`. With
    4 Hz and 0.12 the swing of a 40 t step is below 10 kg, half a scale interval, after about 3 s.
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
        self.indicated_kg = 0.0
        self._speed_kg_s = 0.0
        omega = 2.0 * math.pi * natural_hz
        self._decay = damping * omega
        self._swing = omega * math.sqrt(1.0 - damping * damping)

    def set_axles(self, axles: Sequence[tuple[float, float]]) -> None:
        """Put axles on the deck, each as (position_on_deck_m, load_kg); axles beside the deck carry nothing."""
        self.load_kg = sum(load_kg * self._share_at(position_m) for position_m, load_kg in axles)

    def advance(self, dt_s: float) -> None:
        """Swing for `dt_s`: the exact motion of the damped spring, so the size of the steps does not matter."""
        offset = self.indicated_kg - self.load_kg
        across = (self._speed_kg_s + self._decay * offset) / self._swing
        fade = math.exp(-self._decay * dt_s)
        cosine, sine = math.cos(self._swing * dt_s), math.sin(self._swing * dt_s)
        moved = fade * (offset * cosine + across * sine)
        self._speed_kg_s = fade * self._swing * (across * cosine - offset * sine) - self._decay * moved
        self.indicated_kg = self.load_kg + moved

    def _share_at(self, position_m: float) -> float:
        """Part of an axle's load the deck bears: rises from 0 to 1 while the tyre's contact rolls over the end."""
        inside_m = min(position_m, self.length_m - position_m)
        return min(max(inside_m / _CONTACT_M + 0.5, 0.0), 1.0)
