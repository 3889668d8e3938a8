"""Load cells with their 24-bit converter: kg in, counts and a sequence number out, with noise, drift and failures.

Knows: the load the deck shows, gain, offset, conversion rate. Must not know: trucks, the deck's swing, scale intervals,
the input it is wired to. One seed gives one history of noise.
"""

from __future__ import annotations

import random

FAILURES = ("", "stuck", "broken_wire", "saturated", "drift", "silent")
RATES_SPS = (10, 80)

COUNTS_MAX = 0x7FFFFF
COUNTS_MIN = -0x800000

# Absorbs the rounding of summed steps: a conversion that is due within a microsecond is due.
_DUE_S = 1e-6
_CREEP_TAU_S = 30.0


class LoadCell:
    """`counts` is the last conversion, `sequence` its number modulo 2**16. Defaults fit the map's default settings.

    Failures: "stuck" = converts, but always the same value; "broken_wire" = the input is pulled to the rail and
    saturates; "saturated" = its wires are swapped, it stands at the lower rail; "drift" = the zero runs away with
    `drift_kg_s`; "silent" = no more conversions; "" = repaired, and the drift is gone. Worn cells keep `creep_permille`
    of a load that rests on them for long, and add `noise_kg` of noise, whatever else is wrong.
    """

    def __init__(
        self,
        seed: int,
        rate_sps: int = 10,
        counts_per_kg: float = 50.0,
        offset_counts: int = 100_000,
        noise_counts: float = 40.0,
        drift_kg_s: float = 2.0,
    ) -> None:
        """`noise_counts` is the standard deviation of one conversion. Raises ValueError for a rate no converter has."""
        if rate_sps not in RATES_SPS:
            raise ValueError(f"load cell rate {rate_sps} SPS is unknown: use one of {', '.join(map(str, RATES_SPS))}")
        self.counts = offset_counts
        self.sequence = 0
        self.drift_kg_s = drift_kg_s
        self._counts_per_kg = counts_per_kg
        self._offset_counts = offset_counts
        self._noise_counts = noise_counts
        self.noise_kg = 0.0
        self.creep_permille = 0
        self._crept_kg = 0.0
        self._random = random.Random(seed)
        self._period_s = 1.0 / rate_sps
        self._elapsed_s = 0.0
        self._summed_kg_s = 0.0
        self._drift_kg = 0.0
        self._failure = ""

    def fail(self, kind: str) -> None:
        """Break or repair the cell. Raises ValueError for an unknown kind."""
        if kind not in FAILURES:
            raise ValueError(f"load cell failure {kind!r} is unknown: use one of {', '.join(map(repr, FAILURES))}")
        self._failure = kind
        if not kind:
            self._drift_kg = 0.0

    def advance(self, dt_s: float, load_kg: float) -> None:
        """Take the load of the last `dt_s`. A conversion is the mean over its period, as a sigma-delta one is."""
        if self._failure == "drift":
            self._drift_kg += self.drift_kg_s * dt_s
        self._crept_kg += (load_kg * self.creep_permille / 1000.0 - self._crept_kg) * min(dt_s / _CREEP_TAU_S, 1.0)
        left_s = dt_s
        while left_s > _DUE_S:
            part_s = min(left_s, self._period_s - self._elapsed_s)
            self._elapsed_s += part_s
            self._summed_kg_s += part_s * load_kg
            left_s -= part_s
            if self._elapsed_s >= self._period_s - _DUE_S:
                self._convert(self._summed_kg_s / self._elapsed_s)
                self._elapsed_s = self._summed_kg_s = 0.0

    def _convert(self, mean_kg: float) -> None:
        # Drawn even when it is not shown, so a failure does not shift the noise of what follows.
        noise = self._random.gauss(0.0, self._noise_counts + self.noise_kg * self._counts_per_kg)
        if self._failure == "silent":
            return
        self.sequence = (self.sequence + 1) & 0xFFFF
        if self._failure == "broken_wire":
            self.counts = COUNTS_MAX
        elif self._failure == "saturated":
            self.counts = COUNTS_MIN
        elif self._failure != "stuck":
            value = self._offset_counts + (mean_kg + self._drift_kg + self._crept_kg) * self._counts_per_kg + noise
            self.counts = min(max(round(value), COUNTS_MIN), COUNTS_MAX)
