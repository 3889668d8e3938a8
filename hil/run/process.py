"""A child process that is kept alive: started, watched, restarted with back-off, stopped in order.

Knows: processes and log files. Must not know: what the child does. A child ends with the rig, even if the rig is
killed (`tether.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from hil.run.tether import tethered
from sim_devices.child_end import kill_and_wait

# The first restart is quick: a killed child should be back before its peers give up.
_BACKOFF_S = (0.2, 0.5, 1.0, 2.0)
_STOP_S = 8.0  # a hub flushes its journal and its uplink before it goes
_QUICK_S = 3.0  # a child that ends sooner did not come up
_QUICK_ENDS_MAX = len(_BACKOFF_S) + 1  # so many in a row: trying again will not help


class ProcessError(Exception):
    """A child does not come up; the message says which, how it ended and what it said."""


class ManagedProcess:
    """Runs `command` until stop(); `restarts` counts unexpected ends, `last_exit` is the newest exit code."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self.restarts = 0
        self.last_exit: int | None = None
        self._command = list(command)
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """Process id while it runs, else None."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def run(self) -> None:
        """Keep the child alive; returns after stop(). Cancellation stops the child at once.

        Raises ProcessError when the child ended within _QUICK_S of its start _QUICK_ENDS_MAX times in a row.
        """
        quick_ends = 0
        while not self._stopping:
            began_s = time.monotonic()
            await self._run_once()
            if self._stopping:
                return
            quick_ends = quick_ends + 1 if time.monotonic() - began_s < _QUICK_S else 0
            if quick_ends >= _QUICK_ENDS_MAX:
                raise ProcessError(
                    f"the {self.name} ended {quick_ends} times in a row right after its start, the last time with "
                    f"{_end_words(self.last_exit)}: {self.last_words() or 'it said nothing'}; its log is {self._log}"
                )
            self.restarts += 1
            await asyncio.sleep(_BACKOFF_S[max(quick_ends, 1) - 1])

    async def _run_once(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *tethered(self._command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                self.last_exit = await self._process.wait()
            except asyncio.CancelledError:
                await kill_and_wait(self._process)
                raise

    async def stop(self) -> None:
        """Ask the child to end, and end it when it does not within the stop time."""
        self._stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        except TimeoutError:
            self._kill()

    def _kill(self) -> None:
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def last_words(self) -> str:
        """The last line of the child's log, to explain an end."""
        try:
            lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1] if lines else ""


def _end_words(returncode: int | None) -> str:
    """How a process ended, for people; a negative code is a signal."""
    if returncode is None or returncode >= 0:
        return f"exit code {returncode}"
    return f"signal {-returncode}"
