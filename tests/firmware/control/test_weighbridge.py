"""The weighbridge's states, faults, zero and health, on a simulated load."""

import unittest

from protocols import quality
from protocols.registers import weighbridge as regs
from tests.firmware.control.weighbridge_bench import D_COUNTS, SPAN_COUNTS, Bench

E = 200  # 20 kg in 0.1 kg
ADC = 3


def started(**options):
    bench = Bench(**options)
    bench.start()
    bench.events()
    return bench


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

    def test_drift_stays_until_within_a_quarter_interval(self):
        bench = started(noise_counts=0)
        bench.settings[regs.SET_ZERO_TRACKING] = 0
        for load, drift in ((250, True), (80, True), (40, False), (80, False)):
            bench.load_kg_x10 = load
            bench.run(10000)
            self.assertEqual(bench.has_fault(regs.FAULTS_ZERO_DRIFT), drift, load)


class FaultTest(unittest.TestCase):
    def test_a_silent_converter_is_a_fault_and_settles_again_afterwards(self):
        bench = started()
        bench.drive_on(300000)
        bench.converting = False
        bench.run(700)
        self.assertFalse(bench.has_flag(regs.FLAGS_STABLE))
        bench.run(600)
        self.assertEqual(bench.state(), regs.STATE_FAULT)
        self.assertEqual(bench.status(regs.ST_FAULTS), 1 << regs.FAULTS_ADC_SILENT)
        self.assertEqual(bench.core.health, regs.HEALTH_FAILURE)
        self.assertEqual((bench.status(regs.ST_GROSS_KG_X10), bench.core.outputs), (0, [0]))
        bench.converting = True
        bench.run(600)
        self.assertEqual(bench.state(), regs.STATE_FAULT)
        bench.run(2500)
        self.assertEqual(bench.state(), regs.STATE_STABLE)
        self.assertEqual(bench.core.health, regs.HEALTH_NORMAL)

    def test_silence_from_the_start_is_a_fault(self):
        bench = Bench()
        bench.converting = False
        bench.run(990)
        self.assertEqual(bench.state(), regs.STATE_STARTING)
        bench.run(50)
        self.assertEqual(bench.state(), regs.STATE_FAULT)

    def test_saturation_at_either_end_is_a_fault_at_once(self):
        for counts in (0x7FFFFF, -0x800000):
            bench = started(noise_counts=0)
            bench.raw_counts = counts
            bench.run(210)
            self.assertEqual(bench.status(regs.ST_FAULTS), 1 << regs.FAULTS_ADC_SATURATED)
            self.assertEqual(bench.state(), regs.STATE_FAULT)
            bench.raw_counts = None
            bench.run(3000)
            self.assertEqual(bench.state(), regs.STATE_EMPTY)

    def test_impossible_settings_weigh_nothing(self):
        for setting, value in ((regs.SET_E_KG, 30), (regs.SET_MAX_KG, 5000), (regs.SET_SPAN_COUNTS, 1000)):
            bench = started()
            bench.settings[setting] = value
            bench.drive_on(300000)
            self.assertEqual(bench.status(regs.ST_FAULTS), 1 << regs.FAULTS_NOT_CALIBRATED)
            self.assertEqual(bench.state(), regs.STATE_FAULT)
            self.assertEqual(bench.request(regs.OP_REGISTER, 1), regs.COMMAND_RESULT_REFUSED_STATE)
            self.assertEqual(bench.core.health, regs.HEALTH_FAILURE)

    def test_a_bad_photocell_counts_as_blocked_and_fails_the_device(self):
        bench = started()
        bench.drive_on(300000)
        bench.core.quality[regs.IN_REAR_CLEAR] = quality.BAD
        bench.run(20)
        self.assertEqual(bench.state(), regs.STATE_OCCUPIED)
        self.assertEqual(bench.core.health, regs.HEALTH_FAILURE)
        self.assertTrue(bench.core.reasons & (1 << regs.REASONS_INPUT_BAD))
        self.assertEqual(bench.request(regs.OP_REGISTER, 1), regs.COMMAND_RESULT_REFUSED_STATE)

    def test_a_bad_conversion_is_none(self):
        bench = started()
        bench.core.quality[ADC] = quality.UNCERTAIN
        bench.run(1200)
        self.assertTrue(bench.has_fault(regs.FAULTS_ADC_SILENT))
        self.assertTrue(bench.has_fault(regs.FAULTS_INPUT_BAD))

    def test_an_open_seal_takes_legality_and_not_the_weight(self):
        bench = started()
        self.assertTrue(bench.has_flag(regs.FLAGS_LEGAL_FOR_TRADE))
        bench.drive_on(300000)
        bench.set_contacts(1, 1, 0)
        bench.run(20)
        self.assertFalse(bench.has_flag(regs.FLAGS_LEGAL_FOR_TRADE))
        self.assertEqual(bench.state(), regs.STATE_STABLE)
        self.assertEqual(bench.core.health, regs.HEALTH_CHECK_FUNCTION)
        self.assertEqual(bench.request(regs.OP_REGISTER, 9), regs.COMMAND_RESULT_ACCEPTED)

    def test_a_lost_hub_is_off_spec(self):
        bench = started()
        self.assertEqual(bench.core.health, regs.HEALTH_NORMAL)
        bench.core.hub_alive = 0
        bench.run(10)
        self.assertEqual(bench.core.health, regs.HEALTH_OFF_SPEC)
        self.assertEqual(bench.core.reasons, 1 << regs.REASONS_HUB_LOST)

    def test_faults_come_and_go_as_events(self):
        bench = started()
        bench.set_contacts(1, 1, 0)
        bench.run(10)
        bench.set_contacts(1, 1, 1)
        bench.run(10)
        raised = (regs.EV_FAULT_RAISED, regs.FAULTS_SEAL_OPEN)
        self.assertEqual(bench.events(), [raised, (regs.EV_FAULT_CLEARED, regs.FAULTS_SEAL_OPEN)])


