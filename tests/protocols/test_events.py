"""The event slot as it stands in the registers."""

import unittest

from protocols.events import SLOT_REGISTERS, SLOT_SIZE, read_slot, write_slot


class EventSlotTest(unittest.TestCase):
    def test_layout_is_the_register_map_s(self):
        buffer = bytearray(SLOT_SIZE)
        write_slot(buffer, 0, 0x01020304, 0x05060708, 0x090A, 0x0B0C, 0x0D0E0F10)
        self.assertEqual(buffer, bytes(range(1, 17)))
        self.assertEqual(SLOT_REGISTERS * 2, SLOT_SIZE)

    def test_slot_returns_what_was_written_and_leaves_its_neighbours(self):
        for event in ((1, 0, 0, 1, 0), (0x3FFFFFFF, 0x3FFFFFFF, 999, 65535, -0x80000000), (7, 8, 9, 10, -1)):
            buffer = bytearray(b"\xaa" * (3 * SLOT_SIZE))
            write_slot(buffer, SLOT_SIZE, *event)
            self.assertEqual(read_slot(buffer, SLOT_SIZE), event)
            self.assertEqual(buffer[:SLOT_SIZE], b"\xaa" * SLOT_SIZE)
            self.assertEqual(buffer[2 * SLOT_SIZE :], b"\xaa" * SLOT_SIZE)

    def test_values_beyond_their_field_wrap_instead_of_raising(self):
        buffer = bytearray(SLOT_SIZE)
        write_slot(buffer, 0, -1, -1, 65537, -1, 0x80000000)
        self.assertEqual(read_slot(buffer, 0), (0xFFFFFFFF, 0xFFFFFFFF, 1, 65535, -0x80000000))

    def test_ring_memory_may_be_a_memoryview(self):
        memory = bytearray(SLOT_SIZE * 2)
        write_slot(memoryview(memory), SLOT_SIZE, 1, 2, 3, 4, 5)
        self.assertEqual(read_slot(memory, SLOT_SIZE), (1, 2, 3, 4, 5))
