"""The scale by itself: when a sample counts, when the zero may move, and how drift of the empty deck shows."""

import unittest

from firmware.control.scale import ZERO_NOT_NOW, ZERO_TAKEN, ZERO_TOO_FAR, Scale
from firmware.control.timer import TimerBank
from firmware.control.weighbridge_front import (
    KIND_COUNTS,
    KIND_KG_X10,
    MOTION_UNKNOWN,
    MOTION_YES,
    UNFIT_NET,
    FrontEnd,
)
from firmware.control.weighbridge_memory import TIMER_COUNT, WeighbridgeMemory
from tests.firmware.control.scale_bench import E_KG, MAX_KG, SAMPLE_MS, SPAN, ZERO, D, Deck, off_zero, zeroed


class SampleTest(unittest.TestCase):
    def test_a_sample_that_is_no_weight_leaves_none(self):
        deck = zeroed()
        deck.sample.unfit = UNFIT_NET
        deck.scan()
        self.assertEqual((deck.memory.valid, deck.scale.window.stable), (1, 1))
        deck.sample.sequence += 1
        deck.scan(SAMPLE_MS)
        self.assertEqual((deck.memory.valid, deck.scale.window.stable), (0, 0))

    def test_a_gap_a_photocell_or_the_source_s_word_ends_rest(self):
        for gap_ms, is_blocked, motion in ((501, 0, MOTION_UNKNOWN), (0, 1, MOTION_UNKNOWN), (0, 0, MOTION_YES)):
            deck = zeroed()
            deck.sample.motion = motion
            deck.memory.is_blocked = is_blocked
            deck.scan(gap_ms)
            self.assertEqual(deck.scale.window.stable, 0, (gap_ms, is_blocked, motion))
            self.assertFalse(deck.scale.is_at_rest())

    def test_what_stood_before_a_photocell_was_interrupted_counts_no_more(self):
        deck = zeroed()
        deck.set_blocked(1)
        deck.put(0)
        deck.set_blocked(0)
        deck.put(0, 9)
        self.assertFalse(deck.scale.is_at_rest())
        deck.put(0, 2)
        self.assertTrue(deck.scale.is_at_rest())

    def test_axle_wise_a_load_is_at_rest_in_front_of_a_photocell(self):
        deck = zeroed()
        deck.scale.is_axle_wise = 1
        deck.set_blocked(1)
        self.assertTrue(deck.scale.is_at_rest())
        deck.scale.is_axle_wise = 0
        self.assertFalse(deck.scale.is_at_rest())

    def test_there_is_a_weight_only_over_a_zero(self):
        deck = Deck()
        self.assertFalse(deck.scale.has_weight())
        deck.put(25000, 30)
        self.assertFalse(deck.scale.has_weight())
        self.assertTrue(zeroed().scale.has_weight())

    def test_the_wait_for_the_first_sample_has_an_end(self):
        deck = Deck()
        deck.scan(999)
        self.assertEqual(deck.scale.sampler.silent, 0)
        deck.scan(1)
        self.assertEqual(deck.scale.sampler.silent, 1)

    def test_a_line_no_instrument_has_gives_no_weight(self):
        deck = zeroed()
        self.assertTrue(deck.scale.configure(MAX_KG, 3, ZERO, SPAN))
        deck.put(0, 40)
        self.assertEqual((deck.memory.valid, deck.memory.zero_is_set, deck.scale.window.stable), (0, 0, 0))


