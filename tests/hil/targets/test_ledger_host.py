"""The ledger: what a scenario needs follows from its content, and every target knows the words."""

from pathlib import Path

import pytest

from hil import command
from hil.scenarios.capabilities import CAPABILITIES
from hil.scenarios.model import Action, BenchScenario, Condition, LaneScenario, Measurement, Scenario, Step
from hil.scenarios.vocabulary import START
from hil.suite.result import EXIT_BAD_INPUT, EXIT_BLOCKED
from hil.targets import TARGETS
from hil.targets.ledger import needs_of, unmet
from hil.targets.ledger_page import ledger_page
from hil.targets.target import Options
from protocols.quality import BAD

ALWAYS = {"bus", "digital_inputs"}
NOW = Condition(START, None, START)


def _bench(role: str = "barrier", plant: str = "", protocol: str = "", *actions: Action) -> Scenario:
    steps = (Step(NOW, actions),) if actions else ()
    return BenchScenario(name="x", duration_ms=1, seed=1, role=role, plant=plant, line_protocol=protocol, steps=steps)


@pytest.mark.parametrize(
    ("scenario", "needs"),
    [
        (_bench(), set()),
        (LaneScenario(name="x", duration_ms=1, seed=1), {"several_devices", "plant"}),
        (_bench("barrier", "boom"), {"plant"}),
        (_bench("weighbridge", "load_cell"), {"plant", "analogue_inputs"}),
        (_bench("weighbridge", "indicator", "yaohua_tf0"), {"plant", "field_line"}),
        (_bench("charging_post", "charging"), {"plant", "analogue_inputs", "field_line"}),
        (_bench("weighbridge", "", "", Action("set", name="ADC_COUNTS")), {"analogue_inputs"}),
        (_bench("barrier", "", "", Action("set", name="FIRE", quality=BAD)), {"input_quality"}),
        (_bench("barrier", "", "", Action("hang"), Action("jump")), {"hang", "clock_jump"}),
        (_bench("barrier", "", "", Action("restart"), Action("hub off")), {"power_cut", "bus_cut"}),
        (_bench("rfid", "", "", Action("line", data=b"\x02")), {"field_line"}),
    ],
)
def test_what_a_scenario_needs_follows_from_what_is_in_it(scenario: Scenario, needs: set[str]) -> None:
    assert needs_of(scenario) == ALWAYS | needs


def test_what_is_seen_needs_a_target_that_can_show_it() -> None:
    scan, boot = Condition("device.scan_max_us", None, ""), Condition("device.event.BOOT", 2, "")
    scenario = BenchScenario(
        name="x",
        duration_ms=1,
        seed=1,
        role="barrier",
        expectations=(boot,),
        measurements=(Measurement("m", NOW, scan, 0, 1),),
    )
    assert needs_of(scenario) == ALWAYS | {"watchdog", "scan_time"}
    told = unmet(scenario, TARGETS["host"](Options()).lacks())
    assert [sentence.split(",")[0] for sentence in told] == ["needs scan_time"]


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_target_lacks_only_what_the_ledger_has(name: str) -> None:
    lacks = TARGETS[name](Options()).lacks()
    assert lacks.keys() <= CAPABILITIES.keys()
    assert all(f"target {name}" in reason and not reason.endswith(".") for reason in lacks.values())


def test_the_page_has_a_row_for_each_capability_and_a_reason_for_each_lack() -> None:
    page = ledger_page()
    for name in CAPABILITIES:
        assert f"| `{name}` | {CAPABILITIES[name]} |" in page
    for make in TARGETS.values():
        assert all(f"| `{name}` | {reason} |" in page for name, reason in make(Options()).lacks().items())


def test_a_scenario_that_needs_what_the_target_lacks_is_blocked_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.toml"
    path.write_text('[scenario]\nname = "x"\nduration_ms = 100\nseed = 1\nneeds = ["scan_time"]\n', encoding="utf-8")
    assert command.main(["run", str(path), "--target", "host"]) == EXIT_BLOCKED
    assert "BLOCKED x on host: needs scan_time, but the target host does each scan" in capsys.readouterr().out


def test_a_need_nobody_knows_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.toml"
    path.write_text('[scenario]\nname = "x"\nduration_ms = 100\nseed = 1\nneeds = ["speed"]\n', encoding="utf-8")
    assert command.main(["run", str(path), "--target", "host"]) == EXIT_BAD_INPUT
    assert "a list of names of docs/hil-ledger.md is needed" in capsys.readouterr().err
