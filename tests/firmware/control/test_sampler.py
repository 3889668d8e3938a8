"""Conversions to filtered counts: settling, average, saturation, silence and staleness, one conversion at a time."""

import struct
import unittest

from firmware.control.sampler import SAMPLE_NEW, SAMPLE_NONE, SAVED_SIZE, Sampler
from firmware.control.timer import TimerBank
from firmware.control.weighbridge_memory import TIMER_COUNT, TIMER_SILENT, TIMER_STALE

HIGH, LOW = 0x7FFFFF, -0x800000


class Source:
    """A sampler and what sends to it; the first conversion is the one that stood in the input before."""

    def __init__(self, is_direct=False, timeout_ms=1000):
        self.timers = TimerBank(TIMER_COUNT)
        self.sampler = Sampler(self.timers, is_direct)
        self.sampler.timeout_ms = timeout_ms
        self.now_ms = 0
        self.sequence = 5
        self.sampler.start()
        self.send(777, 0)

    def look(self, after_ms, counts=0, is_good=True):
        """Scan without a new conversion."""
        self.now_ms += after_ms
        self.timers.advance(self.now_ms)
        return self.sampler.step(counts, self.sequence, is_good)

    def send(self, counts, after_ms=100, is_good=True):
        self.sequence += 1
        return self.look(after_ms, counts, is_good)

    def reject(self, after_ms=100, is_new=True):
        self.sequence += 1 if is_new else 0
        self.now_ms += after_ms
        self.timers.advance(self.now_ms)
        self.sampler.reject(self.sequence)

    def fill(self, counts=1000):
        """Conversions until there is an average; return how many it took."""
        for number in range(1, 20):
            if self.send(counts) == SAMPLE_NEW:
                return number
        return 0


def seen(sampler):
    return (sampler.ready, sampler.stale, sampler.broken, sampler.silent, sampler.saturated)


class AverageTest(unittest.TestCase):
    def test_a_new_sampler_has_seen_nothing_and_waits_for_a_converter_to_settle(self):
        sampler = Sampler(TimerBank(TIMER_COUNT))
        self.assertEqual((sampler.timeout_ms, sampler.counts, sampler.samples, sampler.filtered), (0, 0, 0, 0))
        saved = bytearray(60)
        self.assertEqual((sampler.save(saved, 0), SAVED_SIZE), (60, 60))
        self.assertEqual(struct.unpack(">15i", saved), (0, 0, 0, 0, 0, 0, 1, -1, 4, 0, 0, 0, 0, 0, 0))

    def test_four_conversions_settle_and_four_make_an_average(self):
        source = Source()
        results = [source.send(100) for _ in range(9)]
        self.assertEqual([result == SAMPLE_NEW for result in results], [False] * 7 + [True] * 2)
        self.assertEqual([result == SAMPLE_NONE for result in results], [True] * 7 + [False] * 2)
        self.assertEqual((source.sampler.filtered, source.sampler.samples), (100, 9))
        self.assertEqual(seen(source.sampler), (1, 0, 0, 0, 0))

    def test_the_average_is_over_the_last_four_and_rounds_halves_up(self):
        source = Source()
        source.fill(0)
        found = []
        for counts in (1, 1, 1, 1, 0, 40, 0, 0, 0, -6, 0):
            source.send(counts)
            found.append(source.sampler.filtered)
        self.assertEqual(found, [0, 1, 1, 1, 1, 11, 10, 10, 10, -1, -1])

    def test_an_indicator_needs_no_settling_and_no_average(self):
        source = Source(is_direct=True)
        for counts in (5, 9, -3):
            self.assertEqual(source.send(counts), SAMPLE_NEW)
            self.assertEqual(source.sampler.filtered, counts)

    def test_the_same_sequence_number_is_no_conversion(self):
        source = Source()
        source.fill(100)
        self.assertEqual(source.look(10, 99999), SAMPLE_NONE)
        self.assertEqual((source.sampler.counts, source.sampler.filtered, source.sampler.samples), (100, 100, 8))

    def test_the_last_conversion_is_shown_even_if_it_is_of_no_use(self):
        source = Source()
        source.send(4321)
        self.assertEqual((source.sampler.counts, source.sampler.samples), (4321, 1))
        source.send(HIGH)
        self.assertEqual(source.sampler.counts, HIGH)
        source.send(55, is_good=False)
        self.assertEqual(source.sampler.counts, HIGH)


