"""Bench scenarios: every mistake is told with its place and remedy; names and values become those of the map."""

from pathlib import Path

import pytest

from firmware.app.roles import load_role
from firmware.control.events import EventRing
from hil.rig.plants import PLANTS
from hil.scenarios.load import load_scenario
from hil.scenarios.model import BenchScenario
from hil.scenarios.reader import ScenarioError
from hil.scenarios.vocabulary import ROLES, input_names
from protocols.quality import BAD

GOOD = """
[scenario]
rig = "bench"
name = "x"
role = "barrier"
plant = "boom"
duration_ms = 1000
seed = 1
settings = { scan_period_ms = 5 }
inputs = { STOP_CHAIN_OK = 1 }

[[step]]
do = ["set FIRE 1 BAD", "wait 10", "command CLOSE", "line 02 ff", "plant blocked 1", "hang 400", "jump -5"]

[[expect]]
event = "device.state = OPEN"
"""


def _load(tmp_path: Path, text: str) -> BenchScenario:
    path = tmp_path / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    scenario = load_scenario(path)
    assert isinstance(scenario, BenchScenario)
    return scenario


def test_a_bench_scenario_becomes_values(tmp_path: Path) -> None:
    scenario = _load(tmp_path, GOOD)
    assert (scenario.role, scenario.settings, scenario.inputs) == (
        "barrier",
        (("scan_period_ms", 5),),
        (("STOP_CHAIN_OK", 1),),
    )
    (step,) = scenario.steps
    assert step.when.met_by("rig.start", 1)
    first = step.actions[0]
    assert (first.verb, first.name, first.argument, first.quality) == ("set", "FIRE", 1, BAD)
    assert step.actions[3].data == b"\x02\xff"
    assert scenario.expectations[0].met_by("device.state", 4)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('rig = "bench"', 'rig = "table"', "'rig' is 'table'; write \"bench\""),
        ('role = "barrier"', 'role = "barier"', "role 'barier' is unknown; expected one of barrier"),
        ('plant = "boom"', 'plant = "load_cell"', "plant 'load_cell' does not fit barrier; expected one of boom"),
        ("scan_period_ms = 5", "scan_period_ms = 1", "settings: 'scan_period_ms' is 1; a whole number from 5 to 100"),
        ("scan_period_ms = 5", "scan_ms = 5", "settings: setting 'scan_ms' is unknown to barrier; expected"),
        ("{ scan_period_ms = 5 }", "5", "'settings' is 5; write it as [scenario.settings]"),
        ("STOP_CHAIN_OK = 1", "STOP_CHAIN = 1", "inputs: input 'STOP_CHAIN' is unknown to barrier; expected"),
        ("STOP_CHAIN_OK = 1", "STOP_CHAIN_OK = 2", "inputs: 'STOP_CHAIN_OK' is 2; a whole number from 0 to 1"),
        ("set FIRE 1 BAD", "set FYRE 1", "input 'FYRE' is unknown to barrier; expected one of"),
        ("set FIRE 1 BAD", "set FIRE 2", "value '2' of FIRE is wrong; a whole number from 0 to 1"),
        ("set FIRE 1 BAD", "set FIRE 1 POOR", "quality 'POOR' of FIRE is unknown; expected one of GOOD, UNCERTAIN"),
        ("command CLOSE", "command SHUT", "opcode 'SHUT' is unknown to barrier; expected one of"),
        ("command CLOSE", "command barrier CLOSE", "opcode 'barrier' is unknown to barrier"),
        ("command CLOSE", "command", "action 'command' is unknown; expected 'wait MS'"),
        ("command CLOSE", "", "action '' is unknown; expected"),
        ("line 02 ff", "line 02 f", "'line 02f' is wrong; 1 to 960 bytes"),
        ("line 02 ff", "line " + "00" * 961, "is wrong; 1 to 960 bytes"),
        ("plant blocked 1", "plant blocked 2", "value '2' of blocked is wrong; a whole number from 0 to 1"),
        ("plant blocked 1", "plant load_kg 2", "knob 'load_kg' is unknown to the plant 'boom'; expected one of"),
        ('plant = "boom"\n', "", "name a plant in [scenario] first"),
        ("hang 400", "hang 0", "'hang 0' is wrong; a whole number from 1 to 3600000 ms"),
        ("jump -5", "jump x", "'jump x' is wrong; a whole number from -3600000"),
        ("device.state = OPEN", "barrier.state = OPEN", "no rig ever tells 'barrier.state'"),
        ("device.state = OPEN", "device.state = AJAR", "'AJAR' is no value of device.state"),
    ],
)
def test_a_mistake_is_told_with_what_was_expected(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in GOOD
    with pytest.raises(ScenarioError) as caught:
        _load(tmp_path, GOOD.replace(old, new))
    assert told in str(caught.value)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        _load(tmp_path, GOOD.replace("barrier", "gate").replace("FIRE 1", "FYRE 1").replace("jump -5", "jump"))
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("role", ROLES)
def test_the_names_of_a_role_are_its_whole_input_image(role: str) -> None:
    loaded = load_role(role)
    settings = [0] * loaded.regmap.SETTING_COUNT
    core = loaded.make_core(settings, EventRing(bytearray(16), 1), loaded.choose_protocol(""))
    assert len(input_names(role)) == len(core.inputs)


def test_the_how_to_names_every_plant_with_its_knobs() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "write-a-scenario.md").read_text(encoding="utf-8")
    for name, plant in PLANTS.items():
        (row,) = (line for line in page.splitlines() if line.startswith(f"| `{name}`"))
        assert f"| {plant.role} |" in row
        assert all(f"`{knob}`" in row for knob in plant.knobs)
