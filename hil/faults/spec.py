"""What a fault is: a name, and the ways or the measure in which a part goes wrong.

Knows: how a fault is written and numbered. Must not know: which faults there are, how one is brought about.

The *level* of a fault is the one number a trace carries for it: 0 is repaired, otherwise the place of its kind,
counted from 1, or its value in its unit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from edge.words import tr

REPAIRED = 0
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,9}")


class FaultError(ValueError):
    """What was written is no kind or value of this fault; the message is a sentence that says what would be."""


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """A fault by name. It has either `kinds` or a range of whole numbers in `unit`.

    `needs` names the capabilities of a target without which it cannot be brought about: one for all its levels, or one
    for each kind.
    """

    name: str
    sentence: str
    kinds: tuple[str, ...] = ()
    low: int = 0
    high: int = 0
    unit: str = ""
    needs: tuple[str, ...] = ("plant",)

    @property
    def forms(self) -> str:
        """How it may be written in a scenario, after its name."""
        if not self.unit:
            return " | ".join(self.kinds)
        return tr("{low} to {high} {unit}", low=self.low, high=self.high, unit=self.unit)

    def level_of(self, words: Sequence[str]) -> int:
        """The level that `KIND` or `VALUE UNIT` means; a fault of one kind needs no word. Raises FaultError."""
        if not words and len(self.kinds) == 1:
            return 1
        if self.kinds and len(words) == 1 and words[0] in self.kinds:
            return self.kinds.index(words[0]) + 1
        if self.unit and len(words) == 2 and words[1] == self.unit and _WHOLE_NUMBER.fullmatch(words[0]):
            value = int(words[0])
            if self.low <= value <= self.high and value != REPAIRED:
                return value
        said = tr(
            "fault {name} cannot be '{text}'; write 'fault {name}' with {forms}",
            name=self.name,
            text=" ".join(words),
            forms=self.forms,
        )
        raise FaultError(said)

    def kind_of(self, level: int) -> str:
        """The kind of a level, "" for a repaired one and for a fault with a value."""
        return self.kinds[level - 1] if self.kinds and level else ""

    def need_of(self, level: int) -> str:
        """The capability that this level needs."""
        return self.needs[level - 1] if level and len(self.needs) > 1 else self.needs[0]

    def describe(self, level: int) -> str:
        """The level in words."""
        if level == REPAIRED:
            return "repaired"
        return self.kind_of(level) or f"{level} {self.unit}"
