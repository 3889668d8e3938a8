"""What the scale shows: gross weight, overload, underload, and whether there is weight on the deck.

Knows the limits of the indication in scale intervals. Must not know time, stability, photocells or registers.

Limits with hysteresis blank the indication a little longer, never shorter, than the rule asks, so that noise at the
limit does not fill the event ring.
"""

from firmware.control.calibration import Calibration
from firmware.control.weighbridge_memory import WeighbridgeMemory
from protocols.compat import const

# Nothing is indicated above Max + 9 e; back one e lower.
_OVERLOAD_E = const(9)
_OVERLOAD_BACK_E = const(8)

# Under -20 e the instrument cannot be at a sound zero; back one e higher.
_UNDERLOAD_E = const(-20)
_UNDERLOAD_BACK_E = const(-19)

# Min of class III is 20 e: what weighs less cannot be weighed, so it also counts as "nothing on the deck". A load
# that stands goes on counting until it is 2 e below.
_MIN_E = const(20)
_GONE_E = const(18)


class Indication:
    """Judges one weight at a time and keeps the judgement in the memory."""

    def __init__(self, memory: WeighbridgeMemory) -> None:
        self.memory = memory

    def clear(self) -> None:
        """No weight known. What was on the deck is taken to be there still."""
        self.memory.valid = 0
        self.memory.kg_x10 = 0
        self.memory.overload = 0
        self.memory.underload = 0

    def update(self, kg_x10: int, calibration: Calibration) -> None:
        """Take an unrounded gross weight; repeating the same weight changes nothing."""
        memory = self.memory
        e_kg_x10 = calibration.e_kg_x10
        over_e = _OVERLOAD_BACK_E if memory.overload else _OVERLOAD_E
        under_e = _UNDERLOAD_BACK_E if memory.underload else _UNDERLOAD_E
        deck_e = _GONE_E if memory.on_deck else _MIN_E
        memory.valid = 1
        memory.kg_x10 = kg_x10
        memory.overload = 1 if kg_x10 > calibration.max_kg_x10 + over_e * e_kg_x10 else 0
        memory.underload = 1 if kg_x10 < under_e * e_kg_x10 else 0
        memory.on_deck = 1 if kg_x10 >= deck_e * e_kg_x10 else 0

    def gross_kg_x10(self, calibration: Calibration) -> int:
        """Gross weight rounded to e; 0 while there is no valid indication."""
        return calibration.round_to_e(self.memory.kg_x10) if self.is_shown() else 0

    def is_shown(self) -> bool:
        """Return True while there is a weight between underload and overload."""
        return self.memory.valid != 0 and not self.memory.overload and not self.memory.underload

    def is_below_min(self, kg_x10: int, calibration: Calibration) -> bool:
        """Return True for a weight under Min = 20 e."""
        return kg_x10 < _MIN_E * calibration.e_kg_x10

    def is_over_limit(self, kg_x10: int, calibration: Calibration) -> bool:
        """Return True for a weight above Max + 9 e."""
        return kg_x10 > calibration.max_kg_x10 + _OVERLOAD_E * calibration.e_kg_x10

    def is_center_of_zero(self, calibration: Calibration) -> bool:
        """Return True within +-1/4 e of zero."""
        size = 4 * self.memory.kg_x10
        return self.memory.valid != 0 and -calibration.e_kg_x10 <= size <= calibration.e_kg_x10
