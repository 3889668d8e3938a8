"""Runs jobs side by side and hands the results over in the order of the jobs.

Knows: processes. Must not know: what a job is about. Children are forked, so that what a job holds (a target, a hook
of a scenario) need not be written down to reach them; only results travel.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.synchronize import Event

from hil.suite.job import Job, length_us, run_job
from hil.suite.result import Result
from hil.targets.target import TargetError

_work: Sequence[Job] = ()  # of the child that this process is, as is _stop
_stop: Event | None = None


def default_workers() -> int:
    """One for each processor this process may use."""
    return len(os.sched_getaffinity(0))


def run_jobs(jobs: Sequence[Job], workers: int) -> Iterator[Result]:
    """Run all, at most so many at one time; raises UsageError of any, and TargetError when a child dies."""
    if workers == 1 or len(jobs) == 1:
        yield from map(run_job, jobs)
        return
    context = multiprocessing.get_context("fork")
    stop = context.Event()
    with ProcessPoolExecutor(min(workers, len(jobs)), context, _begin, (jobs, stop)) as pool:
        # The longest first, so that all processes end together.
        order = sorted(range(len(jobs)), key=lambda index: -length_us(jobs[index].scenario))
        futures = {index: pool.submit(_run, index) for index in order}
        try:
            for index in range(len(jobs)):
                if (result := futures[index].result()) is not None:
                    yield result
        except BrokenProcessPool:
            raise TargetError("a process that ran scenarios was killed; run with --jobs 1 to see by which") from None
        finally:
            stop.set()  # not cancelled: an interrupt kills children, and for a cancelled job the pool then has no end


def _begin(jobs: Sequence[Job], stop: Event) -> None:
    global _work, _stop
    _work, _stop = jobs, stop
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # an interrupted child ends without a word; its parent tells


def _run(index: int) -> Result | None:
    """None when nobody waits for it any more."""
    return None if _stop is not None and _stop.is_set() else run_job(_work[index])
