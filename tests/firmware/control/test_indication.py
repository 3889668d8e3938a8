"""Limits of the indication, to the last 0.1 kg, and the hysteresis that blanks longer and never shorter."""

import unittest

from firmware.control.calibration import Calibration
from firmware.control.indication import Indication
from firmware.control.weighbridge_memory import WeighbridgeMemory

MAX = 800000
E = 200


def made():
    calibration = Calibration()
    calibration.apply(80000, 20, 100000, 4000000)
    return Indication(WeighbridgeMemory()), calibration


def shown(bit, *weights):
    """What `bit` of the memory was after each of the weights."""
    indication, calibration = made()
    found = []
    for kg_x10 in weights:
        indication.update(kg_x10, calibration)
        found.append(getattr(indication.memory, bit))
    return found


class IndicationTest(unittest.TestCase):
    def test_overload_begins_above_nine_intervals_and_ends_at_eight(self):
        limit, back = MAX + 9 * E, MAX + 8 * E
        found = shown("overload", limit, limit + 1, limit, back + 1, back, back + 1, limit)
        self.assertEqual(found, [0, 1, 1, 1, 0, 0, 0])

    def test_underload_begins_under_minus_twenty_intervals_and_ends_at_minus_nineteen(self):
        found = shown("underload", -20 * E, -20 * E - 1, -20 * E, -19 * E - 1, -19 * E, -19 * E - 1, -20 * E)
        self.assertEqual(found, [0, 1, 1, 1, 0, 0, 0])

    def test_a_load_stands_from_twenty_intervals_until_it_is_under_eighteen(self):
        found = shown("on_deck", 20 * E - 1, 20 * E, 18 * E, 18 * E - 1, 18 * E, 20 * E - 1)
        self.assertEqual(found, [0, 1, 1, 0, 0, 0])

    def test_min_is_twenty_intervals_and_the_limit_is_max_and_nine(self):
        indication, calibration = made()
        for kg_x10, is_below in ((20 * E - 1, True), (20 * E, False)):
            self.assertEqual(indication.is_below_min(kg_x10, calibration), is_below)
        for kg_x10, is_over in ((MAX + 9 * E, False), (MAX + 9 * E + 1, True)):
            self.assertEqual(indication.is_over_limit(kg_x10, calibration), is_over)

    def test_center_of_zero_is_a_quarter_of_e_to_either_side(self):
        indication, calibration = made()
        self.assertFalse(indication.is_center_of_zero(calibration), "no weight is no zero")
        for kg_x10, is_center in ((50, True), (51, False), (-50, True), (-51, False), (0, True)):
            indication.update(kg_x10, calibration)
            self.assertEqual(indication.is_center_of_zero(calibration), is_center, kg_x10)

    def test_without_a_weight_nothing_is_shown_and_what_stood_on_the_deck_stands_there_still(self):
        for kg_x10 in (300000, MAX + 9 * E + 1, -20 * E - 1):
            indication, calibration = made()
            indication.update(kg_x10, calibration)
            memory = indication.memory
            on_deck = memory.on_deck
            indication.clear()
            self.assertEqual((memory.valid, memory.kg_x10, memory.overload, memory.underload), (0, 0, 0, 0))
            self.assertEqual(memory.on_deck, on_deck)
            self.assertFalse(indication.is_shown())
            self.assertEqual(indication.gross_kg_x10(calibration), 0)

    def test_gross_is_rounded_and_shown_between_underload_and_overload_only(self):
        indication, calibration = made()
        for kg_x10, gross in (
            (299, 200),
            (300, 400),
            (MAX + 9 * E, MAX + 9 * E),
            (MAX + 9 * E + 1, 0),
            (-20 * E - 1, 0),
        ):
            indication.update(kg_x10, calibration)
            self.assertEqual(indication.gross_kg_x10(calibration), gross, kg_x10)
