"""The same seed gives the same events at the same microsecond: twice in each run of the tests, ten times under load."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from hil.command import main
from hil.suite.pool import default_workers
from hil.suite.result import EXIT_BLOCKED, EXIT_PASSED

HANDFUL = ("barrier_opens_and_closes", "charging_stray_metal", "rfid_reader_falls_silent")
QUICK = ("barrier_stop_chain_opens_while_moving",)  # the emulated chip takes seconds for it
RUNS_ON = {"host": HANDFUL, "vm": HANDFUL, "rp2040": QUICK}
RUNS = 10
HOG = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"  # ends with the tests, whatever ends them


@pytest.fixture
def loaded() -> Iterator[None]:
    """Every processor is busy with something else."""
    hogs = [subprocess.Popen([sys.executable, "-c", HOG]) for _ in range(default_workers())]
    yield
    for hog in hogs:
        hog.kill()
        hog.wait()


@pytest.mark.parametrize("target", ["host", "vm"])
def test_a_handful_of_scenarios_gives_the_same_traces_twice(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *HANDFUL, "--target", target, "--twice"]) == EXIT_PASSED, capsys.readouterr().out


@pytest.mark.long
@pytest.mark.parametrize("target", RUNS_ON)
def test_ten_runs_under_load_give_one_digest(target: str, loaded: None, capsys: pytest.CaptureFixture[str]) -> None:
    digests = set()
    for _ in range(RUNS):
        code = main(["run", *RUNS_ON[target], "--target", target, "--json"])
        told = json.loads(capsys.readouterr().out)
        if code == EXIT_BLOCKED:
            pytest.skip(f"BLOCKED: {'; '.join(told['results'][0]['reasons'])}")
        assert code == EXIT_PASSED
        digests.add((told["digest"], *(each["full_digest"] for each in told["results"])))
    assert len(digests) == 1
