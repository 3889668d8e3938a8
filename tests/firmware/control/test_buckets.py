"""Sums over a ring of buckets: extremes, samples, and the two halves in the order of their age."""

import unittest

from firmware.control.buckets import FOUND_COUNT, sum_buckets

FAR = 0x1000000


def find(lows, highs, means, counts, oldest):
    found = [99] * FOUND_COUNT
    sum_buckets(lows, highs, means, counts, oldest, found)
    return found


class BucketsTest(unittest.TestCase):
    def test_without_samples_there_is_nothing_but_the_far_ends(self):
        self.assertEqual(find([5] * 4, [6] * 4, [7] * 4, [0] * 4, 2), [FAR, -FAR, 0, 0, 0, 0, 0])

    def test_the_older_half_begins_at_the_oldest_bucket_and_the_ring_goes_round(self):
        lows, highs = [-4, -3, -2, -1], [4, 3, 2, 1]
        means, counts = [10, 200, 3000, 40000], [1, 2, 4, 8]
        self.assertEqual(find(lows, highs, means, counts, 0), [-4, 4, 15, 210, 2, 43000, 2])
        self.assertEqual(find(lows, highs, means, counts, 1), [-4, 4, 15, 3200, 2, 40010, 2])
        self.assertEqual(find(lows, highs, means, counts, 3), [-4, 4, 15, 40010, 2, 3200, 2])

    def test_an_empty_bucket_takes_no_part(self):
        lows, highs = [-4, -3, -2, -1], [4, 3, 2, 1]
        means, counts = [10, 200, 3000, 40000], [0, 2, 0, 8]
        self.assertEqual(find(lows, highs, means, counts, 0), [-3, 3, 10, 200, 1, 40000, 1])


if __name__ == "__main__":
    unittest.main()
