"""Big-endian integers in place, wrapping at their width on both interpreters."""

import unittest

from protocols.bigendian import get_i32, get_u16, put_i32, put_u16


class BigEndianTest(unittest.TestCase):
    def test_u16_takes_signed_and_unsigned_values_and_wraps(self):
        for value, expected in (
            (0, 0),
            (1, 1),
            (65535, 65535),
            (65536, 0),
            (-1, 65535),
            (-32768, 32768),
            (0x12345, 0x2345),
        ):
            buffer = bytearray(b"\xaa\xaa\xaa\xaa")
            put_u16(buffer, 1, value)
            self.assertEqual(get_u16(buffer, 1), expected, value)
            self.assertEqual((buffer[0], buffer[3]), (0xAA, 0xAA))

    def test_u16_has_its_high_byte_first(self):
        buffer = bytearray(2)
        put_u16(buffer, 0, 0x0102)
        self.assertEqual(buffer, b"\x01\x02")

    def test_i32_returns_what_was_put_over_the_whole_range(self):
        for value in (0, 1, -1, 0x3FFFFFFF, -0x40000000, 0x7FFFFFFF, -0x80000000, 0x01020304, -2, 0x00FF00FF):
            buffer = bytearray(b"\xaa" * 6)
            put_i32(buffer, 1, value)
            self.assertEqual(get_i32(buffer, 1), value, value)
            self.assertEqual((buffer[0], buffer[5]), (0xAA, 0xAA))

    def test_i32_has_its_high_byte_first_and_wraps(self):
        buffer = bytearray(4)
        put_i32(buffer, 0, 0x01020304)
        self.assertEqual(buffer, b"\x01\x02\x03\x04")
        put_i32(buffer, 0, 0xFFFFFFFF)
        self.assertEqual(get_i32(buffer, 0), -1)

    def test_bytes_and_memoryviews_are_read_too(self):
        self.assertEqual(get_u16(b"\x00\x12\x34", 1), 0x1234)
        self.assertEqual(get_i32(memoryview(b"\xff\xff\xff\xfe"), 0), -2)
