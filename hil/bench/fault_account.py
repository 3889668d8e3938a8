"""What became of everything in one row of the fault table, by class: both ends compared. Pure.

Knows: numbers and what the field knows to have happened. Must not know: how a fault was made, files, MQTT.
A class has two sides. Its *numbers* (class_seq of records, row numbers of telemetry) show gaps and repeats of what the
hub wrote down. Its *facts* (an operator's request that was answered, a device's event, a register's count) show whether
the hub wrote down what happened, once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ClassTruth:
    """One class at both ends.

    `produced`: the highest number the hub gave; `arrived`: (stream, number) in the order they came to the platform,
    repeats included, where what is live and what is history are streams that overtake each other by design; `facts`:
    by number stored at the platform, the fact it tells of, None for one the field knows nothing of; `happened`: every
    fact the field vouches for; `doubtful`: facts that may or may not have been taken.
    """

    produced: int
    arrived: Sequence[tuple[str, int]]
    facts: Mapping[int, Any]
    happened: Collection[Any]
    doubtful: Collection[Any] = frozenset()


@dataclass(frozen=True, slots=True)
class ClassAccount:
    """A class after a row. `repeated` came again and was known by its number; all else must be 0."""

    produced: int
    delivered: int
    lost: int
    duplicated: int
    out_of_order: int
    repeated: int
    facts: int
    in_doubt: int
    examples: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Nothing lost, nothing twice, everything in order."""
        return self.lost == self.duplicated == self.out_of_order == 0


def account(truth: ClassTruth) -> ClassAccount:
    """Compare both ends."""
    missing = [number for number in range(1, truth.produced + 1) if number not in truth.facts]
    told = Counter(fact for fact in truth.facts.values() if fact is not None)
    untold = [fact for fact in truth.happened if fact not in told]
    twice = [fact for fact, count in told.items() if count > 1]
    known = set(truth.happened) | set(truth.doubtful)
    invented = [fact for fact in told if fact not in known]
    return ClassAccount(
        produced=truth.produced,
        delivered=len(truth.facts),
        lost=len(missing) + len(untold),
        duplicated=len(twice) + len(invented) + sum(number > truth.produced for number in truth.facts),
        out_of_order=overtaken(truth.arrived) + unsorted_facts(truth.facts),
        repeated=len(truth.arrived) - len({number for _, number in truth.arrived}),
        facts=len(truth.happened),
        in_doubt=sum(fact not in told for fact in truth.doubtful),
        examples=[
            *(f"number {number} is missing" for number in missing[:3]),
            *(f"{fact} was never told" for fact in untold[:3]),
            *(f"{fact} was told twice" for fact in twice[:3]),
            *(f"{fact} never happened" for fact in invented[:3]),
        ],
    )


def overtaken(arrived: Iterable[tuple[str, int]]) -> int:
    """How many numbers came for the first time after a higher one had come in the same stream."""
    highest: dict[str, int] = {}
    count, seen = 0, set()
    for stream, number in arrived:
        if number in seen:
            continue
        seen.add(number)
        count += number < highest.get(stream, 0)
        highest[stream] = max(highest.get(stream, 0), number)
    return count


def unsorted_facts(facts: Mapping[int, Any]) -> int:
    """How many facts of one source stand, in the order of the numbers, behind a later one of that source.

    A fact is (source, count); sources count up.
    """
    newest: dict[Any, int] = {}
    count = 0
    for number in sorted(facts):
        if facts[number] is None:
            continue
        source, value = facts[number]
        count += value < newest.get(source, 0)
        newest[source] = max(value, newest.get(source, 0))
    return count
