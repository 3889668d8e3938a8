"""E-seal states."""

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
