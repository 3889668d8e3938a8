"""The statements that every kind of scenario has: wait, expect, measure, command, fault, repair.

Knows: how a statement is written. Must not know: files, how a step is carried out. A kind of scenario adds its own
verbs in a subclass.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from math import ceil, floor

from edge.words import later, tr
from hil.faults.catalogue import faults_of
from hil.faults.spec import REPAIRED, FaultError
from hil.scenarios.conditions import read_condition, read_word
from hil.scenarios.meaning import TIME, Meaning, meaning_of
from hil.scenarios.model import Action, Do, Hold, Measure, Measurement, Step, Until, Wait, Word
from hil.scenarios.units import Mistake, close_to, read_time_us
from hil.scenarios.vocabulary import argument_meaning, opcode_names, setting_tags

TIME_US_MAX = 3_600_000_000  # an hour: a run is for watching a reaction, not for endurance
ARGUMENT_MAX = 2**31 - 1
_MEASURE = re.compile(
    r"(?P<name>[^:]+):\s*(?P<what>.+?)\s+"
    r"(?:at most (?P<most>.+)|at least (?P<least>.+)|between (?P<low>.+) and (?P<high>.+))"
)
_SPAN = re.compile(r"(?:(?P<extreme>highest|lowest)\s+(?P<word>\S+)\s+)?from\s+(?P<start>.+?)\s+to\s+(?P<end>.+)")
_NO_MEASUREMENT = later(
    "'{text}' is no measurement; write 'measure NAME: from CONDITION to CONDITION LIMITS', 'measure NAME: REGISTER "
    "LIMITS' or 'measure NAME: highest REGISTER from CONDITION to CONDITION LIMITS'; LIMITS are 'at most X', 'at least "
    "X' or 'between X and Y'"
)
Read = Callable[[str], tuple[Action, ...]]


class Statements(ABC):
    """Reads lines into steps; `words` are the names that conditions can use."""

    words: Mapping[str, Word]

    def __init__(self, role: str, plant: str = "") -> None:
        """`role` and `plant` as the fault catalogue has them."""
        self._faults = faults_of(role, plant)
        self._actions: dict[str, Read] = {"fault": self._fault, "repair": self._repair, **self._own_actions()}

    @abstractmethod
    def _own_actions(self) -> dict[str, Read]:
        """The verbs of this kind."""

    @property
    def verbs(self) -> tuple[str, ...]:
        """The words a statement can begin with."""
        return ("wait", "expect", "measure", *self._actions)

    def read(self, number: int, text: str) -> Step:
        """The step that a line writes; raises Mistake."""
        verb, _, rest = " ".join(text.split()).partition(" ")
        if verb == "wait":
            return self._wait(number, text, rest)
        if verb == "expect":
            return self._expect(number, text, rest)
        if verb == "measure":
            return Measure(number=number, text=text, measurement=self._measurement(rest))
        if verb not in self._actions:
            raise Mistake(tr("no statement begins so") + close_to(verb, self.verbs))
        return Do(number=number, text=text, actions=self._actions[verb](rest))

    def _wait(self, number: int, text: str, rest: str) -> Step:
        if not rest.startswith("until "):
            return Wait(number=number, text=text, duration_us=read_duration(rest))
        condition, separator, within = rest.removeprefix("until ").rpartition(" within ")
        if not separator:
            raise Mistake(tr("every wait has an end; write 'wait until CONDITION within TIME'"))
        return Until(
            number=number,
            text=text,
            condition=read_condition(condition, self.words),
            within_us=read_duration(within),
            is_needed=True,
        )

    def _expect(self, number: int, text: str, rest: str) -> Step:
        forbidden = rest.startswith("no ")
        condition, separator, span = rest.removeprefix("no ").rpartition(" for ")
        if separator or forbidden:
            return self._hold(number, text, condition, span, forbidden)
        condition, separator, within = rest.rpartition(" within ")
        return Until(
            number=number,
            text=text,
            condition=read_condition(condition if separator else rest, self.words),
            within_us=read_duration(within) if separator else 0,
            is_needed=False,
        )

    def _hold(self, number: int, text: str, condition: str, span: str, forbidden: bool) -> Step:
        if not condition:
            raise Mistake(tr("nothing can be awaited for ever; write 'expect no CONDITION for TIME'"))
        read = read_condition(condition, self.words)
        if not forbidden and not read.word.is_level:
            said = tr(
                "{name} happens at an instant and cannot last; write 'expect ... within TIME'", name=read.word.written
            )
            raise Mistake(said)
        return Hold(number=number, text=text, condition=read, duration_us=read_duration(span), is_forbidden=forbidden)

    def _measurement(self, rest: str) -> Measurement:
        found = _MEASURE.fullmatch(rest)
        if found is None:
            raise Mistake(tr(_NO_MEASUREMENT, text=rest))
        span = _SPAN.fullmatch(found["what"])
        word = span["word"] if span else found["what"]
        measured = read_word(word, self.words) if word else None
        if measured and (measured.meaning.symbols or not measured.is_level):
            said = tr(
                "{name} has no size that can be measured; measure a register with a number", name=measured.written
            )
            raise Mistake(said)
        meaning = measured.meaning if measured else TIME
        low, high = _limits(found, meaning)
        return Measurement(
            name=found["name"].strip(),
            kind=((span["extreme"] or "time") if span else "value"),
            meaning=meaning,
            low=low,
            high=high,
            word=measured,
            start=read_condition(span["start"], self.words) if span else None,
            end=read_condition(span["end"], self.words) if span else None,
        )

    def _fault(self, rest: str) -> tuple[Action, ...]:
        name, *words = rest.split() or [""]
        try:
            return (Action("fault", name=self._fault_name(name), argument=self._faults[name].level_of(words)),)
        except FaultError as error:
            raise Mistake(str(error)) from None

    def _repair(self, rest: str) -> tuple[Action, ...]:
        return (Action("fault", name=self._fault_name(rest), argument=REPAIRED),)

    def _fault_name(self, name: str) -> str:
        if name not in self._faults:
            raise Mistake(tr("fault '{name}' is unknown here", name=name) + close_to(name, self._faults))
        return name


def read_command(role: str, rest: str, named: str = "") -> Action:
    """`OPCODE [ARGUMENT]` or `SET SETTING VALUE` to the device of `role` that is called `named`; raises Mistake."""
    opcode, _, argument = rest.partition(" ")
    if opcode not in opcode_names(role):
        said = tr("opcode '{name}' is unknown to {role}", name=opcode, role=role)
        raise Mistake(said + close_to(opcode, opcode_names(role)))
    if opcode == "SET":
        name, _, value = argument.partition(" ")
        return Action("command", named, opcode, read_setting(role, name, value), setting_tags(role)[name].address)
    raw = argument_meaning(opcode).read(argument) if argument else 0
    if abs(raw) > ARGUMENT_MAX:
        raise Mistake(tr("argument '{text}' of {name} does not fit 32 bits", text=argument, name=opcode))
    return Action("command", named, opcode, raw)


def read_setting(role: str, name: str, text: str) -> int:
    """The raw value of a setting; raises Mistake."""
    tags = setting_tags(role)
    if name not in tags:
        raise Mistake(tr("setting '{name}' is unknown to {role}", name=name, role=role) + close_to(name, tags))
    tag = tags[name]
    try:
        raw = meaning_of(tag).read(text)
    except Mistake as mistake:
        raise Mistake(tr("setting {name}: {reason}", name=name, reason=mistake)) from None
    low, high = tag.min or 0, tag.max or 0
    if not low <= raw <= high:
        tell = meaning_of(tag).tell
        limits = {"low": tell(low), "high": tell(high)}
        raise Mistake(tr("setting {name} is '{text}'; {low} to {high} are allowed", name=name, text=text, **limits))
    return raw


def read_duration(text: str) -> int:
    """A time of a step in microseconds; raises Mistake."""
    time_us = read_time_us(text)
    if not 0 <= time_us <= TIME_US_MAX:
        raise Mistake(tr("'{text}' is no time a step can take; 0 s to 1 h are allowed", text=text))
    return time_us


def _limits(found: re.Match[str], meaning: Meaning) -> tuple[int | None, int | None]:
    low, high = found["least"] or found["low"], found["most"] or found["high"]
    low_raw = ceil(meaning.read_exact(low)) if low else None
    high_raw = floor(meaning.read_exact(high)) if high else None
    if low_raw is not None and high_raw is not None and low_raw > high_raw:
        raise Mistake(tr("nothing lies between {low} and {high}; write the smaller one first", low=low, high=high))
    return low_raw, high_raw
