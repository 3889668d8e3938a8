"""How processes share the tests: a group stays in one, running programs begin at once, the rest gives way to them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

FILES = ("hil/scenarios/test_c.py", "tests/e2e/test_a.py", "tests/edge/test_b.py", "tests/e2e/test_d.py")
TEST = """
import os
import time
import pytest

@pytest.mark.parametrize("number", range(4))
def test_tells(number, worker_id):
    time.sleep(0.2)  # the others would take what is not kept together
    with open(os.environ["TOLD"], "a") as file:
        file.write(f"{__file__} {worker_id} {os.getpriority(os.PRIO_PROCESS, 0)}\\n")
"""


def test_a_group_keeps_to_its_process_and_the_rest_gives_way(root: Path, tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(TEST)
    shutil.copy(root / "tests/conftest.py", tmp_path / "tests")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    (sharing,) = [line for line in (root / "Makefile").read_text().splitlines() if line.startswith("SHARED_OUT := ")]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *sharing.split()[2:]]
    told = tmp_path / "told"
    environment = {"TOLD": str(told), "PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    seen: dict[str, set[tuple[str, int]]] = {}
    for path, worker, niceness in map(str.split, told.read_text().splitlines()):
        seen.setdefault(Path(path).parent.name, set()).add((worker, int(niceness)))
    assert {group: len(places) for group, places in seen.items()} == {"e2e": 1, "edge": 1, "scenarios": 1}
    workers = {worker for places in seen.values() for worker, _ in places}
    assert len(workers) == 3
    ((_, gates),), ((_, rest),) = seen["e2e"], seen["scenarios"]
    own = os.getpriority(os.PRIO_PROCESS, 0)  # of a process that may be sharing itself
    assert gates == own
    assert rest == max(own, 10)


def test_an_example_may_take_as_long_as_the_machine_needs() -> None:
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check
