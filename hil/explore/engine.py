"""One verification from model to report.

Knows: the order of the work. Must not know: roles, arguments, files.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hil.explore.export import as_scenario
from hil.explore.liveness import states_without_way
from hil.explore.model import Model
from hil.explore.relation import System
from hil.explore.search import Result, Search

# Diagrams recurse once per variable, of which there are a few hundred.
_RECURSION = 20_000


@dataclass
class Report:
    """What `gate verify` tells. `holds` is None for what an incomplete search cannot say."""

    role: str
    states: int = 0
    transitions: int = 0
    complete: bool = False
    properties: list[dict[str, Any]] = field(default_factory=list)
    violations: list[dict[str, Any]] = field(default_factory=list)
    reductions: list[dict[str, str]] = field(default_factory=list)
    wall_s: float = 0.0
    scans: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON shows it."""
        return dict(vars(self))


def verify(model: Model, tell: Callable[[str], None], scans_max: int = 1000) -> Report:
    """Compile the model, search, judge; Ctrl-C gives what was found so far with complete = False."""
    started = time.perf_counter()
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _RECURSION))
    report = Report(model.role)
    report.reductions = [{"what": each.what, "why": each.why} for each in model.reductions]
    result = Result()
    without: dict[str, int] = {}
    try:
        system = compile_system(model, tell)
        search = Search(system, model.properties, tell)
        result = search.run(scans_max)
        if result.complete:
            for each in model.liveness:
                tell(f"{each.id}: which reachable states have no way there")
                without[each.id] = states_without_way(search, each)
    except KeyboardInterrupt:
        tell("interrupted")
        result.complete = False
    _fill(report, model, result, without)
    report.wall_s = round(time.perf_counter() - started, 1)
    return report


def compile_system(model: Model, tell: Callable[[str], None]) -> System:
    """The model's stages and properties as relations, ready to search."""
    system = System(model)
    predicates = [each.holds for each in model.properties]
    predicates += [part for each in model.liveness for part in (each.goal, each.help)]
    tell(f"{model.role}: running every way through the core's code")
    system.find_paths(predicates)
    ways = sum(len(stage.paths) for stage in system.stages)
    tell(f"{model.role}: {ways} ways through {len(system.stages)} stages, building relations")
    system.build()
    return system


def _fill(report: Report, model: Model, result: Result, without: dict[str, int]) -> None:
    report.states, report.transitions = result.states, result.transitions
    report.complete, report.scans = result.complete, result.rings
    for each in model.properties:
        holds = False if each.id in result.failed else True if result.complete else None
        report.properties.append({"id": each.id, "text": each.text, "holds": holds})
    for leads in model.liveness:
        count = without.get(leads.id)
        report.properties.append({"id": leads.id, "text": leads.text, "holds": None if count is None else count == 0})
        if count:
            text = f"# {count} reachable states have no way to what {leads.id} asks for\n"
            report.violations.append({"id": leads.id, "scans": result.rings, "scenario": text, "path": []})
    for violation in result.failed.values():
        scenario = as_scenario(model, violation)
        path = [scan.values for scan in violation.scans]
        report.violations.append({"id": violation.id, "scans": len(path), "scenario": scenario, "path": path})
