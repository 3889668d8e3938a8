"""The charging post's sequence on the bench: a whole charge, who may begin and end it, and every way out."""

import unittest

from firmware.control.charging_post_inputs import (
    FLAG_FAULT,
    FLAG_READY,
    IN_PLATE_TEMP_C,
    IN_POST_TEMP_C,
    IN_VEHICLE_CHEMISTRY,
    IN_VEHICLE_FLAGS,
    IN_VEHICLE_MAX_A,
    IN_VEHICLE_MAX_V,
    IN_VEHICLE_SEQUENCE,
    IN_VEHICLE_TEMP_C,
)
from protocols.registers import charging_post as reg
from tests.firmware.control.charging_post_bench import BATTERY_V_X10, VEHICLE_ID, PostBench

WHOLE_CHARGE = [
    reg.STATE_IDLE,
    reg.STATE_VEHICLE_PRESENT,
    reg.STATE_HANDSHAKE,
    reg.STATE_EXTEND,
    reg.STATE_CONTACT_CHECK,
    reg.STATE_INSULATION_TEST,
    reg.STATE_PRECHARGE,
    reg.STATE_CONTACTOR_CLOSE,
    reg.STATE_RAMP,
    reg.STATE_CC,
    reg.STATE_CV,
    reg.STATE_TAPER_END,
    reg.STATE_RAMP_DOWN,
    reg.STATE_CONTACTOR_OPEN,
    reg.STATE_WELD_CHECK,
    reg.STATE_RETRACT,
    reg.STATE_RELEASE,
    reg.STATE_IDLE,
]
ACCEPTED = reg.COMMAND_RESULT_ACCEPTED


