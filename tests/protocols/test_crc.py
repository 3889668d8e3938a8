"""CRC-16 against published vectors and against the bit by bit definition."""

import unittest

from protocols.crc import crc16


def crc_by_definition(data):
    """MODBUS over Serial Line V1.02, 6.2.2, written down step by step."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


class CrcTest(unittest.TestCase):
    def test_published_vectors(self):
        for data, expected in (
            (b"123456789", 0x4B37),  # The check value of CRC-16/MODBUS.
            (b"\x02\x07", 0x1241),  # Serial Line V1.02, 6.2.2: transmitted as 41 12.
            (b"\x01\x03\x00\x00\x00\x0a", 0xCDC5),
            (b"", 0xFFFF),
        ):
            self.assertEqual(crc16(data, 0, len(data)), expected, data)

    def test_every_table_entry_follows_from_the_polynomial(self):
        for byte in range(256):
            data = bytes((byte, byte ^ 0x5A))
            self.assertEqual(crc16(data, 0, 2), crc_by_definition(data), byte)

    def test_only_the_named_bytes_count(self):
        buffer = bytearray(b"\xff\xff\x02\x07\xff")
        self.assertEqual(crc16(buffer, 2, 2), 0x1241)
        self.assertEqual(crc16(memoryview(buffer), 2, 2), 0x1241)

    def test_a_frame_with_its_crc_appended_gives_zero(self):
        frame = b"\x01\x03\x00\x00\x00\x0a\xc5\xcd"
        self.assertEqual(crc16(frame, 0, len(frame)), 0)
