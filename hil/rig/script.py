"""Carries out a scenario's steps: begins a step when its condition first happens, then its actions one after another.

Knows: conditions, actions, scenario time. Must not know: how an action is done; that is `perform`'s business.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence

from hil.scenarios.model import Action, Step
from hil.trace.event import TraceEvent


class Script:
    """Feed it events with `on_event`, let it act with `run_until`; `next_us` is when it next wants to act, or None."""

    def __init__(self, steps: Sequence[Step], perform: Callable[[int, Action, int], None]) -> None:
        self._waiting = list(steps)
        self._perform = perform
        # (time, order of arrival, action, cause): ties keep file order
        self._queue: list[tuple[int, int, Action, int]] = []
        self._order = 0

    @property
    def next_us(self) -> int | None:
        return self._queue[0][0] if self._queue else None

    @property
    def not_done(self) -> tuple[str, ...]:
        """A sentence for every step that has not begun and every action whose time has not come."""
        steps = [f"the step waiting for '{step.when.text}' never began" for step in self._waiting]
        late = [
            f"'{action}' was due at {at_us // 1000} ms, after the end"
            for at_us, _, action, _ in sorted(self._queue, key=_due)
        ]
        return (*steps, *late)

    def on_event(self, now_us: int, event: TraceEvent, index: int) -> None:
        """Begin every waiting step whose condition this event meets; `index` is the cause of what it does."""
        begun = [step for step in self._waiting if step.when.met_by(event.name, event.value)]
        for step in begun:
            self._waiting.remove(step)
            self._schedule(now_us, step.actions, index)

    def run_until(self, now_us: int) -> None:
        """Perform all actions due by now."""
        while self._queue and self._queue[0][0] <= now_us:
            _, _, action, cause = heapq.heappop(self._queue)
            self._perform(now_us, action, cause)

    def _schedule(self, now_us: int, actions: Sequence[Action], cause: int) -> None:
        at_us = now_us
        for action in actions:
            if action.verb == "wait":
                at_us += action.argument * 1000
                continue
            self._order += 1
            heapq.heappush(self._queue, (at_us, self._order, action, cause))


def _due(entry: tuple[int, int, Action, int]) -> tuple[int, int]:
    return entry[:2]
