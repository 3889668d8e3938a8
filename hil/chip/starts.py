"""Cards that have just started, for runs to begin with: of all runs that begin alike only one waits for the start.

Knows: what a start depends on, and that a forked copy of this process may use up what lies here. Must not know:
scenarios, rigs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from hil.chip.carrier import Carrier
from hil.chip.child import in_child
from hil.chip.emulator import Chip
from hil.chip.lockstep import LockstepCard
from hil.targets.target import BlockedError, Provision, TargetError

KEPT = 24  # some 20 MB each; more than a run has devices
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Start:
    """All that a first start depends on: two that are equal end in the same state, to the microsecond."""

    uf2: Path
    provision: Provision
    image: bytes
    inputs: tuple[int, ...]
    qualities: tuple[int, ...]
    begun_us: int

    def make(self) -> LockstepCard:
        """Put power on and wait for the start; raises TargetError and BlockedError."""
        card = LockstepCard(Carrier(Chip(self.uf2, self.image), self.provision), self.begun_us)
        card.set_inputs(self.inputs, self.qualities)
        card.boot()
        return card


class UnmadeError(Exception):
    """A copy of this process needs a start that has not been made; the argument is the start."""


class Starts:
    """`take` a card that has started. In what `run_apart` runs, starts are found that any run before has needed."""

    def __init__(self) -> None:
        self._made: dict[Start, LockstepCard | TargetError | BlockedError] = {}
        self._is_copy = False

    def take(self, start: Start) -> LockstepCard:
        """A card for the caller alone; raises what `Start.make` raises, and UnmadeError out of a copy."""
        if not self._is_copy:
            return start.make()
        if start not in self._made:
            raise UnmadeError(start)
        found = self._made.pop(start)
        if isinstance(found, Exception):
            raise found
        return found

    def run_apart(self, work: Callable[[], _Result]) -> _Result:
        """What `work` returns in a forked copy of this process; it begins anew there after each start that is made."""

        def work_in_copy() -> _Result:
            self._is_copy = True
            return work()

        while True:
            try:
                return in_child(work_in_copy)
            except UnmadeError as error:
                (start,) = error.args
                if len(self._made) == KEPT:
                    del self._made[next(iter(self._made))]
                self._made[start] = _outcome(start)


def _outcome(start: Start) -> LockstepCard | TargetError | BlockedError:
    try:
        return start.make()
    except (TargetError, BlockedError) as error:
        return error