class TestSequence(unittest.TestCase):
    def test_start_proves_the_post_safe_and_comes_to_rest_without_moving(self) -> None:
        bench = PostBench()
        self.assertEqual(
            bench.states,
            [
                reg.STATE_CONTACTOR_OPEN,
                reg.STATE_WELD_CHECK,
                reg.STATE_STOPPED,
                reg.STATE_RELEASE,
                reg.STATE_IDLE,
            ],
        )
        self.assertEqual(bench.core.health, reg.HEALTH_NORMAL)

    def test_a_whole_charge_goes_through_every_state_of_the_reference_sequence(self) -> None:
        bench = PostBench()
        del bench.states[:-1]
        bench.charge(reg.STATE_CC)
        bench.run(5000)
        bench.field.battery_v_x10 = 558
        bench.field.is_full = True
        bench.run_to(reg.STATE_RELEASE)
        self.assertEqual(bench.out(reg.OUT_VEHICLE_RELEASE), 1)
        bench.field.vehicle = False
        bench.run_to(reg.STATE_IDLE)
        self.assertEqual(bench.states, WHOLE_CHARGE)
        self.assertEqual(bench.core.status[reg.ST_END_REASON], reg.END_REASON_FULL)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 0)

    def test_session_is_recorded_and_told_by_events(self) -> None:
        bench = PostBench()
        bench.charge(reg.STATE_CC)
        bench.take_events()
        bench.run(36000)
        bench.command(reg.OP_RELEASE)
        bench.run_to(reg.STATE_RELEASE)
        status = bench.core.status
        self.assertEqual(status[reg.ST_SESSIONS], 1)
        self.assertEqual(status[reg.ST_SESSION_VEHICLE_ID], VEHICLE_ID)
        self.assertEqual(status[reg.ST_SESSION_PEAK_A_X10], 400)
        events = bench.take_events()
        self.assertTrue((reg.EV_SESSION_ENDED, reg.END_REASON_COMMAND) in events)
        self.assertTrue((reg.EV_SESSION_ENERGY, status[reg.ST_SESSION_WH]) in events)
        # 48 V times 40 A for 36 s, and the ramp before it.
        self.assertTrue(19 <= status[reg.ST_SESSION_WH] <= 21)
        self.assertTrue(400 <= status[reg.ST_SESSION_MAH] <= 425)
        self.assertEqual(status[reg.ST_TOTAL_WH], status[reg.ST_SESSION_WH])

    def test_current_never_rises_faster_than_the_setting_and_never_above_any_limit(self) -> None:
        bench = PostBench()
        bench.settings[reg.SET_RAMP_A_PER_S_X10] = 200
        bench.charge(reg.STATE_RAMP)
        before = [0] * 100
        while bench.core.memory.state == reg.STATE_RAMP:
            bench.run(10)
            before.append(bench.core.memory.set_a_x10)
            self.assertTrue(before[-1] - before[-101] <= 200 + 20)
            self.assertTrue(before[-1] <= 400)
        self.assertEqual(before[-1], 400)

    def test_a_late_scan_makes_one_step_of_the_ramp_not_many(self) -> None:
        bench = PostBench()
        bench.charge(reg.STATE_RAMP)
        bench.run(300)
        before = bench.core.memory.set_a_x10
        bench.core.inputs[IN_VEHICLE_SEQUENCE] += 1
        bench.core.line.sequence += 1
        bench.now_ms += 5000
        bench.scan()
        self.assertEqual(bench.core.memory.set_a_x10, before + 10)

    def test_vehicle_lowers_its_limit_and_the_current_follows_at_once(self) -> None:
        bench = PostBench()
        bench.charge()
        bench.core.inputs[IN_VEHICLE_MAX_A] = 150
        bench.core.inputs[IN_VEHICLE_MAX_V] = 500
        bench.run(10)
        self.assertEqual(bench.core.memory.set_a_x10, 150)
        self.assertEqual(bench.core.status[reg.ST_SET_V_X10], 500)

    def test_post_is_the_limit_where_it_is_the_lower_one(self) -> None:
        bench = PostBench()
        bench.settings[reg.SET_MAX_A_X10] = 100
        bench.settings[reg.SET_MAX_V_X10] = 520
        bench.charge()
        self.assertEqual(bench.core.memory.set_a_x10, 100)
        self.assertEqual(bench.core.status[reg.ST_SET_V_X10], 520)

    def test_temperature_between_derate_and_stop_takes_its_share_of_the_current(self) -> None:
        bench = PostBench()
        bench.charge()
        bench.core.inputs[IN_POST_TEMP_C] = 525  # half way from 45 to 60 degrees
        bench.run(10)
        self.assertEqual(bench.core.memory.set_a_x10, 200)
        bench.core.inputs[IN_PLATE_TEMP_C] = 750  # a quarter left from 60 to 80 degrees
        bench.run(10)
        self.assertEqual(bench.core.memory.set_a_x10, 100)
        self.assertEqual(bench.core.health, reg.HEALTH_OFF_SPEC)
        bench.core.inputs[IN_POST_TEMP_C] = 250
        bench.core.inputs[IN_PLATE_TEMP_C] = 250
        bench.run(5000)
        self.assertEqual(bench.core.memory.set_a_x10, 400)

    def test_taper_is_no_end_while_the_voltage_is_below_its_limit(self) -> None:
        bench = PostBench()
        bench.charge()
        bench.field.is_full = True  # low current, but the battery is at 48 V of 56 V
        bench.run(60000)
        self.assertEqual(bench.core.memory.state, reg.STATE_CC)

    def test_fixed_plates_need_no_arm(self) -> None:
        bench = PostBench()
        bench.settings[reg.SET_ARM_FITTED] = 0
        bench.field.arm_moves = False
        bench.field.arm_ms = 1000  # a vehicle on the plates touches them
        bench.charge()
        bench.command(reg.OP_RELEASE)
        bench.run_to(reg.STATE_RELEASE)
        self.assertEqual(bench.out(reg.OUT_ARM_EXTEND) + bench.out(reg.OUT_ARM_RETRACT), 0)
        self.assertEqual(bench.out(reg.OUT_VEHICLE_RELEASE), 1)


