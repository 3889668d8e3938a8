"""Bench scenarios: every mistake is told with its step and remedy; names and values become those of the map."""

from pathlib import Path

import pytest

from firmware.app.roles import load_role
from firmware.control.events import EventRing
from hil.faults.catalogue import faults_of
from hil.rig.plants import PLANTS
from hil.scenarios.content import actions_of, watched_points
from hil.scenarios.load import load_scenario
from hil.scenarios.model import Action, BenchScenario, Hold, Measure, Until, Wait
from hil.scenarios.reader import ScenarioError
from hil.scenarios.vocabulary import ROLES, input_names, setting_tags
from protocols.quality import BAD

GOOD = """
[scenario]
name = "x"
role = "barrier"
plant = "boom"
seed = 1
settings = { scan_period_ms = "5 ms", hub_loss_action = "CLOSE_WHEN_CLEAR" }
steps = [
  "set FIRE on BAD",
  "set STOP_CHAIN_OK, LOOPS_OK on",
  "free FIRE",
  "wait 10 ms",
  "command SET hub_timeout_ms 2 s",
  "command CLOSE",
  "line 02 ff",
  "set blocked on",
  "hang 400 ms",
  "jump -5 s",
  "fault curtain blinded",
  "fault bus_delay 40 ms",
  "repair curtain",
  "wait until state = OPEN within 3 s",
  "expect faults lacks LOOP_FAULT",
  "expect state = OPEN for 1 s",
  "expect no event.PASSED for 1 s",
  "measure open: from out.MOTOR_OPEN = on to in.LIMIT_OPEN = on at most 3 s",
  "measure travel: position_permille at least 90 %",
]
never = ["event.REVERSED"]
"""


def _load(tmp_path: Path, text: str) -> BenchScenario:
    path = tmp_path / "x.toml"
    path.write_text(text, encoding="utf-8")
    scenario = load_scenario(path)
    assert isinstance(scenario, BenchScenario)
    return scenario


