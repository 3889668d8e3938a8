"""What stands in the place of a core's lists and its event ring while it is watched.

Knows fields and the recorder. Must not know roles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hil.explore.values import Field, Recorder


class WatchedList(list[Any]):
    """A list whose items are fields."""

    def __init__(self, recorder: Recorder, items: Sequence[Field]) -> None:
        super().__init__([0] * len(items))
        self._recorder = recorder
        self.items = items

    def __getitem__(self, index: Any) -> Any:
        return self._recorder.read(self.items[int(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self._recorder.write(self.items[int(index)], value)

    def __iter__(self) -> Any:
        return (self._recorder.read(item) for item in self.items)


class Hoisted:
    """What a hoisted call returned, for the call it was an argument of."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.items: dict[str, Field] = {}

    def __getitem__(self, name: str) -> Any:
        return self._recorder.read(self.items[name])

    def __setitem__(self, name: str, value: Any) -> None:
        self._recorder.write(self.items[name], value)


class SilentRing:
    """An event ring that keeps nothing: events are told, never asked."""

    def __init__(self) -> None:
        self.head = 0
        self.uptime_s = 0
        self.millisecond = 0

    def push(self, code: Any, argument: Any) -> None:
        """Take an event."""
