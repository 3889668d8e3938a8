"""What the raw value of an event, an input, a setting or an argument stands for: symbols, bits, or a quantity.

Knows: symbols and units. Must not know: where the value comes from.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from edge.words import tr
from hil.scenarios.units import Mistake, close_to, read_quantity, tell_quantity, whole
from protocols.quality import BAD, GOOD, UNCERTAIN
from protocols.registers.tag import Tag

_ANY_BIT = -1
NO_BITS = "none"


@dataclass(frozen=True, slots=True)
class Meaning:
    """`symbols` are (name, value), or (name, bit number) with `is_bits`; else a value is raw * 10**sf `units`.

    `low` and `high` are the raw values it can have at all.
    """

    symbols: tuple[tuple[str, int], ...] = ()
    is_bits: bool = False
    units: str = ""
    sf: int = 0
    low: int = -(2**31)
    high: int = 2**32 - 1

    @property
    def step(self) -> str:
        """The smallest difference that can be told."""
        return tell_quantity(1, self.units, self.sf)

    def read(self, text: str) -> int:
        """The raw value that `text` writes; raises Mistake."""
        if self.is_bits and text != NO_BITS:
            said = tr(
                "'{text}' names bits; write 'has {text}' or 'lacks {text}', or '= {none}'", text=text, none=NO_BITS
            )
            raise Mistake(said)
        if self.is_bits:
            return 0
        if self.symbols:
            return self._symbol(text)
        return whole(self.read_exact(text), text, self.step)

    def read_exact(self, text: str) -> Fraction:
        """A quantity in raw steps, not rounded; raises Mistake."""
        if self.symbols:
            raise Mistake(tr("'{text}' is compared with symbols, which have no order; use = or !=", text=text))
        value = read_quantity(text, self.units, self.sf)
        if not self.low <= value <= self.high:
            limits = {"low": self.tell(self.low), "high": self.tell(self.high)}
            raise Mistake(tr("'{text}' is beyond what it can be, {low} to {high}", text=text, **limits))
        return value

    def read_tolerance(self, text: str) -> Fraction:
        """What a quantity may be off, in raw steps; raises Mistake."""
        tolerance = read_quantity(text, self.units, self.sf)
        if tolerance < 0:
            raise Mistake(tr("the tolerance '{text}' is negative", text=text))
        return tolerance

    def bit(self, text: str) -> int:
        """The mask of the bit that `text` names; raises Mistake."""
        if not self.is_bits:
            raise Mistake(tr("has and lacks are for sets of bits; use = or !="))
        return 1 << self._symbol(text)

    def tell(self, raw: int) -> str:
        """A raw value as a person writes it."""
        if self.is_bits:
            return ", ".join(name for name, bit in self.symbols if raw >> bit & 1) or NO_BITS
        named = next((name for name, value in self.symbols if value == raw), None)
        return named or tell_quantity(raw, self.units, self.sf)

    def _symbol(self, text: str) -> int:
        known = dict(self.symbols)
        if text not in known:
            raise Mistake(tr("'{text}' is no value it can have", text=text) + close_to(text, known))
        return known[text]


NUMBER = Meaning()
ON_OFF = Meaning((("off", 0), ("on", 1)))
PRESENT = Meaning((("absent", 0), ("present", 1)))
QUALITY = Meaning((("GOOD", GOOD), ("UNCERTAIN", UNCERTAIN), ("BAD", BAD)))
TIME = Meaning(units="ms", sf=-3, low=0)  # raw values are microseconds
_RANGES = {
    "uint16": (0, 2**16 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "uint32": (0, 2**32 - 1),
    "int32": (-(2**31), 2**31 - 1),
}


def meaning_of(tag: Tag) -> Meaning:
    """What the value of a register stands for."""
    low, high = _RANGES.get(tag.type, (NUMBER.low, NUMBER.high))
    return Meaning(tag.symbols, tag.type == "bitfield16", tag.units, tag.sf, low, high)
