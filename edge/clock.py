"""The hub's clock: stamps on both clocks, how far its UTC can be trusted, and steps of the wall clock.

Knows: what the kernel says (edge/kernel_clock.py), given as a function. Must not know: who stamps what. Periods,
deadlines and order live on the monotonic clock, which a step does not touch; a step is noticed because the distance of
the two clocks changes, and becomes a record.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from edge.kernel_clock import UNKNOWN, KernelClock, read_kernel_clock
from edge.model import ClockQuality, Stamp

CHECK_S = 1.0
# A time source that polls every 2048 s, as systemd-timesyncd does, leaves the kernel's bound at 1.02 s before it asks.
SYNCHRONISED_ERROR_MAX_MS = 1500
HOLDOVER_MAX_MS = 4 * 3600 * 1000  # a crystal of 50 ppm is then 0.7 s off
STEP_MIN_MS = 50  # slewing moves both clocks, so even this much is a step; reading them takes less
_NS = 1_000_000


class SiteClock:
    """One per hub. `check` is to be called every CHECK_S, which `run` does."""

    def __init__(
        self,
        *,
        read_kernel: Callable[[], KernelClock] = read_kernel_clock,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._read_kernel = read_kernel
        self._monotonic_ns = monotonic_ns
        self._wall_ns = wall_ns
        self._kernel = UNKNOWN
        self._synchronised_ms: int | None = None  # when it was last
        self._offset_ms: int | None = None
        self.quality = ClockQuality.UNSYNCHRONISED
        self.steps = 0
        self._steps_synchronised = 0  # how many there were when it was synchronised last
        self.check()

    def stamp(self) -> Stamp:
        """Now."""
        return Stamp(self._monotonic_ns() // _NS, self._wall_ns() // _NS, self.quality)

    @property
    def is_trusted(self) -> bool:
        """Whether ages may be told by the wall clock: synchronised, or in holdover and not set since."""
        if self.quality is ClockQuality.HOLDOVER:
            return self.steps == self._steps_synchronised
        return self.quality is ClockQuality.SYNCHRONISED

    def check(self) -> int:
        """Look at the kernel's clock anew; by how many ms the wall clock was set forward since the last call."""
        now = self.stamp()
        self._kernel = self._read_kernel()
        if self._kernel.is_disciplined and self._kernel.error_max_ms <= SYNCHRONISED_ERROR_MAX_MS:
            self._synchronised_ms = now.mono_ms
            self.quality = ClockQuality.SYNCHRONISED
        elif self._synchronised_ms is not None and now.mono_ms - self._synchronised_ms <= HOLDOVER_MAX_MS:
            self.quality = ClockQuality.HOLDOVER
        else:
            self.quality = ClockQuality.UNSYNCHRONISED
        step_ms = self._step(now)
        if self.quality is ClockQuality.SYNCHRONISED:
            self._steps_synchronised = self.steps
        return step_ms

    def _step(self, now: Stamp) -> int:
        offset_ms, before_ms = now.wall_ms - now.mono_ms, self._offset_ms
        self._offset_ms = offset_ms
        if before_ms is None or abs(offset_ms - before_ms) < STEP_MIN_MS:
            return 0
        self.steps += 1
        return offset_ms - before_ms

    async def run(self, on_step: Callable[[dict[str, Any]], None]) -> None:
        """Check for ever; `on_step` takes what the record of a step says."""
        while True:
            await asyncio.sleep(CHECK_S)
            step_ms = self.check()
            if step_ms:
                on_step(step_data(step_ms, self.quality))

    def status(self) -> dict[str, Any]:
        """For people."""
        return {"quality": str(self.quality), "error_max_ms": self._kernel.error_max_ms, "steps": self.steps}


def step_data(step_ms: int, quality: ClockQuality) -> dict[str, Any]:
    """What a record says of a step of the wall clock."""
    direction = "forward" if step_ms > 0 else "back"
    return {"step_ms": abs(step_ms), "direction": direction, "clock": str(quality)}
