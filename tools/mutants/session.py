"""Runs tests against mutants inside one pytest session: one fork per mutant, the likeliest tests first.

Knows pytest and processes. Must not know where mutants come from or how results are told.

Mutants that are believed to change nothing are tried in groups (see groups.py).

Tests are collected once and run once unchanged, while it is noted which functions of the mutated modules each of them
calls. A mutant is then tried with the tests that call its function only, in a child that stops at the first failure.
A child that outlives the time limit of a test counts as killed: the change made something endless. Limits are in CPU
time, so a busy machine changes no outcome.
"""

import contextlib
import gc
import os
import random
import resource
import signal
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tools.mutants.calls import Call, CallNotes
from tools.mutants.groups import Target, halve, make_groups
from tools.mutants.patch import apply_mutant

KILLED, SURVIVED, UNTESTED = _WORDS = ("killed", "survived", "untested")
_MEMORY_MAX = 4 << 30
_LIMIT_MIN_S = 2
_LIMIT_FACTOR = 10
_NUMBER = struct.Struct(">I")
_RESULT = struct.Struct(">IBi")  # number of the target, place in _WORDS, place of the test that killed it or -1
_PROGRESS_S = 10.0
_OPTIONS = "-s -p no:terminal -p no:faulthandler -p no:cacheprovider --import-mode=importlib"


@dataclass
class _Baseline:
    """Per test, by its place in the collection: duration and called functions."""

    durations: list[float] = field(default_factory=list)
    calls: list[set[Call]] = field(default_factory=list)


@dataclass
class _Attempt:
    """Targets that are put in force together, and the place of the test that killed one of them, -1 for none."""

    targets: list[Target]
    killer: int


class MutantSession:
    """A pytest plugin that replaces the run loop.

    Afterwards `outcomes` holds one of the three words per target and `killers` the test that killed it, "" for none.
    """

    def __init__(self, targets: Sequence[Target], jobs: int) -> None:
        self.targets = targets
        self.jobs = jobs
        self.outcomes: list[str] = []
        self.killers: list[str] = []
        self.problem = ""

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Take the place of pytest's own loop."""
        if session.testsfailed:
            self.problem = "a test file cannot be imported, so its tests would count for nothing: run make test"
            return True
        items = session.items
        print(f"mutants: {len(items)} tests, first unchanged, to see what each of them calls", flush=True)
        baseline = _Baseline()
        notes = CallNotes(dict.fromkeys(target.module for target in self.targets))
        for index, item in enumerate(items):
            following = items[index + 1] if index + 1 < len(items) else None
            started_s = time.process_time()
            notes.begin()
            passed = _passes(item, following)
            baseline.calls.append(notes.end())
            baseline.durations.append(time.process_time() - started_s)
            if not passed:
                self.problem = f"{item.nodeid} fails on the unchanged code: correct it first (make test)"
                return True
        self._try_all(items, baseline)
        return True

    def _try_all(self, items: list[pytest.Item], baseline: _Baseline) -> None:
        places = {item.nodeid: place for place, item in enumerate(items)}
        self.outcomes = [SURVIVED] * len(self.targets)
        self.killers = [""] * len(self.targets)
        gc.collect()
        gc.freeze()  # what is there already is neither looked at nor written to in the children
        groups = make_groups(self.targets)
        while groups:
            attempts = [_Attempt([self.targets[at] for at in group], -1) for group in groups]
            for attempt in attempts:
                attempt.killer = places.get(attempt.targets[0].killer, -1)
            results = _run_all(attempts, items, baseline, self.jobs)
            noticed = []
            for group, (outcome, killer) in zip(groups, results, strict=True):
                if len(group) == 1:
                    self.outcomes[group[0]] = outcome
                    self.killers[group[0]] = items[killer].nodeid if killer >= 0 else ""
                elif outcome == KILLED:
                    noticed += halve(group)
            groups = noticed


def _passes(item: pytest.Item, following: pytest.Item | None) -> bool:
    runner = item.config.pluginmanager.get_plugin("runner")
    assert runner is not None
    reports = runner.runtestprotocol(item, log=False, nextitem=following)
    return all(report.passed or report.skipped for report in reports)


