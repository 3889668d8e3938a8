"""Faults, health and changes of calibration of the weighbridge."""

import unittest

from firmware.control.weighbridge_front import IN_ADC_COUNTS, IN_ADC_SEQUENCE
from protocols import quality
from protocols.registers import weighbridge as regs
from tests.firmware.control.weighbridge_bench import Bench, started


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
        bench.core.quality[IN_ADC_COUNTS] = quality.UNCERTAIN
        bench.run(1200)
        self.assertTrue(bench.has_fault(regs.FAULTS_ADC_SILENT))
        self.assertTrue(bench.has_fault(regs.FAULTS_INPUT_BAD))

    def test_a_converter_that_settles_after_power_on_is_no_bad_input_yet(self):
        bench = Bench()
        for index in (IN_ADC_COUNTS, IN_ADC_SEQUENCE):
            bench.core.quality[index] = quality.BAD
        bench.run(900)
        self.assertEqual(bench.status(regs.ST_FAULTS), 0)
        self.assertEqual(bench.state(), regs.STATE_STARTING)
        bench.core.quality[regs.IN_REAR_CLEAR] = quality.BAD
        bench.run(20)
        self.assertTrue(bench.has_fault(regs.FAULTS_INPUT_BAD))
        bench.core.quality[regs.IN_REAR_CLEAR] = quality.GOOD
        bench.run(1000)
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
        bench.core.memory.calibration_count = 0xFFFF
        for setting, value, count in (
            (regs.SET_ZERO_COUNTS, 100500, 0),
            (regs.SET_SPAN_COUNTS, 4000100, 1),
            (regs.SET_MAX_KG, 60000, 2),
            (regs.SET_E_KG, 10, 3),
            (regs.SET_STABILITY_WINDOW_MS, 2000, 4),
            (regs.SET_ADC_TIMEOUT_MS, 2000, 4),
            (regs.SET_INDICATOR_VERIFIED, 1, 5),
            (regs.SET_ZERO_TRACKING, 0, 6),
            (regs.SET_ZERO_DRIFT_LIMIT, 2, 7),
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
        self.assertEqual(bench.core.memory.calibration_count, 0)

    def test_a_new_span_is_in_force_and_the_zero_begins_again(self):
        bench = started(noise_counts=0)
        bench.settings[regs.SET_SPAN_COUNTS] = 2000000
        bench.run(10)
        self.assertEqual(bench.state(), regs.STATE_STARTING)
        bench.run(2000)
        self.assertEqual(bench.state(), regs.STATE_EMPTY)
        bench.drive_on(200000)
        self.assertEqual(bench.status(regs.ST_GROSS_KG_X10), 400000)
