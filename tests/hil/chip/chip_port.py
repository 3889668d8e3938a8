"""An emulated chip's USB console behind a pty, for programs that open ports; simulated time runs on meanwhile."""

from __future__ import annotations

import os
import select
import threading
import tty
from types import TracebackType

from hil.chip.emulator import Chip

_TURN_US = 500
_READ_SIZE = 256


class ChipPort:
    """`port` is what a program opens, within the context."""

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self._outer, self._held = os.openpty()
        tty.setraw(self._held)
        self.port = os.ttyname(self._held)
        self._ends = False
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> ChipPort:
        self._chip.console.clear()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends = True
        self._thread.join()
        os.close(self._outer)
        os.close(self._held)

    def _run(self) -> None:
        while not self._ends:
            if select.select([self._outer], [], [], 0)[0]:
                self._chip.say(os.read(self._outer, _READ_SIZE))
            self._chip.advance(_TURN_US)
            if self._chip.console:
                os.write(self._outer, bytes(self._chip.console))
                self._chip.console.clear()
