"""What a scenario says, as values.

Terms: a *word* is a name that a condition can use; a *level* has a value at every instant, a *happening* only at its
own; a *condition* asks for a value of a word; a *step* is one line of the scenario, done when the one before has
ended; a *measurement* is a quantity with limits; a *never* must not be seen in the whole run.
"""

from __future__ import annotations

from dataclasses import dataclass

from hil.scenarios.hook import Hook
from hil.scenarios.meaning import Meaning
from protocols.quality import GOOD
from sim_devices.plants.driver import PLAIN, Habits


@dataclass(frozen=True, slots=True)
class Word:
    """A name as scenarios write it, the trace event it stands for, and what its values mean."""

    written: str
    event: str
    meaning: Meaning
    is_level: bool


@dataclass(frozen=True, slots=True)
class Condition:
    """A word whose value, of the bits of `mask`, lies in [low, high], or outside if `is_negated`; None is no limit."""

    word: Word
    text: str
    low: int | None = None
    high: int | None = None
    mask: int = -1
    is_negated: bool = False

    def met_by(self, value: int) -> bool:
        masked = value & self.mask
        inside = (self.low is None or self.low <= masked) and (self.high is None or masked <= self.high)
        return inside != self.is_negated


_FAULT_VERBS = ("fault", "hang", "jump")


@dataclass(frozen=True, slots=True)
class Action:
    """Something a rig does at one instant: a verb with its words; `name` is an opcode, input, knob or fault.

    Both rigs: `command` (`target` is the address of a setting), `fault` (`argument` is its level).
    Bench: `set`, `free`, `knob`, `line`, `hang`, `jump` (`argument` in microseconds).
    Lane: `switch`, `truck`, `turn back`.
    """

    verb: str
    role: str = ""
    name: str = ""
    argument: int = 0
    target: int = 0
    quality: int = GOOD
    data: bytes = b""
    truck: TruckVisit | None = None

    @property
    def is_fault(self) -> bool:
        """Whether it disturbs the rig, as opposed to what a person or a vehicle at the gate does."""
        return self.verb in _FAULT_VERBS

    @property
    def label(self) -> str:
        """The channel of its trace event: `set.EDGE_OK`, `command.barrier.OPEN`, `bus` of a fault."""
        if self.verb == "fault":
            return self.name
        return ".".join(word for word in (self.verb.replace(" ", "_"), self.role, self.name) if word)

    @property
    def number(self) -> int:
        """The value of its trace event: its argument, or the count of bytes it puts on the field line."""
        return len(self.data) or self.argument


@dataclass(frozen=True, slots=True)
class TruckVisit:
    """A truck that comes to a lane; kinds are those of sim_devices.plants.truck."""

    kind: str
    gross_kg: float
    habits: Habits = PLAIN


@dataclass(frozen=True, slots=True)
class Measurement:
    """A quantity with limits in raw steps of `meaning`; None is no limit.

    `kind` is `time` (from `start` to the first `end` after it), `value` (of `word` now), or `highest` or `lowest` (of
    `word` between the two).
    """

    name: str
    kind: str
    meaning: Meaning
    low: int | None
    high: int | None
    word: Word | None = None
    start: Condition | None = None
    end: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`number` counts from 1, `text` is the line as written."""

    number: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Do(Step):
    """Actions at one instant."""

    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(Step):
    duration_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Until(Step):
    """Until the condition is met; if it is not within the time, that is a problem, and the run's end if `is_needed`."""

    condition: Condition
    within_us: int
    is_needed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(Step):
    """For so long the condition stays met or, when `is_forbidden`, is never met."""

    condition: Condition
    duration_us: int
    is_forbidden: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure(Step):
    measurement: Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What every rig needs: what is done step by step, and what must not be seen.

    `needs` are capabilities of `hil.targets.ledger` that the content does not show by itself.
    """

    name: str
    seed: int
    steps: tuple[Step, ...] = ()
    nevers: tuple[Condition, ...] = ()
    needs: tuple[str, ...] = ()
    check: Hook | None = None  # judges the run beside the steps
    sha256: str = ""  # of the files it was read from
    bands: tuple[tuple[str, int], ...] = ()  # microseconds by kind, where they are not those of hil.trace.bands


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneScenario(Scenario):
    """A lane with barrier and weighbridge; `settings` are raw, by role and name."""

    settings: tuple[tuple[str, tuple[tuple[str, int], ...]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchScenario(Scenario):
    """One device on the bench with its settings (raw, by name); `plant` drives some of its inputs, "" for none.

    `line_protocol` is "" for the role's default.
    """

    role: str
    settings: tuple[tuple[str, int], ...] = ()
    line_protocol: str = ""
    plant: str = ""
