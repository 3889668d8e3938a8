"""The capability ledger: which scenario needs which capability, and what a target that lacks one says.

Knows: capabilities, scenarios as values. Must not know: what a target can do, which each target says itself (`lacks`),
or how a run is made.

A run whose needs are not met is BLOCKED with the reasons: neither passed nor failed, since nothing was shown.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Set

from hil.faults.catalogue import LANE, faults_of
from hil.rig.plants import PLANTS, Plant
from hil.scenarios.capabilities import CAPABILITIES as CAPABILITIES
from hil.scenarios.content import actions_of, conditions_of
from hil.scenarios.meaning import ON_OFF
from hil.scenarios.model import Action, BenchScenario, Condition, LaneScenario, Measure, Scenario, Step, Until
from hil.scenarios.vocabulary import input_meaning
from protocols.quality import GOOD
from protocols.registers.barrier import RESET_CAUSE_WATCHDOG  # of the header, the same in every role

CLOSE_US = 100_000  # a limit to a time below it needs punctuality
_BY_VERB: Mapping[str, tuple[str, ...]] = {
    "set": (),  # by the kind of its input
    "line": ("field_line",),
    "hang": ("hang",),
    "jump": ("clock_jump",),
}
# Registers whose values are the processor's doing, not the program's.
_BY_POINT: Mapping[str, str] = {
    "scan_last_us": "scan_time",
    "scan_max_us": "scan_time",
}


def needs_of(scenario: Scenario) -> frozenset[str]:
    """The capabilities this scenario needs: those it names itself, and those its content shows."""
    surroundings = (
        _of_bench(scenario) if isinstance(scenario, BenchScenario) else {"several_devices", "plant", "load_cell"}
    )
    settings = {"own_settings"} if isinstance(scenario, (BenchScenario, LaneScenario)) and scenario.settings else set()
    actions = {need for action in actions_of(scenario.steps) for need in _of_action(action, scenario)}
    seen = {need for condition in conditions_of(scenario) for need in _of_condition(condition)}
    seen |= {"punctuality" for step in scenario.steps if _is_close(step)}
    return frozenset({"bus", "digital_inputs", *scenario.needs, *settings, *surroundings, *actions, *seen})


def unmet(needs: Set[str], lacks: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each need that the target lacks; empty when all can be shown."""
    return tuple(f"needs {need}, but {lacks[need]}" for need in sorted(needs & lacks.keys()))


def _of_bench(scenario: BenchScenario) -> Iterator[str]:
    driven: Iterable[str] = ()
    if scenario.plant:
        plant = PLANTS[scenario.plant](random.Random(0), scenario.line_protocol)
        driven = plant.inputs()
        yield "plant"
        yield from ("field_line",) if type(plant).take is not Plant.take else ()
    if scenario.line_protocol:
        yield "field_line"
    if scenario.line_protocol == "wiegand":
        yield "wiegand"
    yield from (need for name in driven for need in _of_input(scenario.role, name))


def _of_action(action: Action, scenario: Scenario) -> Iterator[str]:
    yield from _BY_VERB.get(action.verb, ())
    if action.verb == "set" and action.quality != GOOD:
        yield "input_quality"
    if action.verb == "set":
        yield from _of_input(scenario.role if isinstance(scenario, BenchScenario) else "", action.name)
    if action.verb == "fault" and action.argument:  # a repair needs no more than the fault before it
        yield _of_fault(action, scenario)


def _of_input(role: str, name: str) -> tuple[str, ...]:
    if input_meaning(role, name) == ON_OFF:
        return ()
    return ("load_cell",) if role == "weighbridge" else ("analogue_inputs",)


def _of_fault(action: Action, scenario: Scenario) -> str:
    bench = scenario if isinstance(scenario, BenchScenario) else None
    specs = faults_of(bench.role, bench.plant) if bench else faults_of(LANE, "")
    return specs[action.name].need_of(action.argument)


def _is_close(step: Step) -> bool:
    """Whether it sets a limit to a time that is closer than CLOSE_US."""
    if isinstance(step, Until):
        return 0 < step.within_us < CLOSE_US
    if not isinstance(step, Measure) or step.measurement.kind != "time":
        return False
    low, high = step.measurement.low or 0, step.measurement.high
    return high is not None and high - low < CLOSE_US


def _of_condition(condition: Condition) -> Iterator[str]:
    need = _BY_POINT.get(condition.word.event.rpartition(".")[2])
    if need:
        yield need
    if condition.word.event.endswith("event.BOOT") and condition.low == RESET_CAUSE_WATCHDOG:
        yield "watchdog"
