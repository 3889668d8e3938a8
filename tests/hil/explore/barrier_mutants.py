"""Faults seeded into the barrier's core: one line of its source is exchanged, for the explorer and the bench alike.

Knows the lines of the core. Must not know how a fault is found.
"""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from firmware.control.barrier_lights import BarrierLights
from firmware.control.barrier_states import BarrierStates
from firmware.control.barrier_travel import BarrierTravel

# What the fault is: (class, method, the text as it stands, the text instead).
FAULTS: dict[str, tuple[type, str, str, str]] = {
    "green ignores the limit": (BarrierLights, "_choose", " and self.inputs.is_up:", ":"),
    "an early limit is believed": (BarrierTravel, "judge_limit", "0 if memory.limit_early else is_up", "is_up"),
    "the pause is left out": (BarrierTravel, "step", " and self.timers.is_running(TIMER_PAUSE)", " and False"),
    "a second contact reverses": (BarrierStates, "_abort_closing", "memory.contacts == 2", "memory.contacts == 3"),
    "a travel ends with its state": (BarrierTravel, "step", " or is_over", ""),
}


@contextmanager
def seed(fault: str) -> Iterator[None]:
    """Give the core this fault for a while; a text that is not in the source any more is an error."""
    cls, method, text, instead = FAULTS[fault]
    real = getattr(cls, method)
    source = textwrap.dedent(inspect.getsource(real))
    if source.count(text) != 1:
        raise AssertionError(f"{cls.__name__}.{method} has '{text}' {source.count(text)} times")
    found: dict[str, Any] = {}
    exec(source.replace(text, instead), sys.modules[cls.__module__].__dict__, found)
    setattr(cls, method, found[method])
    try:
        yield
    finally:
        setattr(cls, method, real)
