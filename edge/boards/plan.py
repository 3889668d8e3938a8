"""What has to be done so that a board holds exactly a set of files: pure.

Knows: paths, hashes, which places of a board's flash are the program's. Must not know: ports, boards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# What the program consists of; all else on a board (provision file, settings, notes) is not touched. The folders
# without a slot are where sets lay before there were slots.
TOPS = ("a", "b", "firmware", "protocols", "main.py", "main.mpy", "slots.mpy", "clock.mpy", "slot.txt", "slot.new")
# A file that was being written when the cable came off.
_UNFINISHED = ".new"
# Written in this order, whatever else comes first: the start last, so that the one that is there finds what it needs.
_LAST = ("slot.txt", "slots.mpy", "clock.mpy", "main.mpy", "main.py")
_BLOCK_SIZE = 4096  # of littlefs on all our boards: a file takes whole blocks

Wanted = Mapping[str, bytes]
"""Path on the board -> its bytes."""


@dataclass(frozen=True, slots=True)
class Held:
    """A file the flash holds: its size and the SHA-256 of its bytes, computed on the board."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Paths to be written, in order; paths that do not belong there; how many are right already."""

    write: tuple[str, ...]
    stale: tuple[str, ...]
    kept: int

    @property
    def is_empty(self) -> bool:
        """Whether the board holds it all, and nothing else."""
        return not self.write and not self.stale


def tops(wanted: Wanted) -> list[str]:
    """Where on a board to look: every place of the program, and what may have stayed unfinished at the top."""
    places = {*TOPS, *(path.partition("/")[0] for path in wanted)}
    return sorted({*places, *(place + _UNFINISHED for place in places if "." in place)})


def make_plan(wanted: Wanted, held: Mapping[str, Held]) -> Plan:
    """What to do about `held`, the files below `tops`."""
    wrong = [path for path, data in wanted.items() if not is_held(data, held.get(path))]
    order = sorted(wrong, key=lambda path: (_LAST.index(path) + 1 if path in _LAST else 0, path))
    return Plan(tuple(order), tuple(sorted(held.keys() - wanted.keys())), len(wanted) - len(wrong))


def differences(wanted: Wanted, held: Mapping[str, Held]) -> list[str]:
    """Paths where the board does not hold what it should, or something it should not."""
    return sorted([*make_plan(wanted, held).write, *make_plan(wanted, held).stale])


def is_held(data: bytes, held: Held | None) -> bool:
    """Whether the board's file is `data`."""
    return held is not None and held.size == len(data) and held.sha256 == hashlib.sha256(data).hexdigest()


def space_of(sizes: Sequence[int]) -> int:
    """Bytes of flash that files of these sizes take."""
    return sum(-(-size // _BLOCK_SIZE) * _BLOCK_SIZE for size in sizes)
