"""Tare, calibration, the local panel and the medium, through the core's commands and buttons."""

import unittest

from firmware.control.weighbridge_memory import PENDING_NONE, PENDING_READ, PENDING_RECORD, RECORD_GROSS, RECORD_ID
from protocols import quality
from protocols.registers import weighbridge as regs
from tests.firmware.control.weighbridge_bench import D_COUNTS, started

ACCEPTED = regs.COMMAND_RESULT_ACCEPTED
REFUSED_STATE = regs.COMMAND_RESULT_REFUSED_STATE
INTERLOCK = regs.COMMAND_RESULT_REFUSED_INTERLOCK
OUT_OF_LIMITS = regs.COMMAND_RESULT_OUT_OF_LIMITS
REFUSED_LOCAL = regs.COMMAND_RESULT_REFUSED_LOCAL
STORE_FAILED = regs.COMMAND_RESULT_STORE_FAILED


def with_truck(load_kg_x10=425670):
    bench = started()
    bench.drive_on(load_kg_x10)
    bench.events()
    return bench


def turn_key(bench, on=1):
    bench.core.inputs[regs.IN_LOCAL_MODE] = on
    bench.run(20)


def press(bench, button):
    bench.core.inputs[button] = 1
    bench.run(50)
    bench.core.inputs[button] = 0
    bench.run(50)


def registered_flag(bench, bit):
    return bool(bench.status(regs.ST_REGISTERED_FLAGS) & (1 << bit))


class StoreTest(unittest.TestCase):
    def test_nothing_is_registered_before_it_is_stored(self):
        bench = with_truck()
        core = bench.core
        core.request_opcode, core.request_argument = regs.OP_REGISTER, 77
        core.step(bench.now_ms)
        self.assertEqual(core.pending(), PENDING_RECORD)
        self.assertEqual((core.record[RECORD_ID], core.record[RECORD_GROSS]), (77, 425600))
        self.assertEqual(core.request_result, regs.COMMAND_RESULT_NONE)
        self.assertEqual(bench.status(regs.ST_REGISTERED_COUNT), 0)
        self.assertEqual(bench.events(), [])
        core.on_stored(ACCEPTED)
        self.assertEqual(core.request_result, ACCEPTED)
        self.assertEqual(bench.status(regs.ST_REGISTERED_COUNT), 1)
        self.assertEqual(core.pending(), PENDING_NONE)

    def test_a_store_that_fails_registers_nothing_and_says_so(self):
        bench = with_truck()
        bench.store_result = STORE_FAILED
        self.assertEqual(bench.request(regs.OP_REGISTER, 77), STORE_FAILED)
        self.assertEqual(bench.status(regs.ST_REGISTERED_COUNT), 0)
        self.assertEqual(bench.status(regs.ST_REGISTERED_ID), 0)
        self.assertEqual(bench.events(), [(regs.EV_COMMAND_DONE, regs.OP_REGISTER * 256 + STORE_FAILED)])
        bench.store_result = ACCEPTED
        self.assertEqual(bench.request(regs.OP_REGISTER, 77), ACCEPTED)
        self.assertEqual(bench.status(regs.ST_REGISTERED_COUNT), 1)

    def test_a_store_that_never_answers_is_one_that_failed(self):
        bench = with_truck()
        core = bench.core
        core.request_opcode, core.request_argument = regs.OP_REGISTER, 77
        core.step(bench.now_ms)
        core.step(bench.now_ms)
        self.assertEqual(core.request_result, STORE_FAILED)
        self.assertEqual(bench.status(regs.ST_REGISTERED_COUNT), 0)

    def test_a_record_that_is_read_is_shown_and_changes_nothing_else(self):
        bench = with_truck()
        core = bench.core
        core.request_opcode, core.request_argument = regs.OP_READ_ALIBI, 5
        core.step(bench.now_ms)
        self.assertEqual((core.pending(), core.pending_value()), (PENDING_READ, 5))
        for index in range(len(core.record)):
            core.record[index] = 100 + index
        core.on_stored(ACCEPTED)
        self.assertEqual(core.request_result, ACCEPTED)
        shown = [bench.status(regs.ST_ALIBI_SEQUENCE + index) for index in range(9)]
        self.assertEqual(shown, list(range(100, 109)))
        self.assertEqual(bench.status(regs.ST_REGISTERED_COUNT), 0)
        self.assertEqual(bench.request(regs.OP_READ_ALIBI, -1), OUT_OF_LIMITS)


