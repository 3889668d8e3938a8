"""Waits of less than a millisecond's grain: the kernel's timer as a file, because the loop's timers round up to one.

Knows: timerfd of Linux. Must not know: what is waited for. On a system without timerfd the loop's own timer waits, at
most a millisecond longer; nobody burns processor time.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import time

_CLOCK_MONOTONIC = time.CLOCK_MONOTONIC
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC  # TFD_NONBLOCK, TFD_CLOEXEC
_SHORTEST_S = 30e-6  # going through the kernel and back takes about this long


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class PreciseWait:
    """One waiter; `close` it inside the loop it waited in."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._spec = _Itimerspec()
        self._file = -1
        self._done: asyncio.Future[None] | None = None

    async def wait(self, seconds: float) -> None:
        """Let `seconds` pass, to within a few ten microseconds on an idle machine."""
        if seconds <= _SHORTEST_S:
            return
        if not self._arm(seconds):
            await asyncio.sleep(seconds)
            return
        self._done = asyncio.get_running_loop().create_future()
        await self._done

    def close(self) -> None:
        """Give the timer up; a second call does nothing."""
        if self._file >= 0:
            asyncio.get_running_loop().remove_reader(self._file)
            os.close(self._file)
            self._file = -1

    def _arm(self, seconds: float) -> bool:
        if self._file < 0 and not self._open():
            return False
        self._spec.value.seconds = int(seconds)
        self._spec.value.nanoseconds = int(seconds % 1 * 1e9)
        return bool(self._libc.timerfd_settime(self._file, 0, ctypes.byref(self._spec), None) == 0)

    def _open(self) -> bool:
        try:
            self._file = self._libc.timerfd_create(_CLOCK_MONOTONIC, _FLAGS)
        except AttributeError:  # not Linux
            return False
        if self._file < 0:
            return False
        asyncio.get_running_loop().add_reader(self._file, self._on_time)
        return True

    def _on_time(self) -> None:
        with contextlib.suppress(BlockingIOError):  # it was armed anew in the meantime
            os.read(self._file, 8)
            if self._done is not None and not self._done.done():
                self._done.set_result(None)
