"""Something of a plant that a scenario sets: with a name, a unit and limits.

Knows: what a value means. Must not know: plants.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.words import tr
from hil.scenarios.meaning import ON_OFF, PRESENT, Meaning
from hil.scenarios.units import Mistake


@dataclass(frozen=True, slots=True)
class Knob:
    """Values are raw steps of `meaning`, within [low, high]."""

    sentence: str
    meaning: Meaning = ON_OFF
    low: int = 0
    high: int = 1

    def read(self, name: str, text: str) -> int:
        """The raw value that `text` writes; raises Mistake."""
        try:
            value = self.meaning.read(text)
        except Mistake as mistake:
            raise Mistake(f"{name}: {mistake}") from None
        if not self.low <= value <= self.high:
            limits = {"low": self.meaning.tell(self.low), "high": self.meaning.tell(self.high)}
            raise Mistake(tr("{name} cannot be {text}; {low} to {high} are allowed", name=name, text=text, **limits))
        return value


LOAD = Knob("what stands on the deck", Meaning(units="kg"), -5_000, 200_000)


def thing(sentence: str) -> Knob:
    """One that is there or not."""
    return Knob(sentence, PRESENT)
