"""Points into block reads: neighbours of one unit, table and period share a request.

Knows: the limit of a read and what a gap costs. Must not know: what the registers mean, or when they are read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

READ_REGISTERS_MAX = 125  # MODBUS Application Protocol V1.1b3, 6.3 and 6.4
READ_BITS_MAX = 2000  # 6.1 and 6.2
INPUT_REGISTER = "input_register"
HOLDING_REGISTER = "holding_register"
COIL = "coil"
DISCRETE_INPUT = "discrete_input"
TABLES = (INPUT_REGISTER, HOLDING_REGISTER, COIL, DISCRETE_INPUT)
BIT_TABLES = (COIL, DISCRETE_INPUT)
GAP_REGISTERS_MAX = 12  # a request of its own costs 8 + 5 bytes, two silences and a turnaround: about 12 registers


@dataclass(frozen=True, slots=True)
class Point:
    """`count` registers or bits of a table from the 0-based wire `address`, wanted every `period_ms`."""

    address: int
    count: int
    period_ms: int
    table: str = INPUT_REGISTER


@dataclass(frozen=True, slots=True)
class Block:
    """One read of registers or bits, wanted every `period_ms`."""

    address: int
    count: int
    period_ms: int
    table: str = INPUT_REGISTER

    @property
    def end(self) -> int:
        """The first address behind the block."""
        return self.address + self.count


def merge_points(
    points: Iterable[Point], gap_max: int = GAP_REGISTERS_MAX, registers_max: int = READ_REGISTERS_MAX
) -> list[Block]:
    """The fewest blocks that cover `points` without bridging more than `gap_max` unwanted registers at a time.

    Points of different tables or periods are never merged: the slow ones would be read at the pace of the fast ones.
    Bits take a sixteenth of a register's room, and their gaps and limits are as much wider.
    """
    blocks: list[Block] = []
    for point in sorted(points, key=lambda point: (point.period_ms, point.table, point.address)):
        last = blocks[-1] if blocks else None
        scale = READ_BITS_MAX // READ_REGISTERS_MAX if point.table in BIT_TABLES else 1
        if last is not None and _may_join(last, point, gap_max * scale, registers_max * scale):
            end = max(last.end, point.address + point.count)
            blocks[-1] = Block(last.address, end - last.address, last.period_ms, last.table)
        else:
            blocks.append(Block(point.address, point.count, point.period_ms, point.table))
    return blocks


def _may_join(block: Block, point: Point, gap_max: int, count_max: int) -> bool:
    end = max(block.end, point.address + point.count)
    return (
        block.period_ms == point.period_ms
        and block.table == point.table
        and point.address - block.end <= gap_max
        and end - block.address <= count_max
    )
