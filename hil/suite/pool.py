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

from hil.suite.job import Job, run_job
from hil.suite.result import Result
from hil.targets.target import TargetError

_work: Sequence[Job] = ()  # of the child that this process is


def default_workers() -> int:
    """One for each processor this process may use."""
    return len(os.sched_getaffinity(0))


def run_jobs(jobs: Sequence[Job], workers: int) -> Iterator[Result]:
    """Run all; raises UsageError of any, and TargetError when a child dies."""
    if workers == 1 or len(jobs) == 1:
        yield from map(run_job, jobs)
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), _begin, (jobs,)) as pool:
        try:
            yield from pool.map(_run, range(len(jobs)))
        except BrokenProcessPool:
            raise TargetError("a process that ran scenarios was killed; run with --jobs 1 to see by which") from None
        finally:
            pool.shutdown(cancel_futures=True)


def _begin(jobs: Sequence[Job]) -> None:
    global _work
    _work = jobs
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # an interrupted child ends without a word; its parent tells


def _run(index: int) -> Result:
    return run_job(_work[index])
