"""Small wrong changes of the control cores, put in force in the process that runs the target host.

Knows: which control files a role has, the operators of `make mutants`. Must not know: scenarios.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.mutants.operators import Mutant, make_mutants
from tools.mutants.patch import apply_mutant

_FOLDER = Path(__file__).parents[2] / "firmware/control"


@dataclass(frozen=True, slots=True)
class Change:
    """One changed place of the firmware; `role` is the one it was chosen for."""

    role: str
    file: str
    mutant: Mutant

    @property
    def name(self) -> str:
        return f"{self.role} firmware {self.file}: {self.mutant.key}"

    def apply(self) -> None:
        """Put it in force in this process, for good."""
        apply_mutant(importlib.import_module(f"firmware.control.{Path(self.file).stem}"), self.mutant)


def changes_of(role: str, count: int) -> Sequence[Change]:
    """`count` changes of the files named after the role, evenly spread; the same ones every time."""
    every = [
        Change(role, path.name, mutant)
        for path in sorted(_FOLDER.glob(f"{role}*.py"))
        for mutant in make_mutants(path.read_text(encoding="utf-8"))
    ]
    if count >= len(every):
        return every
    return [every[(2 * number + 1) * len(every) // (2 * count)] for number in range(count)]
