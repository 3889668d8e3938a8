"""The calibrated line: class III limits, conversion without big integers, rounding to e."""

import unittest

from firmware.control.calibration import Calibration


def applied(max_kg=80000, e_kg=20, zero_counts=100000, span_counts=4000000):
    calibration = Calibration()
    calibration.apply(max_kg, e_kg, zero_counts, span_counts)
    return calibration


class CalibrationTest(unittest.TestCase):
    def test_only_one_two_and_five_are_scale_intervals(self):
        self.assertEqual(applied(max_kg=5000, e_kg=1).valid, 1)
        for e_kg, valid in ((10, 1), (20, 1), (50, 1), (15, 0), (30, 0), (25, 0), (0, 0), (40, 0)):
            self.assertEqual(applied(e_kg=e_kg).valid, valid, e_kg)

    def test_number_of_intervals_is_500_to_10000(self):
        for max_kg, e_kg, valid in ((50000, 100, 1), (49999, 100, 0), (100000, 10, 1), (100001, 10, 0)):
            self.assertEqual(applied(max_kg, e_kg).valid, valid, max_kg)

    def test_max_must_be_reachable_before_saturation(self):
        self.assertEqual(applied(zero_counts=0x7FFFFE - 4000000).valid, 1)
        self.assertEqual(applied(zero_counts=0x7FFFFE - 3999999).valid, 0)

    def test_too_few_counts_per_interval_are_no_calibration(self):
        self.assertEqual(applied(span_counts=40000).valid, 1)
        self.assertEqual(applied(span_counts=39999).valid, 0)

    def test_span_is_max_and_zero_is_zero(self):
        calibration = applied()
        for counts, kg_x10 in ((0, 0), (4000000, 800000), (2000000, 400000), (-1000, -200), (5, 1), (2, 0)):
            self.assertEqual(calibration.to_kg_x10(counts), kg_x10, counts)

    def test_weight_is_limited_to_twice_max(self):
        calibration = applied(span_counts=40000)
        self.assertEqual(calibration.to_kg_x10(0x7FFFFF), 1600000)
        self.assertEqual(calibration.to_kg_x10(-0x800000), -1600000)

    def test_weights_round_to_the_nearest_interval_away_from_zero(self):
        calibration = applied()
        for kg_x10, rounded in ((0, 0), (99, 0), (100, 200), (299, 200), (300, 400), (-99, 0), (-100, -200)):
            self.assertEqual(calibration.round_to_e(kg_x10), rounded, kg_x10)

    def test_any_changed_setting_is_another_calibration(self):
        calibration = applied()
        self.assertTrue(calibration.is_for(80000, 20, 100000, 4000000))
        for other in (
            (80001, 20, 100000, 4000000),
            (80000, 10, 100000, 4000000),
            (80000, 20, 100001, 4000000),
            (80000, 20, 100000, 4000001),
        ):
            self.assertFalse(calibration.is_for(*other))

    def test_before_any_settings_nothing_is_calibrated(self):
        calibration = Calibration()
        self.assertEqual((calibration.valid, calibration.d_counts), (0, 0))
        self.assertEqual((calibration.max_kg_x10, calibration.e_kg_x10), (0, 0))
        self.assertTrue(calibration.is_for(0, 0, 0, 0))

    def test_settings_of_zero_are_no_calibration(self):
        self.assertEqual(applied(0, 0, 0, 0).valid, 0)
        self.assertEqual(applied(0, 0, 0, 4000000).valid, 0)
        self.assertEqual(applied(span_counts=0).valid, 0)
        self.assertEqual(applied(span_counts=-4000000).valid, 0)

    def test_an_interval_has_its_share_of_the_span(self):
        self.assertEqual(applied().d_counts, 1000)
        self.assertEqual(applied(60000, 10, 0, 3999999).d_counts, 666)
