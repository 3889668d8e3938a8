"""The page that teaches the language: every example runs and passes, every statement and unit is in it."""

import re
from pathlib import Path

import pytest

from hil.scenarios.bench import BenchStatements
from hil.scenarios.lane import LaneStatements
from hil.scenarios.load import load_scenario
from hil.scenarios.units import UNITS
from hil.scenarios.vocabulary import LANE_ROLES, ROLES, TRUCK_KINDS
from hil.suite.job import Job, run_job
from hil.suite.result import PASSED
from hil.targets.host import HostTarget

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "write-a-scenario.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
_ROLES = [re.findall(r'role = "(\w+)"', text)[0] for text in EXAMPLES]


@pytest.mark.parametrize("text", EXAMPLES, ids=_ROLES)
def test_every_example_passes(text: str, tmp_path: Path) -> None:
    (name,) = re.findall(r'name = "(\w+)"', text)
    path = tmp_path / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    result = run_job(Job(load_scenario(path), HostTarget(), tmp_path))
    assert (result.word, result.reasons) == (PASSED, ())


def test_there_is_an_example_of_every_role_and_of_a_lane() -> None:
    assert set(_ROLES) == {*ROLES, "lane"}


def test_every_statement_unit_and_habit_is_on_the_page() -> None:
    verbs = {verb for statements in (BenchStatements("barrier", "boom"), LaneStatements()) for verb in statements.verbs}
    assert all(f"| `{verb}" in PAGE or f", `{verb}" in PAGE for verb in verbs)
    assert all(f"`{unit}`" in PAGE for unit in UNITS if unit != "degC")
    assert all(f"`{name}`" in PAGE for name in (*TRUCK_KINDS, *LANE_ROLES))
