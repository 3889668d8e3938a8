"""E-seal states and times."""

import unittest

from protocols.rfid import eseal


class TestSeal(unittest.TestCase):
    def test_a_seal_that_cannot_be_read_is_never_sealed(self) -> None:
        self.assertEqual(eseal.pack_state(1, 1, 1), eseal.SEALED)
        self.assertEqual(eseal.pack_state(0, 1, 1), eseal.OPENED)
        self.assertEqual(eseal.pack_state(1, 0, 1), eseal.SEALED | eseal.BATTERY_LOW)
        self.assertEqual(eseal.pack_state(1, 1, 0), eseal.UNKNOWN)
        self.assertTrue(eseal.is_opened(eseal.OPENED | eseal.BATTERY_LOW))
        self.assertFalse(eseal.is_opened(eseal.SEALED))

    def test_times_go_both_ways(self) -> None:
        buffer = bytearray(14)
        self.assertEqual(eseal.put_time(buffer, 1, 2024, 2, 29, 23, 59), 13)
        self.assertEqual(bytes(buffer[1:13]), b"202402292359")
        fields = [0] * 5
        self.assertTrue(eseal.get_time(buffer, 1, fields))
        self.assertEqual(fields, [2024, 2, 29, 23, 59])

    def test_what_is_no_time_is_refused_both_ways(self) -> None:
        buffer = bytearray(12)
        for wrong in (
            (2023, 2, 29, 0, 0),
            (2024, 13, 1, 0, 0),
            (2024, 4, 31, 0, 0),
            (2024, 1, 1, 24, 0),
            (1900, 2, 29, 0, 0),
        ):
            self.assertEqual(eseal.put_time(buffer, 0, wrong[0], wrong[1], wrong[2], wrong[3], wrong[4]), 0, wrong)
        fields = [0] * 5
        for text in (b"20240229235", b"2024022923x9", b"202302292359", b"202400012359", b"202401012360"):
            self.assertFalse(eseal.get_time(text, 0, fields), text)
