"""Tick arithmetic across the wrap, as a device sees it after 12.4 days."""

import unittest

from protocols.compat import TICKS_MASK, const, ticks_add, ticks_diff

SMALL_INT_MAX = 0x3FFFFFFF
HALF = 0x20000000


class TickTest(unittest.TestCase):
    def test_const_passes_its_value_on(self):
        self.assertEqual(const(17), 17)

    def test_clock_that_starts_3_s_before_the_wrap_runs_on_through_it(self):
        start = TICKS_MASK - 2999
        now = start
        for elapsed in range(0, 6000, 7):
            self.assertEqual(ticks_diff(now, start), elapsed)
            self.assertEqual(ticks_diff(start, now), -elapsed)
            self.assertTrue(0 <= now <= TICKS_MASK)
            now = ticks_add(now, 7)

    def test_deadline_behind_the_wrap_is_not_yet_due(self):
        now = TICKS_MASK - 2999
        deadline = ticks_add(now, 5000)
        self.assertEqual(deadline, 2000)
        self.assertTrue(ticks_diff(deadline, now) > 0)
        self.assertTrue(ticks_diff(deadline, ticks_add(now, 5001)) < 0)

    def test_distance_is_signed_at_half_the_period(self):
        for later, earlier, distance in (
            (HALF - 1, 0, HALF - 1),
            (HALF, 0, -HALF),
            (0, HALF, -HALF),
            (0, HALF + 1, HALF - 1),
            (0, TICKS_MASK, 1),
            (TICKS_MASK, 0, -1),
            (5, 5, 0),
        ):
            self.assertEqual(ticks_diff(later, earlier), distance, (later, earlier))

    def test_adding_back_and_forth_returns_to_the_start(self):
        for ticks in (0, 1, HALF - 1, HALF, TICKS_MASK - 1, TICKS_MASK):
            for delta in (0, 1, 1000, HALF - 1, -1, -1000, -HALF):
                there = ticks_add(ticks, delta)
                self.assertTrue(0 <= there <= SMALL_INT_MAX, (ticks, delta))
                self.assertEqual(there, (ticks + delta) % (TICKS_MASK + 1))
                self.assertEqual(ticks_diff(there, ticks), delta, (ticks, delta))
