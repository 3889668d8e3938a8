"""Scenario files: the collection loads, and every mistake is told with its place and remedy."""

from pathlib import Path

import pytest

from hil.scenarios.load import load_scenario
from hil.scenarios.reader import ScenarioError
from protocols.registers import barrier

COLLECTION = sorted((Path(__file__).parents[3] / "hil" / "scenarios").glob("*.toml"))

GOOD = """
[scenario]
name = "x"
duration_ms = 1000
seed = 1

[[step]]
when = "barrier.state = OPEN"
do = ["wait 10", "command barrier CLOSE", "cut bus"]
"""
TRUCK = '[[truck]]\nkind = "rigid"\nenters_at_ms = 1\ngross_kg = 9000\n'
MEASURE = '[[measure]]\nname = "m"\nfrom = "field.entered"\nto = "field.passed"\nunits = "ms"\n'


def _load(tmp_path: Path, text: str) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    load_scenario(path)


@pytest.mark.parametrize("path", COLLECTION, ids=lambda path: path.stem)
def test_every_scenario_of_the_collection_loads_and_is_named_after_its_file(path: Path) -> None:
    assert load_scenario(path).name == path.stem


def test_symbols_become_the_numbers_of_the_register_map(tmp_path: Path) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(GOOD, encoding="utf-8")
    when = load_scenario(path).steps[0].when
    assert when.met_by("barrier.state", 4)
    assert not when.met_by("barrier.state", 5)


def test_a_symbol_of_a_bitfield_means_its_bit(tmp_path: Path) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(GOOD + '[[never]]\nevent = "barrier.faults = LOOP_FAULT"\n', encoding="utf-8")
    (never,) = load_scenario(path).nevers
    bit = 1 << barrier.FAULTS_LOOP_FAULT
    assert never.met_by("barrier.faults", bit | 1 << 15)
    assert not never.met_by("barrier.faults", barrier.FAULTS_LOOP_FAULT)


@pytest.mark.parametrize("table", ["expect", "never"])
@pytest.mark.parametrize(
    "event",
    [
        "barrier.stat = OPEN",
        "barrier.in.LIMIT_AJAR",
        "barrier.event.HUB_LOSS",
        "weighbridge.out.MOTOR_OPEN",
        "field.hits",
        "rig.gap",
        "command.barrier.SHUT",
        "gate.state",
        "OPEN",
    ],
)
def test_an_event_no_rig_ever_tells_is_refused(tmp_path: Path, table: str, event: str) -> None:
    with pytest.raises(ScenarioError, match="no rig ever tells"):
        _load(tmp_path, f'{GOOD}[[{table}]]\nevent = "{event}"\n')


@pytest.mark.parametrize(
    "event",
    [
        "barrier.state = 99",
        "barrier.in.LIMIT_OPEN = 2",
        "barrier.in.LIMIT_OPEN = OPEN",
        "command.barrier.OPEN = DONE",
        "barrier.state =",
        "field.hit = --1",
        "field.hit = \u0663",
    ],
)
def test_a_value_the_event_can_never_have_is_refused(tmp_path: Path, event: str) -> None:
    with pytest.raises(ScenarioError, match="is no value of"):
        _load(tmp_path, f'{GOOD}[[never]]\nevent = "{event}"\n')


def test_an_unknown_event_is_told_with_those_close_to_it(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"never 1: no rig ever tells 'field.hits'; did you mean field.hit"):
        _load(tmp_path, GOOD + '[[never]]\nevent = "field.hits"\n')


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        (TRUCK + "reverses_out = 'no'", "'reverses_out' is 'no'; true or false"),
        (TRUCK.replace("9000", "true"), "'gross_kg' is True"),
        (MEASURE + "min = 5\nmax = 4", "'max' is 4; a whole number from 5"),
        ("[truck]\nkind = 'rigid'", "'truck' has the wrong form; write it as [[truck]]"),
    ],
)
def test_a_mistake_in_a_table_is_named(tmp_path: Path, extra: str, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        _load(tmp_path, GOOD + extra)
    assert told in str(caught.value)


@pytest.mark.parametrize("text", ["scenario = 1", "truck = 1", "step = [1]"])
def test_a_value_in_the_place_of_a_table_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(ScenarioError, match="has the wrong form"):
        _load(tmp_path, text)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("OPEN", "AJAR", "'AJAR' is no value of barrier.state"),
        ("cut bus", "cut cable", "action 'cut cable' is unknown"),
        ("wait 10", "wait -10", "action 'wait -10' is unknown"),
        ("wait 10", "wait \u00b2", "action 'wait \u00b2' is unknown"),
        ("barrier CLOSE", "barrier CLOSE now", "argument 'now' of CLOSE"),
        ("barrier CLOSE", "barrier CLOSE 4294967296", "argument '4294967296' of CLOSE"),
        ("command barrier CLOSE", "command barrier SHUT", "opcode 'SHUT' is unknown to barrier"),
        ("duration_ms = 1000", "duration_ms = 0", "'duration_ms' is 0"),
        ("seed = 1", 'seed = "one"', "'seed' is 'one'"),
        ("seed = 1", "sead = 1", "unknown key 'sead'"),
        ("[[step]]", "[[stop]]", "unknown table [stop]"),
        ("[scenario]", "[scenario", "not a TOML file"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        _load(tmp_path, GOOD.replace(old, new))
    assert told in str(caught.value)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        _load(tmp_path, GOOD.replace("OPEN", "AJAR").replace("duration_ms = 1000", "duration_ms = 0"))
    assert len(str(caught.value).splitlines()) == 2


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot be read"):
        load_scenario(tmp_path / "none.toml")
