"""The console while the control runs: everything said there is read and dropped, but for the phrase.

Knows the interpreter's standard input. Must not know what maintenance is, nor answer: with a half-open USB terminal
an answer would keep the control waiting.
"""

import select
import sys

from protocols.compat import const
from protocols.console import PhraseFinder

# Looked at once in so many turns of the loop, which makes at least one per scan; and so many bytes at a time, since
# somebody may talk without end.
_TURNS = const(8)
_BYTES_MAX = const(32)


class Console:
    """One per board. Allocates nothing after it was made."""

    def __init__(self) -> None:
        self._finder = PhraseFinder()
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)
        self._byte = bytearray(1)
        self._turn = 0

    def asks_for_maintenance(self) -> bool:
        """Tell whether the phrase ended just now; one that was said while nobody could grant it is forgotten."""
        self._turn = (self._turn + 1) & (_TURNS - 1)
        if self._turn:
            return False
        asks = False
        for _ in range(_BYTES_MAX):
            if not self._has_byte():
                break
            sys.stdin.buffer.readinto(self._byte)
            asks = self._finder.on_byte(self._byte[0]) or asks
        return asks

    def _has_byte(self) -> bool:
        for _ in self._poll.ipoll(0):
            return True
        return False
