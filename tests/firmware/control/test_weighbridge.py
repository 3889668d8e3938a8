"""The weighbridge's start, states and flags on a simulated load."""

import unittest

from protocols.registers import weighbridge as regs
from tests.firmware.control.weighbridge_bench import Bench, started

E = 200  # 20 kg in 0.1 kg


class StartTest(unittest.TestCase):
    def test_starts_empty_after_settling_and_a_stable_window(self):
        bench = Bench()
        bench.run(1500)
        self.assertEqual(bench.state(), regs.STATE_STARTING)
        bench.run(1000)
        self.assertEqual(bench.state(), regs.STATE_EMPTY)
        self.assertEqual(bench.events(), [(regs.EV_STATE_CHANGED, regs.STATE_EMPTY)])

    def test_first_four_conversions_are_discarded(self):
        bench = Bench(noise_counts=0)
        bench.raw_counts = 6000000
        bench.run(450)
        self.assertEqual(bench.status(regs.ST_ADC_SAMPLES), 4)
        bench.raw_counts = 100000
        bench.run(2000)
        self.assertEqual(bench.state(), regs.STATE_EMPTY)
        self.assertEqual(bench.status(regs.ST_ZERO_OFFSET_COUNTS), 0)

    def test_there_is_a_weight_only_after_settling_and_a_full_filter(self):
        bench = Bench()
        bench.run(790)
        self.assertFalse(bench.has_flag(regs.FLAGS_BELOW_MIN))
        self.assertTrue(bench.has_flag(regs.FLAGS_ZERO_FROZEN))
        bench.run(50)
        self.assertTrue(bench.has_flag(regs.FLAGS_BELOW_MIN))
        self.assertFalse(bench.has_flag(regs.FLAGS_ZERO_FROZEN))

    def test_nothing_is_legal_for_trade_before_the_initial_zero(self):
        bench = Bench()
        bench.run(1500)
        self.assertEqual((bench.state(), bench.status(regs.ST_FAULTS)), (regs.STATE_STARTING, 0))
        self.assertFalse(bench.has_flag(regs.FLAGS_LEGAL_FOR_TRADE))

    def test_initial_zero_takes_what_is_below_min(self):
        for load, state in ((3900, regs.STATE_EMPTY), (-3900, regs.STATE_EMPTY), (4100, regs.STATE_STARTING)):
            bench = Bench()
            bench.load_kg_x10 = load
            bench.run(3000)
            self.assertEqual(bench.state(), state, load)
            self.assertEqual(bench.has_fault(regs.FAULTS_ZERO_OUT_OF_RANGE), state == regs.STATE_STARTING, load)

    def test_a_restart_under_a_truck_does_not_zero_it_away(self):
        bench = Bench()
        bench.load_kg_x10 = 150000
        bench.run(5000)
        self.assertEqual(bench.state(), regs.STATE_STARTING)
        self.assertTrue(bench.has_fault(regs.FAULTS_ZERO_OUT_OF_RANGE))
        self.assertEqual(bench.status(regs.ST_ZERO_OFFSET_COUNTS), 0)
        self.assertEqual(bench.request(regs.OP_REGISTER, 1), regs.COMMAND_RESULT_REFUSED_STATE)
        bench.drive_off()
        self.assertEqual(bench.state(), regs.STATE_EMPTY)
        self.assertFalse(bench.has_fault(regs.FAULTS_ZERO_OUT_OF_RANGE))

    def test_zero_by_command_reaches_the_initial_range_before_the_first_zero(self):
        for load, result in (
            (79000, regs.COMMAND_RESULT_ACCEPTED),
            (81000, regs.COMMAND_RESULT_OUT_OF_LIMITS),
        ):
            bench = Bench()
            bench.load_kg_x10 = load
            bench.run(3000)
            self.assertEqual(bench.request(regs.OP_ZERO), result)

    def test_no_initial_zero_while_a_photocell_is_blocked(self):
        bench = Bench()
        bench.set_contacts(0, 1, 1)
        bench.run(4000)
        self.assertEqual(bench.state(), regs.STATE_STARTING)


