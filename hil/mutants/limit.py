"""An end for what does not come back by itself.

Knows: this process's clock and signals. Must not know: what is run.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class EndlessError(BaseException):
    """The broken firmware did not come back. None of those who look after a program's errors may keep it."""


@contextmanager
def at_most(processor_s: float) -> Iterator[None]:
    """Raises EndlessError inside after so much of this process's own time; a busy machine changes nothing."""
    before = signal.signal(signal.SIGVTALRM, _give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, processor_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)


def _give_up(number: int, frame: FrameType | None) -> None:
    raise EndlessError
