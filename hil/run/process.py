"""A child process that is kept alive: started, watched, restarted with back-off, stopped in order.

Knows: processes and log files. Must not know: what the child does.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Sequence
from pathlib import Path

_BACKOFF_S = (
    0.2,
    0.5,
    1.0,
    2.0,
    5.0,
)  # the first restart is quick: a killed child should be back before its peers give up
_STOP_S = 8.0  # a hub flushes its journal and its uplink before it goes


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
        """Keep the child alive; returns after stop(). Cancellation stops the child at once."""
        while not self._stopping:
            await self._run_once()
            if self._stopping:
                return
            delay = _BACKOFF_S[min(self.restarts, len(_BACKOFF_S) - 1)]
            self.restarts += 1
            await asyncio.sleep(delay)

    async def _run_once(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
            try:
                self.last_exit = await self._process.wait()
            except asyncio.CancelledError:
                self._kill()
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
