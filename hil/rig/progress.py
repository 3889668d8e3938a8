"""Notices when scenario time stands still: parts that want to act again and again at one instant would run for ever.

Knows: instants and the names of those who want to act. Must not know: what they do.
"""

from __future__ import annotations

from collections import Counter

# No part has anything to do more often than every 20 us, and at most ten parts meet in a millisecond.
TURNS_MAX = 500


class LivelockError(Exception):
    """The scenario does not get on; the message says when, and who wanted to act. The run has failed."""


class Progress:
    """`note` every turn of a rig with the part that acts next."""

    def __init__(self) -> None:
        self._ms = -1
        self._turns: Counter[str] = Counter()
        self._count = 0

    def note(self, now_us: int, who: str) -> None:
        """Raises LivelockError after TURNS_MAX turns within one millisecond of scenario time."""
        if now_us // 1000 != self._ms:
            self._ms = now_us // 1000
            self._turns.clear()
            self._count = 0
        self._turns[who] += 1
        self._count += 1
        if self._count > TURNS_MAX:
            name, count = self._turns.most_common(1)[0]
            raise LivelockError(
                f"scenario time stands still at {self._ms} ms: {name} wanted to act {count} times within one "
                f"millisecond; look for what it waits for without letting time pass"
            )
