"""The capability ledger: which scenario needs which capability, and what a target that lacks one says.

Knows: capabilities, scenarios as values. Must not know: what a target can do, which each target says itself (`lacks`),
or how a run is made.

A run whose needs are not met is BLOCKED with the reasons: neither passed nor failed, since nothing was shown.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from hil.rig.plants import PLANTS, Plant
from hil.scenarios.capabilities import CAPABILITIES as CAPABILITIES
from hil.scenarios.model import Action, BenchScenario, Condition, Scenario
from hil.scenarios.vocabulary import is_digital
from protocols.quality import GOOD
from protocols.registers.barrier import RESET_CAUSE_WATCHDOG  # of the header, the same in every role

_BY_VERB: Mapping[str, tuple[str, ...]] = {
    "set": (),  # by the kind of its input
    "line": ("field_line",),
    "hub off": ("bus_cut",),
    "hub on": ("bus_cut",),
    "cut bus": ("bus_cut",),
    "restore bus": ("bus_cut",),
    "hang": ("hang",),
    "jump": ("clock_jump",),
    "restart": ("power_cut",),
    "kill": ("power_cut",),
}
# Registers whose values are the processor's doing, not the program's.
_BY_POINT: Mapping[str, str] = {
    "scan_last_us": "scan_time",
    "scan_max_us": "scan_time",
}


def needs_of(scenario: Scenario) -> frozenset[str]:
    """The capabilities this scenario needs: those it names itself, and those its content shows."""
    surroundings = _of_bench(scenario) if isinstance(scenario, BenchScenario) else {"several_devices", "plant"}
    actions = {need for action in actions_of(scenario) for need in _of_action(action, scenario)}
    seen = {need for condition in conditions_of(scenario) for need in _of_condition(condition)}
    return frozenset({"bus", "digital_inputs", *scenario.needs, *surroundings, *actions, *seen})


def unmet(scenario: Scenario, lacks: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each need of the scenario that the target lacks; empty when it can run."""
    return tuple(f"needs {need}, but {lacks[need]}" for need in sorted(needs_of(scenario) & lacks.keys()))


def actions_of(scenario: Scenario) -> Iterator[Action]:
    """Everything its steps do."""
    return (action for step in scenario.steps for action in step.actions)


def conditions_of(scenario: Scenario) -> Iterator[Condition]:
    """Everything it waits for, expects, forbids or measures."""
    yield from (step.when for step in scenario.steps)
    yield from (*scenario.expectations, *scenario.nevers)
    for item in scenario.measurements:
        yield from (item.start, item.end)


def _of_bench(scenario: BenchScenario) -> Iterator[str]:
    driven = [name for name, _ in scenario.inputs]
    if scenario.plant:
        plant = PLANTS[scenario.plant](random.Random(0), scenario.line_protocol)
        driven += plant.inputs()
        yield "plant"
        yield from ("field_line",) if type(plant).take is not Plant.take else ()
    if scenario.line_protocol:
        yield "field_line"
    if any(not is_digital(scenario.role, name) for name in driven):
        yield "analogue_inputs"


def _of_action(action: Action, scenario: Scenario) -> Iterator[str]:
    yield from _BY_VERB.get(action.verb, ())
    if action.verb == "set" and action.quality != GOOD:
        yield "input_quality"
    if action.verb == "set" and isinstance(scenario, BenchScenario) and not is_digital(scenario.role, action.name):
        yield "analogue_inputs"


def _of_condition(condition: Condition) -> Iterator[str]:
    need = _BY_POINT.get(condition.name.rpartition(".")[2])
    if need:
        yield need
    if condition.name.endswith("event.BOOT") and condition.value == RESET_CAUSE_WATCHDOG:
        yield "watchdog"
