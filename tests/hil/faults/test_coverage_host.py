"""Every kind of every fault of the catalogue is brought about by a scenario of the collection, or a reason is given."""

from collections.abc import Iterator

from hil.faults.catalogue import BUS, LANE, NODE, faults_of
from hil.faults.spec import FaultSpec
from hil.rig.plants import PLANTS
from hil.scenarios.content import actions_of
from hil.scenarios.model import BenchScenario
from hil.suite.choice import find_scenarios, load_scenarios

# What no scenario can show, with the reason. A fault that a scenario shows after all may not stand here.
_NOT_SHOWN: dict[str, str] = {}


def _forms(spec: FaultSpec) -> Iterator[str]:
    """Its name with each of its kinds, or alone when it has a value. A board is one, on a bench and in a lane."""
    name = NODE.name if spec.kinds == NODE.kinds else spec.name
    yield from (f"{name} {kind}" for kind in spec.kinds) if spec.kinds else (name,)


def _catalogue() -> set[str]:
    specs = [*BUS, NODE, *faults_of(LANE, "").values()]
    specs += [spec for name, plant in PLANTS.items() for spec in faults_of(plant.role, name).values()]
    return {form for spec in specs for form in _forms(spec)}


def _shown() -> set[str]:
    shown = set()
    for scenario in load_scenarios(find_scenarios([])):
        plant = scenario.plant if isinstance(scenario, BenchScenario) else ""
        specs = faults_of(scenario.role if isinstance(scenario, BenchScenario) else LANE, plant)
        for action in actions_of(scenario.steps):
            if action.verb == "fault" and action.argument:
                spec = specs[action.name]
                shown.add(list(_forms(spec))[action.argument - 1 if spec.kinds else 0])
    return shown


def test_every_kind_of_every_fault_is_in_a_scenario_or_has_a_reason() -> None:
    shown = _shown()
    assert not (missing := sorted(_catalogue() - shown - _NOT_SHOWN.keys())), f"write a scenario with {missing}"
    assert not (too_many := sorted(_NOT_SHOWN.keys() & shown)), f"{too_many} are shown: take them out of _NOT_SHOWN"
