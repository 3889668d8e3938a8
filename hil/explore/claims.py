"""What a proof says: properties, reductions, and inputs that depend on each other.

Knows the form of these. Must not know how they are used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


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
