"""What a run has seen, as a judging function of a scenario gets it: by the scenario's names, in physical units.

Knows: words, traces. Must not know: who asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from hil.scenarios.conditions import read_word
from hil.scenarios.model import Word
from hil.trace.event import Trace


class History:
    """`values("gross_kg_x10")`: every change of a name as (seconds, value); symbols are texts, quantities numbers."""

    def __init__(self, trace: Trace, words: Mapping[str, Word]) -> None:
        self._trace = trace
        self._words = words

    def values(self, name: str) -> list[tuple[float, float | str]]:
        """In the order of time; raises Mistake for a name that cannot be watched here."""
        word = read_word(name, self._words)
        return [(event.t_us / 1e6, _told(word, event.value)) for event in self._trace if event.name == word.event]


def _told(word: Word, raw: int) -> float | str:
    meaning = word.meaning
    return meaning.tell(raw) if meaning.symbols else float(Fraction(raw) * Fraction(10) ** meaning.sf)
