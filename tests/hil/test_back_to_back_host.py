"""Every scenario of the collection passes on both targets, with equal traces, and twice the same."""

from pathlib import Path

import pytest

from hil.command import SCENARIOS, Run, run_scenario
from hil.scenarios.load import load_scenario
from hil.scenarios.vocabulary import event_names
from hil.trace.compare import compare

NAMES = sorted(path.stem for path in SCENARIOS.glob("*.toml"))


def _run(name: str, target: str, directory: Path) -> Run:
    scenario = load_scenario(SCENARIOS / f"{name}.toml")
    run = run_scenario(scenario, target, directory)
    assert run.verdict.problems == ()
    seen = {event.name for event in run.trace if event.source not in ("script", "fault")}
    assert seen <= event_names(getattr(scenario, "role", ""))
    assert all(event.cause < index for index, event in enumerate(run.trace))
    return run


@pytest.mark.parametrize("name", NAMES)
def test_scenario_passes_on_host_and_vm_with_equal_traces(name: str, tmp_path: Path) -> None:
    host, vm = _run(name, "host", tmp_path), _run(name, "vm", tmp_path)
    result = compare(host.trace, vm.trace)
    assert result.equal, result.describe("host", "vm")
    assert len(host.trace) > 50


@pytest.mark.parametrize("name", NAMES)
def test_the_same_scenario_twice_gives_the_same_trace(name: str, tmp_path: Path) -> None:
    first, second = (_run(name, "host", tmp_path / str(n)) for n in (1, 2))
    assert first.trace.digest() == second.trace.digest()
