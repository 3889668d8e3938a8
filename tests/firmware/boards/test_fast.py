"""The fast forms of a microcontroller do what the plain ones do. Only MicroPython has Viper."""

import unittest

from firmware.app.changes import put_changes
from firmware.control import buckets as plain_buckets
from firmware.control import deadlines as plain_deadlines
from firmware.control.rows import make_row
from protocols import compat as plain_compat
from protocols.copying import copy_bytes
from protocols.crc import crc16
from protocols.registers import barrier, weighbridge
from protocols.rfid import gen2 as plain_gen2
from protocols.scaling import RESULT_MAX, scale_counts

try:
    from firmware.boards.fast import buckets, changes, compat, copying, crc, deadlines, gen2, rows, scaling
except ImportError:  # CPython: nothing to compare with
    buckets = changes = compat = copying = crc = deadlines = gen2 = rows = scaling = None

TICKS = (0, 1, 2, 0x0FFFFFFF, 0x1FFFFFFE, 0x1FFFFFFF, 0x20000000, 0x20000001, 0x3FFFFFFE, 0x3FFFFFFF)


def noise(size, seed):
    data = bytearray(size)
    for index in range(size):
        seed = (seed * 1103 + 12345) & 0xFFFF
        data[index] = seed >> 8
    return data


class Numbers:
    """Numbers that look like chance, the same in every run."""

    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        self.state = (self.state * 1103515245 + 12345) & 0x3FFFFFFF
        return (self.state >> 4) % limit


def row_of(values, make):
    row = make(len(values), 0)
    for index in range(len(values)):
        row[index] = values[index]
    return row