class StateTest(unittest.TestCase):
    def test_a_truck_goes_from_empty_over_occupied_to_stable_and_back(self):
        bench = started()
        bench.drive_on(425670)
        self.assertEqual(bench.state(), regs.STATE_STABLE)
        self.assertEqual(bench.status(regs.ST_GROSS_KG_X10), 425600)
        self.assertEqual(bench.core.outputs, [1])
        bench.drive_off()
        self.assertEqual(bench.state(), regs.STATE_EMPTY)
        self.assertEqual(bench.core.outputs, [0])
        states = [argument for code, argument in bench.events() if code == regs.EV_STATE_CHANGED]
        self.assertEqual(states, [regs.STATE_OCCUPIED, regs.STATE_STABLE, regs.STATE_OCCUPIED, regs.STATE_EMPTY])

    def test_a_blocked_photocell_keeps_the_truck_out_of_position(self):
        for front, rear in ((0, 1), (1, 0), (0, 0)):
            bench = started()
            bench.drive_on(300000)
            bench.set_contacts(front, rear, 1)
            bench.run(20)
            self.assertEqual(bench.state(), regs.STATE_OCCUPIED)
            self.assertFalse(bench.has_flag(regs.FLAGS_POSITION_OK))
            self.assertEqual(bench.core.outputs, [0])

    def test_overload_begins_above_max_and_nine_intervals(self):
        bench = started(noise_counts=0)
        bench.load_kg_x10 = 800000 + 9 * E
        bench.run(3000)
        self.assertEqual(bench.state(), regs.STATE_STABLE)
        self.assertEqual(bench.status(regs.ST_GROSS_KG_X10), 800000 + 9 * E)
        bench.load_kg_x10 += 2
        bench.run(1000)
        self.assertEqual(bench.state(), regs.STATE_OVERLOAD)
        self.assertTrue(bench.has_flag(regs.FLAGS_OVERLOAD))
        self.assertEqual(bench.status(regs.ST_GROSS_KG_X10), 0)
        self.assertEqual(bench.status(regs.ST_NET_KG_X10), 0)
        self.assertEqual(bench.core.health, regs.HEALTH_OFF_SPEC)
        self.assertEqual(bench.core.outputs, [0])

    def test_noise_at_the_overload_limit_fills_no_ring(self):
        bench = started()
        bench.load_kg_x10 = 800000 + 9 * E
        bench.run(60000)
        self.assertTrue(len(bench.events()) < 6)

    def test_a_lost_weight_is_no_overload(self):
        bench = started(noise_counts=0)
        bench.load_kg_x10 = 810000
        bench.run(1000)
        self.assertTrue(bench.has_flag(regs.FLAGS_OVERLOAD))
        bench.converting = False
        bench.run(1500)
        self.assertFalse(bench.has_flag(regs.FLAGS_OVERLOAD))

    def test_noise_at_min_does_not_end_the_occupation(self):
        bench = started(noise_counts=0)
        for load, state in (
            (3990, regs.STATE_EMPTY),
            (4002, regs.STATE_STABLE),
            (3610, regs.STATE_STABLE),
            (3590, regs.STATE_EMPTY),
        ):
            bench.load_kg_x10 = load
            bench.run(2500)
            self.assertEqual(bench.state(), state, load)

    def test_noise_at_the_underload_limit_fills_no_ring(self):
        bench = started()
        bench.settings[regs.SET_ZERO_TRACKING] = 0
        bench.load_kg_x10 = -20 * E
        bench.run(60000)
        self.assertTrue(len(bench.events()) < 6)

    def test_underload_is_below_minus_twenty_intervals(self):
        bench = started(noise_counts=0)
        bench.load_kg_x10 = -20 * E
        bench.run(2000)
        self.assertFalse(bench.has_flag(regs.FLAGS_UNDERLOAD))
        bench.load_kg_x10 -= 2
        bench.run(2000)
        self.assertEqual(bench.state(), regs.STATE_UNDERLOAD)
        self.assertEqual(bench.status(regs.ST_GROSS_KG_X10), 0)

    def test_a_deck_that_springs_back_for_less_than_a_second_is_no_underload_to_tell(self):
        bench = started(noise_counts=0)
        bench.load_kg_x10 = -21 * E
        while not bench.has_flag(regs.FLAGS_UNDERLOAD):
            bench.run(10)
        bench.events()
        bench.run(990)
        self.assertTrue(bench.has_flag(regs.FLAGS_UNDERLOAD))
        self.assertEqual((bench.state(), bench.core.health), (regs.STATE_EMPTY, regs.HEALTH_NORMAL))
        self.assertEqual((bench.status(regs.ST_GROSS_KG_X10), bench.events()), (0, []))
        bench.load_kg_x10 = 0
        bench.run(5000)
        bench.events()
        bench.load_kg_x10 = -21 * E
        while not bench.has_flag(regs.FLAGS_UNDERLOAD):
            bench.run(10)
        bench.run(990)
        self.assertEqual((bench.state(), bench.events()), (regs.STATE_EMPTY, []))
        bench.run(10)
        self.assertEqual((bench.state(), bench.core.health), (regs.STATE_UNDERLOAD, regs.HEALTH_OFF_SPEC))

    def test_nothing_is_stable_below_the_range(self):
        bench = started(noise_counts=0)
        bench.settings[regs.SET_WEIGHING_MODE] = regs.WEIGHING_MODE_MULTI_DRAFT
        bench.load_kg_x10 = -21 * E
        bench.set_contacts(0, 1, 0)
        states = set()
        for _ in range(80):
            bench.run(10)
            if bench.has_flag(regs.FLAGS_UNDERLOAD):
                states.add(bench.state())
        self.assertEqual(states, {regs.STATE_OCCUPIED})

    def test_min_and_center_of_zero_are_flagged(self):
        bench = started(noise_counts=0)
        bench.settings[regs.SET_ZERO_TRACKING] = 0
        for load, center, below in ((0, True, True), (50, True, True), (54, False, True), (4000, False, False)):
            bench.load_kg_x10 = load
            bench.run(2000)
            self.assertEqual(bench.has_flag(regs.FLAGS_CENTER_OF_ZERO), center, load)
            self.assertEqual(bench.has_flag(regs.FLAGS_BELOW_MIN), below, load)

    def test_inside_zero_is_the_zero_setting_range(self):
        bench = started(noise_counts=0)
        for load, inside in ((15900, True), (16100, False), (-3900, True)):
            bench.load_kg_x10 = load
            bench.run(2000)
            self.assertEqual(bench.has_flag(regs.FLAGS_INSIDE_ZERO), inside, load)

    def test_a_moving_load_is_not_stable(self):
        bench = started()
        bench.load_kg_x10 = 300000
        for _ in range(100):
            bench.load_kg_x10 += 30
            bench.run(100)
            self.assertFalse(bench.has_flag(regs.FLAGS_STABLE) and bench.has_flag(regs.FLAGS_POSITION_OK))
