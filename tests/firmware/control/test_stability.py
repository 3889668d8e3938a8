"""Stability over buckets: window, range, slope, and the median that is registered."""

import unittest

from firmware.control.stability import SAVED_SIZE, StabilityWindow
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
        self.assertEqual(fed([D // 4] * 5 + [0] * 6).stable, 1)
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

    def test_a_reset_window_knows_nothing_of_before(self):
        window = fed([0] * 23)
        window.reset()
        self.assertEqual((window.stable, window.stable_ms), (0, 0))
        for number in range(11):
            self.assertEqual(window.stable, 0, number)
            window.on_sample(2300 + 100 * number, 9 * D, D)
        self.assertEqual((window.stable, window.stable_ms), (1, 0))
        self.assertEqual((window.median(), window.mean, window.spread), (9 * D, 9 * D, 0))

    def test_a_new_window_is_no_different_from_one_that_saw_nothing(self):
        saved = bytearray(SAVED_SIZE)
        window = StabilityWindow()
        self.assertEqual((window.stable, window.stable_ms, window.mean, window.spread, window.elapsed_ms), (0,) * 5)
        self.assertEqual(window.save(saved, 0, 12345), SAVED_SIZE)
        open_min, open_max = bytes((1, 0, 0, 0)), bytes((255, 0, 0, 0))
        self.assertEqual(saved, bytes(24) + open_min + open_max + bytes(SAVED_SIZE - 32))

    def test_a_disturbance_counts_for_the_whole_window(self):
        for at in range(20, 30):
            values = [0] * 30
            values[at] = D + 1
            self.assertEqual(fed(values).stable, 0, at)
            values[at] = -D - 1
            self.assertEqual(fed(values).stable, 0, at)
        self.assertEqual(fed([9 * D] * 12 + [0] * 11).stable, 1)
        self.assertEqual(fed([-9 * D] * 12 + [0] * 11).stable, 1)

    def test_a_pause_that_leaves_too_few_samples_ends_stability(self):
        window = fed([0] * 20)
        self.assertEqual(window.stable, 1)
        window.on_sample(1900 + 700, 0, D)
        self.assertEqual(window.stable, 0)

    def test_time_between_samples_begins_with_the_first_of_the_window(self):
        self.assertEqual(fed([0], start_ms=5000).elapsed_ms, 0)
        self.assertEqual(fed([0, 0], sample_ms=80, start_ms=5000).elapsed_ms, 80)

    def test_mean_and_median_are_of_the_whole_window_in_any_order(self):
        window = fed([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 8])
        self.assertEqual((window.mean, window.median(), window.spread), (3, 3, 8))
        window = fed([100] * 5 + [200] * 6)
        self.assertEqual((window.mean, window.median()), (150, 150))
        self.assertEqual(fed([9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]).median(), 4)

    def test_the_mean_of_a_bucket_is_that_of_its_first_120_samples(self):
        bucket = [0] * 120 + [D] * 380
        window = fed(bucket * 10 + [0], sample_ms=1, window_ms=5000)
        self.assertEqual((window.median(), window.spread), (0, D))

    def test_a_loaded_window_goes_on_like_the_saved_one(self):
        values = [7, 3, 9, 4, 4, 1, 8, 2, 6, 5, 5, 0, 3, 7, 2, 9, 1, 4, 8, 6]
        for count in range(len(values)):
            first = fed(values[:count], start_ms=-700)
            saved = bytearray(3 + SAVED_SIZE)
            now_ms = ticks_add(TICKS_MASK - 699, 100 * count)
            self.assertEqual(first.save(saved, 3, now_ms), 3 + SAVED_SIZE)
            second = StabilityWindow()
            self.assertEqual(second.load(saved, 3, 5000), 3 + SAVED_SIZE)
            again = bytearray(3 + SAVED_SIZE)
            second.save(again, 3, 5000)
            self.assertEqual(saved, again)
            for step in range(15):
                first.on_sample(ticks_add(now_ms, 100 * step), values[step], D)
                second.on_sample(5000 + 100 * step, values[step], D)
                self.assertEqual((first.stable, first.stable_ms), (second.stable, second.stable_ms))
                self.assertEqual((first.mean, first.spread), (second.mean, second.spread))
                self.assertEqual(first.elapsed_ms, second.elapsed_ms)
            self.assertEqual(first.median(), second.median())
