"""The charging post's heartbeats and reasons to end at their edges: from which state each counts, which is first."""

import unittest

from firmware.control.charging_post_inputs import (
    ASKED_A_X10,
    IN_CURRENT_A,
    IN_PLATE_V,
    IN_VEHICLE_FLAGS,
    IN_VEHICLE_MAX_A,
    IN_VEHICLE_SEQUENCE,
)
from firmware.control.charging_post_watch import SUPPLY_MS
from protocols.registers import charging_post as reg
from tests.firmware.control.charging_post_bench import SCAN_MS, PostBench, bench_in

ALIVE = 1 << reg.PROOFS_VEHICLE_ALIVE | 1 << reg.PROOFS_MODULE_ALIVE


class TestHeartbeats(unittest.TestCase):
    def test_beats_count_only_in_a_session(self) -> None:
        bench = PostBench()
        bench.arrive()
        bench.run(500)
        self.assertEqual(bench.core.status[reg.ST_PROOFS] & ALIVE, 0)
        self.assertEqual(bench.core.status[reg.ST_MODULE_STATE], reg.MODULE_STATE_SILENT)
        bench.charge(reg.STATE_CC)
        self.assertEqual(bench.core.status[reg.ST_PROOFS] & ALIVE, ALIVE)
        self.assertEqual(bench.core.status[reg.ST_MODULE_STATE], reg.MODULE_STATE_ON)
        bench.command(reg.OP_RELEASE)
        bench.run(10)
        self.assertEqual(bench.core.memory.state, reg.STATE_RAMP_DOWN)
        self.assertEqual(bench.core.status[reg.ST_PROOFS] & ALIVE, 0)
        self.assertEqual(bench.core.status[reg.ST_MODULE_STATE], reg.MODULE_STATE_SILENT)

    def test_beats_count_until_the_taper_current_has_ended_the_charge(self) -> None:
        bench = bench_in(reg.STATE_TAPER_END)
        bench.run(200)
        self.assertEqual(bench.core.memory.state, reg.STATE_TAPER_END)
        self.assertEqual(bench.core.status[reg.ST_PROOFS] & ALIVE, ALIVE)

    def test_a_sequence_that_stands_anywhere_is_silence(self) -> None:
        bench = PostBench()
        bench.field.vehicle_sends = False
        bench.core.inputs[IN_VEHICLE_SEQUENCE] = 77
        bench.arrive()
        bench.command(reg.OP_START)
        bench.run_to(reg.STATE_RELEASE)
        self.assertEqual(bench.core.status[reg.ST_END_REASON], reg.END_REASON_REFUSED)
        bench = PostBench()
        bench.field.module_answers = False
        bench.core.line.sequence = 77
        bench.charge(reg.STATE_INSULATION_TEST)
        bench.run_to(reg.STATE_RELEASE)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 1 << reg.FAULTS_MODULE_LOST)
        self.assertFalse(reg.STATE_PRECHARGE in bench.states)

    def test_one_beat_of_the_module_while_its_mains_come_on_keeps_it_alive_no_longer_than_its_timeout(self) -> None:
        bench = PostBench()
        bench.charge(reg.STATE_INSULATION_TEST)
        bench.run(300)
        self.assertEqual(bench.core.status[reg.ST_PROOFS] & ALIVE, ALIVE)
        bench.field.module_answers = False
        bench.run(510)
        self.assertEqual(bench.core.status[reg.ST_PROOFS] & ALIVE, 1 << reg.PROOFS_VEHICLE_ALIVE)

    def test_a_beat_of_a_frame_that_cannot_be_read_is_none(self) -> None:
        bench = PostBench()
        bench.core.quality[IN_VEHICLE_FLAGS] = 2
        bench.arrive()
        bench.command(reg.OP_START)
        bench.run(9980)
        self.assertEqual(bench.core.memory.state, reg.STATE_HANDSHAKE)
        self.assertEqual(bench.core.status[reg.ST_PROOFS] & ALIVE, 0)
        bench.run_to(reg.STATE_RELEASE)
        self.assertEqual(bench.core.status[reg.ST_END_REASON], reg.END_REASON_REFUSED)


