"""Cancellation that a library lost.

Knows: Python 3.11's `asyncio.wait_for` returns normally when its result and a cancellation come in the same turn of the
loop, and that libraries use it. Must not know: which. Requests are counted from before the await, because a TaskGroup
of 3.11 may leave the count of its task raised for good.
"""

from __future__ import annotations

import asyncio


def cancel_count() -> int:
    """How often the current task was asked to end so far; take it before awaiting a library."""
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0


def raise_if_cancelled(since: int) -> None:
    """Call after awaiting a library: raises CancelledError if the task was asked to end after `since` requests."""
    if cancel_count() > since:
        raise asyncio.CancelledError
