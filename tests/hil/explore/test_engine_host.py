"""The explorer on a core small enough to be counted by hand, and on the same core with a seeded fault."""

from __future__ import annotations

from typing import Any

import pytest

from hil.explore.engine import Report, verify
from hil.explore.model import Model, Widening
from hil.explore.values import ModelError
from tests.hil.explore.toy import build, build_unhelped


def run(model: Model, scans: int = 1000) -> Report:
    return verify(model, lambda text: None, scans)


def held(report: Report) -> dict[str, Any]:
    return {each["id"]: each["holds"] for each in report.properties}


def test_a_search_ends_with_an_empty_frontier_and_every_property_judged() -> None:
    report = run(build())
    assert report.complete
    assert held(report) == {"timed": True, "order": True, "can-light": True}
    # dark and unmarked, lit first time, lit again, dark after each of the two
    assert report.states == 5
    assert report.violations == []


def test_a_search_that_was_cut_short_claims_nothing() -> None:
    report = run(build(), scans=1)
    assert not report.complete
    assert held(report)["timed"] is None


def test_two_runs_count_the_same() -> None:
    first, second = run(build()), run(build())
    assert (first.states, first.transitions, first.scans) == (second.states, second.transitions, second.scans)


def test_a_seeded_fault_is_found_by_a_shortest_way() -> None:
    report = run(build(mutant=True))
    assert held(report)["timed"] is False
    way = report.violations[0]["path"]
    assert len(way) == 2  # press, then a scan in which the time is over
    assert way[0]["in.button"] == 1
    assert way[1]["memory.state"] == 1


def test_a_goal_nobody_can_reach_is_told_with_the_number_of_states() -> None:
    report = run(build_unhelped())
    assert held(report) == {"timed": True, "order": True, "lights-alone": False}


def test_an_attribute_that_no_field_stands_for_may_not_change() -> None:
    model = build()
    model.core.press = lambda: setattr(model.core, "mutant", True)
    with pytest.raises(ModelError, match=r"Toy\.mutant changed"):
        run(model)


def test_an_unwatched_number_may_not_reach_a_tracked_field() -> None:
    model = build()
    memory = model.core.memory
    model.core.press = lambda: setattr(memory, "state", memory.presses)
    with pytest.raises(ModelError, match=r"unknown number reaches memory\.state"):
        run(model)


def test_a_skipped_method_may_not_write_a_tracked_field() -> None:
    model = build()
    with pytest.raises(ModelError, match=r"burn writes memory\.state"):
        model.skip(model.core, "burn")


def test_widening_adds_states_and_still_finds_the_shortest_way() -> None:
    model = build()
    model.widenings = [Widening(("memory.marks.1",), when={"memory.state": (0,)})]
    report = run(model)
    assert report.complete
    # dark without a mark may now be dark with one, and so on until nothing is told apart there
    assert report.states > run(build()).states
    faulty = build(mutant=True)
    faulty.widenings = [Widening(("memory.marks.0", "memory.marks.1"), alike=True)]
    way = run(faulty).violations[0]["path"]
    assert [scan["memory.state"] for scan in way] == [0, 1]


def test_widening_of_what_decides_costs_a_property_never_a_violation() -> None:
    model = build()
    model.widenings = [Widening(("memory.marks.0",), unless={"memory.state": (0,)})]
    assert held(run(model))["order"] is False
