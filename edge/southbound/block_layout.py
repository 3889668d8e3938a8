"""Where the tags of a device lie in one block read, and how its bytes become their raw values, all at once.

Knows: tags, their types, byte and word order. Must not know: when a block is read, what changed, what values mean.
A block is decoded by one gather and one unpack, whatever its tags look like, because this is done for every read.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter

from edge.model import Value
from edge.poll.merge import BIT_TABLES, Block
from protocols.registers.tag import Tag

BIG_ENDIAN = "big"
_CODES = {
    "uint16": "H",
    "enum16": "H",
    "bitfield16": "H",
    "bool": "H",
    "int16": "h",
    "uint32": "I",
    "int32": "i",
    "uint64": "Q",
    "int64": "q",
    "float32": "f",
    "float64": "d",
}


class BlockLayout:
    """The tags of one block. `indexes` are their places among all tags of the device, ascending."""

    def __init__(self, block: Block, tags: Sequence[Tag], indexes: Sequence[int]) -> None:
        """`tags` is all of the device; those at `indexes` lie whole in `block`."""
        self.block = block
        self.indexes = _as_range(indexes)
        mine = [tags[index] for index in self.indexes]
        self.names = tuple(tag.name for tag in mine)
        bands = tuple(tag.deadband / 10**tag.sf for tag in mine)  # compared with raw values
        self.deadbands = bands if any(bands) else ()
        self._decode = _bit_decoder(block, mine) if block.table in BIT_TABLES else _register_decoder(block, mine)

    def values(self, raw: bytes) -> tuple[Value, ...]:
        """The raw values in the order of `indexes`; `raw` is what the answer carried for the block."""
        return self._decode(raw)


def make_layouts(blocks: Sequence[Block], tags: Sequence[Tag]) -> dict[tuple[str, int, int], BlockLayout]:
    """A layout per block by `block_key`; a tag that lies in several belongs to the first."""
    taken: set[int] = set()
    layouts: dict[tuple[str, int, int], BlockLayout] = {}
    for block in blocks:
        if block_key(block) in layouts:
            continue
        inside = [index for index, tag in enumerate(tags) if index not in taken and _is_inside(tag, block)]
        taken.update(inside)
        layouts[block_key(block)] = BlockLayout(block, tags, inside)
    return layouts


def block_key(block: Block) -> tuple[str, int, int]:
    """What tells a read from others of its device, at whatever period it is done."""
    return block.table, block.address, block.count


def _is_inside(tag: Tag, block: Block) -> bool:
    return tag.table == block.table and block.address <= tag.address and tag.address + tag.count <= block.end


def _as_range(indexes: Sequence[int]) -> Sequence[int]:
    if indexes and indexes[-1] - indexes[0] == len(indexes) - 1:
        return range(indexes[0], indexes[-1] + 1)
    return tuple(indexes)


def _bit_decoder(block: Block, tags: Sequence[Tag]) -> Callable[[bytes], tuple[Value, ...]]:
    places = [tag.address - block.address for tag in tags]

    def decode(raw: bytes) -> tuple[Value, ...]:
        bits = int.from_bytes(raw, "little")  # MODBUS Application Protocol V1.1b3, 6.1: the first bit is the lowest
        return tuple([bool(bits >> place & 1) for place in places])

    return decode


def _register_decoder(block: Block, tags: Sequence[Tag]) -> Callable[[bytes], tuple[Value, ...]]:
    wanted = [place for tag in tags for place in _byte_places(tag, tag.address - block.address)]
    unpack = struct.Struct(">" + "".join(_code(tag) for tag in tags)).unpack
    gather = None if wanted == list(range(2 * block.count)) or not wanted else itemgetter(*wanted)
    finish = _finishers(tags)

    def decode(raw: bytes) -> tuple[Value, ...]:
        values: tuple[Value, ...] = unpack(bytes(gather(raw)) if gather else raw if wanted else b"")
        return _finished(values, finish) if finish else values

    return decode


def _code(tag: Tag) -> str:
    return _CODES.get(tag.type) or f"{2 * tag.count}s"


def _byte_places(tag: Tag, register: int) -> list[int]:
    """Where the bytes of a value stand, most significant first."""
    registers = list(range(register, register + tag.count))
    if tag.word_order != BIG_ENDIAN:
        registers.reverse()
    high, low = (0, 1) if tag.byte_order == BIG_ENDIAN else (1, 0)
    return [2 * place + half for place in registers for half in (high, low)]


def _finishers(tags: Sequence[Tag]) -> Mapping[int, Callable[[Value], Value]]:
    """What some values still need, by their place."""
    kinds: dict[str, Callable[[Value], Value]] = {"text": _text, "bool": bool, "float32": _finite, "float64": _finite}
    return {place: kinds[tag.type] for place, tag in enumerate(tags) if tag.type in kinds}


def _finished(values: Sequence[Value], finish: Mapping[int, Callable[[Value], Value]]) -> tuple[Value, ...]:
    found = list(values)
    for place, convert in finish.items():
        found[place] = convert(found[place])
    return tuple(found)


def _finite(value: Value) -> Value:
    """Devices say "no measurement" by NaN or infinity, which no receiver of a value knows how to take."""
    return value if isinstance(value, float) and math.isfinite(value) else None


def _text(value: Value) -> Value:
    """Up to the first zero byte; what is no ASCII is shown as its hexadecimal code."""
    data = value if isinstance(value, bytes) else b""
    return data.split(b"\0")[0].decode("ascii", "backslashreplace").strip()
