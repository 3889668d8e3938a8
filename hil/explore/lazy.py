"""What a scan is given, decided only when the core asks: every way through it is run once, and no more than that.

Knows choices and lists that ask. Must not know roles or what a search is.

A core is put into a state and steps; whatever it asks for is `pick`ed from a few options. The first run takes the first
option everywhere, the next ones go back to the last choice that has another option left (`ways`). What nobody asked for
stays open, so one way stands for every value of it. A way is a dictionary of what was picked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

Way = dict[str, Any]


class Chooser:
    """Decides what is asked for, the same question always alike within one run."""

    def __init__(self) -> None:
        self.picked: Way = {}
        self._prefix: list[int] = []
        self._trace: list[tuple[int, int]] = []

    def pick(self, name: str, options: Sequence[Any]) -> Any:
        """One of `options`."""
        if name in self.picked:
            return self.picked[name]
        place = len(self._trace)
        index = self._prefix[place] if place < len(self._prefix) else 0
        self._trace.append((index, len(options)))
        value = options[index]
        self.picked[name] = value
        return value

    def ways(self, run: Callable[[], None]) -> Iterator[Way]:
        """Run once for every way through; each is given when it has been run."""
        prefix: list[int] | None = []
        while prefix is not None:
            self.picked, self._prefix, self._trace = {}, prefix, []
            run()
            trace = self._trace
            yield self.picked
            while trace and trace[-1][0] + 1 == trace[-1][1]:
                trace.pop()
            prefix = [index for index, _ in trace[:-1]] + [trace[-1][0] + 1] if trace else None


class LazyList(list[Any]):
    """A list whose items are decided when they are read; `options` by index, one option for what is fixed."""

    def __init__(self, chooser: Chooser, name: str, options: Sequence[Sequence[Any]]) -> None:
        super().__init__([0] * len(options))
        self._chooser, self._name, self.options = chooser, name, list(options)

    def __getitem__(self, index: Any) -> Any:
        options = self.options[int(index)]
        return options[0] if len(options) == 1 else self._chooser.pick(f"{self._name}{int(index)}", options)
