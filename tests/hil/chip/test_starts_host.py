"""A run that begins with a start another run has waited for is the run it would have been."""

import os
import signal
from pathlib import Path

import pytest

from hil.chip.child import in_child
from hil.chip.starts import Start
from hil.scenarios.load import load_scenario
from hil.suite.choice import find_scenario, roles_of
from hil.suite.job import Job, run_job
from hil.suite.result import PASSED
from hil.targets.rp2040 import Rp2040Target
from hil.targets.target import Options, TargetError

# The shortest of each role, and of the lane; one of a supply that is cut, which is a start of its own.
SCENARIOS = ["rfid_two_antennas"] + [
    pytest.param(name, marks=pytest.mark.long)
    for name in (
        "barrier_closed_limit_welds",
        "barrier_power_cut_while_closing",
        "weighbridge_converter_saturates",
        "charging_by_hand",
        "lane_fire_opens_and_stays_open",
    )
]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_run_from_a_start_that_was_made_before_is_that_from_a_start_of_its_own(
    name: str, uf2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Start] = []
    make = Start.make
    monkeypatch.setattr(Start, "make", lambda start: made.append(start) or make(start))
    target, scenario = Rp2040Target(Options(uf2)), load_scenario(find_scenario(name))
    target.prepare(roles_of([scenario]), tmp_path / "shared")
    assert run_job(Job(scenario, target, tmp_path / "maker")).word == PASSED
    kinds, made[:] = list(made), []
    result = run_job(Job(scenario, target, tmp_path / "user", twice=True))  # the second time from a start of its own
    assert (result.word, result.reasons) == (PASSED, ())
    assert made == kinds  # by the second run alone
    assert kinds


def test_a_copy_that_is_killed_is_told_in_a_sentence() -> None:
    with pytest.raises(TargetError, match="was killed by SIGKILL"):
        in_child(lambda: os.kill(os.getpid(), signal.SIGKILL))


def test_what_fails_in_a_copy_is_told_with_its_place() -> None:
    with pytest.raises(TargetError, match="told here, which cannot be passed on") as told:
        in_child(lambda: pytest.fail("here"))
    assert "test_starts_host.py" in told.value.__notes__[0]
    with pytest.raises(ValueError, match="there"):
        in_child(lambda: int("there"))
