"""From every reachable state a goal can be reached: the states of which that is not true.

Knows systems and sets. Must not know roles. Backward from the goal, one scan at a time, within what the helped inputs
can reach forward, so that no set grows larger than the forward search's own.
"""

from __future__ import annotations

from hil.explore.bdd import FALSE
from hil.explore.model import Leads
from hil.explore.relation import Step
from hil.explore.search import Search


def states_without_way(search: Search, leads: Leads) -> int:
    """How many reachable states cannot reach the goal, whatever inputs that satisfy `help` they get."""
    missing = search.reached
    bdd, system = search.bdd, search.system
    helped = bdd.conj(bdd.conj(search.reached, search.allowed), system.predicate_inputs(leads.help))
    steps = system.steps(system.fields_of(leads.goal))
    sets = [helped]
    for step in steps:
        sets.append(search.image(sets[-1], step))
    goal = bdd.conj(sets[-1], system.predicate(leads.goal, True))
    winning = FALSE
    while True:
        target = bdd.disj(goal, bdd.conj(sets[-1], winning))
        for place in range(len(steps) - 1, -1, -1):
            target = _before(search, steps[place], sets[place], target)
        found = bdd.disj(winning, bdd.exists(target, frozenset(bdd.support(target) - search.state_set)))
        if found == winning:
            break
        winning = found
        missing = bdd.minus(search.reached, winning)
        search.progress(f"{leads.id}: {bdd.count(missing, search.levels)} states left")
        if missing == FALSE:
            break
    return bdd.count(missing, search.levels)


def _before(search: Search, step: Step, sets: int, target: int) -> int:
    """The members of `sets` that a stage can take into `target`."""
    bdd = search.bdd
    back = {low: high for high, low in step.moved.items()}
    after = bdd.rename(target, back) if back else target
    return bdd.conj(sets, bdd.conj_exists(step.relation, after, frozenset(back.values())))
