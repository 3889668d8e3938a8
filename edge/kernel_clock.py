"""What the kernel says of its own clock: whether something disciplines it, and how wrong it may be.

Knows: adjtimex of Linux, by ctypes; reading it takes no rights. Must not know: what the hub makes of the answer.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

_STA_UNSYNC = 0x0040


@dataclass(frozen=True, slots=True)
class KernelClock:
    """One answer. `error_max_ms` is the kernel's bound, which grows by 500 ppm until the clock is corrected again."""

    is_disciplined: bool
    error_max_ms: int


UNKNOWN = KernelClock(is_disciplined=False, error_max_ms=0)


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 24),
    )


def read_kernel_clock() -> KernelClock:
    """Ask now; `UNKNOWN` on a system that has no adjtimex."""
    answer = _Timex()
    try:
        result = ctypes.CDLL(None).adjtimex(ctypes.byref(answer))
    except (AttributeError, OSError):
        return UNKNOWN
    if result < 0:
        return UNKNOWN
    return KernelClock(not answer.status & _STA_UNSYNC, answer.maxerror // 1000)