class TareTest(unittest.TestCase):
    def test_a_preset_tare_is_flagged_and_goes_into_the_record(self):
        bench = with_truck(300000)
        self.assertEqual(bench.request(regs.OP_PRESET_TARE, 120000), ACCEPTED)
        self.assertTrue(bench.has_flag(regs.FLAGS_PRESET_TARE))
        self.assertEqual(bench.status(regs.ST_NET_KG_X10), 180000)
        self.assertEqual(bench.request(regs.OP_REGISTER, 1), ACCEPTED)
        self.assertEqual(bench.status(regs.ST_REGISTERED_KG_X10), 300000)
        self.assertEqual(bench.status(regs.ST_REGISTERED_TARE_KG_X10), 120000)
        self.assertTrue(registered_flag(bench, regs.REGISTERED_FLAGS_PRESET_TARE))

    def test_a_preset_tare_is_a_multiple_of_e_up_to_max(self):
        bench = started()
        for value, result in (
            (0, OUT_OF_LIMITS),
            (-200, OUT_OF_LIMITS),
            (100, OUT_OF_LIMITS),
            (200, ACCEPTED),
            (800000, ACCEPTED),
            (800200, OUT_OF_LIMITS),
        ):
            self.assertEqual(bench.request(regs.OP_PRESET_TARE, value), result, value)

    def test_a_preset_tare_never_takes_the_place_of_a_weighed_one(self):
        bench = with_truck(300000)
        self.assertEqual(bench.request(regs.OP_TARE), ACCEPTED)
        self.assertEqual(bench.request(regs.OP_PRESET_TARE, 20000), REFUSED_STATE)
        self.assertEqual(bench.status(regs.ST_TARE_KG_X10), 300000)
        self.assertEqual(bench.request(regs.OP_CLEAR_TARE), ACCEPTED)
        self.assertEqual(bench.request(regs.OP_PRESET_TARE, 20000), ACCEPTED)
        self.assertEqual(bench.request(regs.OP_TARE), ACCEPTED)
        self.assertFalse(bench.has_flag(regs.FLAGS_PRESET_TARE))

    def test_what_is_over_max_is_no_tare(self):
        bench = with_truck(801000)
        self.assertEqual(bench.request(regs.OP_TARE), OUT_OF_LIMITS)


class VehicleTest(unittest.TestCase):
    def test_a_second_vehicle_behind_the_first_is_refused_until_the_deck_was_empty(self):
        bench = with_truck(200000)
        bench.set_contacts(0, 1, 1)
        bench.run(500)
        bench.load_kg_x10 = 210000
        bench.set_contacts(1, 1, 1)
        bench.run(2500)
        self.assertEqual(bench.state(), regs.STATE_STABLE)
        self.assertTrue(bench.has_flag(regs.FLAGS_SECOND_VEHICLE))
        self.assertFalse(bench.has_flag(regs.FLAGS_LEGAL_FOR_TRADE))
        self.assertEqual(bench.request(regs.OP_REGISTER, 1), INTERLOCK)
        bench.load_kg_x10 = 10000
        bench.run(2500)
        self.assertEqual(bench.request(regs.OP_REGISTER, 1), INTERLOCK)
        bench.drive_off()
        self.assertFalse(bench.has_flag(regs.FLAGS_SECOND_VEHICLE))
        bench.drive_on(200000)
        self.assertEqual(bench.request(regs.OP_REGISTER, 1), ACCEPTED)

    def test_a_lost_weight_does_not_hide_the_second_vehicle(self):
        bench = with_truck(200000)
        bench.converting = False
        bench.run(1500)
        bench.set_contacts(0, 1, 1)
        bench.run(100)
        bench.set_contacts(1, 1, 1)
        bench.load_kg_x10 = 400000
        bench.converting = True
        bench.run(4000)
        self.assertEqual(bench.request(regs.OP_REGISTER, 1), INTERLOCK)

    def test_a_truck_that_is_loaded_on_the_deck_is_one_vehicle(self):
        bench = with_truck(200000)
        bench.load_kg_x10 = 400000
        bench.run(2500)
        self.assertEqual(bench.request(regs.OP_REGISTER, 1), ACCEPTED)

    def test_a_driver_who_walks_through_the_beam_is_no_vehicle(self):
        bench = with_truck(200000)
        bench.set_contacts(0, 1, 1)
        bench.run(300)
        bench.load_kg_x10 = 200800
        bench.set_contacts(1, 1, 1)
        bench.run(2500)
        self.assertEqual(bench.request(regs.OP_REGISTER, 1), ACCEPTED)


