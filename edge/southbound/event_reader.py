"""Fetches each event of a device once, by its sequence number, and says what was missed; other lists of slots likewise.

Knows: the event ring, boot counts and sequence numbers. Must not know: ports, the journal, what an event means.
An event is identified by its boot count and sequence number; numbers start at 1 at every boot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from edge.poll.merge import READ_REGISTERS_MAX, Block
from protocols.events import SLOT_REGISTERS, read_slot


class Numbered(Protocol):
    """Anything a device numbers."""

    @property
    def sequence(self) -> int:
        """Its number."""
        ...


Item = TypeVar("Item", bound=Numbered)


@dataclass(frozen=True, slots=True)
class DeviceEvent:
    """One event as the device numbered it."""

    sequence: int
    uptime_s: int
    millisecond: int
    code: int
    argument: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Events `first` to `last` were overwritten before they could be read."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Restart:
    """The device started again; `boot_count_before` may equal the new one if its store is faulty."""

    boot_count_before: int


class SlotReader(Generic[Item]):
    """The place in one device's stream of numbered slots. `boot_count` is -1 until the device was ever seen."""

    slot_registers: int

    def __init__(self, ring_address: int, ring_capacity: int, cursor: tuple[int, int] | None) -> None:
        self._ring_address = ring_address
        self._capacity = ring_capacity
        self.boot_count, self.sequence = cursor or (-1, 0)
        self._head = 0

    @property
    def cursor(self) -> tuple[int, int]:
        """Boot count and number of the last event taken."""
        return self.boot_count, self.sequence

    def on_header(self, boot_count: int, head: int) -> list[Restart | Gap]:
        """The device's boot count and newest event number as just read."""
        found: list[Restart | Gap] = []
        is_new = self.boot_count == -1
        if is_new:
            self.sequence = max(0, head - self._capacity)  # what happened before we knew the device is nobody's loss
        elif boot_count != self.boot_count or head < self.sequence:
            found.append(Restart(self.boot_count))
            self.sequence = 0
        self.boot_count, self._head = boot_count, head
        oldest = head - self._capacity + 1
        if self.sequence + 1 < oldest:
            found.append(Gap(self.sequence + 1, oldest - 1))
            self.sequence = oldest - 1
        return found

    def decode(self, raw: bytes, offset: int) -> Item:
        """The slot at byte `offset`."""
        raise NotImplementedError

    def next_block(self) -> Block | None:
        """The read that brings the next events, or None when all were taken."""
        if self.sequence >= self._head:
            return None
        slot = self.sequence % self._capacity  # event n stands in slot n - 1
        count = min(self._head - self.sequence, self._capacity - slot, READ_REGISTERS_MAX // self.slot_registers)
        return Block(self._ring_address + slot * self.slot_registers, count * self.slot_registers, 0)

    def on_ring(self, block: Block, raw: bytes) -> list[Item | Gap]:
        """The slots of `block` as read. A slot that was overwritten meanwhile is a gap; its new event comes later."""
        first = self.sequence + 1
        if block != self.next_block():
            return []  # the device restarted between the request and now
        found: list[Item | Gap] = []
        for index in range(len(raw) // (2 * self.slot_registers)):
            event = self.decode(raw, index * 2 * self.slot_registers)
            expected = first + index
            if event.sequence == expected:
                found.append(event)
            elif found and isinstance(found[-1], Gap):
                found[-1] = Gap(found[-1].first, expected)
            else:
                found.append(Gap(expected, expected))
            self.sequence = expected
        return found


class EventReader(SlotReader[DeviceEvent]):
    """The event ring, which every device has."""

    slot_registers = SLOT_REGISTERS

    def decode(self, raw: bytes, offset: int) -> DeviceEvent:
        """The slot at byte `offset`."""
        return DeviceEvent(*read_slot(raw, offset))
