"""Which mutants are tried together: those that are believed to change nothing, many at a time.

Knows which mutants may be in force side by side: one per function, one constant per module. Must not know tests. A
group that no test notices is taken as such for each of its members; one that a test notices is halved until the members
stand alone. Two members that undo each other could hide that way, so only mutants with a reason in equivalent.toml come
here: what is lost at worst is a needless entry of that list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

from tools.mutants.operators import Mutant


@dataclass(frozen=True)
class Target:
    """One mutant of one module; `killer` is the test that killed it in a former run, "" if that is not known.

    `is_excused`: it stands in equivalent.toml.
    """

    module: ModuleType
    mutant: Mutant
    killer: str = ""
    is_excused: bool = False

    @property
    def file(self) -> str:
        """The module's file."""
        return str(self.module.__file__)


def make_groups(targets: Sequence[Target]) -> list[list[int]]:
    """Places in `targets`, each in one group: big groups of excused ones first, then every other one alone."""
    groups: list[list[int]] = []
    taken: list[set[tuple[str, str]]] = []
    for place, target in enumerate(targets):
        if not target.is_excused:
            continue
        slot = (target.file, target.mutant.scope)
        number = next((number for number, slots in enumerate(taken) if slot not in slots), len(groups))
        if number == len(groups):
            groups.append([])
            taken.append(set())
        groups[number].append(place)
        taken[number].add(slot)
    return groups + [[place] for place, target in enumerate(targets) if not target.is_excused]


def halve(group: list[int]) -> list[list[int]]:
    """Two groups of a group of more than one."""
    middle = len(group) // 2
    return [group[:middle], group[middle:]]
