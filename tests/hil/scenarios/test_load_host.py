"""Scenario files: the collection loads, and every mistake is told with its place and remedy."""

from pathlib import Path

import pytest

from hil.scenarios.load import ScenarioError, load_scenario

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
    assert load_scenario(path).steps[0].when.value == 4


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("OPEN", "AJAR", "'AJAR' is no value of barrier.state"),
        ("cut bus", "cut cable", "action 'cut cable' is unknown"),
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
