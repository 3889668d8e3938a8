"""What is in a scenario, whatever its steps are: all it does, all it asks for.

Knows: the kinds of steps. Must not know: what they are for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hil.scenarios.model import Action, Condition, Do, Hold, Measure, Scenario, Step, Until, Word


def actions_of(steps: Sequence[Step]) -> Iterator[Action]:
    """Everything the steps do."""
    return (action for step in steps if isinstance(step, Do) for action in step.actions)


def conditions_of(scenario: Scenario) -> Iterator[Condition]:
    """Everything it waits for, expects, forbids or measures between."""
    yield from scenario.nevers
    for step in scenario.steps:
        if isinstance(step, (Until, Hold)):
            yield step.condition
        elif isinstance(step, Measure):
            yield from (each for each in (step.measurement.start, step.measurement.end) if each is not None)


def words_of(scenario: Scenario) -> Iterator[Word]:
    """Every word it asks for."""
    yield from (condition.word for condition in conditions_of(scenario))
    for step in scenario.steps:
        if isinstance(step, Measure) and step.measurement.word is not None:
            yield step.measurement.word


def watched_points(scenario: Scenario, source: str) -> frozenset[str]:
    """The points of the device `source` that it asks for."""
    parts = (word.event.split(".") for word in words_of(scenario))
    return frozenset(each[1] for each in parts if len(each) == 2 and each[0] == source)