def _run_all(
    attempts: Sequence[_Attempt], items: list[pytest.Item], baseline: _Baseline, jobs: int
) -> list[tuple[str, int]]:
    """Workers take numbers from one pipe and give results into another; both sides write less than a pipe takes."""
    work_out, work_in = os.pipe()
    done_out, done_in = os.pipe()
    workers = [_start_worker(attempts, items, baseline, work_out, done_in, (work_in, done_out)) for _ in range(jobs)]
    os.close(work_out)
    os.close(done_in)
    feeder = os.fork()
    if feeder == 0:
        os.close(done_out)
        for number in range(len(attempts)):
            os.write(work_in, _NUMBER.pack(number))
        os._exit(0)
    os.close(work_in)
    results = _collect(done_out, len(attempts))
    for pid in (*workers, feeder):
        os.waitpid(pid, 0)
    return results


def _collect(done_out: int, count: int) -> list[tuple[str, int]]:
    """Outcome and killer of every attempt."""
    results = [("", -1)] * count
    told_s = time.monotonic()
    done = 0
    with os.fdopen(done_out, "rb") as stream:
        while message := stream.read(_RESULT.size):
            number, word, killer = _RESULT.unpack(message)
            results[number] = (_WORDS[word], killer)
            done += 1
            if time.monotonic() - told_s > _PROGRESS_S:
                told_s = time.monotonic()
                alive = done - sum(outcome == KILLED for outcome, _ in results)
                print(f"mutants: {done} of {count} tried, {alive} not killed", flush=True)
    return results


def _start_worker(
    attempts: Sequence[_Attempt],
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
    while message := os.read(work_out, _NUMBER.size):
        (number,) = _NUMBER.unpack(message)
        word, killer = _try_mutant(attempts[number], items, baseline, killers)
        os.write(done_in, _RESULT.pack(number, _WORDS.index(word), killer))
    os._exit(0)


def _try_mutant(
    attempt: _Attempt, items: list[pytest.Item], baseline: _Baseline, killers: dict[str, list[int]]
) -> tuple[str, int]:
    first = attempt.targets[0]
    recent = killers.setdefault(f"{first.file}: {first.mutant.scope}", [])
    order = _order(attempt.targets, items, baseline, [attempt.killer, *recent])
    if not order:
        return UNTESTED, -1
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        limits_s = [_LIMIT_MIN_S + _LIMIT_FACTOR * baseline.durations[index] for index in order]
        _be_mutant(attempt.targets, [items[index] for index in order], limits_s, write_end)
    os.close(write_end)
    begun = _count_bytes(read_end)
    _, status = os.waitpid(pid, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
        return SURVIVED, -1
    if not begun:
        return KILLED, -1  # by being put in force
    killer = order[begun - 1]
    recent[:] = [killer, *(other for other in recent if other != killer)]
    return KILLED, killer


def _count_bytes(read_end: int) -> int:
    """How many bytes come until the other end is closed."""
    with os.fdopen(read_end, "rb") as stream:
        return len(stream.read())


def _order(
    targets: Sequence[Target], items: list[pytest.Item], baseline: _Baseline, likely: Sequence[int]
) -> list[int]:
    """Tests that reach one of the mutants, the likely ones first, then the quickest."""
    called = {
        index
        for index, item in enumerate(items)
        if any(_reaches(target, item, baseline.calls[index]) for target in targets)
    }
    if not called and not targets[0].mutant.scope:  # a module of constants only
        called = set(range(len(items)))
    first = list(dict.fromkeys(index for index in likely if index in called))
    return first + sorted(called - set(first), key=lambda index: (baseline.durations[index], index))


def _reaches(target: Target, item: pytest.Item, calls: set[Call]) -> bool:
    """The test calls the mutated function; for a constant: anything of its module, or its file names one of both."""
    if target.mutant.scope:
        return (target.file, target.mutant.scope) in calls
    if any(file == target.file for file, _ in calls):
        return True
    names = vars(item.module) if isinstance(item, pytest.Function) else {}
    return target.mutant.constant in names or any(value is target.module for value in names.values())


def _be_mutant(targets: Sequence[Target], items: list[pytest.Item], limits_s: list[float], write_end: int) -> None:
    """In the child: never returns."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_MAX, _MEMORY_MAX))
    random.seed(0)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    status = 1
    with contextlib.suppress(BaseException):
        for target in targets:
            apply_mutant(target.module, target.mutant)
        status = _run_until_failure(items, limits_s, write_end)
    os._exit(status)


def _run_until_failure(items: list[pytest.Item], limits_s: list[float], write_end: int) -> int:
    """One byte into `write_end` for every test that is begun."""
    for place, item in enumerate(items):
        os.write(write_end, b".")
        signal.setitimer(signal.ITIMER_PROF, limits_s[place])
        if not _passes(item, None):
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
