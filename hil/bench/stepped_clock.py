"""`gate` with a wall clock that can be set while it runs: a bench's stand-in for a machine whose clock steps.

    python -m hil.bench.stepped_clock OFFSET_FILE COMMAND ...

Knows: the two functions Python programs read UTC with. Must not know: the hub. The file holds seconds to be added; it
is replaced, never changed in place. The monotonic clock stays the machine's, as at a real step.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

_LOOK_S = 0.02  # how often the file is looked at


class SteppedClock:
    """UTC plus the offset in a file."""

    def __init__(self, path: str, time_ns: Callable[[], int]) -> None:
        self._path = path
        self._time_ns = time_ns
        self._looked_s = 0.0
        self._known = 0, 0
        self._offset_ns = 0

    def time_ns(self) -> int:
        """In place of time.time_ns."""
        if time.monotonic() - self._looked_s >= _LOOK_S:
            self._look()
        return self._time_ns() + self._offset_ns

    def time(self) -> float:
        """In place of time.time."""
        return self.time_ns() / 1e9

    def _look(self) -> None:
        self._looked_s = time.monotonic()
        found = os.stat(self._path)
        if (found.st_ino, found.st_mtime_ns) != self._known:
            with open(self._path, encoding="ascii") as file:
                self._offset_ns = int(file.read()) * 1_000_000_000
            self._known = found.st_ino, found.st_mtime_ns


def main(argv: list[str]) -> int:
    """Set the clock up, then be `gate` with the words that follow the file."""
    clock = SteppedClock(argv[0], time.time_ns)
    time.time_ns, time.time = clock.time_ns, clock.time
    from hil.cli import main as gate

    sys.argv[1:] = argv[1:]
    return gate()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
