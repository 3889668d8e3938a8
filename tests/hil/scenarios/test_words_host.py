"""A scenario can name everything that a rig puts into a trace, and a register it names is recorded."""

from pathlib import Path

import pytest

from hil.scenarios.load import load_scenario
from hil.scenarios.vocabulary import level_tags
from hil.scenarios.words import bench_words, words_for
from hil.suite.choice import find_scenario
from hil.suite.job import Job, run_job
from hil.targets.host import HostTarget


@pytest.mark.parametrize(
    "name",
    ["truck_stops_under_boom", "barrier_input_unknown_while_open", "charging_hub_lost", "rfid_reader_falls_silent"],
)
def test_what_a_rig_tells_can_be_named(name: str, tmp_path: Path) -> None:
    scenario = load_scenario(find_scenario(name))
    trace = run_job(Job(scenario, HostTarget(), tmp_path)).trace
    assert trace is not None
    told = {event.name for event in trace if event.source not in ("script", "fault", "bus")}
    assert told <= {word.event for word in words_for(scenario).values()}


def test_a_register_that_moves_all_the_time_is_recorded_only_when_it_is_asked_for() -> None:
    usual = {tag.name for tag in level_tags("weighbridge")}
    assert "gross_kg_x10" not in usual
    asked = {tag.name for tag in level_tags("weighbridge", frozenset({"gross_kg_x10", "uptime_s"}))}
    assert asked == usual | {"gross_kg_x10", "uptime_s"}
    assert {"gross_kg_x10", "uptime_s"} <= bench_words("weighbridge").keys()
