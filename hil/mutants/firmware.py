"""Small wrong changes of the control cores, put in force in the process that runs the target host.

Knows: which control files a role has, the operators of `make mutants` and its list of those that do the same. Must not
know: scenarios.

A change that nobody who meets a running device could tell is not worth a try: one of that list, of what only the
explorer calls, of a first value that the first scans write anew, or one that ends the program in them.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from hil.mutants.first_scan import ends_at_once, tells_nothing
from tools.mutants.equivalent import load_equivalent
from tools.mutants.operators import Mutant, make_mutants
from tools.mutants.patch import apply_mutant

_FOLDER = Path(__file__).parents[2] / "firmware/control"
# A core is written down and put back by the explorer only (docs/explorer.md), and so are what these constants measure.
_SNAPSHOT = (
    "save",
    "load",
    "save_memory",
    "load_memory",
    "SAVE_SIZE",
    "SAVED_SIZE",
    "MEMORY_SIZE",
    "_FORMAT_VERSION",
    "FORMAT_VERSION",
)

# Where first values are given: constructors and what they alone call.
_FIRST_VALUES = ("__init__", "_start_results")


@dataclass(frozen=True, slots=True)
class Change:
    """One changed place of the firmware; `role` is the one it was chosen for."""

    role: str
    file: str
    mutant: Mutant

    @property
    def name(self) -> str:
        return f"{self.role} firmware {self.file}: {self.mutant.key}"

    @property
    def module(self) -> ModuleType:
        return importlib.import_module(f"firmware.control.{Path(self.file).stem}")

    def apply(self) -> None:
        """Put it in force in this process, for good."""
        apply_mutant(self.module, self.mutant)


def changes_of(role: str, count: int) -> Sequence[Change]:
    """`count` changes worth a try of the files named after the role, evenly spread; the same ones every time."""
    every = [change for change in every_change(role) if not is_left_out(change)]
    if count >= len(every):
        return [change for change in every if _can_be_told(change)]
    parts = [every[number * len(every) // count : (number + 1) * len(every) // count] for number in range(count)]
    chosen = (next(filter(_can_be_told, _from_the_middle(part)), None) for part in parts)
    return [change for change in chosen if change]


def every_change(role: str) -> Iterator[Change]:
    """All of them, in the order of the sources."""
    for path in sorted(_FOLDER.glob(f"{role}*.py")):
        for mutant in make_mutants(path.read_text(encoding="utf-8")):
            yield Change(role, path.name, mutant)


def is_left_out(change: Change) -> bool:
    """By its name: it does the same as the original, or is in what only the explorer calls."""
    name = (change.mutant.scope or change.mutant.constant).rpartition(".")[2]
    return name in _SNAPSHOT or f"{change.file}: {change.mutant.key}" in load_equivalent()


def _can_be_told(change: Change) -> bool:
    """Whether a device with it outlives its first scans and is another one afterwards."""
    if not change.mutant.scope:
        return True
    words = change.role, change.module, change.mutant
    if ends_at_once(*words):
        return False
    return not change.mutant.scope.endswith(_FIRST_VALUES) or not tells_nothing(*words)


def _from_the_middle(part: Sequence[Change]) -> Sequence[Change]:
    middle = len(part) // 2
    return [*part[middle:], *reversed(part[:middle])]
