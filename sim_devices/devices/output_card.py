"""An output card: holds what the node last said, and drives the safe state when it stops saying it.

Knows: the age limit of a refresh. Must not know: what the outputs are wired to, how the refresh came; time is
handed in.
"""

from __future__ import annotations

MAX_AGE_US = 300_000  # three missed refreshes of 100 ms


class OutputCard:
    """`expired_count` counts how often the card had to fall back to the safe state."""

    def __init__(self, max_age_us: int = MAX_AGE_US) -> None:
        self._max_age_us = max_age_us
        self._refreshed_us = 0
        self._alive = False
        self.expired_count = 0

    @property
    def alive(self) -> bool:
        """Whether the outputs are driven by the node, not by the card."""
        return self._alive

    def refresh(self, now_us: int) -> None:
        """The node said its outputs."""
        self._refreshed_us = now_us
        self._alive = True

    def has_expired(self, now_us: int) -> bool:
        """True once, at the moment the card takes over; the caller then drives the safe state."""
        if not self._alive or now_us - self._refreshed_us < self._max_age_us:
            return False
        self._alive = False
        self.expired_count += 1
        return True

    def drop(self) -> None:
        """The node is known to be gone: no need to wait for the age."""
        self._alive = False