class CalibrationTest(unittest.TestCase):
    def test_changed_metrological_settings_move_the_sealed_counter(self):
        bench = started()
        bench.core.calibration_count = 0xFFFF
        for setting, value, count in (
            (regs.SET_ZERO_COUNTS, 100500, 0),
            (regs.SET_SPAN_COUNTS, 4000100, 1),
            (regs.SET_MAX_KG, 60000, 2),
            (regs.SET_E_KG, 10, 3),
            (regs.SET_STABILITY_WINDOW_MS, 2000, 3),
            (regs.SET_ADC_TIMEOUT_MS, 2000, 3),
        ):
            bench.settings[setting] = value
            bench.run(50)
            self.assertEqual(bench.status(regs.ST_CALIBRATION_COUNT), count, setting)

    def test_new_calibration_forgets_tare_and_occupation(self):
        bench = started()
        bench.drive_on(200000)
        bench.request(regs.OP_REGISTER, 3)
        bench.request(regs.OP_TARE)
        bench.settings[regs.SET_ZERO_COUNTS] += 1
        bench.run(10)
        self.assertEqual(bench.status(regs.ST_TARE_KG_X10), 0)
        self.assertEqual(bench.request(regs.OP_REGISTER, 3), regs.COMMAND_RESULT_REFUSED_STATE)

    def test_starting_with_stored_settings_is_no_change(self):
        bench = Bench()
        bench.settings[regs.SET_MAX_KG] = 60000
        bench.run(100)
        self.assertEqual(bench.core.calibration_count, 0)

    def test_a_new_span_is_in_force_and_the_zero_begins_again(self):
        bench = started(noise_counts=0)
        bench.settings[regs.SET_SPAN_COUNTS] = 2000000
        bench.run(10)
        self.assertEqual(bench.state(), regs.STATE_STARTING)
        bench.run(2000)
        self.assertEqual(bench.state(), regs.STATE_EMPTY)
        bench.drive_on(200000)
        self.assertEqual(bench.status(regs.ST_GROSS_KG_X10), 400000)