def dead_module(bench: PostBench, duration_ms: int, current_a_x10: int = 0) -> None:
    """Let the time pass with a module that says all is well and gives this current, whatever it is asked."""
    for _ in range(duration_ms // SCAN_MS):
        bench.now_ms += SCAN_MS
        bench.field.follow(bench.core, SCAN_MS)
        bench.core.inputs[IN_CURRENT_A] = current_a_x10
        bench.scan()


class TestSupply(unittest.TestCase):
    def test_a_module_that_gives_nothing_ends_the_session_in_order_and_is_told(self) -> None:
        for state in (reg.STATE_RAMP, reg.STATE_CC):
            bench = bench_in(state)
            dead_module(bench, SUPPLY_MS)
            self.assertEqual((bench.out(reg.OUT_MODULE_ENABLE), bench.core.health), (1, reg.HEALTH_NORMAL))
            bench.take_events()
            dead_module(bench, SCAN_MS)
            self.assertEqual((bench.out(reg.OUT_MODULE_ENABLE), bench.out(reg.OUT_CONTACTOR)), (0, 1))
            self.assertEqual((bench.core.memory.state, bench.core.memory.set_a_x10), (reg.STATE_RAMP_DOWN, 0))
            self.assertEqual(bench.core.status[reg.ST_FAULTS], 1 << reg.FAULTS_NO_CURRENT)
            self.assertEqual(bench.core.status[reg.ST_END_REASON], reg.END_REASON_FAULT)
            self.assertEqual(bench.core.health, reg.HEALTH_FAILURE)
            self.assertTrue(bench.core.reasons & 1 << reg.REASONS_ROLE_FAULT)
            self.assertTrue((reg.EV_FAULT_RAISED, reg.FAULTS_NO_CURRENT) in bench.take_events())
            bench.run_to(reg.STATE_RELEASE)
            self.assertEqual(bench.core.memory.load_breaks, 0)
            self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), reg.COMMAND_RESULT_ACCEPTED)
            self.assertEqual(bench.core.status[reg.ST_FAULTS], 0)

    def test_a_module_that_comes_in_time_begins_a_new_time(self) -> None:
        bench = bench_in(reg.STATE_CC)
        for _ in range(3):
            dead_module(bench, SUPPLY_MS)
            dead_module(bench, SCAN_MS, 10)
        self.assertEqual((bench.core.memory.state, bench.core.status[reg.ST_FAULTS]), (reg.STATE_CC, 0))

    def test_a_module_that_stops_in_the_voltage_phase_is_found_below_the_limit_only(self) -> None:
        for state in (reg.STATE_CV, reg.STATE_TAPER_END):
            bench = bench_in(state)
            bench.field.battery_v_x10 = 540
            dead_module(bench, SUPPLY_MS)
            self.assertEqual(bench.core.status[reg.ST_FAULTS], 0)
            dead_module(bench, SCAN_MS)
            self.assertEqual(bench.core.status[reg.ST_FAULTS], 1 << reg.FAULTS_NO_CURRENT)
        bench = bench_in(reg.STATE_CV)
        bench.field.battery_v_x10 = 558
        dead_module(bench, SUPPLY_MS + SCAN_MS)
        self.assertEqual(bench.core.memory.state, reg.STATE_TAPER_END)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 0)

    def test_a_limit_of_next_to_nothing_asks_for_nothing(self) -> None:
        bench = bench_in(reg.STATE_CC)
        bench.core.inputs[IN_VEHICLE_MAX_A] = 19
        dead_module(bench, 10 * SUPPLY_MS)
        self.assertEqual((bench.core.memory.state, bench.core.status[reg.ST_FAULTS]), (reg.STATE_CC, 0))

    def test_a_vehicle_that_wants_0_a_ends_the_session_itself(self) -> None:
        bench = bench_in(reg.STATE_CC)
        bench.core.inputs[IN_VEHICLE_MAX_A] = 0
        bench.run(SUPPLY_MS + SCAN_MS)
        self.assertEqual(bench.core.status[reg.ST_END_REASON], reg.END_REASON_VEHICLE)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 0)

    def test_the_slowest_ramp_leaves_a_module_8_s_to_begin(self) -> None:
        bench = bench_in(reg.STATE_CONTACTOR_CLOSE)
        bench.settings[reg.SET_RAMP_A_PER_S_X10] = 10
        bench.run_to(reg.STATE_RAMP)
        asked_ms = 0
        while bench.core.memory.set_a_x10 < ASKED_A_X10:
            dead_module(bench, SCAN_MS)
            asked_ms += SCAN_MS
        dead_module(bench, 7800)
        self.assertEqual((asked_ms <= 2200, bench.core.status[reg.ST_FAULTS]), (True, 0))