class EntryDriftTest(unittest.TestCase):
    def weigh_after(self, off_kg_x10, quarters=1):
        """Result of registering a truck that came while the empty deck stood `off_kg_x10` off zero for two seconds."""
        bench = started(noise_counts=0)
        bench.settings[regs.SET_ZERO_TRACKING] = 0
        bench.settings[regs.SET_ZERO_DRIFT_LIMIT] = quarters
        bench.load_kg_x10 = off_kg_x10
        bench.run(2500)
        bench.drive_on(300000)
        return bench.request(regs.OP_REGISTER, 1), bench

    def test_a_truck_on_a_zero_more_than_a_quarter_of_e_off_is_refused(self):
        for off, quarters, result in (
            (0, 1, ACCEPTED),
            (50, 1, ACCEPTED),
            (-50, 1, ACCEPTED),
            (52, 1, REFUSED_STATE),
            (-52, 1, REFUSED_STATE),
            (100, 2, ACCEPTED),
            (102, 2, REFUSED_STATE),
            (200, 4, ACCEPTED),
            (-202, 4, REFUSED_STATE),
        ):
            found, bench = self.weigh_after(off, quarters)
            self.assertEqual(found, result, (off, quarters))
            self.assertEqual(bench.has_fault(regs.FAULTS_ZERO_DRIFT), result != ACCEPTED)
            self.assertEqual(bench.status(regs.ST_ENTRY_DRIFT_COUNTS), off * 5)

    def test_the_fault_ends_with_the_truck_once_the_zero_is_right_again(self):
        _, bench = self.weigh_after(80)
        bench.drive_off()
        self.assertFalse(bench.has_fault(regs.FAULTS_ZERO_DRIFT))
        bench.drive_on(300000)
        self.assertEqual(bench.request(regs.OP_REGISTER, 2), ACCEPTED)

    def test_an_unquiet_deck_is_not_zeroed(self):
        bench = started()
        bench.settings[regs.SET_ZERO_TRACKING] = 0
        bench.noise_counts = 700
        window = bench.core._scale.window
        results = [[], []]
        for _ in range(600):
            bench.run(100)
            result = bench.request(regs.OP_ZERO)
            if bench.has_flag(regs.FLAGS_STABLE):
                results[2 * window.spread <= D_COUNTS].append(result)
        self.assertTrue(len(results[0]) > 5)
        self.assertEqual(results[0], [REFUSED_STATE] * len(results[0]))
        self.assertEqual(results[1], [ACCEPTED] * len(results[1]))


