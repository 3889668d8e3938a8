"""The event ring: numbering, overwriting, time stamps."""

import struct
import unittest

from firmware.control.events import EventRing


class TestEventRing(unittest.TestCase):
    def test_event_n_stands_in_slot_n_minus_1_modulo_capacity(self) -> None:
        data = bytearray(4 * 16)
        ring = EventRing(data, 4)
        for number in range(1, 7):
            ring.uptime_s = 100 + number
            ring.millisecond = 10 * number
            ring.push(number, -number)
        self.assertEqual(ring.head, 6)
        for slot, number in ((0, 5), (1, 6), (2, 3), (3, 4)):
            expected = (number, 100 + number, 10 * number, number, -number)
            self.assertEqual(struct.unpack_from(">IIHHi", data, slot * 16), expected)

    def test_ring_writes_through_a_memoryview(self) -> None:
        data = bytearray(3 * 16)
        ring = EventRing(memoryview(data)[16:48], 2)
        ring.push(7, 8)
        self.assertEqual(struct.unpack_from(">IIHHi", data, 16), (1, 0, 0, 7, 8))
        self.assertEqual(data[:16], bytes(16))
