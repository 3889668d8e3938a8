"""Zero in force: ranges and the tracking rate."""

import unittest

from firmware.control.weighbridge_memory import WeighbridgeMemory
from firmware.control.zero import Zero

SPAN = 4000000
D = 1000


def zeroed(offset=0):
    zero = Zero(WeighbridgeMemory())
    zero.set_initial(offset, SPAN)
    return zero


class ZeroTest(unittest.TestCase):
    def test_initial_zero_covers_20_percent_of_max_in_all(self):
        for offset, taken in ((400000, True), (-400000, True), (400001, False), (-400001, False)):
            zero = Zero(WeighbridgeMemory())
            self.assertEqual(zero.set_initial(offset, SPAN), taken, offset)
            self.assertEqual(zero.memory.zero_offset, offset if taken else 0)

    def test_zero_setting_covers_4_percent_of_max_around_the_initial_zero(self):
        for offset, taken in ((380000, True), (220000, True), (380001, False), (219999, False)):
            zero = zeroed(300000)
            self.assertEqual(zero.set_to(offset, SPAN), taken, offset)
            self.assertEqual(zero.memory.zero_offset, offset if taken else 300000)

    def test_tracking_follows_at_half_an_interval_per_second(self):
        zero = zeroed()
        for _ in range(10):
            zero.track(100, 500, D, SPAN)
        self.assertEqual(zero.memory.zero_offset, 500)

    def test_tracking_is_no_faster_at_80_conversions_a_second(self):
        zero = zeroed()
        for _ in range(40):
            zero.track(12, 500, D, SPAN)
        self.assertTrue(0 < zero.memory.zero_offset <= 240)

    def test_tracking_leaves_what_is_beyond_half_an_interval(self):
        for offset in (501, -501):
            zero = zeroed()
            for _ in range(50):
                self.assertFalse(zero.track(100, offset, D, SPAN))
            self.assertEqual(zero.memory.zero_offset, 0)

    def test_tracking_stops_at_the_end_of_the_range(self):
        zero = zeroed()
        zero.set_to(79950, SPAN)
        for _ in range(50):
            zero.track(100, 80300, D, SPAN)
        self.assertTrue(zero.memory.zero_offset <= 80000)

    def test_held_tracking_waits_a_whole_period(self):
        zero = zeroed()
        zero.track(100, 500, D, SPAN)
        zero.hold()
        self.assertFalse(zero.track(100, 500, D, SPAN))
        self.assertTrue(zero.track(100, 500, D, SPAN))

    def test_restart_goes_back_to_the_calibrated_zero(self):
        zero = zeroed(5000)
        zero.restart()
        self.assertEqual((zero.memory.zero_offset, zero.memory.zero_is_set), (0, 0))

    def test_restart_forgets_the_initial_zero_and_the_time_waited(self):
        zero = zeroed(300000)
        zero.track(100, 300500, D, SPAN)
        zero.restart()
        self.assertTrue(zero.is_in_range(80000, SPAN))
        self.assertFalse(zero.is_in_range(80001, SPAN))
        self.assertFalse(zero.is_in_range(-80001, SPAN))
        self.assertFalse(zero.track(199, 500, D, SPAN))
        self.assertTrue(zero.track(1, 500, D, SPAN))

    def test_the_initial_zero_is_a_zero_that_is_set(self):
        self.assertEqual(zeroed().memory.zero_is_set, 1)

    def test_every_zero_and_every_correction_begins_a_new_period(self):
        for act in (
            lambda zero: zero.set_initial(0, SPAN),
            lambda zero: zero.set_to(0, SPAN),
            lambda zero: zero.hold(),
            lambda zero: zero.track(1, 501, D, SPAN),
            lambda zero: zero.track(100, 500, D, SPAN),
        ):
            zero = zeroed()
            zero.track(100, 500, D, SPAN)
            act(zero)
            self.assertFalse(zero.track(199, 500, D, SPAN))
            self.assertTrue(zero.track(1, 500, D, SPAN))

    def test_tracking_goes_down_as_it_goes_up(self):
        zero = zeroed()
        for offset in (-100, -200, -300, -400, -500):
            self.assertTrue(zero.track(200, -500, D, SPAN))
            self.assertEqual(zero.memory.zero_offset, offset)
        self.assertFalse(zero.track(200, -500, D, SPAN))

    def test_a_zero_that_is_right_does_not_move_and_one_count_is_followed(self):
        zero = zeroed()
        self.assertFalse(zero.track(200, 0, D, SPAN))
        self.assertTrue(zero.track(200, 1, D, SPAN))
        self.assertEqual(zero.memory.zero_offset, 1)