class CalibrationTest(unittest.TestCase):
    def test_zero_and_span_are_calibrated_with_a_known_weight(self):
        bench = started(noise_counts=0)
        turn_key(bench)
        bench.load_kg_x10 = 100
        bench.run(2500)
        self.assertEqual(bench.request(regs.OP_CALIBRATE_ZERO), ACCEPTED)
        bench.run(3000)
        self.assertEqual(bench.settings[regs.SET_ZERO_COUNTS], 100500)
        self.assertEqual(bench.status(regs.ST_CALIBRATION_COUNT), 1)
        bench.load_kg_x10 = 100 + 400000
        bench.run(2500)
        self.assertEqual(bench.request(regs.OP_CALIBRATE_SPAN, 50000), ACCEPTED)
        self.assertEqual(bench.settings[regs.SET_SPAN_COUNTS], 3200000)
        bench.run(100)
        self.assertEqual(bench.status(regs.ST_CALIBRATION_COUNT), 2)
        bench.load_kg_x10 = 100
        bench.run(3000)
        bench.load_kg_x10 = 100 + 400000
        bench.run(3000)
        self.assertEqual(bench.status(regs.ST_GROSS_KG_X10), 500000)
        calibrated = [event for event in bench.events() if event[0] == regs.EV_CALIBRATED]
        self.assertEqual(calibrated, [(regs.EV_CALIBRATED, 100500), (regs.EV_CALIBRATED, 3200000)])

    def test_calibration_needs_the_key_rest_and_a_fitting_weight(self):
        bench = started(noise_counts=0)
        self.assertEqual(bench.request(regs.OP_CALIBRATE_ZERO), INTERLOCK)
        self.assertEqual(bench.request(regs.OP_CALIBRATE_SPAN, 40000), INTERLOCK)
        turn_key(bench)
        bench.drive_on(400000)
        for known in (0, -1, 15999, 80001):
            self.assertEqual(bench.request(regs.OP_CALIBRATE_SPAN, known), OUT_OF_LIMITS, known)
        bench.load_kg_x10 += 3000
        bench.run(300)
        self.assertEqual(bench.request(regs.OP_CALIBRATE_SPAN, 40000), REFUSED_STATE)
        self.assertEqual(bench.request(regs.OP_CALIBRATE_ZERO), REFUSED_STATE)
        bench.set_contacts(0, 1, 1)
        bench.run(3000)
        self.assertEqual(bench.request(regs.OP_CALIBRATE_SPAN, 40000), REFUSED_STATE)
        self.assertEqual(bench.status(regs.ST_CALIBRATION_COUNT), 0)

    def test_a_calibration_that_no_class_iii_instrument_can_have_is_refused(self):
        bench = started(noise_counts=0)
        turn_key(bench)
        bench.raw_counts = 5000000
        bench.run(3000)
        self.assertEqual(bench.request(regs.OP_CALIBRATE_ZERO), OUT_OF_LIMITS)
        self.assertEqual(bench.settings[regs.SET_ZERO_COUNTS], 100000)

    def test_a_calibration_that_cannot_be_stored_changes_nothing(self):
        bench = started(noise_counts=0)
        turn_key(bench)
        bench.drive_on(400000)
        bench.store_result = STORE_FAILED
        self.assertEqual(bench.request(regs.OP_CALIBRATE_SPAN, 50000), STORE_FAILED)
        self.assertEqual(bench.settings[regs.SET_SPAN_COUNTS], 4000000)
        self.assertEqual(bench.status(regs.ST_CALIBRATION_COUNT), 0)


class RecalibrationTest(unittest.TestCase):
    def test_on_another_board_nothing_is_registered_until_a_span_is_calibrated(self):
        bench = started(noise_counts=0)
        bench.core.memory.recalibration_due = 1
        bench.drive_on(400000)
        self.assertEqual(bench.status(regs.ST_FAULTS), 1 << regs.FAULTS_RECALIBRATION_DUE)
        self.assertEqual(bench.core.health, regs.HEALTH_CHECK_FUNCTION)
        self.assertEqual(bench.status(regs.ST_GROSS_KG_X10), 400000)
        self.assertFalse(bench.has_flag(regs.FLAGS_LEGAL_FOR_TRADE))
        self.assertEqual(bench.request(regs.OP_REGISTER, 1), REFUSED_STATE)
        bench.settings[regs.SET_SPAN_COUNTS] = 4000100  # by SET: nobody has put a known weight on
        bench.run(3000)
        self.assertTrue(bench.has_fault(regs.FAULTS_RECALIBRATION_DUE))
        bench.load_kg_x10 = 0
        bench.run(3000)
        turn_key(bench)
        self.assertEqual(bench.request(regs.OP_CALIBRATE_ZERO), ACCEPTED)
        bench.run(3000)
        self.assertTrue(bench.has_fault(regs.FAULTS_RECALIBRATION_DUE))
        bench.load_kg_x10 = 400000
        bench.run(3000)
        bench.store_result = STORE_FAILED
        self.assertEqual(bench.request(regs.OP_CALIBRATE_SPAN, 40000), STORE_FAILED)
        bench.run(100)
        self.assertTrue(bench.has_fault(regs.FAULTS_RECALIBRATION_DUE))
        bench.store_result = ACCEPTED
        self.assertEqual(bench.request(regs.OP_CALIBRATE_SPAN, 40000), ACCEPTED)
        bench.run(100)
        self.assertFalse(bench.has_fault(regs.FAULTS_RECALIBRATION_DUE))
        turn_key(bench, 0)
        bench.load_kg_x10 = 0
        bench.run(3000)
        bench.drive_on(400000)
        self.assertEqual(bench.request(regs.OP_REGISTER, 2), ACCEPTED)


