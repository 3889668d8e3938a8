"""The ledger: what a scenario needs follows from its content, and every target knows the words."""

from pathlib import Path

import pytest

from hil import command
from hil.scenarios.bench import BenchStatements
from hil.scenarios.capabilities import CAPABILITIES
from hil.scenarios.model import BenchScenario, LaneScenario, Scenario
from hil.suite.result import EXIT_BAD_INPUT, EXIT_BLOCKED
from hil.targets.ledger import needs_of, unmet
from hil.targets.ledger_page import ledger_page
from hil.targets.table import TARGETS
from hil.targets.target import Options

_FROM_TO = "in.FIRE = on to out.MOTOR_OPEN = on"
ALWAYS = {"bus", "digital_inputs"}


def _bench(role: str = "barrier", plant: str = "", protocol: str = "", *lines: str) -> Scenario:
    statements = BenchStatements(role, plant)
    steps = tuple(statements.read(number, line) for number, line in enumerate(lines, 1))
    return BenchScenario(name="x", seed=1, role=role, plant=plant, line_protocol=protocol, steps=steps)


@pytest.mark.parametrize(
    ("scenario", "needs"),
    [
        (_bench(), set()),
        (LaneScenario(name="x", seed=1), {"several_devices", "plant", "load_cell"}),
        (_bench("barrier", "boom"), {"plant"}),
        (_bench("weighbridge", "load_cell"), {"plant", "load_cell"}),
        (_bench("weighbridge", "indicator", "yaohua_tf0"), {"plant", "field_line"}),
        (_bench("charging_post", "charging"), {"plant", "analogue_inputs", "field_line"}),
        (_bench("weighbridge", "", "", "set ADC_COUNTS 5"), {"load_cell"}),
        (_bench("charging_post", "", "", "set BUS_V 5 V"), {"analogue_inputs"}),
        (_bench("barrier", "", "", "set FIRE off BAD"), {"input_quality"}),
        (_bench("barrier", "", "", "hang 1 s", "jump 1 s"), {"hang", "clock_jump"}),
        (_bench("barrier", "", "", "fault node brown_out", "fault bus cut"), {"power_cut", "bus_cut"}),
        (_bench("barrier", "", "", "fault node power_cut", "repair node"), {"power_cut"}),
        (_bench("barrier", "", "", "fault node reset", "fault bus stuck"), {"watchdog", "bus_faults"}),
        (_bench("barrier", "boom", "", "fault curtain blinded", "repair curtain"), {"plant"}),
        (_bench("rfid", "", "", "line 02"), {"field_line"}),
        (_bench("rfid", "", "wiegand"), {"field_line", "wiegand"}),
        (_bench("barrier", "", "", "expect out.MOTOR_OPEN = off within 99 ms"), {"punctuality"}),
        (_bench("barrier", "", "", "expect out.MOTOR_OPEN = off within 100 ms"), set()),
        (_bench("barrier", "", "", "expect out.MOTOR_OPEN = off"), set()),
        (_bench("barrier", "", "", f"measure x: from {_FROM_TO} at most 20 ms"), {"punctuality"}),
        (_bench("barrier", "", "", f"measure x: from {_FROM_TO} between 1 s and 1050 ms"), {"punctuality"}),
        (_bench("barrier", "", "", f"measure x: from {_FROM_TO} between 1 s and 2 s"), set()),
        (_bench("barrier", "", "", f"measure x: from {_FROM_TO} at least 1 s"), set()),
    ],
)
def test_what_a_scenario_needs_follows_from_what_is_in_it(scenario: Scenario, needs: set[str]) -> None:
    assert needs_of(scenario) == ALWAYS | needs


def test_what_is_seen_needs_a_target_that_can_show_it() -> None:
    scenario = _bench("barrier", "", "", "expect event.BOOT = WATCHDOG within 1 s", "expect scan_max_us < 9 ms")
    assert needs_of(scenario) == ALWAYS | {"watchdog", "scan_time"}
    told = unmet(needs_of(scenario), TARGETS["host"](Options()).lacks())
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
        for options in (Options(), Options(rig_port="x", dut_port="x")):
            assert all(f"| `{name}` | {reason} |" in page for name, reason in make(options).lacks().items())


def test_settings_of_its_own_are_a_need_that_real_boards_do_not_meet() -> None:
    scenario = BenchScenario(name="x", seed=1, role="barrier", settings=(("scan_period_ms", 5),))
    assert needs_of(scenario) == ALWAYS | {"own_settings"}
    told = unmet(needs_of(scenario), TARGETS["board"](Options(rig_port="x", dut_port="x")).lacks())
    assert told == ("needs own_settings, but a real device on the bench of the target board keeps the settings it has",)
    assert not unmet(needs_of(scenario), TARGETS["board"](Options()).lacks())


def test_a_scenario_that_needs_what_the_target_lacks_is_blocked_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.toml"
    path.write_text(
        '[scenario]\nname = "x"\nrole = "lane"\nseed = 1\nsteps = ["wait 1 ms"]\nneeds = ["scan_time"]\n',
        encoding="utf-8",
    )
    assert command.main(["run", str(path), "--target", "host"]) == EXIT_BLOCKED
    assert "BLOCKED x on host: needs scan_time, but the target host does each scan" in capsys.readouterr().out


def test_a_need_nobody_knows_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.toml"
    path.write_text(
        '[scenario]\nname = "x"\nrole = "lane"\nseed = 1\nsteps = ["wait 1 ms"]\nneeds = ["speed"]\n', encoding="utf-8"
    )
    assert command.main(["run", str(path), "--target", "host"]) == EXIT_BAD_INPUT
    assert "need 'speed' is none of docs/hil-ledger.md" in capsys.readouterr().err
