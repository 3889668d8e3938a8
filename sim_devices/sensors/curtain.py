"""A light curtain with a normally closed output and a test input.

Knows: whether a beam is blocked. Must not know: trucks, the input it is wired to.
"""

from __future__ import annotations

FAILURES = ("", "test_ignored", "blinded", "dazzled")


class LightCurtain:
    """`clear` is the output: energised while every beam arrives. The test input makes it go dark after a delay.

    Failures: "test_ignored" = works but never answers its test; "blinded" = dirt or a dead emitter, always dark;
    "dazzled" = foreign light, always clear, test included; "" = repaired.
    """

    def __init__(self, response_s: float = 0.02) -> None:
        self.response_s = response_s
        self._clear = True
        self._differs_s = 0.0
        self._failure = ""

    @property
    def clear(self) -> bool:
        if self._failure in ("blinded", "dazzled"):
            return self._failure == "dazzled"
        return self._clear

    def fail(self, kind: str) -> None:
        if kind not in FAILURES:
            raise ValueError(f"curtain failure {kind!r} is unknown: use one of {', '.join(map(repr, FAILURES))}")
        self._failure = kind

    def advance(self, dt_s: float, blocked: bool, test: bool) -> None:
        """Take what stood between the beams, and the test input, for the last `dt_s`."""
        dark = blocked or (test and self._failure != "test_ignored")
        if dark != self._clear:
            self._differs_s = 0.0
            return
        self._differs_s += dt_s
        if self._differs_s >= self.response_s - 1e-9:
            self._clear, self._differs_s = not dark, 0.0