class LocalTest(unittest.TestCase):
    def test_remote_commands_are_refused_while_the_key_is_on(self):
        bench = with_truck()
        turn_key(bench)
        for opcode in range(regs.OP_ZERO, regs.OP_CALIBRATE_ZERO):
            self.assertEqual(bench.request(opcode, 1), REFUSED_LOCAL, opcode)
        self.assertEqual(bench.request(regs.OP_READ_ALIBI, 1), REFUSED_LOCAL)
        self.assertEqual(bench.request(regs.OP_CLEAR_FAULTS), ACCEPTED)
        self.assertEqual(bench.core.health, regs.HEALTH_CHECK_FUNCTION)
        self.assertTrue(bench.core.reasons & (1 << regs.REASONS_LOCAL_MODE))
        turn_key(bench, 0)
        self.assertEqual(bench.request(regs.OP_REGISTER, 1), ACCEPTED)
        local = [event for event in bench.events() if event[0] == regs.EV_LOCAL_CHANGED]
        self.assertEqual(local, [(regs.EV_LOCAL_CHANGED, 1), (regs.EV_LOCAL_CHANGED, 0)])

    def test_the_register_button_registers_once_per_vehicle_and_is_marked(self):
        bench = with_truck()
        turn_key(bench)
        for _ in range(3):
            press(bench, regs.IN_LOCAL_REGISTER)
        self.assertEqual(bench.status(regs.ST_REGISTERED_COUNT), 1)
        self.assertEqual(bench.status(regs.ST_REGISTERED_KG_X10), 425600)
        self.assertEqual(bench.status(regs.ST_REGISTERED_ID), 0)
        self.assertTrue(registered_flag(bench, regs.REGISTERED_FLAGS_LOCAL))
        self.assertTrue(registered_flag(bench, regs.REGISTERED_FLAGS_LEGAL_FOR_TRADE))
        bench.drive_off()
        bench.drive_on(300000)
        press(bench, regs.IN_LOCAL_REGISTER)
        self.assertEqual(bench.status(regs.ST_REGISTERED_KG_X10), 300000)

    def test_buttons_do_nothing_without_the_key(self):
        bench = with_truck()
        for button in (regs.IN_LOCAL_ZERO, regs.IN_LOCAL_TARE, regs.IN_LOCAL_REGISTER):
            press(bench, button)
        self.assertEqual((bench.status(regs.ST_REGISTERED_COUNT), bench.status(regs.ST_TARE_KG_X10)), (0, 0))
        self.assertEqual(bench.events(), [])

    def test_a_held_or_stuck_button_is_no_press(self):
        bench = with_truck()
        bench.core.inputs[regs.IN_LOCAL_REGISTER] = 1
        bench.run(50)
        turn_key(bench)
        self.assertEqual(bench.status(regs.ST_REGISTERED_COUNT), 0)
        bench.core.quality[regs.IN_LOCAL_REGISTER] = quality.BAD
        bench.run(50)
        bench.core.quality[regs.IN_LOCAL_REGISTER] = quality.GOOD
        bench.run(50)
        self.assertEqual(bench.status(regs.ST_REGISTERED_COUNT), 0)

    def test_tare_button_takes_and_forgets(self):
        bench = with_truck(200000)
        turn_key(bench)
        press(bench, regs.IN_LOCAL_TARE)
        self.assertEqual(bench.status(regs.ST_TARE_KG_X10), 200000)
        bench.drive_off()
        press(bench, regs.IN_LOCAL_TARE)
        self.assertEqual(bench.status(regs.ST_TARE_KG_X10), 0)

    def test_zero_button_zeroes_the_empty_deck(self):
        bench = started()
        turn_key(bench)
        bench.load_kg_x10 = 2000
        bench.run(2500)
        press(bench, regs.IN_LOCAL_ZERO)
        self.assertEqual(bench.status(regs.ST_GROSS_KG_X10), 0)
        self.assertEqual([code for code, _ in bench.events()].count(regs.EV_ZERO_SET), 1)
