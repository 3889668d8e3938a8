"""Event numbers: nothing twice, nothing silently missed."""

from edge.southbound.event_reader import DeviceEvent, EventReader, Gap, Restart
from protocols.events import SLOT_SIZE, write_slot

_RING, _CAPACITY = 256, 32


def _raw(*sequences: int) -> bytes:
    buffer = bytearray(SLOT_SIZE * len(sequences))
    for index, sequence in enumerate(sequences):
        write_slot(buffer, index * SLOT_SIZE, sequence, 1, 2, 32, 3)
    return bytes(buffer)


def test_an_unknown_device_is_read_from_its_oldest_event_without_a_gap() -> None:
    reader = EventReader(_RING, _CAPACITY, None)
    assert reader.on_header(7, 40) == []
    assert reader.cursor == (7, 8)


def test_a_read_ends_at_the_end_of_the_ring() -> None:
    reader = EventReader(_RING, _CAPACITY, (1, 30))
    reader.on_header(1, 40)
    block = reader.next_block()
    assert block is not None
    assert (block.address, block.count) == (_RING + 30 * 8, 16)
    events = reader.on_ring(block, _raw(31, 32))
    assert [event.sequence for event in events if isinstance(event, DeviceEvent)] == [31, 32]
    block = reader.next_block()
    assert block is not None
    assert (block.address, block.count) == (_RING, 64)


def test_slots_overwritten_between_header_and_read_are_a_gap_and_come_as_new_events() -> None:
    reader = EventReader(_RING, _CAPACITY, (1, 0))
    reader.on_header(1, 3)
    block = reader.next_block()
    assert block is not None
    found = reader.on_ring(block, _raw(33, 34, 3))
    assert found == [Gap(1, 2), DeviceEvent(3, 1, 2, 32, 3)]
    assert reader.on_header(1, 34) == []
    assert reader.cursor == (1, 3)


def test_a_restart_begins_at_one_even_if_the_boot_count_was_not_kept() -> None:
    reader = EventReader(_RING, _CAPACITY, (1, 20))
    assert reader.on_header(2, 3) == [Restart(1)]
    assert reader.cursor == (2, 0)
    reader = EventReader(_RING, _CAPACITY, (1, 20))
    assert reader.on_header(1, 3) == [Restart(1)]


def test_a_ring_read_that_a_restart_overtook_is_dropped() -> None:
    reader = EventReader(_RING, _CAPACITY, (1, 5))
    reader.on_header(1, 8)
    block = reader.next_block()
    assert block is not None
    reader.on_header(2, 1)
    assert reader.on_ring(block, _raw(6, 7, 8)) == []
    assert reader.cursor == (2, 0)
