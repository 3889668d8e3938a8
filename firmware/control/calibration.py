"""Counts of the load-cell converter to weight: the calibrated line, its validity, rounding to the scale interval.

Knows the four metrological settings (Max, e, zero, span) and the class III limits on them. Must not know samples,
time, the zero in force, or registers. Weights are in 0.1 kg (`kg_x10`), conversions in counts; every intermediate
stays below 2**30, so nothing allocates on a 32-bit interpreter.

Terms: Max = maximum capacity, e = verification scale interval, d = scale interval (here d = e), n = Max / e.
"""

from protocols.compat import const
from protocols.scaling import scale_counts

# Class III with e of 5 g and more: n from 500 to 10000 (Directive 2014/31/EU Annex I).
_INTERVALS_MIN = const(500)
_INTERVALS_MAX = const(10000)

# Below this many counts per e neither a quarter of e nor a tracking step of a tenth of d can be resolved.
_COUNTS_PER_E_MIN = const(10)

# Last code of a 24-bit converter before saturation; Max must be reachable below it.
_COUNTS_MAX = const(0x7FFFFE)

# Weights are converted within +-2 Max: far outside the indication, and within what `scale_counts` takes.
_SPANS_MAX = const(2)


class Calibration:
    """The calibration in force; `valid` is 1 only while the settings describe a class III instrument."""

    def __init__(self) -> None:
        self.valid = 0
        self.max_kg = 0
        self.e_kg = 0
        self.zero_counts = 0
        self.span_counts = 0
        self.max_kg_x10 = 0
        self.e_kg_x10 = 0
        self.d_counts = 0

    def is_for(self, max_kg: int, e_kg: int, zero_counts: int, span_counts: int) -> bool:
        """Return True if exactly these settings are in force."""
        return (
            max_kg == self.max_kg
            and e_kg == self.e_kg
            and zero_counts == self.zero_counts
            and span_counts == self.span_counts
        )

    def apply(self, max_kg: int, e_kg: int, zero_counts: int, span_counts: int) -> None:
        """Put settings in force; with settings no class III instrument can have, `valid` becomes 0."""
        self.max_kg = max_kg
        self.e_kg = e_kg
        self.zero_counts = zero_counts
        self.span_counts = span_counts
        self.valid = 1 if is_class_iii(max_kg, e_kg, zero_counts, span_counts) else 0
        if not self.valid:
            return
        self.max_kg_x10 = max_kg * 10
        self.e_kg_x10 = e_kg * 10
        self.d_counts = span_counts * e_kg // max_kg

    def to_kg_x10(self, counts: int) -> int:
        """Weight of `counts` above the zero in force, unrounded, limited to +-2 Max; needs `valid`."""
        limit = _SPANS_MAX * self.span_counts
        return scale_counts(max(min(counts, limit), -limit), self.span_counts, self.max_kg_x10)

    def round_to_e(self, kg_x10: int) -> int:
        """Round a weight to the nearest multiple of e, halves away from zero; needs `valid`."""
        rounded = (abs(kg_x10) + self.e_kg_x10 // 2) // self.e_kg_x10 * self.e_kg_x10
        return -rounded if kg_x10 < 0 else rounded


def is_class_iii(max_kg: int, e_kg: int, zero_counts: int, span_counts: int) -> bool:
    """Tell whether these settings can belong to a class III instrument with this converter."""
    if not _is_one_two_five(e_kg):
        return False
    if max_kg < e_kg * _INTERVALS_MIN or max_kg > e_kg * _INTERVALS_MAX:
        return False
    if zero_counts + span_counts > _COUNTS_MAX:
        return False
    return span_counts * e_kg // max_kg >= _COUNTS_PER_E_MIN


def _is_one_two_five(value: int) -> bool:
    """Scale intervals are 1, 2 or 5 times a power of ten (Directive 2014/31/EU Annex I)."""
    if value <= 0:
        return False
    while value % 10 == 0:
        value //= 10
    return value == 1 or value == 2 or value == 5
