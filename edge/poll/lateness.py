"""How punctually one unit is asked: the period that was wanted, the one it got, and how late its polls began.

Knows: the starts of recent polls. Must not know: clocks, why something was late.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from edge.poll.merge import Block

STARTS_KEPT = 100  # of the fastest block
LATE_KEPT = 500  # of all blocks; enough for a 99th percentile


class Lateness:
    """Fed with every poll's start; cheap to feed, computed when asked."""

    def __init__(self) -> None:
        self.skipped = 0  # polls left out because the one before came too late; each block is read once, not often
        self._fastest: Block | None = None
        self._starts: deque[int] = deque(maxlen=STARTS_KEPT)
        self._late: deque[int] = deque(maxlen=LATE_KEPT)

    @property
    def fastest_ms(self) -> int:
        """The shortest period of any block, 0 without blocks."""
        return self._fastest.period_ms if self._fastest else 0

    def set_blocks(self, blocks: Sequence[Block]) -> None:
        """These are polled from now on."""
        self._fastest = min(blocks, key=lambda block: block.period_ms, default=None)
        self._starts.clear()

    def on_start(self, block: Block, due_ms: int, now_ms: int) -> None:
        """A poll that was due at `due_ms` begins."""
        self._late.append(now_ms - due_ms)
        if block is self._fastest:
            self._starts.append(now_ms)

    def status(self) -> dict[str, Any]:
        """The period asked for and got (of the fastest block), and lateness in ms; None before there is any."""
        starts, late = self._starts, sorted(self._late)
        gaps = len(starts) - 1
        return {
            "asked_ms": self._fastest.period_ms if self._fastest else None,
            "got_ms": round((starts[-1] - starts[0]) / gaps, 1) if gaps > 0 else None,
            "late_p99_ms": late[len(late) * 99 // 100] if late else None,
            "late_max_ms": late[-1] if late else None,
            "skipped": self.skipped,
        }
