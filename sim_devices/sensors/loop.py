"""An induction loop with its detector: how much metal covers it, pick-up and drop-out delay, failures.

Knows: the covered length in metres. Must not know: trucks, the input it is wired to.
"""

from __future__ import annotations

FAILURES = ("", "stuck", "silent", "open", "test_ignored")


class InductionLoop:
    """`occupied` is the detector's vehicle output, `fault` its fault output (wire open).

    The test input makes the detector see a vehicle, with its usual delays.

    Failures: "stuck" = occupied for ever; "silent" = never sees anything and says nothing is wrong; "open" = wire
    broken: reports a fault and, being fail-safe, a vehicle; "test_ignored" = works but never answers its test;
    "" = repaired.
    """

    def __init__(self, pick_up_s: float = 0.05, drop_out_s: float = 0.10, threshold_m: float = 0.4) -> None:
        self.pick_up_s = pick_up_s
        self.drop_out_s = drop_out_s
        self._threshold_m = threshold_m
        self._felt = False
        self._differs_s = 0.0
        self._failure = ""

    @property
    def occupied(self) -> bool:
        if self._failure in ("", "test_ignored"):
            return self._felt
        return self._failure != "silent"

    @property
    def fault(self) -> bool:
        return self._failure == "open"

    def fail(self, kind: str) -> None:
        if kind not in FAILURES:
            raise ValueError(f"loop failure {kind!r} is unknown: use one of {', '.join(map(repr, FAILURES))}")
        self._failure = kind

    def advance(self, dt_s: float, covered_m: float, test: bool = False) -> None:
        """Take the metal length over the loop, and the test input, seen for the last `dt_s`."""
        metal = covered_m >= self._threshold_m or (test and self._failure != "test_ignored")
        if metal == self._felt:
            self._differs_s = 0.0
            return
        self._differs_s += dt_s
        if self._differs_s >= (self.pick_up_s if metal else self.drop_out_s) - 1e-9:
            self._felt, self._differs_s = metal, 0.0
