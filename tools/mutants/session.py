"""Runs tests against mutants inside one pytest session: one fork per mutant, the likeliest tests first.

Knows pytest and processes. Must not know where mutants come from or how results are told.

Tests are collected once and run once unchanged, while it is noted which functions of the mutated modules each of them
calls. A mutant is then tried with the tests that call its function only, in a child that stops at the first failure.
A child that outlives the time limit of a test counts as killed: the change made something endless. Limits are in CPU
time, so a busy machine changes no outcome.
"""

import contextlib
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType, ModuleType

import pytest

from tools.mutants.operators import Mutant
from tools.mutants.patch import apply_mutant

KILLED, SURVIVED, UNTESTED = "killed", "survived", "untested"
_MEMORY_MAX = 4 << 30
_LIMIT_MIN_S = 5
_LIMIT_FACTOR = 10
_NUMBER_SIZE = 4
_PROGRESS_S = 10.0
_OPTIONS = "-s -p no:terminal -p no:faulthandler -p no:cacheprovider --import-mode=importlib"


@dataclass(frozen=True)
class Target:
    """One mutant of one module."""

    module: ModuleType
    mutant: Mutant

    @property
    def file(self) -> str:
        """The module's file."""
        return str(self.module.__file__)


@dataclass
class _Baseline:
    """Per test, by its place in the collection: duration and called functions as (file, qualified name)."""

    durations: list[float] = field(default_factory=list)
    calls: list[set[tuple[str, str]]] = field(default_factory=list)


class MutantSession:
    """A pytest plugin that replaces the run loop; `outcomes` holds one of the three words per target afterwards."""

    def __init__(self, targets: Sequence[Target], jobs: int) -> None:
        self.targets = targets
        self.jobs = jobs
        self.outcomes: list[str] = []
        self.problem = ""

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Take the place of pytest's own loop."""
        if session.testsfailed:
            self.problem = "a test file cannot be imported, so its tests would count for nothing: run make test"
            return True
        items = session.items
        print(f"mutants: {len(items)} tests, first unchanged, to see what each of them calls", flush=True)
        baseline = _Baseline()
        files = {target.file for target in self.targets}
        for index, item in enumerate(items):
            following = items[index + 1] if index + 1 < len(items) else None
            started_s = time.process_time()
            with _noting_calls(files) as calls:
                passed = _passes(item, following)
            if not passed:
                self.problem = f"{item.nodeid} fails on the unchanged code: correct it first (make test)"
                return True
            baseline.durations.append(time.process_time() - started_s)
            baseline.calls.append(calls)
        self.outcomes = _run_all(self.targets, items, baseline, self.jobs)
        return True


@contextlib.contextmanager
def _noting_calls(files: set[str]):  # type: ignore[no-untyped-def]  # a generator of one set
    calls: set[tuple[str, str]] = set()
    seen: set[CodeType] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event == "call" and code not in seen:
            seen.add(code)
            if code.co_filename in files:
                calls.add((code.co_filename, code.co_qualname))

    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def _passes(item: pytest.Item, following: pytest.Item | None) -> bool:
    runner = item.config.pluginmanager.get_plugin("runner")
    assert runner is not None
    reports = runner.runtestprotocol(item, log=False, nextitem=following)
    return all(report.passed or report.skipped for report in reports)


def _run_all(targets: Sequence[Target], items: list[pytest.Item], baseline: _Baseline, jobs: int) -> list[str]:
    """Workers take numbers from one pipe and give results into another; both sides write less than a pipe takes."""
    work_out, work_in = os.pipe()
    done_out, done_in = os.pipe()
    workers = [_start_worker(targets, items, baseline, work_out, done_in, (work_in, done_out)) for _ in range(jobs)]
    os.close(work_out)
    os.close(done_in)
    feeder = os.fork()
    if feeder == 0:
        os.close(done_out)
        for number in range(len(targets)):
            os.write(work_in, number.to_bytes(_NUMBER_SIZE, "big"))
        os._exit(0)
    os.close(work_in)
    outcomes = _collect(done_out, len(targets))
    for pid in (*workers, feeder):
        os.waitpid(pid, 0)
    return outcomes


