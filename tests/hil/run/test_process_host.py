"""A managed child: started again when it dies, given up when it does not come up, gone when its rig is gone."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hil.run import process as process_module
from hil.run.process import ManagedProcess, ProcessError

_LIMIT_S = 20.0
_LIVES = [sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"]

# Starts a child that lives for ever, prints its process id, and waits to be killed.
_RIG = """
import asyncio, sys
from pathlib import Path
from hil.run.process import ManagedProcess

async def main():
    process = ManagedProcess("child", sys.argv[2:], Path(sys.argv[1]))
    task = asyncio.create_task(process.run())
    while not Path(sys.argv[1]).exists() or b"up" not in Path(sys.argv[1]).read_bytes():
        await asyncio.sleep(0.01)
    print(process.pid, flush=True)
    await task

asyncio.run(main())
"""


async def _until_up(process: ManagedProcess, log: Path, count: int) -> int:
    """The process id once the child has said "up" for the `count`th time."""
    async with asyncio.timeout(_LIMIT_S):
        while _count_up(log) < count:  # noqa: ASYNC110  a file wakes nobody
            await asyncio.sleep(0.01)
    assert process.pid is not None
    return process.pid


def _count_up(log: Path) -> int:
    return log.read_bytes().count(b"up") if log.exists() else 0


def test_a_killed_child_is_started_again_and_stopped_in_the_end(tmp_path: Path) -> None:
    log = tmp_path / "log"

    async def body() -> None:
        process = ManagedProcess("child", _LIVES, log)
        task = asyncio.create_task(process.run())
        first = await _until_up(process, log, 1)
        os.kill(first, signal.SIGKILL)
        assert await _until_up(process, log, 2) != first
        assert (process.restarts, process.last_exit) == (1, -signal.SIGKILL)
        await process.stop()
        await task
        assert process.pid is None

    asyncio.run(body())


def test_a_child_that_does_not_come_up_is_given_up_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_module, "_BACKOFF_S", (0.0,) * 4)
    fails = [sys.executable, "-c", "import sys; sys.exit('the port is in use')"]
    with pytest.raises(ProcessError) as caught:
        asyncio.run(ManagedProcess("broker", fails, tmp_path / "log").run())
    assert str(caught.value) == (
        "the broker ended 5 times in a row right after its start, the last time with exit code 1: the port is in use; "
        f"its log is {tmp_path / 'log'}"
    )


def test_a_child_ends_with_a_rig_that_is_killed(tmp_path: Path) -> None:
    rig = subprocess.Popen([sys.executable, "-c", _RIG, str(tmp_path / "log"), *_LIVES], stdout=subprocess.PIPE)
    assert rig.stdout is not None
    with rig.stdout:
        child = os.pidfd_open(int(rig.stdout.readline()))
    rig.kill()
    rig.wait()
    _assert_ended(child)


def _assert_ended(process: int) -> None:
    """Wait for the end of a process that is nobody's child."""

    async def body() -> None:
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(process, ended.set)
        async with asyncio.timeout(_LIMIT_S):
            await ended.wait()

    asyncio.run(body())
    os.close(process)