class TestReasons(unittest.TestCase):
    def reason(self, bench: PostBench) -> int:
        """Why the very next scan ends the session."""
        before = bench.core.memory.state
        bench.run(10)
        self.assertTrue(before < reg.STATE_RAMP_DOWN <= bench.core.memory.state)
        return bench.core.status[reg.ST_END_REASON]

    def test_silence_of_the_vehicle_ends_while_the_arm_is_still_on_its_way(self) -> None:
        bench = PostBench()
        bench.field.arm_moves = False
        bench.charge(reg.STATE_EXTEND)
        bench.field.vehicle_sends = False
        bench.run(1010)
        self.assertEqual(bench.core.status[reg.ST_END_REASON], reg.END_REASON_VEHICLE_LOST)

    def test_pressure_is_needed_from_the_contact_check_on(self) -> None:
        bench = PostBench()
        bench.charge(reg.STATE_CONTACT_CHECK)
        bench.field.pressure = False
        self.assertEqual(self.reason(bench), reg.END_REASON_NO_CONTACT)

    def test_battery_must_be_seen_from_the_insulation_test_on(self) -> None:
        bench = PostBench()
        bench.charge(reg.STATE_CONTACT_CHECK)
        bench.field.vehicle_obeys = False
        bench.core.inputs[IN_PLATE_V] = 0
        bench.scan()
        self.assertEqual(bench.core.memory.state, reg.STATE_CONTACT_CHECK)
        bench = PostBench()
        bench.charge(reg.STATE_INSULATION_TEST)
        bench.field.stray_metal = True
        self.assertEqual(self.reason(bench), reg.END_REASON_NO_BATTERY)

    def test_longest_time_ends_a_charge_that_is_still_ramping(self) -> None:
        bench = PostBench()
        bench.settings[reg.SET_CHARGE_TIME_MAX_S] = 60
        bench.settings[reg.SET_RAMP_A_PER_S_X10] = 10
        bench.core.inputs[IN_VEHICLE_MAX_A] = 900
        bench.charge(reg.STATE_RAMP)
        bench.run(59990)
        self.assertEqual(bench.core.memory.state, reg.STATE_RAMP)
        self.assertEqual(self.reason(bench), reg.END_REASON_TIME_LIMIT)

    def test_a_lost_hub_ends_a_charge_only_where_the_settings_say_so(self) -> None:
        for action in (reg.HUB_LOSS_ACTION_FINISH, reg.HUB_LOSS_ACTION_RAMP_DOWN):
            bench = bench_in(reg.STATE_CC)
            bench.settings[reg.SET_HUB_LOSS_ACTION] = action
            bench.run(200)
            self.assertEqual(bench.core.memory.state, reg.STATE_CC)
            bench.core.hub_alive = 0
            if action == reg.HUB_LOSS_ACTION_RAMP_DOWN:
                self.assertEqual(self.reason(bench), reg.END_REASON_HUB_LOST)
            else:
                bench.run(200)
                self.assertEqual(bench.core.memory.state, reg.STATE_CC)

    def test_first_reason_in_rank_is_the_one_that_is_told(self) -> None:
        causes = (
            (reg.IN_STOP_BUTTON_OK, 0, reg.END_REASON_STOP_BUTTON),
            (reg.IN_PANEL_CLOSED, 0, reg.END_REASON_PANEL),
            (reg.IN_LOCAL_MODE, 1, reg.END_REASON_LOCAL),
            (reg.IN_VEHICLE_PRESENT, 0, reg.END_REASON_VEHICLE_LEFT),
        )
        for rank in range(len(causes)):
            bench = PostBench()
            bench.charge(reg.STATE_CC)
            bench.core.memory.locked = 1
            for index, value, _ in causes[rank:]:
                bench.core.inputs[index] = value
            bench.scan()
            self.assertEqual(bench.core.status[reg.ST_END_REASON], causes[rank][2])

    def test_whoever_is_at_the_post_inhibits_it_alone(self) -> None:
        bench = PostBench()
        self.assertFalse(bench.core.watch.is_inhibited())
        for index in (reg.IN_STOP_BUTTON_OK, reg.IN_PANEL_CLOSED, reg.IN_LOCAL_MODE):
            bench.core.inputs[index] ^= 1
            bench.scan()
            self.assertTrue(bench.core.watch.is_inhibited())
            self.assertEqual(bench.core.health, reg.HEALTH_CHECK_FUNCTION)
            bench.core.inputs[index] ^= 1


if __name__ == "__main__":
    unittest.main()
