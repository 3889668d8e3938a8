"""What a proof says: properties, reductions, and inputs that depend on each other.

Knows the form of these. Must not know how they are used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

Cause = tuple[int, int]  # value and quality of an input
Image = dict[int, Cause]  # by index


@dataclass(frozen=True)
class Alternative:
    """One way an input can be: what the judged inputs are then, and how to bring it about."""

    sets: dict[str, int]
    flags: frozenset[str] = frozenset()
    cause: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Property:
    """A safety property: `holds` is asked after every scan of every reachable state.

    `shows` names an output that is on after a scan that is wrong, "" if no single output tells.
    """

    id: str
    text: str
    holds: Callable[[Any], Any]
    shows: str = ""


@dataclass(frozen=True)
class Leads:
    """A liveness property: from every reachable state `goal` can be reached by inputs that satisfy `help`.

    Whoever helps chooses the inputs; which of the running timers end first is not theirs to choose.
    """

    id: str
    text: str
    goal: Callable[[Any], Any]
    help: Callable[[Any], Any]


@dataclass(frozen=True)
class Widening:
    """What a search need not tell apart between two scans: where the condition is true, `names` may be anything.

    States are added and none is lost, so what holds, holds; a violation that needs an added state shows when its way
    is replayed. The condition: every field of `when` has one of its values, every field of `unless` none of them; with
    `alike` besides that one of the bits `names` is set, so that it does not matter which.
    """

    names: tuple[str, ...]
    when: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    unless: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    alike: bool = False


@dataclass(frozen=True)
class Reduction:
    """What was left out or merged, and why it hides nothing."""

    what: str
    why: str


class Beats(Protocol):
    """Those whose heartbeats a core listens to, by the names of its timers."""

    timers: tuple[str, ...]
    inputs: tuple[int, ...]  # by index, which a beat moves

    def beat(self, core: Any, image: Image, alive: set[str], wanted: dict[str, int]) -> bytes:
        """Give a beat of each that is to live, in the image or as bytes of the field line, which `core` takes."""


@dataclass(frozen=True)
class Shown:
    """What tells on the bench that the last scan is wrong: one of the outputs, which is on then or off, or an event."""

    outputs: tuple[str, ...] = ()
    is_on: bool = True
    event: str = ""


@dataclass(frozen=True)
class Replay:
    """What a role whose inputs are flags of measurements brings along for its ways to be replayed."""

    scan_ms: int
    plain: Callable[[dict[int, int]], tuple[list[int], Any]]  # settings by index -> all settings, a core with them
    start: Callable[[list[int]], Image]
    image: Callable[[dict[str, int], Image, list[int]], tuple[Image, list[str]]]  # with the names of what it misses
    beats: Callable[[], Beats]
    durations: tuple[dict[int, int], ...]  # settings by index, tried in this order besides those of the way
    shown: dict[str, Shown]  # by property
    stop: str  # the input that, at 0, switches every output of the power path off
    mark: str  # an input whose quality decides nothing: it marks the end of the way in the trace
