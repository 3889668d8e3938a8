"""Which event a new one follows from: a rule that needs no knowledge of what an event means.

Knows: parties and the indices of what they were handed or did. Must not know: traces, targets, what a plant does.

A *party* is a device under test or the FIELD around it. What a party drives follows from the newest thing handed to it.
What is read from a device over the bus follows from the newest thing handed to it or done by it. So the cause is the
last thing the party could have answered to; whether it did is for the reader to judge.
"""

from __future__ import annotations

from hil.trace.event import NO_CAUSE

FIELD = "field"


class Causes:
    """Told the index of every stimulus and deed, it names the cause of what comes next."""

    def __init__(self) -> None:
        self._handed: dict[str, int] = {}
        self._done: dict[str, int] = {}

    def hand(self, party: str, index: int) -> None:
        """The event `index` is a stimulus to `party`: an input, an action of the script, a fault, an output."""
        self._handed[party] = index

    def do(self, party: str, index: int) -> None:
        """The event `index` is a deed of `party`: an output it drives, an event it tells."""
        self._done[party] = index

    def of_deed(self, party: str) -> int:
        """The cause of what `party` drives now."""
        return self._handed.get(party, NO_CAUSE)

    def of_report(self, party: str) -> int:
        """The cause of what is read from `party` now."""
        return max(self._handed.get(party, NO_CAUSE), self._done.get(party, NO_CAUSE))
