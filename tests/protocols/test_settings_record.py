"""The record of settings: what is packed is read again, and no damage goes unseen."""

import unittest

from protocols import settings_record as record

VALUES = [0, -1, 70000, -(2**31), 2**31 - 1]
HEAD = [0x3FFFFFFE, 7, 65535, 9, 3, record.FLAG_RECALIBRATE]


def packed():
    data = bytearray(record.record_size(len(VALUES)))
    record.pack_record_into(data, 2, 3, HEAD, VALUES)
    return data


class RecordTest(unittest.TestCase):
    def test_what_is_packed_is_read_again(self):
        data = packed()
        self.assertTrue(record.is_record(data, len(data), 2, 3, len(VALUES)))
        head = record.unpack_head(data)
        fields = (record.SEQUENCE, record.GENERATION, record.BOOT_COUNT, record.NONCE_EPOCH)
        self.assertEqual([head[field] for field in fields], HEAD[:4])
        self.assertEqual((head[record.CALIBRATION_COUNT], head[record.FLAGS]), (3, record.FLAG_RECALIBRATE))
        self.assertEqual([record.unpack_value(data, index) for index in range(len(VALUES))], VALUES)

    def test_another_map_count_or_size_is_none(self):
        data = packed()
        for size, map_id, version, count in (
            (len(data) - 1, 2, 3, len(VALUES)),
            (len(data), 1, 3, len(VALUES)),
            (len(data), 2, 2, len(VALUES)),
            (len(data), 2, 3, len(VALUES) - 1),
            (0, 2, 3, len(VALUES)),
        ):
            self.assertFalse(record.is_record(data, size, map_id, version, count))

    def test_every_changed_bit_is_seen(self):
        for at in range(len(packed())):
            for bit in range(8):
                data = packed()
                data[at] ^= 1 << bit
                self.assertFalse(record.is_record(data, len(data), 2, 3, len(VALUES)), (at, bit))


if __name__ == "__main__":
    unittest.main()