class ZeroTest(unittest.TestCase):
    def test_the_initial_zero_is_taken_below_min_to_both_sides_and_the_weight_follows_at_once(self):
        for counts in (19990, -19990):
            deck = Deck()
            for _ in range(25):
                deck.put(counts, 1)
                if deck.memory.zero_is_set:
                    break
                self.assertFalse(deck.scale.has_weight())
            self.assertEqual((deck.memory.zero_offset, deck.memory.kg_x10), (counts, 0))
            self.assertEqual(deck.memory.zero_out_of_range, 0)

    def test_a_load_of_min_is_not_zeroed_away_by_itself_but_by_command(self):
        for counts in (20000, -20000):
            deck = Deck()
            deck.put(counts, 30)
            self.assertEqual((deck.memory.zero_is_set, deck.memory.zero_out_of_range), (0, 1))
            self.assertEqual(deck.scale.set_zero(), ZERO_TAKEN)
            self.assertEqual((deck.memory.zero_is_set, deck.memory.zero_out_of_range), (1, 0))
            self.assertEqual((deck.memory.zero_offset, deck.memory.kg_x10), (counts, 0))

    def test_the_initial_zero_is_taken_as_soon_as_the_load_is_gone(self):
        deck = Deck()
        deck.put(25000, 30)
        deck.put(0, 30)
        self.assertEqual((deck.memory.zero_is_set, deck.memory.zero_out_of_range), (1, 0))

    def test_beyond_the_initial_range_no_command_helps(self):
        deck = Deck()
        deck.put(SPAN // 10 + 1, 30)
        self.assertEqual((deck.scale.set_zero(), deck.memory.zero_out_of_range), (ZERO_TOO_FAR, 1))

    def test_half_of_d_is_quiet_enough_for_a_zero_and_more_is_not(self):
        for spread, is_set in ((D // 2, 1), (D // 2 + 4, 0)):
            deck = Deck()
            deck.swing(spread)
            self.assertEqual((deck.scale.window.stable, deck.scale.window.spread), (1, spread))
            self.assertEqual(deck.memory.zero_is_set, is_set, spread)
            self.assertEqual(deck.scale.can_zero(), is_set == 1)
            self.assertEqual(deck.memory.zero_out_of_range, 0)

    def test_no_zero_without_rest_a_weight_or_clear_photocells(self):
        deck = zeroed()
        self.assertTrue(deck.scale.can_zero())
        deck.memory.is_blocked = 1
        self.assertFalse(deck.scale.can_zero())
        deck.memory.is_blocked = 0
        deck.memory.valid = 0
        self.assertFalse(deck.scale.can_zero())
        deck.memory.valid = 1
        deck.scale.window.reset()
        self.assertFalse(deck.scale.can_zero())
        self.assertEqual(deck.scale.set_zero(), ZERO_NOT_NOW)

    def test_a_load_is_not_zeroed_away(self):
        deck = zeroed()
        deck.put(25000, 20)
        self.assertEqual(deck.scale.set_zero(), ZERO_NOT_NOW)
        self.assertEqual(deck.memory.zero_offset, 0)

    def test_the_range_of_zero_setting_is_counted_from_the_calibrated_zero(self):
        deck = zeroed()
        deck.put(80000)
        self.assertTrue(deck.scale.is_inside_zero())
        deck.put(80004)
        self.assertFalse(deck.scale.is_inside_zero())

    def test_tracking_is_off_until_it_is_switched_on(self):
        deck = zeroed()
        deck.put(200, 30)
        self.assertEqual(deck.memory.zero_offset, 0)
        deck.scale.is_tracking = 1
        deck.put(200, 6)
        self.assertEqual((deck.memory.zero_offset, deck.memory.kg_x10), (200, 0))

    def test_tracking_waits_a_whole_period_after_every_doubt(self):
        for doubt in ("off", "motion", "photocell"):
            deck = zeroed()
            deck.scale.is_tracking = 1
            deck.memory.zero_track_ms = 0
            deck.put(0, 1)
            self.assertEqual(deck.memory.zero_track_ms, SAMPLE_MS)
            if doubt == "off":
                deck.scale.is_tracking = 0
                deck.put(0, 1)
            elif doubt == "motion":
                deck.sample.motion = MOTION_YES
                deck.put(0, 1)
            else:
                deck.set_blocked(1)
            self.assertEqual(deck.memory.zero_track_ms, 0, doubt)

    def test_an_unquiet_deck_is_not_tracked(self):
        deck = zeroed()
        deck.scale.is_tracking = 1
        deck.swing(D // 2 + 40)
        deck.memory.zero_offset = 0
        for _ in range(3):
            deck.put(D // 2 + 40, 4)
            deck.put(0, 4)
        self.assertEqual((deck.scale.window.stable, deck.memory.zero_offset), (1, 0))

    def test_the_zero_of_an_indicator_is_its_own(self):
        deck = Deck(KIND_KG_X10, 0, 10 * MAX_KG)
        self.assertEqual((deck.memory.zero_is_set, deck.memory.zero_offset), (1, 0))
        deck.scale.is_tracking = 1
        deck.put(50, 40)
        self.assertEqual((deck.scale.can_zero(), deck.memory.zero_offset, deck.memory.kg_x10), (True, 0, 50))


class DriftTest(unittest.TestCase):
    def test_a_deck_off_zero_by_more_than_the_limit_for_5_s_has_drifted(self):
        for counts in (251, -251):
            deck = off_zero(counts, 49)
            self.assertEqual(deck.memory.zero_drift, 0)
            deck.put(counts, 1)
            self.assertEqual((deck.memory.zero_drift, deck.memory.rest_error), (1, counts))
            deck.put(counts, 5)
            self.assertEqual(deck.memory.drift_ms, 5000)

    def test_the_limit_itself_is_no_drift(self):
        for counts in (250, -250):
            deck = off_zero(counts, 60)
            self.assertEqual((deck.memory.zero_drift, deck.memory.drift_ms), (0, 0))

    def test_extra_scans_make_no_time(self):
        deck = zeroed()
        deck.scale.drift_quarters = 7
        deck.put(300, scans=4)
        deck.scale.drift_quarters = 1
        deck.put(300, 49, scans=4)
        self.assertEqual((deck.memory.zero_drift, deck.memory.drift_ms), (0, 4900))
        deck.put(300, 1, scans=4)
        self.assertEqual(deck.memory.zero_drift, 1)

    def test_drift_is_over_within_half_of_the_limit(self):
        deck = off_zero(300, 50)
        deck.put(126, 60)
        self.assertEqual((deck.memory.zero_drift, deck.memory.drift_ms), (1, 0))
        deck.put(125, 60)
        self.assertEqual(deck.memory.zero_drift, 0)

    def test_the_error_is_counted_from_the_zero_in_force(self):
        deck = zeroed(3000)
        deck.put(3000, 5)
        self.assertEqual((deck.memory.zero_offset, deck.memory.rest_error), (3000, 0))

    def test_motion_and_occupation_begin_the_5_s_again(self):
        for doubt in ("motion", "photocell"):
            deck = off_zero(300, 40)
            self.assertEqual(deck.memory.drift_ms, 4000)
            if doubt == "motion":
                deck.sample.motion = MOTION_YES
                deck.put(300, 1)
            else:
                deck.set_blocked(1)
            self.assertEqual((deck.memory.drift_ms, deck.memory.zero_drift), (0, 0), doubt)

    def test_a_load_is_no_drift(self):
        deck = zeroed()
        deck.put(30000, 80)
        self.assertEqual((deck.memory.zero_drift, deck.memory.rest_error), (0, 0))

    def test_a_wheel_in_front_of_the_photocell_is_no_drift_axle_wise(self):
        deck = zeroed()
        deck.scale.is_axle_wise = 1
        deck.set_blocked(1)
        deck.put(300, 70)
        self.assertEqual((deck.scale.window.stable, deck.memory.on_deck), (1, 0))
        self.assertEqual((deck.memory.zero_drift, deck.memory.rest_error), (0, 0))

    def test_the_error_at_rest_is_what_the_truck_comes_in_with(self):
        deck = off_zero(-300, 5)
        self.assertFalse(deck.scale.has_entry_drift())
        deck.set_blocked(1)
        self.assertEqual((deck.memory.is_entered, deck.memory.entry_error), (1, -300))
        self.assertTrue(deck.scale.has_entry_drift())
        deck.memory.rest_error = 77  # whatever happens meanwhile belongs to another truck
        deck.set_blocked(1)
        self.assertEqual(deck.memory.entry_error, -300)
        deck.set_blocked(0)
        self.assertEqual(deck.memory.is_entered, 0)
        self.assertFalse(deck.scale.has_entry_drift())

    def test_a_truck_on_a_sound_zero_has_no_entry_drift(self):
        deck = off_zero(250, 5)
        deck.set_blocked(1)
        self.assertEqual(deck.memory.entry_error, 250)
        self.assertFalse(deck.scale.has_entry_drift())

    def test_a_zero_set_forgets_what_was_off_before_it(self):
        deck = off_zero(300, 60)
        deck.memory.entry_error = 300
        self.assertEqual(deck.scale.set_zero(), ZERO_TAKEN)
        memory = deck.memory
        self.assertEqual((memory.zero_drift, memory.drift_ms, memory.rest_error, memory.entry_error), (0, 0, 0, 0))
        self.assertEqual((memory.zero_offset, memory.kg_x10), (300, 0))


class SettingsTest(unittest.TestCase):
    def test_other_settings_begin_again(self):
        deck = off_zero(300, 60)
        memory = deck.memory
        memory.zero_offset = 40
        memory.zero_out_of_range = 1
        self.assertFalse(deck.scale.configure(MAX_KG, E_KG, ZERO, SPAN))
        self.assertEqual((memory.zero_drift, memory.zero_offset, deck.scale.window.stable), (1, 40, 1))
        self.assertTrue(deck.scale.configure(MAX_KG, E_KG, ZERO + 1, SPAN))
        self.assertEqual((memory.zero_is_set, memory.zero_offset, memory.zero_out_of_range), (0, 0, 0))
        self.assertEqual((memory.zero_drift, memory.drift_ms, memory.rest_error), (0, 0, 0))
        self.assertEqual(deck.scale.window.stable, 0)

    def test_the_first_settings_replace_none(self):
        scale = Scale(WeighbridgeMemory(), TimerBank(TIMER_COUNT), FrontEnd(KIND_COUNTS))
        self.assertFalse(scale.configure(MAX_KG, E_KG, ZERO, SPAN))
        self.assertEqual((scale.memory.is_started, scale.drift_quarters), (1, 1))
