"""An event loop whose time jumps: when nothing is ready, the clock moves to the next timer at once.

What runs on it must touch no real socket; then a day passes in a second and every run is the same.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")


class _JumpingSelector(selectors.SelectSelector):
    now_s = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("everything waits and no timer is set: nothing would ever happen again")
        if not ready and timeout:
            self.now_s += timeout
        return ready


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.jumping = _JumpingSelector()
        super().__init__(self.jumping)

    def time(self) -> float:
        return self.jumping.now_s


def run_virtual(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run `work` to its end on a loop of its own."""
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(work)
