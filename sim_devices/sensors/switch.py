"""A limit switch: a cam and a contact with hysteresis, and the ways it goes wrong.

Knows: the boom position it is told. Must not know: the boom, the input it is wired to.
"""

from __future__ import annotations

FAILURES = ("", "stuck_on", "stuck_off", "late")

_LATE = 0.001  # how near to its end stop the boom must be to meet a cam that has slipped


class LimitSwitch:
    """Closes at `on_at` and opens again at `off_at`; `off_at` lies on the side the boom comes from.

    `closed` is the contact. `fail("stuck_on")` welds it, `fail("stuck_off")` breaks its wire, `fail("late")` lets its
    cam slip, so that it closes at the end stop only; `fail("")` repairs it.
    """

    def __init__(self, on_at: float, off_at: float) -> None:
        self.on_at = on_at
        self.off_at = off_at
        self._made = False
        self._at_end = False
        self._failure = ""

    @property
    def closed(self) -> bool:
        if self._failure == "late":
            return self._at_end
        if self._failure:
            return self._failure == "stuck_on"
        return self._made

    def fail(self, kind: str) -> None:
        if kind not in FAILURES:
            raise ValueError(f"limit switch failure {kind!r} is unknown: use one of {', '.join(map(repr, FAILURES))}")
        self._failure = kind

    def sense(self, position: float) -> None:
        """Take the boom position, 0 to 1."""
        threshold = self.off_at if self._made else self.on_at
        rises = self.on_at > self.off_at
        self._made = position >= threshold if rises else position <= threshold
        self._at_end = position >= 1.0 - _LATE if rises else position <= _LATE


def open_limit() -> LimitSwitch:
    return LimitSwitch(on_at=0.985, off_at=0.970)


def closed_limit() -> LimitSwitch:
    return LimitSwitch(on_at=0.015, off_at=0.030)
