"""Scenario files: the collection loads, and what is no scenario is told; scenarios of a lane."""

import json
from pathlib import Path

import pytest

from hil.scenarios.content import actions_of
from hil.scenarios.load import load_scenario
from hil.scenarios.model import Action, LaneScenario, Scenario, TruckVisit
from hil.scenarios.reader import ScenarioError
from sim_devices.plants.driver import Habits

COLLECTION = sorted((Path(__file__).parents[3] / "hil" / "scenarios").glob("*.toml"))

LANE = '[scenario]\nname = "x"\nrole = "lane"\nseed = 1\nsteps = ["{}"]\nnever = ["{}"]\n'


def _load(tmp_path: Path, step: str = "wait 1 s", never: str = "field.hit") -> Scenario:
    path = tmp_path / "x.toml"
    path.write_text(LANE.format(step, never), encoding="utf-8")
    return load_scenario(path)


@pytest.mark.parametrize("path", COLLECTION, ids=lambda path: path.stem)
def test_every_scenario_of_the_collection_loads(path: Path) -> None:
    assert load_scenario(path).steps


@pytest.mark.parametrize("path", COLLECTION, ids=lambda path: path.stem)
def test_every_scenario_of_the_collection_begins_with_what_it_tells(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize(
    ("step", "action"),
    [
        ("command barrier OPEN", Action("command", "barrier", "OPEN")),
        ("set STOP_CHAIN_OK off", Action("switch", name="STOP_CHAIN_OK")),
        (
            "truck rigid 9 t, turns back under the boom, comes the wrong way",
            Action(
                "truck",
                argument=9_000,
                truck=TruckVisit("rigid", 9_000.0, Habits(turns_under_boom=True, comes_wrong_way=True)),
            ),
        ),
        ("turn back", Action("turn back")),
        ("fault bus cut", Action("fault", name="bus", argument=1)),
        ("fault barrier_node power_cut", Action("fault", name="barrier_node", argument=3)),
        ("truck rigid 12.6 t", Action("truck", argument=12_600, truck=TruckVisit("rigid", 12_600.0))),
        (
            "truck articulated 31400 kg, stops under the boom for 15 s, backs out after 1 min, waits at red for 20 s, "
            "tailgates",
            Action("truck", argument=31_400, truck=TruckVisit("articulated", 31_400.0, Habits(15.0, 60.0, 20.0, True))),
        ),
    ],
)
def test_the_statements_of_a_lane(tmp_path: Path, step: str, action: Action) -> None:
    scenario = _load(tmp_path, step)
    assert isinstance(scenario, LaneScenario)
    assert list(actions_of(scenario.steps)) == [action]


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("command OPEN", "device 'OPEN' is not in the lane; expected one of barrier, weighbridge"),
        ("command barrier SHUT", "opcode 'SHUT' is unknown to barrier"),
        ("turn around", "write 'turn back'"),
        ("truck tank 12 t", "truck 'tank' is unknown; expected one of rigid, articulated"),
        ("truck rigid 12", "'12' has no unit"),
        ("truck rigid 12 kg", "no truck weighs '12 kg'; 500 kg to 150000 kg are allowed"),
        ("truck rigid 12 t, sings", "no driver does 'sings'; expected one of stops under the boom for TIME"),
        ("truck rigid 12 t, backs out after 5", "'5' has no unit"),
        ("set FYRE on", "switch 'FYRE' is not in the lane; did you mean FIRE"),
        ("line 02", "no statement begins so"),
    ],
)
def test_a_mistake_in_a_lane_is_told(tmp_path: Path, step: str, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        _load(tmp_path, step)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "never", ["state = OPEN", "weighbridge.out.MOTOR_OPEN = on", "field.hits", "gate.state = OPEN"]
)
def test_a_name_no_rig_ever_tells_is_refused(tmp_path: Path, never: str) -> None:
    with pytest.raises(ScenarioError, match="is no name that can be watched here"):
        _load(tmp_path, never=never)


@pytest.mark.parametrize("name", ["other", "", "../x", "a/x", "x.toml", "x\0", "x\x01y", 5])
def test_a_scenario_has_the_name_of_its_file(tmp_path: Path, name: str | int) -> None:
    path = tmp_path / "x.toml"
    path.write_text(LANE.format("wait 1 s", "field.hit").replace('"x"', json.dumps(name)), encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert str(caught.value) == f"{path}: 'name' is {name!r}; write \"x\", the file's name without .toml"


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot be read"):
        load_scenario(tmp_path / "nothing.toml")


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ScenarioError, match="not a TOML file"):
        load_scenario(tmp_path / "x.toml")


def test_a_scenario_that_is_no_table_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("scenario = 1\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match="there is no table"):
        load_scenario(tmp_path / "x.toml")


def test_the_devices_of_a_lane_have_settings(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    text = LANE.format("wait 1 s", "field.hit")
    path.write_text(text + 'settings = { barrier = { anti_tailgate = "ON" } }\n', encoding="utf-8")
    scenario = load_scenario(path)
    assert isinstance(scenario, LaneScenario)
    assert scenario.settings == (("barrier", (("anti_tailgate", 1),)),)
    for wrong, told in (
        ('{ gate = { x = "1" } }', "write it as { barrier ="),
        ('{ barrier = { x = "1" } }', "'x' is unknown"),
    ):
        path.write_text(f"{text}settings = {wrong}\n", encoding="utf-8")
        with pytest.raises(ScenarioError) as caught:
            load_scenario(path)
        assert told in str(caught.value)