def _collect(done_out: int, count: int) -> list[str]:
    outcomes = [""] * count
    words = {word[0].encode(): word for word in (KILLED, SURVIVED, UNTESTED)}
    told_s = time.monotonic()
    done = 0
    with os.fdopen(done_out, "rb") as stream:
        while message := stream.read(_NUMBER_SIZE + 1):
            outcomes[int.from_bytes(message[:_NUMBER_SIZE], "big")] = words[message[_NUMBER_SIZE:]]
            done += 1
            if time.monotonic() - told_s > _PROGRESS_S:
                told_s = time.monotonic()
                alive = done - sum(outcome == KILLED for outcome in outcomes)
                print(f"mutants: {done} of {count} tried, {alive} not killed", flush=True)
    return outcomes


def _start_worker(
    targets: Sequence[Target],
    items: list[pytest.Item],
    baseline: _Baseline,
    work_out: int,
    done_in: int,
    not_mine: tuple[int, int],
) -> int:
    pid = os.fork()
    if pid:
        return pid
    for descriptor in not_mine:
        os.close(descriptor)
    killers: dict[str, list[int]] = {}
    while number := os.read(work_out, _NUMBER_SIZE):
        index = int.from_bytes(number, "big")
        word = _try_mutant(targets[index], items, baseline, killers)
        os.write(done_in, number + word[0].encode())
    os._exit(0)


def _try_mutant(target: Target, items: list[pytest.Item], baseline: _Baseline, killers: dict[str, list[int]]) -> str:
    order = _order(target, baseline, killers)
    if not order:
        return UNTESTED
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        limits_s = [_LIMIT_MIN_S + _LIMIT_FACTOR * baseline.durations[index] for index in order]
        _be_mutant(target, [items[index] for index in order], limits_s, write_end)
    os.close(write_end)
    told = os.read(read_end, _NUMBER_SIZE)
    os.close(read_end)
    _, status = os.waitpid(pid, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
        return SURVIVED
    if told:
        recent = killers.setdefault(target.mutant.scope, [])
        killer = order[int.from_bytes(told, "big")]
        recent[:] = [killer, *(other for other in recent if other != killer)]
    return KILLED


def _order(target: Target, baseline: _Baseline, killers: dict[str, list[int]]) -> list[int]:
    """Tests that call the mutated function (for a constant: the module), last killers first, then the quickest."""
    scope = target.mutant.scope
    called = [
        index
        for index, calls in enumerate(baseline.calls)
        if ((target.file, scope) in calls if scope else any(file == target.file for file, _ in calls))
    ]
    if not called and not scope:  # a module of constants only
        called = list(range(len(baseline.calls)))
    recent = killers.get(scope, [])
    first = [index for index in recent if index in set(called)]
    return first + sorted(set(called) - set(first), key=lambda index: (baseline.durations[index], index))


def _be_mutant(target: Target, items: list[pytest.Item], limits_s: list[float], write_end: int) -> None:
    """In the child: never returns."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_MAX, _MEMORY_MAX))
    random.seed(0)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    status = 1
    with contextlib.suppress(BaseException):
        apply_mutant(target.module, target.mutant)
        status = _run_until_failure(items, limits_s, write_end)
    os._exit(status)


def _run_until_failure(items: list[pytest.Item], limits_s: list[float], write_end: int) -> int:
    for place, item in enumerate(items):
        signal.setitimer(signal.ITIMER_PROF, limits_s[place])
        if not _passes(item, None):
            os.write(write_end, place.to_bytes(_NUMBER_SIZE, "big"))
            return 1
    return 0


def run_session(targets: Sequence[Target], tests: Sequence[str], jobs: int, root: Path) -> MutantSession:
    """Try every target with `tests`, given as pytest arguments."""
    plugin = MutantSession(targets, jobs)
    code = pytest.main(
        [*tests, "-m", "not long", "-o", f"addopts={_OPTIONS}", "--rootdir", str(root)],
        plugins=[plugin],
    )
    if not plugin.outcomes and not plugin.problem:
        plugin.problem = f"the tests cannot be collected (pytest says {int(code)}): run make test"
    return plugin
