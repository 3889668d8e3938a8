"""The rig's client: a command that the line swallows is sent anew, once, and never taken for answered."""

from pathlib import Path

import pytest

from hil.scenarios.load import load_scenario
from hil.suite.job import Job, run_job
from hil.targets.host import HostTarget

LOST = """
[scenario]
name = "lost"
role = "barrier"
plant = "boom"
seed = {seed}
steps = [
  "set STOP_CHAIN_OK, DRIVE_OK on",
  "wait 1 s",
  "fault bus_loss 300 permille",
  "command OPEN",
  "expect command.OPEN = ACCEPTED within 10 s",
  "expect state = OPEN within 10 s",
  "repair bus_loss",
  "measure openings: openings between 1 and 1",
]
"""
CUT = '"fault bus cut", "command OPEN", "wait 2 s"'


@pytest.mark.parametrize("seed", range(8))
def test_a_command_gets_through_a_line_that_loses_frames_and_is_done_once(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "lost.toml"
    path.write_text(LOST.format(seed=seed), encoding="utf-8")
    assert run_job(Job(load_scenario(path), HostTarget(), tmp_path)).reasons == ()


def test_a_command_that_never_gets_through_is_no_answered_one(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(
        f'[scenario]\nname = "x"\nrole = "barrier"\nseed = 1\nsteps = ["wait 1 s", {CUT}]\n', encoding="utf-8"
    )
    result = run_job(Job(load_scenario(path), HostTarget(), tmp_path))
    assert result.reasons == ("the result of command barrier OPEN was never read",)
    assert result.trace is not None
    assert "command.OPEN" not in {event.name for event in result.trace}