class SaturationTest(unittest.TestCase):
    def test_the_codes_at_both_ends_are_no_weight_and_those_beside_them_are(self):
        for counts, saturated in ((HIGH, 1), (HIGH - 1, 0), (LOW, 1), (LOW + 1, 0)):
            source = Source()
            source.fill()
            result = source.send(counts)
            self.assertEqual((source.sampler.saturated, result == SAMPLE_NEW), (saturated, not saturated), counts)

    def test_after_saturation_the_converter_settles_before_the_fault_ends(self):
        source = Source()
        source.fill()
        source.send(HIGH)
        self.assertEqual(seen(source.sampler), (0, 1, 1, 0, 1))
        self.assertTrue(source.timers.is_off(TIMER_STALE))
        for _ in range(7):
            source.send(1000)
            self.assertEqual(seen(source.sampler), (0, 1, 0, 0, 1))
        source.send(1000)
        self.assertEqual(seen(source.sampler), (1, 0, 0, 0, 0))


class SilenceTest(unittest.TestCase):
    def test_a_pause_of_half_a_second_breaks_the_flow_once_and_keeps_the_average(self):
        source = Source()
        source.fill()
        source.look(499)
        self.assertEqual(seen(source.sampler), (1, 0, 0, 0, 0))
        source.look(1)
        self.assertEqual(seen(source.sampler), (1, 1, 1, 0, 0))
        source.look(1)
        self.assertEqual(seen(source.sampler), (1, 1, 0, 0, 0))
        self.assertEqual(source.send(1000), SAMPLE_NEW)
        self.assertEqual(seen(source.sampler), (1, 0, 0, 0, 0))

    def test_silence_is_told_at_its_time_out_and_ends_with_the_next_average(self):
        source = Source()
        source.fill()
        source.look(999)
        self.assertEqual(source.sampler.silent, 0)
        source.look(1)
        self.assertEqual(seen(source.sampler), (0, 1, 1, 1, 0))
        source.look(1)
        self.assertEqual(seen(source.sampler), (0, 1, 0, 1, 0))
        for _ in range(7):
            source.send(1000)
            self.assertEqual(source.sampler.silent, 1)
        source.send(1000)
        self.assertEqual(seen(source.sampler), (1, 0, 0, 0, 0))
        self.assertEqual(source.timers.remaining_ms(TIMER_SILENT), 1000)
        source.look(1000)
        self.assertEqual(source.sampler.silent, 1)

    def test_a_converter_that_never_speaks_is_silent_from_the_start(self):
        timers = TimerBank(TIMER_COUNT)
        sampler = Sampler(timers)
        sampler.timeout_ms = 300
        sampler.start()
        self.assertEqual(timers.remaining_ms(TIMER_SILENT), 300)
        timers.advance(300)
        sampler.step(0, 0, True)
        self.assertEqual(sampler.silent, 1)

    def test_every_good_conversion_puts_silence_off_and_a_bad_one_does_not(self):
        source = Source()
        source.send(1000, 900)
        source.look(900)
        self.assertEqual(source.sampler.silent, 0)
        source.send(1000, 50, is_good=False)
        source.look(50)
        self.assertEqual(source.sampler.silent, 1)

    def test_a_source_that_sends_no_weight_is_not_silent_and_has_none(self):
        source = Source(is_direct=True)
        source.send(500)
        source.reject()
        self.assertEqual(seen(source.sampler), (0, 1, 1, 0, 0))
        source.reject(900, is_new=False)
        self.assertEqual(seen(source.sampler), (0, 1, 0, 0, 0))
        source.reject(100, is_new=False)
        self.assertEqual(seen(source.sampler), (0, 1, 1, 1, 0))
        source.reject()
        self.assertEqual(source.sampler.silent, 0)
        self.assertEqual(source.timers.remaining_ms(TIMER_SILENT), 1000)
        self.assertEqual(source.look(10, 500), SAMPLE_NONE)
        self.assertEqual(source.send(500), SAMPLE_NEW)


class SaveTest(unittest.TestCase):
    def test_a_loaded_sampler_goes_on_like_the_saved_one(self):
        values = [3, -9, 12, 4, 40, 41, 39, 44, 2, 6, 90, HIGH, 7, 8]
        for count in range(len(values)):
            first, second = Source(), Source()
            for value in values[:count]:
                first.send(value)
            saved = bytearray(7 + SAVED_SIZE)
            self.assertEqual(first.sampler.save(saved, 7), 7 + SAVED_SIZE)
            self.assertEqual(second.sampler.load(saved, 7), 7 + SAVED_SIZE)
            second.sequence = first.sequence
            for value in (5, 15, 10, 20, 1, 0, 3, 8, 16):
                self.assertEqual(first.send(value), second.send(value))
                self.assertEqual(seen(first.sampler), seen(second.sampler))
                self.assertEqual(first.sampler.filtered, second.sampler.filtered)
                self.assertEqual(first.sampler.samples, second.sampler.samples)
                self.assertEqual(first.sampler.counts, second.sampler.counts)
