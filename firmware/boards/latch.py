"""The outputs of a board that has no output card of its own: values with an age, safe when nobody refreshes them.

Knows the outputs port and its maximum age. Must not know where the values go; the board takes them from `values`.
"""

from firmware.ports import OUTPUT_AGE_MAX_MS, NullOutputs
from protocols.compat import ticks_diff


class OutputLatch(NullOutputs):
    """`values` are the outputs as driven now; `changes` moves with every change, wrapping at 2**16.

    `is_expired` is True while the safe values are driven because the scan did not refresh the outputs.
    """

    def __init__(self) -> None:
        self.values: list[int] = []
        self.changes = 0
        self.is_expired = True
        self._safe: list[int] = []
        self._written_ms = 0

    def define_safe(self, values: list[int]) -> None:
        """Size the latch by the role's safe values and drive them."""
        self._safe = list(values)
        self.values = list(values)
        self.is_expired = True

    def write(self, values: list[int], now_ms: int) -> bool:
        """Drive `values`."""
        self._written_ms = now_ms
        self.is_expired = False
        self._drive(values)
        return True

    def expire(self, now_ms: int) -> bool:
        """Drive the safe values if the last write is too old, or lies in the future: then its age is not known."""
        age_ms = ticks_diff(now_ms, self._written_ms)
        if not self.is_expired and (age_ms > OUTPUT_AGE_MAX_MS or age_ms < 0):
            self.is_expired = True
            self._drive(self._safe)
        return self.is_expired

    def _drive(self, values: list[int]) -> None:
        for index in range(len(self.values)):
            if self.values[index] != values[index]:
                self.values[index] = values[index]
                self.changes = (self.changes + 1) & 0xFFFF
