"""Starts a program that ends with its parent, however the parent ends.

    python -m hil.run.tether PARENT_PID PROGRAM [ARGUMENT ...]

Knows: Linux's parent death signal, which outlives exec. Must not know: what it starts. Where there is no such signal
the program runs untethered, and a rig that is killed leaves it behind.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def tethered(command: Sequence[str]) -> list[str]:
    """The command line that runs `command` as long as this process lives."""
    return [sys.executable, "-m", "hil.run.tether", str(os.getpid()), *command]


def main(argv: Sequence[str]) -> None:
    """Become the program; raises OSError when it cannot be executed."""
    parent, command = int(argv[0]), list(argv[1:])
    if sys.platform == "linux":
        # The strongest signal: nobody is left to watch whether a milder one works, and every part is built for it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the signal was asked for
            sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
