"""Stability over buckets: window, range, slope, and the median that is registered."""

import unittest

from firmware.control.stability import StabilityWindow
from protocols.compat import TICKS_MASK, ticks_add

D = 1000


def fed(values, sample_ms=100, window_ms=1000, start_ms=0):
    window = StabilityWindow()
    window.configure(window_ms)
    now_ms = start_ms & TICKS_MASK
    for value in values:
        window.on_sample(now_ms, value, D)
        now_ms = ticks_add(now_ms, sample_ms)
    return window


class StabilityTest(unittest.TestCase):
    def test_stable_only_after_a_whole_window(self):
        self.assertEqual(fed([5000] * 10).stable, 0)
        self.assertEqual(fed([5000] * 11).stable, 1)

    def test_window_follows_its_setting_at_every_rate(self):
        for sample_ms, window_ms in ((100, 1000), (100, 5000), (12, 1000), (12, 5000), (200, 1000)):
            needed = (window_ms + sample_ms - 1) // sample_ms
            self.assertEqual(fed([7] * needed, sample_ms, window_ms).stable, 0, sample_ms)
            self.assertEqual(fed([7] * (needed + 2), sample_ms, window_ms).stable, 1, sample_ms)

    def test_fewer_than_five_samples_are_never_stable(self):
        self.assertEqual(fed([5000] * 40, sample_ms=300).stable, 0)

    def test_spread_of_one_interval_is_stable_and_more_is_not(self):
        self.assertEqual(fed([0, D] * 12).stable, 1)
        self.assertEqual(fed([0, D + 1] * 12).stable, 0)

    def test_one_sample_outside_ends_stability_at_once(self):
        self.assertEqual(fed([0] * 20).stable, 1)
        self.assertEqual(fed([0] * 20 + [D + 1]).stable, 0)

    def test_slope_over_half_an_interval_per_second_is_not_stable(self):
        self.assertEqual(fed([n * D // 25 for n in range(30)]).stable, 1)
        self.assertEqual(fed([n * D // 15 for n in range(30)]).stable, 0)

    def test_slope_is_taken_between_the_halves_of_the_window(self):
        self.assertEqual(fed([0] * 5 + [D // 4] * 6).stable, 1)
        self.assertEqual(fed([0] * 5 + [D // 4 + 1] * 6).stable, 0)
        self.assertEqual(fed([D // 4 + 1] * 5 + [0] * 6).stable, 0)

    def test_stable_time_counts_from_its_start_and_saturates(self):
        self.assertEqual(fed([0] * 11).stable_ms, 0)
        self.assertEqual(fed([0] * 16).stable_ms, 500)
        self.assertEqual(fed([0] * 1000).stable_ms, 65535)
        self.assertEqual(fed([0] * 30 + [9 * D]).stable_ms, 0)

    def test_median_ignores_a_short_disturbance(self):
        self.assertEqual(fed([100] * 8 + [900] * 2 + [100]).median(), 100)

    def test_median_of_an_even_count_is_between_the_middle_two(self):
        self.assertEqual(fed([100] * 5 + [200] * 6).median(), 150)

    def test_negative_counts_and_the_tick_wrap_make_no_difference(self):
        window = fed([-8388000] * 60, sample_ms=12, start_ms=-300)
        self.assertEqual(window.stable, 0)
        window = fed([-8388000] * 90, sample_ms=12, start_ms=-300)
        self.assertEqual((window.stable, window.median()), (1, -8388000))

    def test_a_fast_converter_overflows_nothing(self):
        window = fed([8388606] * 6000, sample_ms=1, window_ms=5000)
        self.assertEqual((window.stable, window.median()), (1, 8388606))

    def test_another_window_begins_again(self):
        window = fed([5] * 20)
        window.configure(2000)
        self.assertEqual((window.stable, window.stable_ms), (0, 0))
