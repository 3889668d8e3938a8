"""For every test: the language does not depend on the machine's locale, and how two processes share the tests.

`make test` runs two. Tests of running programs (hub, broker, virtual machines on the wall clock) keep one processor to
themselves while the rest of the tests takes the other; every other file is a group of its own, so that its fixtures are
made once.
"""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REAL_TIME = (
    "tests/e2e",
    "tests/interop",
    "tests/edge",
    "tests/sim_devices",
    "tests/firmware/boards/test_unix_board",
    "tests/hil/run",
    "tests/hil/bench",
    "tests/hil/practice",
    "tests/hil/targets/test_vm_real_time",
)

os.environ["LC_ALL"] = "C.UTF-8"  # what a process started by a test sees


@pytest.fixture(autouse=True)
def english() -> None:
    """Each test begins in English, whatever the one before it chose."""
    from edge.words import choose  # not at import: the tests of tools need no product

    choose("en")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group_of(item.path)))


def group_of(path: Path) -> str:
    """The group of the tests in a file."""
    shown = path.relative_to(ROOT).as_posix()
    return "real time" if shown.startswith(REAL_TIME) else shown
