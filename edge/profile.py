"""A device of somebody else's, as a profile file describes it: its points as tags, and how they may be read.

Knows: the shape of a profile and the reads it comes to. Must not know: files, lines, values. The file's keys are in
edge/profile_table.py, how one is read and checked in edge/profile_load.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.poll.merge import Block, Point, merge_points
from protocols.registers.tag import Tag


@dataclass(frozen=True, slots=True)
class Profile:
    """A checked profile. `tags` are in the order of table and address, `periods_ms` beside them."""

    name: str
    tags: tuple[Tag, ...]
    periods_ms: tuple[int, ...]
    registers_max: int
    gap_max: int

    def blocks(self) -> list[Block]:
        """The reads that bring every point at its period."""
        points = [
            Point(tag.address, tag.count, period_ms, tag.table)
            for tag, period_ms in zip(self.tags, self.periods_ms, strict=True)
        ]
        return merge_points(points, self.gap_max, self.registers_max)
