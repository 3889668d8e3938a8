"""Bytes to and from a board's console, with deadlines on the wire's own clock.

Knows how mpremote's transport asks for bytes (`inWaiting`, `read`, `write`). Must not know ports or what is said.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from edge.boards.files import BoardError
from edge.words import tr

READ_TIMEOUT_S = 10.0
# A board that prints without end is not collected for ever: this much, then only what may begin the ending.
_PENDING_MAX = 1 << 16


class SilentError(BoardError):
    """Nothing came in time."""


class GoneError(BoardError):
    """The port went away: the cable, or a board that resets and takes its USB along."""


class Wire(ABC):
    """One console. `name` is what people call it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._pending = bytearray()

    @property
    @abstractmethod
    def now_s(self) -> float:
        """The clock that deadlines of this wire are on."""

    @abstractmethod
    def receive(self, timeout_s: float) -> bytes:
        """What came, waited for at most so long. Raises GoneError."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Send all of it. Raises GoneError."""

    @abstractmethod
    def close(self) -> None:
        """Leave the port; never raises."""

    def inWaiting(self) -> int:  # mpremote calls it so
        """How many bytes `read` would give at once."""
        self._pending += self.receive(0)
        return len(self._pending)

    def read(self, count: int = 1) -> bytes:
        """Exactly `count` bytes. Raises SilentError after READ_TIMEOUT_S."""
        deadline_s = self.now_s + READ_TIMEOUT_S
        while len(self._pending) < count:
            self._fill(deadline_s)
        data = bytes(self._pending[:count])
        del self._pending[:count]
        return data

    def take_until(self, ending: bytes, timeout_s: float) -> bytes:
        """Everything until `ending`, with it. Raises SilentError when it has not come after `timeout_s`."""
        deadline_s = self.now_s + timeout_s
        while (at := self._pending.find(ending)) < 0:
            if len(self._pending) > _PENDING_MAX:
                del self._pending[: -len(ending)]
            self._fill(deadline_s)
        data = bytes(self._pending[: at + len(ending)])
        del self._pending[: at + len(ending)]
        return data

    def drop(self) -> None:
        """Forget what has come."""
        self.receive(0)
        self._pending.clear()

    def _fill(self, deadline_s: float) -> None:
        left_s = deadline_s - self.now_s
        data = self.receive(max(left_s, 0.0))
        if not data and left_s <= 0:
            said = bytes(self._pending[-40:])
            raise SilentError(
                tr("{port}: the board does not answer (last heard: {said}); run it again", port=self.name, said=said)
            )
        self._pending += data
