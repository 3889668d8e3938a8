"""Cancellation that a library lost.

Knows: Python 3.11's `asyncio.wait_for` returns normally when its result and a cancellation come in the same turn of the
loop, and that libraries use it. Must not know: which.
"""

from __future__ import annotations

import asyncio


def raise_if_cancelled() -> None:
    """Call after awaiting a library: raises CancelledError if the current task was asked to end meanwhile."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
