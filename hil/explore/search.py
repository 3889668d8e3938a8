"""The search: every state that can be reached, scan by scan, and the shortest way to one that must not be.

Knows a compiled system. Must not know roles, files or how a result is shown.

Breadth first on sets: ring n holds the states that need n scans. After a ring that finds nothing new the frontier is
empty and the search complete. A violation is found in the first ring it occurs in, so the way to it is a shortest one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hil.explore.bdd import FALSE
from hil.explore.model import Property
from hil.explore.relation import Step, System
from hil.explore.values import FREE, INPUT, STATE, Field
from hil.explore.widen import Widener

Progress = Callable[[str], None]


@dataclass
class Scan:
    """One scan of a way to a violation: values of fields before it (state and inputs), and which timers end in it."""

    values: dict[str, Any]
    open_fields: set[str] = field(default_factory=set)
    ended: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)


@dataclass
class Violation:
    """A property that failed, and the scans that lead there from power-up."""

    id: str
    text: str
    scans: list[Scan]
    shows: str = ""


@dataclass
class Result:
    """What was found; counts are of states and of (state, input vector, expired timers)."""

    states: int = 0
    transitions: int = 0
    rings: int = 0
    complete: bool = False
    failed: dict[str, Violation] = field(default_factory=dict)
    wall_s: float = 0.0


class Search:
    """Forward search over one system, then one scan of everything that was reached for each property."""

    def __init__(self, system: System, properties: list[Property], progress: Progress) -> None:
        self.system = system
        self.bdd = system.bdd
        self.progress = progress
        self.properties = properties
        self.allowed = system.allowed()
        self.reached = FALSE
        self.rings: list[int] = []
        self.result = Result()
        self.levels = system.state_levels()
        self.state_set = frozenset(self.levels)
        self._plain = system.steps(set())
        self.widen = Widener(system)

    def run(self, rings_max: int = 10_000) -> Result:
        """Search until nothing is new, or rings_max rings; Ctrl-C ends it with what was found so far."""
        started = time.perf_counter()
        frontier = self.widen(self.system.initial())
        self.reached = frontier
        try:
            while frontier != FALSE and len(self.rings) < rings_max:
                self.rings.append(frontier)
                smaller = self.bdd.size(self.reached) < self.bdd.size(frontier)
                following = self.widen(self._scan(self.reached if smaller else frontier))
                frontier = self.bdd.minus(following, self.reached)
                self.reached = self.bdd.disj(self.reached, frontier)
                self._tell(frontier, started)
            for alike in self._groups():
                self._check(alike)
            self.result.complete = frontier == FALSE
        except KeyboardInterrupt:
            self.progress("interrupted")
        self._count()
        self.result.wall_s = round(time.perf_counter() - started, 2)
        return self.result

    def _tell(self, frontier: int, started: float) -> None:
        states, new = (self.bdd.count(sets, self.levels) for sets in (self.reached, frontier))
        seconds = time.perf_counter() - started
        self.progress(
            f"scan {len(self.rings)}: {states} states, {new} of them new, {len(self.bdd)} nodes, {seconds:.1f} s"
        )

    def _groups(self) -> list[list[Property]]:
        """Properties that look back at the same fields are judged by one scan."""
        found: dict[frozenset[Field], list[Property]] = {}
        for each in self.properties:
            copies = self.system.fields_of(each.holds) & set(self.system.copies.values())
            found.setdefault(frozenset(copies), []).append(each)
        return list(found.values())

    def _check(self, properties: list[Property]) -> None:
        """One scan of all states of all rings but a last one that was not searched any more."""
        searched = self.bdd.disj_all(self.rings)
        kept = {item for each in properties for item in self.system.fields_of(each.holds)}
        following = self.after(searched, self.system.steps(kept))
        for each in properties:
            bad = self.system.predicate(each.holds, False)
            holds = self.bdd.conj(following, bad) == FALSE
            self.progress(f"{each.id}: {'holds' if holds else 'FAILS'}")
            if not holds:
                self._find_way(each, bad)

    def _find_way(self, each: Property, bad: int) -> None:
        """The first ring with a scan into `bad`, and the way there."""
        steps = self.system.steps(self.system.fields_of(each.holds))
        for place, ring in enumerate(self.rings):
            if self.bdd.conj(self.after(ring, steps), bad) != FALSE:
                self.result.failed[each.id] = Violation(each.id, each.text, self._way_to(place, steps, bad), each.shows)
                return

    def after(self, states: int, steps: list[Step]) -> int:
        """The set after one scan of `states` with every input vector."""
        sets = self.bdd.conj(states, self.allowed)
        for step in steps:
            sets = self.image(sets, step)
        return sets

    def _count(self) -> None:
        """Transitions: a state, an input vector, a set of timers that end. Inputs and timers combine freely."""
        inputs = [level for item, levels in self.system.levels.items() if item.scope == INPUT for level in levels]
        vectors = self.bdd.count(self.allowed, inputs)
        total = 0
        sets = {0: self.reached}
        for item in self.system.levels:
            if not item.name.startswith("timer.") or item.kind == FREE:
                continue
            runs = self.bdd.cube(self.system.literals(item, item.codes["unknown"]))
            following: dict[int, int] = {}
            for count, states in sets.items():
                for more, part in ((1, self.bdd.conj(states, runs)), (0, self.bdd.minus(states, runs))):
                    following[count + more] = self.bdd.disj(following.get(count + more, FALSE), part)
            sets = following
        total = sum(self.bdd.count(states, self.levels) << count for count, states in sets.items())
        self.result.states = self.bdd.count(self.reached, self.levels)
        self.result.transitions = total * vectors
        self.result.rings = len(self.rings)

    def image(self, states: int, step: Step) -> int:
        """The set after one stage."""
        bdd = self.bdd
        rest = bdd.conj(states, step.idle)
        moving = bdd.minus(states, step.idle) if rest != FALSE else states
        found = bdd.conj_exists(moving, step.relation, step.forget)
        if step.moved:
            found = bdd.rename(found, step.moved)
        return bdd.disj(found, bdd.exists(rest, step.gone)) if rest != FALSE else found

    def _scan(self, states: int) -> int:
        sets = self.after(states, self._plain)
        return self.bdd.exists(sets, frozenset(self.bdd.support(sets) - self.state_set))

    # Ways back.

    def _way_to(self, place: int, steps: list[Step], bad: int) -> list[Scan]:
        """The scans from power-up to one in `bad`, which ring `place` is the first to reach."""
        scan, target = self._step_back(self.rings[place], steps, bad)
        scans = [scan]
        for ring in reversed(self.rings[:place]):
            scan, target = self._step_back(ring, self._plain, self.widen(target))
            scans.append(scan)
        return scans[::-1]

    def _step_back(self, ring: int, steps: list[Step], target: int) -> tuple[Scan, int]:
        """One scan that leads from `ring` into `target`; returns it and the state it starts from."""
        sets = [self.bdd.conj(ring, self.allowed)]
        for step in steps:
            sets.append(self.image(sets[-1], step))
        point = self._choose(self.bdd.conj(sets[-1], target))
        ended: list[str] = []
        running: list[str] = []
        for place in range(len(steps) - 1, -1, -1):
            step = steps[place]
            back = {low: high for high, low in step.moved.items()}
            after = self.bdd.cube({back.get(level, level): value for level, value in point.items()})
            before = self.bdd.conj(sets[place], self.bdd.conj(step.relation, after))
            before = self.bdd.exists(before, frozenset(level for level in self.bdd.support(before) if level % 2))
            earlier = self._choose(before)
            if step.label.startswith("self.timers.advance"):
                self._note_timer(step, point, earlier, ended, running)
            point = earlier
        start = {level: point.get(level, 0) for level in self.levels}
        scan = self._as_scan(point)
        scan.ended, scan.running = ended, running
        return scan, self.bdd.cube(start)

    def _note_timer(
        self, stage: Step, after: dict[int, int], before: dict[int, int], ended: list[str], running: list[str]
    ) -> None:
        """Whether the timer of this stage ran before, and ended."""
        for item in stage.writes:
            levels = self.system.levels[item]
            codes = [sum(point.get(level, 0) << bit for bit, level in enumerate(levels)) for point in (before, after)]
            if codes[0] == item.codes["unknown"]:
                (running if codes[1] == codes[0] else ended).append(item.name.partition(".")[2])

    def _choose(self, points: int) -> dict[int, int]:
        """One point, with inputs as quiet as they can be."""
        known = self.bdd.support(points)
        for sets in self.system.quiet:
            # A field that is no longer part of the scan must not come back with a value of its own.
            narrowed = self.bdd.conj(points, sets) if self.bdd.support(sets) <= known else FALSE
            if narrowed != FALSE:
                points = narrowed
        return self.bdd.pick(points)

    def _as_scan(self, values: dict[int, int]) -> Scan:
        scan = Scan({})
        for item, levels in self.system.levels.items():
            if item.scope not in (STATE, INPUT):
                continue
            if levels and not any(level in values for level in levels):
                scan.open_fields.add(item.name)
            code = sum(values.get(level, 0) << bit for bit, level in enumerate(levels))
            if levels:
                scan.values[item.name] = code if item.bits else _value(item, code)
        return scan


def _value(item: Field, code: int) -> Any:
    if not item.values:
        return None
    value = item.values[code] if code < len(item.values) else item.values[0]
    return value if isinstance(value, int) else "unknown"
