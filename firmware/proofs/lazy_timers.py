"""A bank of timers whose ends are decided when a core asks for them.

Host only; never deployed. Knows the bank's questions. Must not know a role.
"""

from __future__ import annotations

from firmware.control.timer import TimerBank
from hil.explore.lazy import Chooser

OFF, DONE, RUNNING = -1, -2, 1


class LazyTimers(TimerBank):
    """A timer is off, running or done; a running one may have ended in this scan, decided when somebody asks.

    One nobody asks for goes on running: that it ended before shows no sooner than in the scan that asks. In `deadlines`
    stand OFF, DONE and RUNNING.
    """

    def __init__(self, count: int, chooser: Chooser) -> None:
        super().__init__(count)
        self._chooser = chooser
        self._open: set[int] = set()

    def advance(self, now_ms: int) -> None:
        """A scan begins: what runs may end."""
        self._open = {index for index, each in enumerate(self.deadlines) if each == RUNNING}

    def start(self, index: int, duration_ms: int) -> None:
        """0 is done at once."""
        self._open.discard(index)
        self.deadlines[index] = RUNNING if duration_ms > 0 else DONE

    def stop(self, index: int) -> None:
        """Off."""
        self._open.discard(index)
        self.deadlines[index] = OFF

    def is_off(self, index: int) -> bool:
        """Needs no decision: a running timer that ends is not off."""
        return self.deadlines[index] == OFF

    def is_running(self, index: int) -> bool:
        """Decides whether it ended."""
        if index in self._open:
            self._open.discard(index)
            if self._chooser.pick(f"timer{index}_ends", (0, 1)):
                self.deadlines[index] = DONE
        return self.deadlines[index] == RUNNING

    def is_done(self, index: int) -> bool:
        """Decides whether it ended."""
        self.is_running(index)
        return self.deadlines[index] == DONE
