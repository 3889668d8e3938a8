"""The charging post's faults on the bench: each latches, ends the session in order, says when it may clear."""

import unittest

from firmware.control.charging_post_inputs import (
    IN_BUS_V,
    IN_CURRENT_A,
    IN_PLATE_TEMP_C,
    IN_PLATE_V,
    IN_POST_TEMP_C,
)
from protocols.registers import charging_post as reg
from tests.firmware.control.charging_post_bench import PostBench, bench_in

ACCEPTED = reg.COMMAND_RESULT_ACCEPTED
REFUSED_INTERLOCK = reg.COMMAND_RESULT_REFUSED_INTERLOCK


class TestBlocking(unittest.TestCase):
    def test_welded_contactor_is_found_and_never_retracts_or_releases(self) -> None:
        bench = bench_in(reg.STATE_CC)
        bench.field.welded = True
        bench.command(reg.OP_RELEASE)
        bench.run_to(reg.STATE_FAULT)
        self.assertTrue(bench.fault_is(reg.FAULTS_WELDED))
        for _ in range(6000):
            bench.run(10)
            self.assertEqual(bench.out(reg.OUT_ARM_RETRACT) + bench.out(reg.OUT_VEHICLE_RELEASE), 0)
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), REFUSED_INTERLOCK)
        self.assertEqual(bench.command(reg.OP_RELEASE), REFUSED_INTERLOCK)
        bench.field.welded = False
        bench.run(5000)
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), ACCEPTED)
        bench.run_to(reg.STATE_STOPPED)
        self.assertEqual(bench.command(reg.OP_RELEASE), ACCEPTED)
        bench.run_to(reg.STATE_RELEASE)

    def test_weld_is_found_by_voltage_when_the_auxiliary_contact_lies(self) -> None:
        bench = bench_in(reg.STATE_CC)
        bench.command(reg.OP_RELEASE)
        bench.field.welded = True
        for _ in range(2000):
            bench.now_ms += 10
            bench.field.follow(bench.core, 10)
            bench.core.inputs[reg.IN_CONTACTOR_AUX] = bench.out(reg.OUT_CONTACTOR)
            bench.scan()
        self.assertEqual(bench.core.memory.state, reg.STATE_FAULT)
        self.assertTrue(bench.fault_is(reg.FAULTS_WELDED))

    def test_weld_from_an_earlier_life_is_found_before_the_contactor_is_closed(self) -> None:
        bench = PostBench()
        bench.charge(reg.STATE_CONTACT_CHECK)
        bench.core.quality[reg.IN_CONTACTOR_AUX] = 0
        for _ in range(1000):
            bench.now_ms += 10
            bench.field.follow(bench.core, 10)
            bench.core.inputs[IN_BUS_V] = bench.core.inputs[IN_PLATE_V]
            bench.scan()
        self.assertTrue(bench.fault_is(reg.FAULTS_WELDED))
        self.assertFalse(reg.STATE_CONTACTOR_CLOSE in bench.states)

    def test_auxiliary_contact_that_closes_by_itself_is_a_weld(self) -> None:
        bench = PostBench()
        bench.field.welded = True
        bench.run(10)
        self.assertTrue(bench.fault_is(reg.FAULTS_WELDED))

    def test_vehicle_that_keeps_the_plates_alive_holds_the_contacts(self) -> None:
        bench = bench_in(reg.STATE_CC)
        bench.field.vehicle_obeys = False
        bench.command(reg.OP_RELEASE)
        bench.run_to(reg.STATE_FAULT)
        self.assertTrue(bench.fault_is(reg.FAULTS_PLATES_LIVE))
        bench.run(10000)
        self.assertEqual(bench.field.arm_ms, 1000)
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), REFUSED_INTERLOCK)
        bench.field.vehicle_obeys = True
        bench.run(100)
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), ACCEPTED)
        bench.run_to(reg.STATE_STOPPED)

    def test_module_that_does_not_obey_loses_its_mains_and_the_contactor_waits_for_the_current(self) -> None:
        bench = bench_in(reg.STATE_CC)
        bench.field.module_obeys = False
        bench.command(reg.OP_RELEASE)
        bench.run(1900)
        self.assertEqual(bench.out(reg.OUT_MODULE_POWER), 1)
        self.assertEqual(bench.out(reg.OUT_CONTACTOR), 1)
        bench.run(110)
        self.assertTrue(bench.fault_is(reg.FAULTS_CURRENT_STUCK))
        self.assertEqual(bench.out(reg.OUT_MODULE_POWER), 0)
        bench.run(20)
        self.assertEqual(bench.core.inputs[IN_CURRENT_A], 0)
        self.assertEqual(bench.out(reg.OUT_CONTACTOR), 0)
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), ACCEPTED)
        bench.run_to(reg.STATE_STOPPED)

    def test_current_that_cannot_be_measured_keeps_the_contactor_closed_until_the_emergency_stop(self) -> None:
        bench = bench_in(reg.STATE_CC)
        bench.core.quality[IN_CURRENT_A] = 2
        bench.run(10000)
        self.assertEqual(bench.core.memory.state, reg.STATE_FAULT)
        self.assertEqual(bench.out(reg.OUT_CONTACTOR), 1)
        self.assertEqual(bench.out(reg.OUT_MODULE_POWER) + bench.out(reg.OUT_MODULE_ENABLE), 0)
        bench.core.inputs[reg.IN_STOP_CHAIN_OK] = 0
        bench.run(10)
        self.assertEqual(bench.out(reg.OUT_CONTACTOR), 0)

    def test_arm_that_does_not_arrive_is_a_fault_in_both_directions(self) -> None:
        for state in (reg.STATE_EXTEND, reg.STATE_RETRACT):
            bench = bench_in(state)
            bench.field.arm_moves = False
            bench.run_to(reg.STATE_FAULT)
            self.assertTrue(bench.fault_is(reg.FAULTS_ARM_FAULT))
            self.assertEqual(bench.out(reg.OUT_ARM_EXTEND) + bench.out(reg.OUT_ARM_RETRACT), 0)
            bench.field.arm_moves = True
            self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), ACCEPTED)
            bench.run(1000)
            bench.command(reg.OP_RELEASE)
            bench.run_to(reg.STATE_RELEASE)

    def test_first_blocking_fault_is_the_one_that_is_told(self) -> None:
        bench = bench_in(reg.STATE_CC)
        bench.field.welded = True
        bench.field.vehicle_obeys = False
        bench.command(reg.OP_RELEASE)
        bench.run(20000)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 1 << reg.FAULTS_WELDED)


