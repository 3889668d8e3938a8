"""The fast forms of a microcontroller do what the plain ones do. Only MicroPython has Viper."""

import unittest

from protocols.copying import copy_bytes
from protocols.crc import crc16

try:
    from firmware.boards.fast import copying, crc
except ImportError:  # CPython: nothing to compare with
    copying = crc = None


def noise(size, seed):
    data = bytearray(size)
    for index in range(size):
        seed = (seed * 1103 + 12345) & 0xFFFF
        data[index] = seed >> 8
    return data


class FastTest(unittest.TestCase):
    def test_the_crc_is_the_same(self):
        self.assertEqual(crc16(b"123456789", 0, 9), 0x4B37)
        if crc is None:
            return
        self.assertEqual(crc.crc16(b"123456789", 0, 9), 0x4B37)
        for size in range(0, 256, 5):
            data = noise(size + 7, size)
            for start in (0, 7):
                self.assertEqual(crc.crc16(data, start, size), crc16(data, start, size))

    def test_the_copy_is_the_same_and_touches_nothing_else(self):
        for copy in (copy_bytes, copying and copying.copy_bytes):
            if copy is None:
                continue
            target, source = noise(260, 1), noise(260, 2)
            before = bytes(target)
            copy(target, 3, source, 5, 250)
            self.assertEqual(target[3:253], source[5:255])
            self.assertEqual((target[:3], target[253:]), (before[:3], before[253:]))


if __name__ == "__main__":
    unittest.main()
