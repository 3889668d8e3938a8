"""The end of a child process: waited for whatever happens to the task that waits.

Knows: asyncio's processes. Must not know: what the child was. A task that is cancelled twice would otherwise leave the
second time, with the child unburied: asyncio's transport would be collected after its loop has been closed.
"""

from __future__ import annotations

import asyncio
import contextlib


async def kill_and_wait(process: asyncio.subprocess.Process) -> None:
    """End a child at once and wait until it is gone; raises CancelledError only then, if it came meanwhile.

    A process that has ended must not be killed: the signal's own look at it would take the exit status from asyncio.
    """
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    if process.stdin is not None:
        process.stdin.close()
    waiting = asyncio.ensure_future(process.wait())
    cancelled: asyncio.CancelledError | None = None
    while not waiting.done():
        try:
            await asyncio.shield(waiting)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