def test_a_bench_scenario_becomes_values(tmp_path: Path) -> None:
    scenario = _load(tmp_path, GOOD)
    assert (scenario.role, scenario.plant) == ("barrier", "boom")
    assert scenario.settings == (("scan_period_ms", 5), ("hub_loss_action", 1))
    hub_timeout = setting_tags("barrier")["hub_timeout_ms"].address
    assert list(actions_of(scenario.steps)) == [
        Action("set", name="FIRE", argument=1, quality=BAD),
        Action("set", name="STOP_CHAIN_OK", argument=1),
        Action("set", name="LOOPS_OK", argument=1),
        Action("free", name="FIRE"),
        Action("command", name="SET", argument=2000, target=hub_timeout),
        Action("command", name="CLOSE"),
        Action("line", data=b"\x02\xff"),
        Action("knob", name="blocked", argument=1),
        Action("hang", argument=400_000),
        Action("jump", argument=-5_000_000),
        Action("fault", name="curtain", argument=2),
        Action("fault", name="bus_delay", argument=40),
        Action("fault", name="curtain", argument=0),
    ]
    rest = [step for step in scenario.steps if not hasattr(step, "actions")]
    assert [type(step) for step in rest] == [Wait, Until, Until, Hold, Hold, Measure, Measure]
    assert [step.number for step in rest] == [4, 14, 15, 16, 17, 18, 19]
    assert watched_points(scenario, "device") == {"state", "faults", "position_permille"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('role = "barrier"', 'role = "barier"', "role 'barier' is unknown; did you mean barrier"),
        ('role = "barrier"', "", "role '' is unknown; expected one of barrier, "),
        ('plant = "boom"', 'plant = "load_cell"', "plant 'load_cell' does not fit barrier; expected one of boom"),
        ('"5 ms"', '"1 ms"', "setting scan_period_ms is '1 ms'; 5 ms to 100 ms are allowed"),
        ('"5 ms"', '"5 kg"', "setting scan_period_ms: '5 kg' is a mass, but a time is needed"),
        ('"5 ms"', "5", "setting scan_period_ms: '5' has no unit; write one of us, ms, s, min, h, such as 5 ms"),
        ("scan_period_ms", "scan_ms", "setting 'scan_ms' is unknown to barrier; did you mean"),
        ('"CLOSE_WHEN_CLEAR"', '"SHUT"', "setting hub_loss_action: 'SHUT' is no value it can have; expected one of"),
        ("seed = 1", 'seed = "one"', "'seed' is 'one'; a whole number from 0"),
        ("seed = 1", "sead = 1", "unknown key 'sead'; did you mean seed"),
        (
            "seed = 1",
            "seed = 1\nbands = { retort = '1 s' }",
            "band 'retort' is unknown; expected one of reaction, output, ",
        ),
        ("seed = 1", "seed = 1\nbands = { output = '1 V' }", "band 'output': '1 V' is a voltage, but a time is needed"),
        ("seed = 1", "seed = 1\nbands = 5", "'bands' is 5; write it as { output = "),
        ("steps = [", "steps = []\nother = [", "there is no step, so nothing could be shown"),
        ("never = [", "never = 5 #", "'never' is 5; a list of lines in quotes is needed"),
        ("event.REVERSED", "event.REVERSD", "never 'event.REVERSD': 'event.REVERSD' is no name that can be watched"),
        ("set FIRE on BAD", "set FYRE on", "step 1 'set FYRE on': 'FYRE' is no input or knob of barrier and its plant"),
        ("set FIRE on BAD", "set FIRE 1", "step 1 'set FIRE 1': input FIRE: '1' is no value it can have; expected"),
        ("set FIRE on BAD", "set FIRE on POOR", "input FIRE: 'on POOR' is no value it can have"),
        ("set FIRE on BAD", "set FIRE", "'FIRE' says no value; write 'set NAME VALUE'"),
        ("set blocked on", "set blocked on BAD", "blocked belongs to the plant and has no quality"),
        ("set blocked on", "set blocked 5 t", "blocked: '5 t' is no value it can have; expected one of off, on"),
        ("free FIRE", "free blocked", "'blocked' is no input or knob of barrier"),
        ("wait 10 ms", "wait 10", "step 4 'wait 10': '10' has no unit"),
        ("wait 10 ms", "wait 2 h", "'2 h' is no time a step can take; 0 s to 1 h are allowed"),
        ("wait 10 ms", "wait -1 s", "'-1 s' is no time a step can take"),
        ("command CLOSE", "command SHUT", "opcode 'SHUT' is unknown to barrier; expected one of"),
        ("command CLOSE", "command CLOSE 4294967295", "does not fit 32 bits"),
        ("command CLOSE", "command CLOSE 5 s", "'5 s' has the unit s, but a plain number is needed"),
        ("SET hub_timeout_ms 2 s", "SET hub_timeout_ms 2 kg", "setting hub_timeout_ms: '2 kg' is a mass, but a time"),
        ("SET hub_timeout_ms 2 s", "SET hub_timeout 2 s", "setting 'hub_timeout' is unknown to barrier; did you mean"),
        ("command CLOSE", "comand CLOSE", "no statement begins so; did you mean command"),
        ("command CLOSE", "", "step 6 '': no statement begins so"),
        ("line 02 ff", "line 02 f", "'02 f' is wrong; 1 to 960 bytes"),
        ("line 02 ff", "line " + "00" * 961, "is wrong; 1 to 960 bytes"),
        ("jump -5 s", "jump 2 h", "'2 h' is too far; -1 h to 1 h are allowed"),
        ("fault curtain blinded", "fault curtain blind", "fault curtain cannot be 'blind'; write 'fault curtain' with"),
        ("fault curtain blinded", "fault certain blinded", "fault 'certain' is unknown here; did you mean curtain"),
        ("fault bus_delay 40 ms", "fault bus_delay 40 kg", "fault bus_delay cannot be '40 kg'; write"),
        ("fault curtain blinded", "fault", "fault '' is unknown here"),
        ("repair curtain", "repair load_cell", "fault 'load_cell' is unknown here"),
        ("within 3 s", "", "every wait has an end; write 'wait until CONDITION within TIME'"),
        ("within 3 s", "within 3 kg", "'3 kg' is a mass, but a time is needed"),
        ("no event.PASSED for 1 s", "no event.PASSED", "nothing can be awaited for ever; write"),
        ("no event.PASSED for 1 s", "event.PASSED for 1 s", "event.PASSED happens at an instant and cannot last"),
        ("at most 3 s", "", "is no measurement; write 'measure NAME: from CONDITION to CONDITION LIMITS'"),
        ("at most 3 s", "at most 3 t", "'3 t' is a mass, but a time is needed"),
        ("at most 3 s", "between 3 s and 2 s", "nothing lies between 3 s and 2 s; write the smaller one first"),
        ("position_permille at least 90 %", "state at least 4", "state has no size that can be measured"),
        ("position_permille at least 90 %", "event.PASSED at least 4", "event.PASSED has no size that can be measured"),
        ("[scenario]", "[scenario", "not a TOML file"),
        ("[scenario]", "[scene]", "unknown table or key 'scene'; everything stands in the one table [scenario]"),
        ("[scenario]", "", "everything stands in the one table [scenario]"),
    ],
)
def test_a_mistake_is_told_with_what_was_expected(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in GOOD
    with pytest.raises(ScenarioError) as caught:
        _load(tmp_path, GOOD.replace(old, new, 1))
    assert told in str(caught.value)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        _load(tmp_path, GOOD.replace("FIRE on", "FYRE on").replace("-5 s", "-5").replace('"5 ms"', "5"))
    assert len(str(caught.value).splitlines()) == 3


def test_a_knob_has_its_unit_and_limits(tmp_path: Path) -> None:
    text = '[scenario]\nname = "x"\nrole = "weighbridge"\nplant = "load_cell"\nseed = 1\nsteps = ["set load {}"]\n'
    (action,) = actions_of(_load(tmp_path, text.format("24.5 t")).steps)
    assert action == Action("knob", name="load", argument=24_500)
    for value, told in (("300 t", "load cannot be 300 t; -5000 kg to 200000 kg are allowed"), ("5 s", "is a time")):
        with pytest.raises(ScenarioError, match=told):
            _load(tmp_path, text.format(value))


@pytest.mark.parametrize("role", ROLES)
def test_the_names_of_a_role_are_its_whole_input_image(role: str) -> None:
    loaded = load_role(role)
    settings = [0] * loaded.regmap.SETTING_COUNT
    core = loaded.make_core(settings, EventRing(bytearray(16), 1), loaded.choose_protocol(""))
    assert len(input_names(role)) == len(core.inputs)


def test_the_how_to_names_every_plant_with_its_knobs_and_faults() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "write-a-scenario.md").read_text(encoding="utf-8")
    for name, plant in PLANTS.items():
        (row,) = (line for line in page.splitlines() if line.startswith(f"| `{name}`"))
        assert f"| {plant.role} |" in row
        assert all(f"`{knob}`" in row for knob in plant.knobs)
        own = faults_of(plant.role, name).keys() - faults_of(plant.role, "").keys()
        assert all(f"`{fault}`" in row for fault in own)
