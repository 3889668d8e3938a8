"""A killed child is waited for, however often the task that waits is cancelled: nothing is left to the collector."""

import asyncio
import gc
import sys
import warnings
from pathlib import Path

from hil.run.process import ManagedProcess
from sim_devices.child_end import kill_and_wait

_LIVES = [sys.executable, "-c", "import signal; signal.pause()"]
_LIMIT_S = 20.0


async def _cancel_twice(task: "asyncio.Task[None]") -> None:
    """The second time while the task is busy with the first."""
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(_LIMIT_S):
        await asyncio.wait([task])
    assert task.cancelled()


def test_a_task_that_is_cancelled_while_it_waits_ends_after_the_child() -> None:
    async def body() -> None:
        process = await asyncio.create_subprocess_exec(*_LIVES, stdin=asyncio.subprocess.PIPE)
        task = asyncio.create_task(kill_and_wait(process))
        await asyncio.sleep(0)
        await _cancel_twice(task)
        assert process.returncode is not None

    asyncio.run(body())


def test_a_child_that_has_ended_is_left_alone() -> None:
    async def body() -> None:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", "raise SystemExit(3)")
        await process.wait()
        await kill_and_wait(process)
        assert process.returncode == 3

    asyncio.run(body())


def test_a_managed_process_whose_task_is_cancelled_twice_leaves_no_transport(tmp_path: Path) -> None:
    async def body() -> None:
        process = ManagedProcess("child", _LIVES, tmp_path / "log")
        task = asyncio.create_task(process.run())
        async with asyncio.timeout(_LIMIT_S):
            while process.pid is None:  # noqa: ASYNC110  a process id wakes nobody
                await asyncio.sleep(0.01)
        await _cancel_twice(task)
        assert process.pid is None

    gc.collect()  # what tests before this one have left is theirs
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        asyncio.run(body())
        gc.collect()
    assert [str(each.message) for each in told if issubclass(each.category, ResourceWarning)] == []
