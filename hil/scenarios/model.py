"""What a scenario says, as values.

Terms: a *condition* names a trace event and, optionally, the value it must have; a *step* is a list of actions that
begins when its condition first happens; an *expectation* must happen, in the order written; a *never* must not; a
*measurement* is the time between two events with limits.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocols.quality import GOOD


@dataclass(frozen=True, slots=True)
class Condition:
    """`barrier.state = OPEN`: name and value; a value of None means any. Only the bits of `mask` count."""

    name: str
    value: int | None
    text: str
    mask: int = -1

    def met_by(self, name: str, value: int) -> bool:
        return name == self.name and (self.value is None or value & self.mask == self.value)


_FAULT_VERBS = ("cut bus", "restore bus", "kill", "hub off", "hub on", "restart", "hang", "jump")


@dataclass(frozen=True, slots=True)
class Action:
    """What a step does: a verb with its words. `name` is the opcode, input or knob, `argument` its number.

    Lane: `wait MS`, `command ROLE OPCODE [ARGUMENT]`, `cut bus`, `restore bus`, `turn back`, `kill ROLE`.
    Bench: `wait MS`, `command OPCODE [ARGUMENT]`, `set INPUT VALUE [QUALITY]`, `free INPUT`, `plant KNOB VALUE`,
    `line HEX`, `hub off`, `hub on`, `restart`, `hang MS`, `jump MS`.
    """

    verb: str
    role: str = ""
    name: str = ""
    argument: int = 0
    quality: int = GOOD
    data: bytes = b""

    def __str__(self) -> str:
        return " ".join(word for word in (self.verb, self.role, self.name, self.data.hex()) if word)

    @property
    def is_fault(self) -> bool:
        """Whether it disturbs the rig, as opposed to what a person or a vehicle at the gate does."""
        return self.verb in _FAULT_VERBS

    @property
    def label(self) -> str:
        """The channel of its trace event: `set.EDGE_OK`, `command.barrier.OPEN`, `cut_bus`."""
        return ".".join(word for word in (self.verb.replace(" ", "_"), self.role, self.name) if word)

    @property
    def number(self) -> int:
        """The value of its trace event: its argument, or the count of bytes it puts on the field line."""
        return len(self.data) or self.argument


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What every rig needs: how long it runs, what is done in it, and what must be seen.

    `needs` are capabilities of `hil.targets.ledger` that the content does not show by itself.
    """

    name: str
    duration_ms: int
    seed: int
    steps: tuple[Step, ...] = ()
    expectations: tuple[Condition, ...] = ()
    nevers: tuple[Condition, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneScenario(Scenario):
    """A lane with barrier and weighbridge, and the trucks that come."""

    trucks: tuple[ScenarioTruck, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchScenario(Scenario):
    """One device on the bench: its settings and the state of its inputs at the start, by name.

    Inputs not named are 0; `plant` drives some of them, "" for none. `line_protocol` is "" for the role's default.
    """

    role: str
    settings: tuple[tuple[str, int], ...] = ()
    inputs: tuple[tuple[str, int], ...] = ()
    line_protocol: str = ""
    plant: str = ""
