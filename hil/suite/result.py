"""What came out of running scenarios: one result per scenario and target, and the account of a target.

Knows: verdicts, traces, clocks. Must not know: how a run is made, in which form a result is told.

A result is PASSED, FAILED or BLOCKED; BLOCKED is neither of the others: nothing was shown, and the reasons say why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.words import later, tr
from hil.trace.event import Trace
from hil.trace.logical import logical_digest

PASSED, FAILED, BLOCKED = "PASSED", "FAILED", "BLOCKED"
WORDS = {PASSED: later("PASSED"), FAILED: later("FAILED"), BLOCKED: later("BLOCKED")}  # for people: tr(WORDS[word])
EXIT_PASSED, EXIT_FAILED, EXIT_BAD_INPUT, EXIT_BLOCKED = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Figure:
    """A measurement as told: its value and limits as texts, None where nothing was seen or no limit stands."""

    name: str
    value: str | None
    unit: str
    low: str | None
    high: str | None
    text: str  # all of it, for people
    within: bool


@dataclass(frozen=True, slots=True)
class Result:
    """One scenario on one target. `reasons` are its problems when it failed, else why it is blocked.

    `besides` is what was not as stated in a run that has failed because a device broke down: no news to a reader.
    """

    scenario: str
    target: str
    word: str
    seed: int
    reasons: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    trace: Trace | None = None
    simulated_s: float = 0.0
    wall_s: float = 0.0
    scenario_sha256: str = ""
    besides: tuple[str, ...] = ()

    @property
    def clocks(self) -> str:
        """Both clocks and their ratio."""
        return tell_clocks(self.simulated_s, self.wall_s)

    @property
    def ratio(self) -> float:
        return clock_ratio(self.simulated_s, self.wall_s)

    @property
    def logical(self) -> str:
        """The digest of what must be the same on every target, "" when nothing ran."""
        return "" if self.trace is None else logical_digest(self.trace)


@dataclass(frozen=True, slots=True)
class Account:
    """All results of one target, in the order of the scenarios, and the wall time of the whole run.

    `identity` says what exactly the target ran; empty when it could not be had.
    """

    target: str
    results: tuple[Result, ...]
    wall_s: float
    identity: Mapping[str, str]

    @property
    def clocks(self) -> str:
        """Both clocks and their ratio."""
        return tell_clocks(self.simulated_s, self.wall_s)

    @property
    def ratio(self) -> float:
        return clock_ratio(self.simulated_s, self.wall_s)

    def count(self, word: str) -> int:
        return sum(result.word == word for result in self.results)

    @property
    def simulated_s(self) -> float:
        return sum(result.simulated_s for result in self.results)

    @property
    def digest(self) -> str:
        """SHA-256 over name and logical trace of every scenario that ran; the same on every target."""
        lines = sorted(f"{result.scenario} {result.logical}\n" for result in self.results if result.logical)
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @property
    def exit_code(self) -> int:
        """Failed if any is; blocked when nothing of what was asked for could be shown."""
        if self.count(FAILED):
            return EXIT_FAILED
        return EXIT_PASSED if self.count(PASSED) or not self.results else EXIT_BLOCKED


def clock_ratio(simulated_s: float, wall_s: float) -> float:
    """Simulated seconds in a second of the wall clock, 0 where nothing ran."""
    return simulated_s / wall_s if wall_s else 0.0


def tell_clocks(simulated_s: float, wall_s: float) -> str:
    """`39.8 s simulated in 4.1 s (9.7x)`: both clocks and their ratio."""
    ratio = clock_ratio(simulated_s, wall_s)
    times = tr("{simulated} s simulated in {wall} s", simulated=f"{simulated_s:.1f}", wall=f"{wall_s:.1f}")
    return f"{times} ({ratio:.{0 if ratio >= 10 else 1}f}x)"


def worst(codes: Sequence[int]) -> int:
    """The exit code of parts that each have one."""
    return next((code for code in (EXIT_BAD_INPUT, EXIT_FAILED, EXIT_BLOCKED) if code in codes), EXIT_PASSED)