class TestEnds(unittest.TestCase):
    def end_of(self, bench: PostBench) -> int:
        """Run to the vehicle's release and return why the session ended."""
        bench.run_to(reg.STATE_RELEASE)
        self.assertEqual(bench.out(reg.OUT_VEHICLE_RELEASE), 1)
        return bench.core.status[reg.ST_END_REASON]

    def test_vehicle_that_falls_silent_ends_its_charge_in_order(self) -> None:
        bench = PostBench()
        bench.charge()
        bench.field.vehicle_sends = False
        bench.run(900)
        self.assertEqual(bench.out(reg.OUT_MODULE_ENABLE), 1)
        bench.run(110)
        self.assertEqual(bench.out(reg.OUT_MODULE_ENABLE), 0)
        self.assertEqual(bench.core.memory.set_a_x10, 0)
        self.assertEqual(self.end_of(bench), reg.END_REASON_VEHICLE_LOST)

    def test_vehicle_with_a_standing_sequence_is_never_accepted(self) -> None:
        bench = PostBench()
        bench.field.vehicle_sends = False
        bench.arrive()
        bench.command(reg.OP_START)
        self.assertEqual(self.end_of(bench), reg.END_REASON_REFUSED)
        self.assertEqual(bench.core.status[reg.ST_SESSIONS], 0)
        self.assertFalse(reg.STATE_EXTEND in bench.states)

    def test_batteries_that_must_not_be_charged_are_refused_and_the_status_says_why(self) -> None:
        cases = (
            (IN_VEHICLE_FLAGS, 0, reg.REFUSAL_NOT_READY),
            (IN_VEHICLE_FLAGS, FLAG_READY | FLAG_FAULT, reg.REFUSAL_NOT_READY),
            (IN_VEHICLE_CHEMISTRY, 0, reg.REFUSAL_CHEMISTRY),
            (IN_VEHICLE_CHEMISTRY, 4, reg.REFUSAL_CHEMISTRY),
            (IN_VEHICLE_CHEMISTRY, -1, reg.REFUSAL_CHEMISTRY),
            (IN_VEHICLE_TEMP_C, 49, reg.REFUSAL_TEMPERATURE),
            (IN_VEHICLE_TEMP_C, 451, reg.REFUSAL_TEMPERATURE),
            (IN_VEHICLE_MAX_V, 0, reg.REFUSAL_VOLTAGE),
            (IN_VEHICLE_MAX_V, 400, reg.REFUSAL_VOLTAGE),
            (IN_VEHICLE_MAX_A, 10, reg.REFUSAL_CURRENT),
        )
        for index, value, bit in cases:
            bench = PostBench()
            bench.core.inputs[index] = value
            bench.arrive()
            bench.command(reg.OP_START)
            bench.run(500)
            self.assertEqual(bench.core.memory.state, reg.STATE_HANDSHAKE)
            self.assertEqual(bench.core.status[reg.ST_REFUSAL], 1 << bit, (index, value))
            self.assertEqual(self.end_of(bench), reg.END_REASON_REFUSED)

    def test_chemistry_the_post_does_not_charge_is_refused(self) -> None:
        bench = PostBench()
        bench.settings[reg.SET_CHEMISTRIES] = 6
        bench.arrive()
        bench.run(10)
        self.assertEqual(bench.core.status[reg.ST_REFUSAL], 1 << reg.REFUSAL_CHEMISTRY)

    def test_vehicle_that_has_enough_ends_its_charge(self) -> None:
        bench = PostBench()
        bench.charge()
        bench.core.inputs[IN_VEHICLE_FLAGS] = 0
        self.assertEqual(self.end_of(bench), reg.END_REASON_VEHICLE)

    def test_vehicle_that_drives_off_ends_its_charge(self) -> None:
        bench = PostBench()
        bench.charge()
        bench.field.vehicle = False
        bench.run(10)
        self.assertEqual(bench.out(reg.OUT_MODULE_ENABLE), 0)
        bench.run_to(reg.STATE_IDLE)
        self.assertEqual(bench.core.status[reg.ST_END_REASON], reg.END_REASON_VEHICLE_LEFT)

    def test_contacts_that_lose_their_pressure_end_the_charge(self) -> None:
        bench = PostBench()
        bench.charge()
        bench.field.pressure = False
        self.assertEqual(self.end_of(bench), reg.END_REASON_NO_CONTACT)

    def test_arm_that_meets_no_vehicle_comes_back(self) -> None:
        bench = PostBench()
        bench.field.pressure = False
        bench.arrive()
        bench.command(reg.OP_START)
        self.assertEqual(self.end_of(bench), reg.END_REASON_NO_CONTACT)

    def test_stray_metal_on_the_plates_never_gets_a_voltage(self) -> None:
        bench = PostBench()
        bench.field.stray_metal = True
        bench.arrive()
        bench.command(reg.OP_START)
        self.assertEqual(self.end_of(bench), reg.END_REASON_NO_BATTERY)
        self.assertFalse(reg.STATE_PRECHARGE in bench.states)

    def test_battery_of_another_voltage_than_reported_is_not_charged(self) -> None:
        for share, charges in ((950, True), (940, False), (1050, True), (1060, False)):
            bench = PostBench()
            bench.charge(reg.STATE_CONTACT_CHECK)
            plates = BATTERY_V_X10 * share // 1000
            for _ in range(300):
                bench.field.follow(bench.core, 10)
                bench.core.inputs[13] = plates if bench.out(reg.OUT_VEHICLE_CONNECT) else 0
                bench.now_ms += 10
                bench.scan()
            self.assertEqual(reg.STATE_INSULATION_TEST in bench.states, charges, share)

    def test_charge_ends_after_its_longest_time(self) -> None:
        bench = PostBench()
        bench.settings[reg.SET_CHARGE_TIME_MAX_S] = 60
        bench.charge()
        bench.run(61000)
        self.assertEqual(self.end_of(bench), reg.END_REASON_TIME_LIMIT)

    def test_lost_hub_ends_the_charge_only_if_told_so(self) -> None:
        bench = PostBench()
        bench.charge()
        bench.core.hub_alive = 0
        bench.run(2000)
        self.assertEqual(bench.core.memory.state, reg.STATE_CC)
        self.assertEqual(bench.core.health, reg.HEALTH_OFF_SPEC)
        bench.settings[reg.SET_HUB_LOSS_ACTION] = reg.HUB_LOSS_ACTION_RAMP_DOWN
        self.assertEqual(self.end_of(bench), reg.END_REASON_HUB_LOST)

    def test_open_panel_and_stop_button_end_the_charge_and_leave_the_contacts_where_they_are(self) -> None:
        for index, reason in (
            (reg.IN_PANEL_CLOSED, reg.END_REASON_PANEL),
            (reg.IN_STOP_BUTTON_OK, reg.END_REASON_STOP_BUTTON),
        ):
            bench = PostBench()
            bench.charge()
            bench.core.inputs[index] = 0
            bench.run_to(reg.STATE_STOPPED)
            self.assertEqual(bench.core.status[reg.ST_END_REASON], reason)
            bench.run(20000)
            self.assertEqual(bench.core.memory.state, reg.STATE_STOPPED)
            self.assertEqual(bench.command(reg.OP_RELEASE), reg.COMMAND_RESULT_REFUSED_INTERLOCK)
            bench.core.inputs[index] = 1
            bench.run(1000)
            self.assertEqual(bench.core.memory.state, reg.STATE_STOPPED)
            self.assertEqual(bench.command(reg.OP_RELEASE), ACCEPTED)
            bench.run_to(reg.STATE_RELEASE)


if __name__ == "__main__":
    unittest.main()
