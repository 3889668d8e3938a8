"""What a scenario says, as values.

Terms: a *condition* names a trace event and, optionally, the value it must have; a *step* is a list of actions that
begins when its condition first happens; an *expectation* must happen, in the order written; a *never* must not; a
*measurement* is the time between two events with limits.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """`barrier.state = OPEN`: name and value; a value of None means any. Only the bits of `mask` count."""

    name: str
    value: int | None
    text: str
    mask: int = -1

    def met_by(self, name: str, value: int) -> bool:
        return name == self.name and (self.value is None or value & self.mask == self.value)


@dataclass(frozen=True, slots=True)
class Action:
    """One of `wait MS`, `command ROLE OPCODE [ARGUMENT]`, `cut bus`, `restore bus`, `turn back`, `kill ROLE`."""

    verb: str
    role: str = ""
    opcode: str = ""
    argument: int = 0

    def __str__(self) -> str:
        return " ".join(word for word in (self.verb, self.role, self.opcode) if word)


@dataclass(frozen=True, slots=True)
class Step:
    when: Condition
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Measurement:
    """Milliseconds from the first event of `start` to the first event of `end` after it, within [low, high]."""

    name: str
    start: Condition
    end: Condition
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class ScenarioTruck:
    """A truck as a scenario describes it; kinds are those of sim_devices.plants.truck."""

    kind: str
    enters_at_ms: int
    gross_kg: int
    stops_under_boom_ms: int = 0
    reverses_out: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    duration_ms: int
    seed: int
    trucks: tuple[ScenarioTruck, ...]
    steps: tuple[Step, ...]
    expectations: tuple[Condition, ...]
    nevers: tuple[Condition, ...]
    measurements: tuple[Measurement, ...]
