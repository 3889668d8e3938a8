"""The register image as its owner sees it."""

import unittest

from protocols.modbus.image import COILS, DISCRETES, HOLDINGS, INPUTS, RegisterImage


class ImageTest(unittest.TestCase):
    def setUp(self):
        self.image = RegisterImage(5, 6, 7, 8, b"")

    def test_tables_have_the_sizes_asked_for(self):
        sizes = (len(self.image.coils), len(self.image.discretes), len(self.image.holdings), len(self.image.inputs))
        self.assertEqual(sizes, (5, 6, 14, 16))

    def test_registers_return_what_was_put_high_byte_and_high_word_first(self):
        for table, data in ((HOLDINGS, self.image.holdings), (INPUTS, self.image.inputs)):
            self.image.put_u16(table, 1, 0x1234)
            self.image.put_i32(table, 3, -2)
            self.assertEqual(data[2:4], b"\x12\x34")
            self.assertEqual(data[6:10], b"\xff\xff\xff\xfe")
            self.assertEqual(self.image.get_u16(table, 1), 0x1234)
            self.assertEqual(self.image.get_i32(table, 3), -2)
            self.image.put_i32(table, 3, 0x01020304)
            self.assertEqual((self.image.get_u16(table, 3), self.image.get_u16(table, 4)), (0x0102, 0x0304))

    def test_bits_are_0_or_1_whatever_is_put(self):
        for table in (COILS, DISCRETES):
            for value, expected in ((1, 1), (0, 0), (0xFF00, 1), (-1, 1)):
                self.image.put_bit(table, 4, value)
                self.assertEqual(self.image.get_bit(table, 4), expected)

    def test_stretches_exist_up_to_the_end_of_their_table(self):
        for table, count in ((COILS, 5), (DISCRETES, 6), (HOLDINGS, 7), (INPUTS, 8)):
            self.assertTrue(self.image.has(table, 0, count))
            self.assertTrue(self.image.has(table, count - 1, 1))
            self.assertFalse(self.image.has(table, 0, count + 1))
            self.assertFalse(self.image.has(table, count, 1))
