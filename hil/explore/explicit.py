"""The explorer for a core that calculates: states one by one instead of sets.

Knows subjects that can be put into a state, moved and judged. Must not know roles, files or how a result is shown.

A subject tells every scan from a state by itself (`Subject`), or in two halves (`CutSubject`): cut where the core has
read its inputs and not yet its request. What two inputs lead to often is the same half-way state; so all inputs are
tried on every state and all requests on every half-way state, and every pair of them is covered. Breadth first, so the
first way to a violation is a shortest one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from hil.explore.claims import Reduction
from hil.explore.engine import Report

State = Hashable


class Subject(Protocol):
    """A real core with what is tried on it. A state is everything that can decide something later, and hashable."""

    def start(self) -> State:
        """The state after power-up."""

    def scans(self, state: State) -> Iterable[tuple[Any, State]]:
        """What is tried from a state, and the state after it; the subject shows that scan while it is given."""


class CutSubject(Protocol):
    """A real core whose scans come in halves."""

    def inputs_of(self, state: State) -> Sequence[Any]:
        """What the inputs of a scan from this state may be."""

    def requests_of(self, half: State) -> Sequence[Any]:
        """What may be asked in a scan that came to this half-way state."""

    def start(self) -> State:
        """The state after power-up."""

    def read(self, state: State, choice: Any) -> State:
        """From a state with these inputs to the half-way state."""

    def finish(self, half: State, request: Any) -> State:
        """From a half-way state with this request to the state after the scan; the subject shows that scan then."""


@dataclass(frozen=True)
class Check:
    """A safety property: `holds` looks at the subject as a scan has left it."""

    id: str
    text: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True)
class Way:
    """A liveness property: from every reachable state such inputs and requests can lead to a scan with `goal`."""

    id: str
    text: str
    goal: Callable[[Any], bool]
    inputs: Callable[[Any], bool]
    requests: Callable[[Any], bool]


@dataclass
class Explicit:
    """What `verify_explicit` runs."""

    role: str
    make: Callable[[], Subject | CutSubject]
    checks: list[Check]
    ways: list[Way]
    reductions: list[Reduction]
    export: Callable[[str, str, list[dict[str, Any]]], str] | None = None  # id, text and way as a scenario file


@dataclass
class _Found:
    """A graph that grows: states by number, how each was first reached, and edges that help."""

    numbers: dict[State, int] = field(default_factory=dict)
    states: list[State] = field(default_factory=list)
    origin: list[tuple[int, Any, Any]] = field(default_factory=list)
    back: list[dict[int, set[int]]] = field(default_factory=list)
    goals: list[set[int]] = field(default_factory=list)

    def note(self, state: State, origin: tuple[int, Any, Any]) -> int:
        number = self.numbers.get(state)
        if number is None:
            number = self.numbers[state] = len(self.states)
            self.states.append(state)
            self.origin.append(origin)
        return number

    def way_to(self, number: int) -> list[dict[str, Any]]:
        steps = []
        while number:
            number, choice, request = self.origin[number]
            steps.append({"state": self.states[number], "inputs": choice, "request": request})
        return steps[::-1]


def verify_explicit(model: Explicit, tell: Callable[[str], None], scans_max: int = 1000) -> Report:
    """Search, judge; Ctrl-C gives what was found so far with complete = False."""
    started = time.perf_counter()
    report = Report(model.role)
    report.reductions = [{"what": each.what, "why": each.why} for each in model.reductions]
    search = _Search(model, model.make())
    try:
        search.run(scans_max, tell)
    except KeyboardInterrupt:
        tell("interrupted")
    search.fill(report)
    report.wall_s = round(time.perf_counter() - started, 1)
    return report


class _Search:
    def __init__(self, model: Explicit, subject: Any) -> None:
        self.model = model
        self.subject = subject
        self.found = _Found()
        self.found.back = [{} for _ in model.ways]
        self.found.goals = [set() for _ in model.ways]
        self.failed: dict[str, list[dict[str, Any]]] = {}
        self.halves: dict[State, list[tuple[int, Any, tuple[bool, ...]]]] = {}
        self.goals: dict[tuple[bool, ...], tuple[bool, ...]] = {}  # one object for each: there are millions of ends
        self.transitions = 0
        self.rings = 0
        self.complete = False

    def run(self, scans_max: int, tell: Callable[[str], None]) -> None:
        self.found.note(self.subject.start(), (0, None, None))
        ring = [0]
        while ring and self.rings < scans_max:
            self.rings += 1
            known = len(self.found.states)
            for number in ring:
                self._expand(number)
            ring = list(range(known, len(self.found.states)))
            tell(f"scan {self.rings}: {known + len(ring)} states, {len(ring)} of them new, {self.transitions} scans")
        self.complete = not ring

    def _expand(self, number: int) -> None:
        """Every scan from this state."""
        if hasattr(self.subject, "scans"):
            self._expand_whole(number)
        else:
            self._expand_cut(number)

    def _expand_whole(self, number: int) -> None:
        ways = self.model.ways
        for choice, after in self.subject.scans(self.found.states[number]):
            self.transitions += 1
            end = self.found.note(after, (number, choice, None))
            self._judge(number, choice, None)
            self._connect(number, [(end, None, self._reached())], [way.inputs(choice) for way in ways])

    def _expand_cut(self, number: int) -> None:
        """Every input on this state, every request on what that leads to."""
        state = self.found.states[number]
        targets: dict[State, Any] = {}
        helps: dict[State, list[bool]] = {}
        inputs = self.subject.inputs_of(state)
        for choice in inputs:
            half = self.subject.read(state, choice)
            targets.setdefault(half, choice)
            given = helps.setdefault(half, [False] * len(self.model.ways))
            for place, way in enumerate(self.model.ways):
                given[place] = given[place] or way.inputs(choice)
        for half, choice in targets.items():
            if half not in self.halves:
                self.halves[half] = self._requests(number, half, choice)
            ends = self.halves[half]
            self.transitions += len(ends)
            self._connect(number, ends, helps[half])
        self.transitions += len(inputs) - len(targets)

    def _reached(self) -> tuple[bool, ...]:
        """Which goals this scan reaches; one object for each answer."""
        goals = tuple([way.goal(self.subject) for way in self.model.ways])
        return self.goals.setdefault(goals, goals)

    def _judge(self, number: int, choice: Any, request: Any) -> None:
        for check in self.model.checks:
            if check.id not in self.failed and not check.holds(self.subject):
                last = {"state": self.found.states[number], "inputs": choice, "request": request}
                self.failed[check.id] = [*self.found.way_to(number), last]

    def _requests(self, number: int, half: State, choice: Any) -> list[tuple[int, Any, tuple[bool, ...]]]:
        """Try every request on a half-way state that was not met before; judge each scan."""
        ends = []
        for request in self.subject.requests_of(half):
            after = self.subject.finish(half, request)
            end = self.found.note(after, (number, choice, request))
            ends.append((end, request, self._reached()))
            self._judge(number, choice, request)
        return ends

    def _connect(self, number: int, ends: list[tuple[int, Any, tuple[bool, ...]]], helps: list[bool]) -> None:
        for place, way in enumerate(self.model.ways):
            if not helps[place]:
                continue
            for end, request, goals in ends:
                if way.requests(request):
                    if goals[place]:
                        self.found.goals[place].add(number)
                    elif end != number:
                        self.found.back[place].setdefault(end, set()).add(number)

    def without_way(self, place: int) -> list[int]:
        """States from which no goal can be reached."""
        winning = set(self.found.goals[place])
        todo = list(winning)
        while todo:
            for before in self.found.back[place].get(todo.pop(), ()):
                if before not in winning:
                    winning.add(before)
                    todo.append(before)
        return [number for number in range(len(self.found.states)) if number not in winning]

    def fill(self, report: Report) -> None:
        """What was found, as `gate verify` tells it."""
        report.states, report.transitions = len(self.found.states), self.transitions
        report.complete, report.scans = self.complete, self.rings
        for check in self.model.checks:
            holds = False if check.id in self.failed else True if self.complete else None
            report.properties.append({"id": check.id, "text": check.text, "holds": holds})
            if check.id in self.failed:
                self._tell_violation(report, check.id, check.text, self.failed[check.id])
        for place, way in enumerate(self.model.ways):
            stuck = self.without_way(place) if self.complete else None
            holds = None if stuck is None else not stuck
            report.properties.append({"id": way.id, "text": way.text, "holds": holds})
            if stuck:
                text = f"{len(stuck)} reachable states have no way to: {way.text}"
                self._tell_violation(report, way.id, text, self.found.way_to(stuck[0]))

    def _tell_violation(self, report: Report, name: str, text: str, path: list[dict[str, Any]]) -> None:
        lines = [f"# {name}: {text}", "# The way from power-up, scan by scan:"]
        lines += [f"# scan {n}: {each['inputs']}; {each['request']}" for n, each in enumerate(path, 1)]
        shown = [{"inputs": str(each["inputs"]), "request": str(each["request"])} for each in path]
        scenario = "\n".join([*lines, ""])
        if self.model.export is not None:
            scenario = self.model.export(name, text, path)
        report.violations.append({"id": name, "scans": len(path), "scenario": scenario, "path": shown})


def verify_all(models: Sequence[Explicit], tell: Callable[[str], None], scans_max: int = 1000) -> Report:
    """One report of several searches of a role; a property that several of them have holds if it does in each."""
    reports = []
    for number, model in enumerate(models, 1):
        tell(f"{model.role}: search {number} of {len(models)}")
        reports.append(verify_explicit(model, tell, scans_max))
    whole = reports[0]
    for other in reports[1:]:
        whole.states, whole.transitions = whole.states + other.states, whole.transitions + other.transitions
        whole.complete, whole.scans = whole.complete and other.complete, max(whole.scans, other.scans)
        whole.wall_s = round(whole.wall_s + other.wall_s, 1)
        whole.violations += other.violations
        whole.reductions += [each for each in other.reductions if each not in whole.reductions]
        known = {each["id"]: each for each in whole.properties}
        for theirs in other.properties:
            mine = known.get(theirs["id"])
            if mine is None:
                whole.properties.append(theirs)
            elif mine["holds"] is not False and theirs["holds"] is not True:
                mine["holds"] = theirs["holds"]
    return whole