class TestStopping(unittest.TestCase):
    def ends_with(self, bench: PostBench, fault: int) -> None:
        """The session ends, the vehicle may go, the fault stands."""
        bench.run_to(reg.STATE_RELEASE)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 1 << fault)
        self.assertEqual(bench.core.status[reg.ST_END_REASON], reg.END_REASON_FAULT)
        self.assertEqual(bench.out(reg.OUT_VEHICLE_RELEASE), 1)

    def test_bus_that_does_not_charge_is_given_three_time_constants(self) -> None:
        bench = PostBench()
        bench.field.precharge_works = False
        bench.charge(reg.STATE_PRECHARGE)
        bench.run(590)
        self.assertEqual(bench.core.memory.state, reg.STATE_PRECHARGE)
        bench.run(20)
        self.assertTrue(bench.fault_is(reg.FAULTS_PRECHARGE_FAIL))
        self.assertFalse(reg.STATE_CONTACTOR_CLOSE in bench.states)
        self.ends_with(bench, reg.FAULTS_PRECHARGE_FAIL)

    def test_contactor_that_does_not_close_is_a_fault(self) -> None:
        bench = PostBench()
        bench.field.contactor_moves = False
        bench.charge(reg.STATE_CONTACTOR_CLOSE)
        self.ends_with(bench, reg.FAULTS_CONTACTOR_FAIL)

    def test_contactor_that_opens_by_itself_is_a_fault(self) -> None:
        bench = bench_in(reg.STATE_CC)
        bench.field.contactor_moves = False
        bench.field.contactor_ms = 0
        bench.run(10)
        self.ends_with(bench, reg.FAULTS_CONTACTOR_FAIL)

    def test_insulation_is_tested_before_and_watched_during_the_charge(self) -> None:
        bench = PostBench()
        bench.charge(reg.STATE_INSULATION_TEST)
        bench.field.insulation = False
        self.ends_with(bench, reg.FAULTS_INSULATION)
        self.assertFalse(reg.STATE_PRECHARGE in bench.states)
        bench = bench_in(reg.STATE_CC)
        bench.field.insulation = False
        bench.run(10)
        self.assertEqual(bench.out(reg.OUT_MODULE_ENABLE), 0)
        self.ends_with(bench, reg.FAULTS_INSULATION)
        bench.field.vehicle = False
        bench.run_to(reg.STATE_FAULT)
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), REFUSED_INTERLOCK)

    def test_monitor_that_never_begins_its_self_test_has_proven_nothing(self) -> None:
        bench = PostBench()
        bench.field.imd_tests = False
        bench.charge(reg.STATE_INSULATION_TEST)
        bench.run(29900)
        self.assertEqual(bench.core.memory.state, reg.STATE_INSULATION_TEST)
        self.ends_with(bench, reg.FAULTS_INSULATION)

    def test_power_module_must_be_heard_before_and_during_the_charge(self) -> None:
        bench = PostBench()
        bench.field.module_answers = False
        bench.charge(reg.STATE_INSULATION_TEST)
        self.ends_with(bench, reg.FAULTS_MODULE_LOST)
        self.assertFalse(reg.STATE_PRECHARGE in bench.states)
        bench = bench_in(reg.STATE_CC)
        bench.field.module_answers = False
        bench.run(510)
        self.assertEqual(bench.out(reg.OUT_MODULE_ENABLE), 0)
        self.ends_with(bench, reg.FAULTS_MODULE_LOST)

    def test_fault_of_the_power_module_ends_the_charge(self) -> None:
        bench = bench_in(reg.STATE_CC)
        bench.field.module_fault = True
        self.ends_with(bench, reg.FAULTS_MODULE_FAULT)

    def test_trips_do_not_ask_the_setpoint(self) -> None:
        # 60 V and 100 A are the post's, 56 V and 40 A the vehicle's limits; 5 % and 1 A above is too much.
        for index, good, bad, fault in (
            (IN_PLATE_V, 588, 589, reg.FAULTS_OVER_VOLTAGE),
            (IN_BUS_V, 588, 589, reg.FAULTS_OVER_VOLTAGE),
            (IN_CURRENT_A, 1060, 1061, reg.FAULTS_OVER_CURRENT),
        ):
            for value in (good, bad):
                bench = bench_in(reg.STATE_CC)
                bench.core.inputs[index] = value
                bench.scan()
                self.assertEqual(bench.fault_is(fault), value == bad, value)
                if value == bad:
                    self.assertEqual(bench.out(reg.OUT_MODULE_ENABLE), 0)
                    self.assertEqual(bench.core.memory.set_a_x10, 0)

    def test_current_above_the_vehicles_limit_trips_once_the_module_had_time_to_follow(self) -> None:
        for current, trips in ((430, False), (431, True)):
            bench = bench_in(reg.STATE_CC)
            for _ in range(55):
                bench.field.follow(bench.core, 10)
                if bench.out(reg.OUT_MODULE_ENABLE):
                    bench.core.inputs[IN_CURRENT_A] = current
                bench.now_ms += 10
                bench.scan()
            self.assertEqual(bench.fault_is(reg.FAULTS_OVER_CURRENT), trips, current)

    def test_heat_stops_the_charge(self) -> None:
        for index, value in ((IN_POST_TEMP_C, 600), (IN_PLATE_TEMP_C, 800)):
            bench = bench_in(reg.STATE_CC)
            bench.core.inputs[index] = value
            bench.run(10)
            self.assertEqual(bench.out(reg.OUT_MODULE_ENABLE), 0)
            self.ends_with(bench, reg.FAULTS_OVER_TEMPERATURE)

    def test_first_stopping_fault_is_the_one_that_is_told(self) -> None:
        bench = bench_in(reg.STATE_CC)
        bench.field.module_fault = True
        bench.run(200)
        bench.field.insulation = False
        bench.run(100)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 1 << reg.FAULTS_MODULE_FAULT)

    def test_a_fault_cannot_be_cleared_in_the_scan_that_raises_it(self) -> None:
        for raises, fault in (
            (lambda field: setattr(field, "insulation", False), reg.FAULTS_INSULATION),
            (lambda field: setattr(field, "imd_ms", 1000), reg.FAULTS_INSULATION),
            (lambda field: setattr(field, "contactor_moves", False), reg.FAULTS_CONTACTOR_FAIL),
        ):
            bench = bench_in(reg.STATE_CC)
            raises(bench.field)
            bench.field.contactor_ms = 0 if fault == reg.FAULTS_CONTACTOR_FAIL else bench.field.contactor_ms
            self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), REFUSED_INTERLOCK, fault)
            self.assertEqual(bench.out(reg.OUT_MODULE_ENABLE), 0, fault)
            self.assertTrue(bench.fault_is(fault))
            self.ends_with(bench, fault)

    def test_module_fault_cannot_be_cleared_in_the_scan_that_raises_it(self) -> None:
        bench = bench_in(reg.STATE_CC)
        bench.core.line.state = reg.MODULE_STATE_FAULT
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), REFUSED_INTERLOCK)
        self.assertTrue(bench.fault_is(reg.FAULTS_MODULE_FAULT))
        self.assertEqual(bench.out(reg.OUT_MODULE_ENABLE), 0)

    def test_what_a_cleared_fault_has_hidden_is_told_in_the_same_scan(self) -> None:
        bench = PostBench()
        bench.core.memory.stop_fault = reg.FAULTS_PRECHARGE_FAIL + 1
        bench.core.quality[IN_POST_TEMP_C] = 2
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), ACCEPTED)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 1 << reg.FAULTS_INPUT_BAD)
        self.assertEqual(bench.core.health, reg.HEALTH_FAILURE)

    def test_a_blocking_fault_that_was_hidden_keeps_the_contacts_where_they_are(self) -> None:
        bench = PostBench()
        bench.core.memory.block_fault = reg.FAULTS_CURRENT_STUCK + 1
        bench.field.follow(bench.core, 10)
        bench.core.inputs[IN_PLATE_V] = 480
        bench.core.request_opcode = reg.OP_CLEAR_FAULTS
        bench.scan()
        self.assertEqual(bench.core.request_result, ACCEPTED)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 1 << reg.FAULTS_PLATES_LIVE)
        self.assertEqual(bench.out(reg.OUT_VEHICLE_RELEASE), 0)


class TestUnknown(unittest.TestCase):
    def test_outputs_are_safe_while_nothing_is_known(self) -> None:
        bench = PostBench()
        for index in range(len(bench.core.quality)):
            bench.core.quality[index] = 2
        bench.run(5000)
        for out in range(reg.OUT_LAMP_CHARGING + 1):
            self.assertEqual(bench.out(out), 0, out)

    def test_each_input_that_goes_bad_during_the_charge_takes_the_power_away(self) -> None:
        for index in range(len(PostBench().core.quality)):
            bench = bench_in(reg.STATE_CC)
            bench.core.quality[index] = 2
            bench.run(10)
            self.assertEqual(bench.out(reg.OUT_MODULE_ENABLE), 0, index)


if __name__ == "__main__":
    unittest.main()
