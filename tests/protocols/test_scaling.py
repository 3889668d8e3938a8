"""Scaling of converter counts against exact rational arithmetic."""

import unittest

from protocols.scaling import COUNTS_MAX, RESULT_MAX, scale_counts


def exact(counts, span, full_scale):
    magnitude = (2 * abs(counts) * full_scale + span) // (2 * span)
    return -magnitude if counts < 0 else magnitude


class ScalingTest(unittest.TestCase):
    def test_half_rounds_away_from_zero(self):
        for counts, expected in ((1, 1), (-1, -1), (2, 1), (-2, -1), (3, 2), (-3, -2), (0, 0)):
            self.assertEqual(scale_counts(counts, 2, 1), expected, counts)
        self.assertEqual(scale_counts(1, 3, 1), 0)
        self.assertEqual(scale_counts(-2, 3, 1), -1)

    def test_full_span_gives_exactly_full_scale(self):
        for span in (1, 2, 3, 1000, 8388607, COUNTS_MAX):
            for full_scale in (0, 1, 80000, 800000, RESULT_MAX):
                self.assertEqual(scale_counts(span, span, full_scale), full_scale, (span, full_scale))
                self.assertEqual(scale_counts(-span, span, full_scale), -full_scale, (span, full_scale))

    def test_results_are_exact_over_the_range_of_a_24_bit_converter(self):
        for span in (1, 7, 65536, 1677721, 8388607, COUNTS_MAX - 1, COUNTS_MAX):
            for full_scale in (1, 60000, 99999, 1000003, 16777216):
                for counts in (1, 2, span // 2, span // 2 + 1, span - 1, span + 1, COUNTS_MAX):
                    expected = exact(counts, span, full_scale)
                    if expected <= RESULT_MAX:
                        self.assertEqual(scale_counts(counts, span, full_scale), expected, (counts, span, full_scale))
                        self.assertEqual(scale_counts(-counts, span, full_scale), -expected, (counts, span, full_scale))

    def test_a_result_beyond_the_small_integers_is_held_at_the_limit(self):
        self.assertEqual(scale_counts(COUNTS_MAX, 1, 1000000), RESULT_MAX)
        self.assertEqual(scale_counts(-COUNTS_MAX, 1, 1000000), -RESULT_MAX)
        self.assertEqual(scale_counts(3, 2, RESULT_MAX), RESULT_MAX)
        self.assertEqual(scale_counts(COUNTS_MAX, 1, 64), 64 * COUNTS_MAX)
