"""Which of the links carries the data: the preferred one unless it is dead or much worse for long. Pure.

Knows: how healthy each link is said to be, and for how long. Must not know: sockets, MQTT, clocks.
Leaving a dead link is immediate, but after a start a link has `START_S` to come up before it counts as dead; leaving a
bad one takes `fail_over_after_s`, and coming back to a preferred one takes `fail_back_after_s` of good health without a
break, so that a link that comes and goes does not take the data with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

START_S = 1.0  # both links are tried at once: the faster one must not win a start by some milliseconds


@dataclass(frozen=True, slots=True)
class Health:
    """One link now: connected, by the data or by a probe, and within the limits of round trip and loss."""

    is_up: bool
    is_good: bool = True


class LinkChoice:
    """Say `look` whenever health may have changed, and at least once a second. `active` is an index, 0 preferred."""

    def __init__(self, count: int, *, fail_over_after_s: float, fail_back_after_s: float) -> None:
        self.active = 0
        self.switches = 0
        self.why = "preferred"
        self._fail_over_after_s = fail_over_after_s
        self._fail_back_after_s = fail_back_after_s
        self._was_up = False
        self._first_look_s: float | None = None
        self._good_since_s: list[float | None] = [None] * count
        self._bad_since_s: list[float | None] = [None] * count

    def look(self, now_s: float, links: Sequence[Health]) -> bool:
        """Decide anew; whether `active` is another link now."""
        for index, link in enumerate(links):
            is_good = link.is_up and link.is_good
            self._good_since_s[index] = self._since(self._good_since_s[index], now_s) if is_good else None
            self._bad_since_s[index] = None if is_good else self._since(self._bad_since_s[index], now_s)
        self._first_look_s = self._since(self._first_look_s, now_s)
        self._was_up = self._was_up or links[self.active].is_up
        wanted, why = self._decide(now_s, links)
        if wanted == self.active:
            return False
        self.active, self.why = wanted, why
        self.switches += 1
        return True

    def _decide(self, now_s: float, links: Sequence[Health]) -> tuple[int, str]:
        mine = links[self.active]
        up = [index for index, link in enumerate(links) if link.is_up and index != self.active]
        good = [index for index in up if links[index].is_good]
        is_starting = not self._was_up and self._age(self._first_look_s, now_s) < START_S
        if not mine.is_up and up and not is_starting:
            return (good or up)[0], "the other link is dead"
        if mine.is_up and good and self._age(self._bad_since_s[self.active], now_s) >= self._fail_over_after_s:
            return good[0], "the other link is too slow or loses too much"
        for index in good:
            if index < self.active and self._age(self._good_since_s[index], now_s) >= self._fail_back_after_s:
                return index, "preferred, and well again"
        return self.active, self.why

    def _since(self, since_s: float | None, now_s: float) -> float:
        return now_s if since_s is None else since_s

    def _age(self, since_s: float | None, now_s: float) -> float:
        return -1.0 if since_s is None else now_s - since_s
