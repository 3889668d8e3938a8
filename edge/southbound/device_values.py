"""The newest values of one device: what the lanes look at, and the reports of what changed.

Knows: layouts, raw values, qualities. Must not know: when blocks are read, what a role is, where reports go.
A read is kept as one tuple; a `TagValue` comes into being when somebody asks for it, because at 30,000 values a second
nobody looks at most of them one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from operator import ne
from typing import NamedTuple

from edge.model import DeviceImage, Quality, Report, Stamp, TagValue, Value
from edge.poll.merge import Block
from edge.southbound.block_layout import block_key, make_layouts
from protocols.registers.tag import Tag

STALE_PERIODS = 3
STALE_MIN_MS = 1000  # a neighbour's time-out on the same line makes nothing uncertain
NOT_A_NUMBER = "the device sends no number"


class BlockRead(NamedTuple):
    """One block as it was read last; `reason` is empty when the quality is good."""

    raw: bytes
    values: tuple[Value, ...]
    stamp: Stamp
    quality: Quality = Quality.GOOD
    reason: str = ""


class TagSnapshot(Mapping[str, TagValue]):
    """The tags of a device by name, as of one moment; made for every read, so it only points at what was read."""

    __slots__ = ("_places", "_reads")

    def __init__(self, places: Mapping[str, tuple[int, int, str]], reads: tuple[BlockRead | None, ...]) -> None:
        """`places` are (number of the block, place in it, unit) by name."""
        self._places = places
        self._reads = reads

    def __getitem__(self, name: str) -> TagValue:
        block, place, unit = self._places[name]
        read = self._reads[block]
        if read is None:
            raise KeyError(name)
        value, quality, reason = read.values[place], read.quality, read.reason
        if value is None and quality is not Quality.BAD:
            quality, reason = Quality.BAD, NOT_A_NUMBER
        stamp = read.stamp
        return TagValue(value, quality, reason, stamp.wall_ms, stamp.mono_ms, unit, stamp.clock)

    def __iter__(self) -> Iterator[str]:
        return (name for name, place in self._places.items() if self._reads[place[0]] is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class DeviceValues:
    """Takes reads, gives images and reports. `tags` is the tuple that a report's indexes point into."""

    def __init__(self, device: str, tags: tuple[Tag, ...], blocks: Sequence[Block]) -> None:
        self.tags = tags
        self.image = DeviceImage(device)
        self.reports: list[Report] = []
        self._device = device
        layouts = make_layouts(blocks, tags)
        self._layouts = list(layouts.values())
        self._numbers = {key: number for number, key in enumerate(layouts)}
        self._reads: list[BlockRead | None] = [None] * len(layouts)
        self._told: list[tuple[Value, ...] | None] = [None] * len(layouts)  # what the reports said last, None: nothing
        self._places = {
            name: (number, place, tags[layout.indexes[place]].units)
            for number, layout in enumerate(self._layouts)
            for place, name in enumerate(layout.names)
        }

    def number_of(self, block: Block) -> int:
        """The number of a block given to the constructor; KeyError is a program error."""
        return self._numbers[block_key(block)]

    def find(self, block: Block) -> int | None:
        """The number of a block, None for one that holds no tags of this device."""
        return self._numbers.get(block_key(block))

    def address_of(self, number: int) -> int:
        """Where a block begins."""
        return self._layouts[number].block.address

    def decode(self, number: int, raw: bytes, stamp: Stamp) -> BlockRead:
        """What was read of a block; nothing is decoded that stands there already."""
        last = self._reads[number]
        values = last.values if last is not None and last.raw == raw else self._layouts[number].values(raw)
        return BlockRead(raw, values, stamp)

    def named(self, number: int, read: BlockRead) -> dict[str, Value]:
        """The values of a read by the names of their tags."""
        return dict(zip(self._layouts[number].names, read.values, strict=True))

    def publish(self, number: int, read: BlockRead, at: Stamp | None = None) -> None:
        """`read` is what is known of the block now; what changed is reported, as of `at` or else of the read."""
        last, self._reads[number] = self._reads[number], read
        told, stamp = self._told[number], at or read.stamp
        is_same_quality = last is not None and last.quality is read.quality and last.reason == read.reason
        if told is None or not is_same_quality:
            self._told[number] = read.values
            self._tell(read, stamp, self._layouts[number].indexes, read.values)
        elif told is not read.values:
            self._tell_changes(number, read, stamp, told)

    def show(self, hub_time_ms: int) -> None:
        """Make the image of what was published; the device answers."""
        self.image = DeviceImage(self._device, True, "", hub_time_ms, TagSnapshot(self._places, tuple(self._reads)))

    def lose(self, reason: str) -> None:
        """The device no longer answers, or is the wrong one: every value turns bad, and all of them are told again."""
        self._reads = [read and read._replace(quality=Quality.BAD, reason=reason) for read in self._reads]
        self._told = [None] * len(self._told)
        tags = TagSnapshot(self._places, tuple(self._reads))
        self.image = DeviceImage(self._device, False, reason, self.image.hub_time_ms, tags)

    def degrade(self, number: int, quality: Quality, reason: str, stamp: Stamp) -> None:
        """What was read of a block last is doubtful or bad now; its values and their time stay."""
        read = self._reads[number]
        if read is not None and (read.quality, read.reason) != (quality, reason):
            self.publish(number, read._replace(quality=quality, reason=reason), stamp)

    def refuse(self, number: int, reason: str, stamp: Stamp) -> None:
        """The device answers, but not this block: its values are bad, those it never gave too."""
        if self._reads[number] is None:
            nothing = (None,) * len(self._layouts[number].names)
            self.publish(number, BlockRead(b"", nothing, stamp, Quality.BAD, reason))
        self.degrade(number, Quality.BAD, reason, stamp)

    def age(self, now: Stamp) -> bool:
        """Make uncertain what is good and was not read for STALE_PERIODS of its periods; whether anything was."""
        found = False
        for number, read in enumerate(self._reads):
            period_ms = self._layouts[number].block.period_ms
            limit_ms = max(STALE_PERIODS * period_ms, STALE_MIN_MS)
            if read is not None and read.quality is Quality.GOOD and now.mono_ms - read.stamp.mono_ms > limit_ms:
                reason = f"not read for {limit_ms} ms, wanted every {period_ms} ms"
                self.degrade(number, Quality.UNCERTAIN, reason, now)
                found = True
        return found

    def _tell_changes(self, number: int, read: BlockRead, stamp: Stamp, told: tuple[Value, ...]) -> None:
        layout = self._layouts[number]
        bands = layout.deadbands
        flags = _moved(told, read.values, bands) if bands else list(map(ne, told, read.values))
        count = sum(flags)
        if count == len(flags):
            self._told[number] = read.values
            self._tell(read, stamp, layout.indexes, read.values)
        elif count:
            self._told[number] = _merged(told, read.values, flags) if bands else read.values
            self._tell(read, stamp, list(compress(layout.indexes, flags)), list(compress(read.values, flags)))

    def _tell(self, read: BlockRead, stamp: Stamp, indexes: Sequence[int], values: Sequence[Value]) -> None:
        if indexes:
            self.reports.append(
                Report(self._device, indexes, values, read.quality, read.reason, stamp.wall_ms, stamp.clock)
            )


def _merged(told: Sequence[Value], values: Sequence[Value], flags: Sequence[bool]) -> tuple[Value, ...]:
    """What was told, with the new values where `flags` say so."""
    return tuple(new if flag else old for old, new, flag in zip(told, values, flags, strict=True))


def _moved(told: Sequence[Value], values: Sequence[Value], deadbands: Sequence[float]) -> list[bool]:
    """Which values are no longer within their deadband, which is in raw numbers here."""
    return [
        abs(new - old) >= band if band and isinstance(new, int | float) and isinstance(old, int | float) else new != old
        for old, new, band in zip(told, values, deadbands, strict=True)
    ]
