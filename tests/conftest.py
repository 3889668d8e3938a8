"""For every test: no locale and no slowness of the machine changes what it says, and how processes share the tests.

`make test` runs three. Tests of running programs (hub, broker, virtual machines on the wall clock) wait more than they
work: two groups of them go on side by side from the start, while the rest takes what they leave of the processors, at a
lower priority. Every other file is a group of its own, so that its fixtures are made once.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]
# Groups that begin at once, each in a process of its own, and what belongs to them; they take about as long.
REAL_TIME = {
    "gates": (
        "tests/e2e",
        "tests/interop",
        "tests/hil/bench",
        "tests/hil/practice",
        "tests/hil/run",
        "tests/hil/targets/test_vm_real_time",
    ),
    "programs": ("tests/edge", "tests/sim_devices", "tests/firmware/boards/test_unix_board"),
}
# What takes longest of the rest comes first, so that no process is left alone with it at the end.
LONG_FILES = ("tests/hil/chip", "tests/hil/targets", "tests/hil/explore", "tests/upy", "tests/tools", "tests/hil")
NICENESS = 10  # of a process that runs the rest

os.environ["LC_ALL"] = "C.UTF-8"  # what a process started by a test sees
# How long an example takes says something of the machine, not of the code: a slow one must not fail.
_SUPPRESSED = [*settings().suppress_health_check, HealthCheck.too_slow]  # with what a profile before this one does
settings.register_profile("any machine", settings(), deadline=None, suppress_health_check=_SUPPRESSED)
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def english() -> None:
    """Each test begins in English, whatever the one before it chose."""
    from edge.words import choose  # not at import: the tests of tools need no product

    choose("en")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hands out whole groups. Not by the mark `xdist_group`: xdist 3.8 writes it where pytest 9 reads no more."""
    from xdist.scheduler import LoadScopeScheduling  # not at import: one process needs no xdist

    class GroupScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(ROOT / nodeid.partition("::")[0])

    return GroupScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: turn_of(item.path))


class GivingWay:
    """A process that shares the machine with tests of running programs gives way to them.

    A plugin of its own: a hook of this file would not see the scenarios, which lie elsewhere.
    """

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Lower the priority of this process for anything but those tests."""
        if "PYTEST_XDIST_WORKER" in os.environ and group_of(item.path) not in REAL_TIME:
            os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(GivingWay())


def group_of(path: Path) -> str:
    """The group of the tests in a file."""
    shown = path.relative_to(ROOT).as_posix()
    return next((name for name, prefixes in REAL_TIME.items() if shown.startswith(prefixes)), shown)


def turn_of(path: Path) -> int:
    """The place of a group among those that wait for a process."""
    group = group_of(path)
    order = [*REAL_TIME, *LONG_FILES]
    return next((place for place, name in enumerate(order) if group.startswith(name)), len(order))