class FastTest(unittest.TestCase):
    def test_ticks_are_the_same_on_both_sides_of_every_wrap(self):
        if compat is None:
            return
        self.assertEqual(compat.TICKS_MASK, plain_compat.TICKS_MASK)
        for later in TICKS:
            for earlier in TICKS:
                self.assertEqual(compat.ticks_diff(later, earlier), plain_compat.ticks_diff(later, earlier))
            for delta in (0, 1, -1, 300, -300, 0x1FFFFFFF, -0x20000000):
                self.assertEqual(compat.ticks_add(later, delta), plain_compat.ticks_add(later, delta))

    def test_a_row_is_read_and_written_like_a_list(self):
        for make in (make_row, rows and rows.make_row):
            if make is None:
                continue
            row = make(3, -2)
            row[1] = 0x3FFFFFFF
            self.assertEqual((len(row), list(row)), (3, [-2, 0x3FFFFFFF, -2]))

    def test_deadlines_expire_and_are_found_alike(self):
        if deadlines is None:
            return
        self.assertEqual((deadlines.OFF, deadlines.DONE), (plain_deadlines.OFF, plain_deadlines.DONE))
        for now_ms in TICKS:
            for late in TICKS:
                values = [-1, late, -2, now_ms, compat.ticks_add(now_ms, 5), compat.ticks_add(late, -3), -1]
                fast, plain = row_of(values, rows.make_row), list(values)
                found = deadlines.find_next(fast, now_ms)
                self.assertEqual(found, plain_deadlines.find_next(plain, now_ms))
                deadlines.expire(fast, now_ms)
                plain_deadlines.expire(plain, now_ms)
                self.assertEqual(list(fast), plain)
        self.assertEqual(deadlines.find_next(row_of([-1, -2], rows.make_row), 0), -1)

    def test_counts_are_scaled_alike(self):
        if scaling is None:
            return
        self.assertEqual(scaling.RESULT_MAX, RESULT_MAX)
        numbers = Numbers(1)
        cases = [(0, 1, 0), (0xFFFFFF, 1, 0x3FFFFFFF), (-0xFFFFFF, 0xFFFFFF, 0x3FFFFFFF), (1, 2, 1), (-1, 2, 1)]
        cases += [(0xFFFFFF, 1, 64), (0xFFFFFF, 1, 65), (0xFFFFFF, 0xFFFFFF, 0x3FFFFFFF), (3, 7, 0x3FFFFFFF)]
        for _ in range(3000):
            counts = numbers.below(0x1000000) >> numbers.below(24)
            span = 1 + (numbers.below(0xFFFFFF) >> numbers.below(24))
            full_scale = numbers.below(0x3FFFFFFF) >> numbers.below(30)
            cases.append((counts if numbers.below(2) else -counts, span, full_scale))
        for counts, span, full_scale in cases:
            found = scaling.scale_counts(counts, span, full_scale)
            self.assertEqual(found, scale_counts(counts, span, full_scale), (counts, span, full_scale))

    def test_buckets_are_summed_alike(self):
        if buckets is None:
            return
        for name in ("LOW", "HIGH", "SAMPLES", "OLDER_SUM", "OLDER_COUNT", "NEWER_SUM", "NEWER_COUNT", "FOUND_COUNT"):
            self.assertEqual(getattr(buckets, name), getattr(plain_buckets, name))
        self.assertEqual(buckets.COUNTS_FAR, plain_buckets.COUNTS_FAR)
        numbers = Numbers(2)
        for trial in range(200):
            count = [0 if numbers.below(3) == 0 or trial == 0 else numbers.below(121) for _ in range(10)]
            table = [[numbers.below(0x1FFFFFF) - 0xFFFFFF for _ in range(10)] for _ in range(3)]
            oldest = numbers.below(10)
            plain = [9] * 7
            fast = rows.make_row(7, 9)
            plain_buckets.sum_buckets(table[0], table[1], table[2], count, oldest, plain)
            words = [row_of(values, rows.make_row) for values in table]
            buckets.sum_buckets(words[0], words[1], words[2], row_of(count, rows.make_row), oldest, fast)
            self.assertEqual(list(fast), plain)

    def test_changes_are_written_alike(self):
        numbers = Numbers(3)
        for regmap in (barrier, weighbridge):
            size = regmap.STATUS_COUNT
            seen, data = [0] * size, bytearray(regmap.INPUT_COUNT * 2)
            fast_seen, fast_data = rows and rows.make_row(size, 0), bytearray(regmap.INPUT_COUNT * 2)
            values = [0] * size
            for _ in range(100):
                for _ in range(4):
                    values[numbers.below(size)] = numbers.below(0x3FFFFFFF) - numbers.below(2) * 0x20000000
                put_changes(values, seen, regmap.STATUS_TABLE, data)
                self.assertEqual(seen, values)
                if changes is not None:
                    changes.put_changes(row_of(values, rows.make_row), fast_seen, regmap.STATUS_TABLE, fast_data)
                    self.assertEqual(list(fast_seen), values)
                    self.assertEqual(fast_data, data)

    def test_the_crc_is_the_same(self):
        self.assertEqual(crc16(b"123456789", 0, 9), 0x4B37)
        if crc is None:
            return
        self.assertEqual(crc.crc16(b"123456789", 0, 9), 0x4B37)
        for size in range(0, 256, 5):
            data = noise(size + 7, size)
            for start in (0, 7):
                self.assertEqual(crc.crc16(data, start, size), crc16(data, start, size))

    def test_the_checksum_of_a_tag_is_the_same(self):
        if gen2 is None:
            return
        self.assertEqual((gen2.EPC_WORDS_MAX, gen2.EPC_SIZE_MAX), (plain_gen2.EPC_WORDS_MAX, plain_gen2.EPC_SIZE_MAX))
        for size in range(65):
            data = noise(size + 3, size)
            self.assertEqual(gen2.tag_crc(data, 3, size), plain_gen2.tag_crc(data, 3, size))
            self.assertEqual(gen2.pc_for(size), plain_gen2.pc_for(size))
        for pc in range(0, 0x10000, 0x155):
            self.assertEqual(gen2.epc_size(pc), plain_gen2.epc_size(pc))

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
