"""The same seed gives the same events at the same microsecond: twice in each run of the tests, ten times under load."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from hil.command import main
from hil.suite.pool import default_workers
from hil.suite.result import EXIT_PASSED

HANDFUL = ("barrier_opens_and_closes", "charging_stray_metal", "rfid_reader_falls_silent")
TARGETS = ("host", "vm")
RUNS = 10


@pytest.fixture
def loaded() -> Iterator[None]:
    """Every processor is busy with something else, twice over."""
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * default_workers())]
    yield
    for hog in hogs:
        hog.kill()
        hog.wait()


@pytest.mark.parametrize("target", TARGETS)
def test_a_handful_of_scenarios_gives_the_same_traces_twice(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *HANDFUL, "--target", target, "--twice"]) == EXIT_PASSED, capsys.readouterr().out


@pytest.mark.long
@pytest.mark.parametrize("target", TARGETS)
def test_ten_runs_under_load_give_one_digest(target: str, loaded: None, capsys: pytest.CaptureFixture[str]) -> None:
    digests = set()
    for _ in range(RUNS):
        assert main(["run", *HANDFUL, "--target", target, "--json"]) == EXIT_PASSED
        digests.add(json.loads(capsys.readouterr().out)["digest"])
    assert len(digests) == 1
