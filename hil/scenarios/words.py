"""Every word that a scenario's conditions can use, with the trace event it stands for and what its values mean.

Knows: the vocabulary of the register maps, what a rig can put into a trace. Must not know: how a condition is written.

On a bench the one device has no name: `state`, `out.MOTOR_OPEN`. In a lane its role stands before: `barrier.state`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from hil.scenarios.meaning import NUMBER, ON_OFF, QUALITY, Meaning, meaning_of
from hil.scenarios.model import BenchScenario, Scenario, Word
from hil.scenarios.vocabulary import (
    BROKEN,
    DEVICE,
    EVENT_GAP,
    LANE_ROLES,
    LINE_SENT,
    input_meaning,
    input_names,
    map_of,
    names_of,
    opcode_names,
    point_tags,
    tag_of,
)
from sim_devices.plants.lane import TRUTH_KINDS

# What an event's argument is, by the phrase that the register map has for it; other phrases that name a point mean it.
_ARGUMENTS = {
    "weight in 0.1 kg": Meaning(units="kg", sf=-1),
    "tare in 0.1 kg, 0 for none": Meaning(units="kg", sf=-1),
    "length of the silence in ms": Meaning(units="ms"),
    "scan duration in us": Meaning(units="us"),
}
_BIT_OF = "bit number in "


@cache
def bench_words(role: str) -> dict[str, Word]:
    """The words of a bench with a device of `role`, as written."""
    words = [*_device_words(DEVICE, role, ""), *_rig_words()]
    words += [Word(f"quality.{name}", f"{DEVICE}.quality.{name}", QUALITY, is_level=True) for name in input_names(role)]
    words += _command_words(role, "")
    words.append(Word("line.sent", LINE_SENT, NUMBER, is_level=True))
    return {word.written: word for word in words}


@cache
def lane_words() -> dict[str, Word]:
    """The words of a lane, as written."""
    words = [*_rig_words(), *(Word(f"field.{kind}", f"field.{kind}", NUMBER, is_level=False) for kind in TRUTH_KINDS)]
    for role in LANE_ROLES:
        words += [*_device_words(role, role, f"{role}."), *_command_words(role, f"{role}.")]
    return {word.written: word for word in words}


def words_for(scenario: Scenario) -> dict[str, Word]:
    """The words that this scenario can use."""
    return bench_words(scenario.role) if isinstance(scenario, BenchScenario) else lane_words()


def _rig_words() -> list[Word]:
    return [Word(name, name, NUMBER, is_level=False) for name in (f"rig.{EVENT_GAP}", BROKEN)]


def _device_words(source: str, role: str, prefix: str) -> Iterator[Word]:
    for tag in point_tags(role):
        yield Word(prefix + tag.name, f"{source}.{tag.name}", meaning_of(tag), is_level=True)
    for name in names_of(role, "digital_inputs"):
        yield Word(f"{prefix}in.{name}", f"{source}.in.{name}", input_meaning(role, name), is_level=True)
    for name in names_of(role, "digital_outputs"):
        yield Word(f"{prefix}out.{name}", f"{source}.out.{name}", ON_OFF, is_level=True)
    for event in map_of(role).EVENTS.values():
        meaning = _argument_meaning(role, event.argument)
        yield Word(f"{prefix}event.{event.name}", f"{source}.event.{event.name}", meaning, is_level=False)


def _command_words(role: str, prefix: str) -> list[Word]:
    result = tag_of(role, "command_result")
    assert result is not None  # it stands in the header of every map
    meaning = meaning_of(result)
    return [
        Word(f"command.{prefix}{opcode}", f"command.{prefix}{opcode}", meaning, is_level=False)
        for opcode in opcode_names(role)
    ]


def _argument_meaning(role: str, argument: str) -> Meaning:
    if argument in _ARGUMENTS:
        return _ARGUMENTS[argument]
    if argument.startswith(_BIT_OF):
        tag = tag_of(role, argument.removeprefix(_BIT_OF))
        return Meaning(tag.symbols) if tag else NUMBER
    tag = tag_of(role, argument)
    return meaning_of(tag) if tag else NUMBER
