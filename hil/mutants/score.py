"""What scenarios noticed of what was broken: caught, caught for the wrong reason, missed.

Knows: results of scenarios. Must not know: how something is broken, how results are printed.

A scenario *catches* a break when something it states is not so: an expectation, a measurement's limit, a `never`. It
notices for the *wrong reason* when it could only not go on: a `wait until` that never came, a command that nobody
answered. A program that ends leaves a dead device, which what is stated of the time after catches, or nothing does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.words import later
from hil.suite.result import FAILED, Result

CAUGHT, WRONG_REASON, MISSED = later("caught"), later("wrong reason"), later("missed")  # for people: tr(word)
_STATED = re.compile(r"step \d+ 'expect |measure |'.*' must never be")


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one scenario made of one break; `reason` is the first of its problems that counts."""

    scenario: str
    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """One break and what every scenario that was run made of it."""

    name: str
    role: str
    sightings: tuple[Sighting, ...]

    @property
    def outcome(self) -> str:
        """The best that any scenario made of it."""
        seen = {sighting.outcome for sighting in self.sightings}
        return next((outcome for outcome in (CAUGHT, WRONG_REASON) if outcome in seen), MISSED)


def judge(result: Result) -> Sighting:
    """What a scenario made of a break, by its result."""
    if result.word != FAILED:
        return Sighting(result.scenario, MISSED)
    stated = [reason for reason in (*result.reasons, *result.besides) if _STATED.match(reason)]
    if stated:
        return Sighting(result.scenario, CAUGHT, stated[0])
    return Sighting(result.scenario, WRONG_REASON, result.reasons[0] if result.reasons else "")


def by_outcome(scores: Sequence[Score]) -> Mapping[str, int]:
    """How many breaks came to what."""
    return Counter(score.outcome for score in scores)


def by_scenario(scores: Sequence[Score]) -> Mapping[str, Mapping[str, int]]:
    """How many breaks each scenario caught, noticed for the wrong reason and missed, of those it was tried on."""
    found: dict[str, Counter[str]] = {}
    for sighting in (sighting for score in scores for sighting in score.sightings):
        found.setdefault(sighting.scenario, Counter())[sighting.outcome] += 1
    return found
