"""States that a search need not tell apart: a set with everything that is alike in it.

Knows a compiled system and what its model calls alike. Must not know why, or how a search goes on.
"""

from __future__ import annotations

from typing import Any

from hil.explore.bdd import FALSE, TRUE
from hil.explore.claims import Widening
from hil.explore.relation import System
from hil.explore.values import ModelError


class Widener:
    """Each widening splits the states into classes; a call gives all of each class that the set meets.

    So from any state of a class the others are found by the same call.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._bdd = system.bdd
        self._classes = [self._class(each) for each in system.model.widenings]

    def __call__(self, states: int) -> int:
        bdd = self._bdd
        before = FALSE
        while before != states:
            before = states
            for where, levels in self._classes:
                states = bdd.disj(states, bdd.conj(bdd.exists(bdd.conj(states, where), levels), where))
        return states

    def _class(self, each: Widening) -> tuple[int, frozenset[int]]:
        """Where the condition is true, and the variables that may be anything there."""
        bdd, system = self._bdd, self._system
        bits = [both for part in each.names for both in system.bits_named(part)]
        levels = [system.levels[system.model.fields[name]][bit] for name, bit in bits]
        where = [self._valid(part) for part in each.names]
        where += [self._one_of(name, values) for name, values in each.when.items()]
        where += [bdd.negate(self._one_of(name, values)) for name, values in each.unless.items()]
        if each.alike:
            where.append(bdd.disj_all([bdd.literal(level, 1) for level in levels]))
        return bdd.conj_all(where), frozenset(levels)

    def _valid(self, name: str) -> int:
        """Where the variables of a field stand for one of its values."""
        item = self._system.model.fields.get(name)
        return TRUE if item is None or item.bits else self._one_of(name, tuple(item.codes))

    def _one_of(self, name: str, values: tuple[Any, ...]) -> int:
        item = self._system.model.fields[name]
        for value in values:
            if value not in item.codes:
                raise ModelError(f"a widening asks for {name} = {value}, which it never is")
        cubes = [self._bdd.cube(self._system.literals(item, item.codes[value])) for value in values]
        return self._bdd.disj_all(cubes)
