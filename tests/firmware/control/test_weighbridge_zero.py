"""Zero tracking, zero setting and zero drift of the weighbridge."""

import unittest

from protocols.registers import weighbridge as regs
from tests.firmware.control.weighbridge_bench import D_COUNTS, SPAN_COUNTS, started


class ZeroTest(unittest.TestCase):
    def test_tracking_follows_a_slow_drift_of_the_empty_deck(self):
        bench = started()
        for _ in range(600):
            bench.load_kg_x10 += 5
            bench.run(200)
        offset = bench.status(regs.ST_ZERO_OFFSET_COUNTS)
        self.assertTrue(abs(offset - 5 * 600 * 5) < D_COUNTS // 2, offset)
        self.assertTrue(bench.has_flag(regs.FLAGS_CENTER_OF_ZERO))

    def test_tracking_ends_at_the_edge_of_its_range(self):
        bench = started(scan_ms=50)
        for _ in range(1400):
            bench.load_kg_x10 += 13
            bench.run(200)
        self.assertTrue(bench.status(regs.ST_ZERO_OFFSET_COUNTS) <= SPAN_COUNTS // 50 + 100)

    def test_tracking_can_be_switched_off(self):
        bench = started()
        bench.settings[regs.SET_ZERO_TRACKING] = 0
        offset = bench.status(regs.ST_ZERO_OFFSET_COUNTS)
        bench.load_kg_x10 = 60
        bench.run(5000)
        self.assertEqual(bench.status(regs.ST_ZERO_OFFSET_COUNTS), offset)

    def test_zero_is_frozen_while_the_deck_is_occupied(self):
        bench = started()
        offset = bench.status(regs.ST_ZERO_OFFSET_COUNTS)
        bench.set_contacts(1, 0, 1)
        bench.load_kg_x10 = 60
        bench.run(5000)
        self.assertTrue(bench.has_flag(regs.FLAGS_ZERO_FROZEN))
        self.assertEqual(bench.status(regs.ST_ZERO_OFFSET_COUNTS), offset)

    def test_a_blink_of_a_photocell_between_conversions_holds_the_zero(self):
        bench = started()
        bench.load_kg_x10 = 60
        bench.set_contacts(0, 1, 1)
        bench.run(10)
        bench.set_contacts(1, 1, 1)
        offset = bench.status(regs.ST_ZERO_OFFSET_COUNTS)
        for _ in range(50):
            bench.run(50)
            bench.set_contacts(0, 1, 1)
            bench.run(10)
            bench.set_contacts(1, 1, 1)
            bench.run(40)
        self.assertEqual(bench.status(regs.ST_ZERO_OFFSET_COUNTS), offset)

    def test_zero_command_is_refused_unless_stable_and_empty(self):
        bench = started()
        bench.drive_on(300000)
        self.assertEqual(bench.request(regs.OP_ZERO), regs.COMMAND_RESULT_REFUSED_STATE)
        bench.drive_off()
        bench.set_contacts(0, 1, 1)
        self.assertEqual(bench.request(regs.OP_ZERO), regs.COMMAND_RESULT_REFUSED_STATE)
        bench.set_contacts(1, 1, 1)
        bench.load_kg_x10 = 2000
        bench.run(500)
        self.assertEqual(bench.request(regs.OP_ZERO), regs.COMMAND_RESULT_REFUSED_STATE)
        bench.run(2000)
        bench.events()
        self.assertEqual(bench.request(regs.OP_ZERO), regs.COMMAND_RESULT_ACCEPTED)
        offset = bench.status(regs.ST_ZERO_OFFSET_COUNTS)
        self.assertTrue(abs(offset - 10000) < 100)
        self.assertEqual(bench.events()[0], (regs.EV_ZERO_SET, offset))
        self.assertEqual(bench.status(regs.ST_GROSS_KG_X10), 0)

    def test_zero_commands_together_stay_within_four_percent(self):
        bench = started()
        results = []
        for _ in range(6):
            bench.load_kg_x10 += 3500
            bench.run(2500)
            results.append(bench.request(regs.OP_ZERO))
        self.assertEqual(results[:4], [regs.COMMAND_RESULT_ACCEPTED] * 4)
        self.assertEqual(results[4], regs.COMMAND_RESULT_OUT_OF_LIMITS)
        self.assertTrue(bench.status(regs.ST_ZERO_OFFSET_COUNTS) <= SPAN_COUNTS // 50 + 100)

    def test_an_empty_deck_off_zero_is_drift_until_it_is_zeroed(self):
        bench = started()
        bench.load_kg_x10 = 250
        bench.run(4000)
        self.assertFalse(bench.has_fault(regs.FAULTS_ZERO_DRIFT))
        bench.run(6000)
        self.assertTrue(bench.has_fault(regs.FAULTS_ZERO_DRIFT))
        self.assertEqual(bench.core.health, regs.HEALTH_OFF_SPEC)
        bench.drive_on(300000)
        self.assertEqual(bench.request(regs.OP_REGISTER, 5), regs.COMMAND_RESULT_REFUSED_STATE)

    def test_zero_by_command_ends_drift_at_once(self):
        bench = started()
        bench.load_kg_x10 = 250
        bench.run(10000)
        self.assertTrue(bench.has_fault(regs.FAULTS_ZERO_DRIFT))
        self.assertEqual(bench.request(regs.OP_ZERO), regs.COMMAND_RESULT_ACCEPTED)
        self.assertFalse(bench.has_fault(regs.FAULTS_ZERO_DRIFT))

    def test_drift_comes_beyond_a_quarter_of_e_and_stays_until_within_an_eighth(self):
        bench = started(noise_counts=0)
        bench.settings[regs.SET_ZERO_TRACKING] = 0
        for load, drift in ((250, True), (80, True), (40, True), (20, False), (40, False), (60, True)):
            bench.load_kg_x10 = load
            bench.run(10000)
            self.assertEqual(bench.has_fault(regs.FAULTS_ZERO_DRIFT), drift, load)
