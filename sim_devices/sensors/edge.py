"""A safety edge on the boom with its evaluation unit: a normally closed output and a test input.

Knows: whether the rubber is pressed. Must not know: the boom, the input it is wired to.
"""

from __future__ import annotations

FAILURES = ("", "test_ignored", "silent", "open")


class SafetyEdge:
    """`ok` is the output: energised while nothing presses. A press shows at once, a test after a delay.

    Failures: "test_ignored" = works but never answers its test; "silent" = reports neither press nor test; "open" =
    wire broken: reports a press for ever; "" = repaired.
    """

    def __init__(self, response_s: float = 0.02) -> None:
        self.response_s = response_s
        self._pressed = False
        self._tested = False
        self._differs_s = 0.0
        self._failure = ""

    @property
    def ok(self) -> bool:
        if self._failure in ("silent", "open"):
            return self._failure == "silent"
        return not (self._pressed or self._tested)

    def fail(self, kind: str) -> None:
        if kind not in FAILURES:
            raise ValueError(f"edge failure {kind!r} is unknown: use one of {', '.join(map(repr, FAILURES))}")
        self._failure = kind

    def advance(self, dt_s: float, pressed: bool, test: bool) -> None:
        """Take what pressed, and the test input, for the last `dt_s`."""
        self._pressed = pressed
        answers = test and self._failure != "test_ignored"
        if answers == self._tested:
            self._differs_s = 0.0
            return
        self._differs_s += dt_s
        if self._differs_s >= self.response_s - 1e-9:
            self._tested, self._differs_s = answers, 0.0
