"""What the charging post shows of itself: outputs, status words, proofs, health, and when it wants to be woken."""

import unittest

from firmware.control.charging_post import ChargingPost
from firmware.control.charging_post_inputs import (
    FLAG_READY,
    IN_BUS_V,
    IN_CURRENT_A,
    IN_PLATE_TEMP_C,
    IN_PLATE_V,
    IN_POST_TEMP_C,
    IN_VEHICLE_FLAGS,
    IN_VEHICLE_MAX_V,
    IN_VEHICLE_SOC,
)
from firmware.control.charging_post_memory import SAVE_SIZE, TIMER_COUNT
from firmware.control.events import EventRing
from protocols.charger.power_module import SETPOINT, FrameCollector
from protocols.events import SLOT_SIZE
from protocols.quality import BAD, UNCERTAIN
from protocols.registers import charging_post as reg
from tests.firmware.control.charging_post_bench import VEHICLE_ID, PostBench, default_settings

SAFE = [0] * (reg.OUT_COUNT - 1) + [1]
HUB_LOST = 1 << reg.REASONS_HUB_LOST
INPUT_BAD = 1 << reg.REASONS_INPUT_BAD
LOCAL = 1 << reg.REASONS_LOCAL_MODE
FAULT = 1 << reg.REASONS_ROLE_FAULT
WARNING = 1 << reg.REASONS_ROLE_WARNING


class TestBirth(unittest.TestCase):
    def test_a_new_core_knows_nothing_and_drives_nothing(self) -> None:
        core = ChargingPost(default_settings(), EventRing(bytearray(SLOT_SIZE), 1))
        self.assertEqual(core.inputs, [0] * 27)
        self.assertEqual(core.quality, [BAD] * 27)
        self.assertEqual(core.outputs, SAFE)
        self.assertEqual(core.status, [0] * reg.STATUS_COUNT)
        self.assertEqual((core.hub_alive, core.request_opcode, core.request_argument, core.reasons), (0, 0, 0, 0))
        self.assertEqual((core.request_result, core.health), (reg.COMMAND_RESULT_NONE, reg.HEALTH_NORMAL))
        self.assertEqual(core.next_wake_ms(), 1)

    def test_safe_outputs_are_the_fault_lamp_alone(self) -> None:
        outputs = [1] * (reg.OUT_COUNT - 1) + [0]
        PostBench().core.safe_outputs(outputs)
        self.assertEqual(outputs, SAFE)


class TestStatus(unittest.TestCase):
    def test_measurements_limits_and_vehicle_are_shown_as_they_are(self) -> None:
        bench = PostBench()
        bench.charge(reg.STATE_CC)
        bench.core.inputs[IN_PLATE_V] = 487
        bench.core.inputs[IN_BUS_V] = 489
        bench.core.inputs[IN_CURRENT_A] = 391
        bench.core.inputs[IN_POST_TEMP_C] = 310
        bench.core.inputs[IN_PLATE_TEMP_C] = 330
        bench.core.inputs[IN_VEHICLE_SOC] = 345
        bench.core.memory.load_breaks = 7
        bench.core.line.errors = 5
        bench.scan()
        status = bench.core.status
        for at, value in (
            (reg.ST_STATE, reg.STATE_CC),
            (reg.ST_MODE, reg.MODE_REMOTE),
            (reg.ST_FAULTS, 0),
            (reg.ST_END_REASON, reg.END_REASON_RESTART),
            (reg.ST_REFUSAL, 0),
            (reg.ST_PLATE_V_X10, 487),
            (reg.ST_BUS_V_X10, 489),
            (reg.ST_CURRENT_A_X10, 391),
            (reg.ST_SET_V_X10, 560),
            (reg.ST_SET_A_X10, 400),
            (reg.ST_LIMIT_V_X10, 560),
            (reg.ST_LIMIT_A_X10, 400),
            (reg.ST_POST_TEMP_C_X10, 310),
            (reg.ST_PLATE_TEMP_C_X10, 330),
            (reg.ST_VEHICLE_ID, VEHICLE_ID),
            (reg.ST_VEHICLE_BATTERY_V_X10, 480),
            (reg.ST_VEHICLE_SOC_PERMILLE, 345),
            (reg.ST_LOAD_BREAKS, 7),
            (reg.ST_MODULE_STATE, reg.MODULE_STATE_ON),
            (reg.ST_MODULE_ERRORS, 5),
        ):
            self.assertEqual(status[at], value, at)

    def test_nothing_of_a_vehicle_is_shown_when_none_is_there(self) -> None:
        status = PostBench().core.status
        for at in (reg.ST_VEHICLE_ID, reg.ST_VEHICLE_BATTERY_V_X10, reg.ST_VEHICLE_SOC_PERMILLE, reg.ST_SET_V_X10):
            self.assertEqual(status[at], 0, at)
        self.assertEqual(status[reg.ST_LIMIT_V_X10], 600)

    def test_record_of_the_session_is_shown_whole(self) -> None:
        bench = PostBench()
        memory = bench.core.memory
        memory.sessions, memory.session_vehicle_id, memory.session_s, memory.session_wh = 3, 5, 7, 11
        memory.session_mah, memory.session_peak_a_x10, memory.total_wh, memory.total_mah = 13, 17, 19, 23
        bench.core.meter.has_moved = True
        bench.scan()
        order = (
            reg.ST_SESSIONS,
            reg.ST_SESSION_VEHICLE_ID,
            reg.ST_SESSION_S,
            reg.ST_SESSION_WH,
            reg.ST_SESSION_MAH,
            reg.ST_SESSION_PEAK_A_X10,
            reg.ST_TOTAL_WH,
            reg.ST_TOTAL_MAH,
        )
        self.assertEqual([bench.core.status[at] for at in order], [3, 5, 7, 11, 13, 17, 19, 23])

    def test_record_is_shown_anew_only_when_it_moved(self) -> None:
        bench = PostBench()
        bench.core.memory.session_s = 7
        bench.scan()
        self.assertEqual(bench.core.status[reg.ST_SESSION_S], 0)  # the second of the session is still the old one
        bench.core.meter.has_moved = True
        bench.scan()
        self.assertEqual(bench.core.status[reg.ST_SESSION_S], 7)
        self.assertFalse(bench.core.meter.has_moved)

    def test_the_power_module_is_told_what_this_scan_has_decided(self) -> None:
        bench = PostBench()
        bench.charge(reg.STATE_CC)
        bench.run(10)
        for enable in (1, 0):
            data = bytearray(64)
            collector = FrameCollector(SETPOINT)
            size = bench.core.line.transmit(data)
            self.assertEqual([collector.on_byte(data[index]) for index in range(size)].count(True), 1)
            frame = collector.frame
            told = (frame.flags, frame.voltage_v_x10, frame.current_a_x10)
            self.assertEqual(told, (enable, 560, 400 * enable))
            bench.command(reg.OP_RELEASE)

    def test_each_proof_is_shown_by_its_own_bit(self) -> None:
        dead = 1 << reg.PROOFS_PLATES_DEAD | 1 << reg.PROOFS_BUS_DEAD | 1 << reg.PROOFS_CURRENT_ZERO
        insulated = 1 << reg.PROOFS_INSULATION_OK
        bench = PostBench()
        proofs = reg.ST_PROOFS
        self.assertEqual(bench.core.status[proofs], dead | insulated)
        for index, value, gone in (
            (IN_PLATE_V, 100, reg.PROOFS_PLATES_DEAD),
            (IN_BUS_V, 100, reg.PROOFS_BUS_DEAD),
            (IN_CURRENT_A, 20, reg.PROOFS_CURRENT_ZERO),
            (reg.IN_IMD_OK, 0, reg.PROOFS_INSULATION_OK),
            (reg.IN_IMD_READY, 0, reg.PROOFS_INSULATION_OK),
        ):
            healthy = bench.core.inputs[index]
            bench.core.inputs[index] = value
            bench.scan()
            self.assertEqual(bench.core.status[proofs], (dead | insulated) & ~(1 << gone))
            bench.core.inputs[index] = healthy
        bench.core.inputs[IN_POST_TEMP_C] = 500
        bench.scan()
        self.assertEqual(bench.core.status[proofs], dead | insulated | 1 << reg.PROOFS_DERATED)
        bench = PostBench()
        bench.charge(reg.STATE_CC)
        seen = 1 << reg.PROOFS_BATTERY_SEEN | 1 << reg.PROOFS_VEHICLE_ALIVE | 1 << reg.PROOFS_MODULE_ALIVE
        self.assertEqual(bench.core.status[proofs], seen | insulated)

    def test_lines_that_follow_the_state_are_on_in_it_only(self) -> None:
        bench = PostBench()
        bench.arrive()
        self.assertEqual((bench.out(reg.OUT_VEHICLE_RELEASE), bench.out(reg.OUT_LAMP_FAULT)), (1, 0))
        bench.command(reg.OP_START)
        self.assertEqual(bench.out(reg.OUT_VEHICLE_RELEASE), 0)
        bench.run_to(reg.STATE_CONTACT_CHECK)
        self.assertEqual((bench.out(reg.OUT_IMD_TEST), bench.out(reg.OUT_VEHICLE_CONNECT)), (0, 1))
        bench.run_to(reg.STATE_INSULATION_TEST)
        self.assertEqual((bench.out(reg.OUT_IMD_TEST), bench.out(reg.OUT_LAMP_CHARGING)), (1, 0))
        bench.run_to(reg.STATE_PRECHARGE)
        self.assertEqual(bench.out(reg.OUT_IMD_TEST), 0)
        bench.run_to(reg.STATE_CC)
        self.assertEqual((bench.out(reg.OUT_LAMP_CHARGING), bench.out(reg.OUT_CONTACTOR)), (1, 1))
        bench.core.inputs[reg.IN_STOP_CHAIN_OK] = 0
        bench.run(10)
        self.assertEqual(bench.core.outputs, SAFE)

    def test_a_blocking_fault_takes_the_vehicles_release_away_in_the_same_scan(self) -> None:
        bench = PostBench()
        bench.arrive()
        bench.core.inputs[IN_PLATE_V] = 100
        bench.scan()
        self.assertEqual((bench.out(reg.OUT_VEHICLE_RELEASE), bench.out(reg.OUT_LAMP_FAULT)), (0, 1))


class TestHealth(unittest.TestCase):
    def judged(self, bench: PostBench) -> tuple[int, int]:
        """Health and reasons after one more scan."""
        bench.scan()
        return bench.core.health, bench.core.reasons

    def test_each_cause_has_its_ne_107_state_and_its_reasons(self) -> None:
        for index, value, expected in (
            (reg.IN_PANEL_CLOSED, 0, (reg.HEALTH_CHECK_FUNCTION, WARNING)),
            (reg.IN_STOP_BUTTON_OK, 0, (reg.HEALTH_CHECK_FUNCTION, WARNING)),
            (reg.IN_STOP_CHAIN_OK, 0, (reg.HEALTH_CHECK_FUNCTION, WARNING)),
            (reg.IN_LOCAL_MODE, 1, (reg.HEALTH_CHECK_FUNCTION, LOCAL | WARNING)),
            (reg.IN_CONTACTOR_AUX, 1, (reg.HEALTH_FAILURE, FAULT)),
            (IN_POST_TEMP_C, 500, (reg.HEALTH_OFF_SPEC, WARNING)),
        ):
            bench = PostBench()
            self.assertEqual(self.judged(bench), (reg.HEALTH_NORMAL, 0))
            bench.core.inputs[index] = value
            self.assertEqual(self.judged(bench), expected, index)

    def test_quality_and_hub_and_a_load_break_are_told_too(self) -> None:
        bench = PostBench()
        bench.core.memory.load_breaks = 1
        self.assertEqual(self.judged(bench), (reg.HEALTH_MAINTENANCE_REQUIRED, WARNING))
        bench.core.hub_alive = 0
        self.assertEqual(self.judged(bench), (reg.HEALTH_OFF_SPEC, HUB_LOST | WARNING))
        bench.core.memory.load_breaks = 0
        self.assertEqual(self.judged(bench), (reg.HEALTH_OFF_SPEC, HUB_LOST))
        bench.core.hub_alive = 1
        bench.core.quality[reg.IN_CONTACT_PRESSED] = UNCERTAIN
        self.assertEqual(self.judged(bench), (reg.HEALTH_OFF_SPEC, WARNING))
        bench.core.inputs[reg.IN_PANEL_CLOSED] = 0
        self.assertEqual(self.judged(bench), (reg.HEALTH_CHECK_FUNCTION, WARNING))
        bench.core.quality[reg.IN_CONTACT_PRESSED] = BAD
        self.assertEqual(self.judged(bench), (reg.HEALTH_FAILURE, INPUT_BAD | FAULT | WARNING))

    def test_mode_is_local_before_locked_before_remote_and_each_change_is_an_event(self) -> None:
        bench = PostBench()
        bench.take_events()
        bench.command(reg.OP_LOCK)
        self.assertEqual(bench.core.status[reg.ST_MODE], reg.MODE_LOCKED)
        bench.core.inputs[reg.IN_LOCAL_MODE] = 1
        bench.run(20)
        self.assertEqual(bench.core.status[reg.ST_MODE], reg.MODE_LOCAL)
        bench.core.inputs[reg.IN_LOCAL_MODE] = 0
        bench.run(20)
        bench.command(reg.OP_UNLOCK)
        modes = [argument for code, argument in bench.take_events() if code == reg.EV_MODE_CHANGED]
        self.assertEqual(modes, [reg.MODE_LOCKED, reg.MODE_LOCAL, reg.MODE_LOCKED, reg.MODE_REMOTE])

    def test_a_command_is_answered_once_and_told_with_its_result(self) -> None:
        bench = PostBench()
        bench.take_events()
        bench.command(reg.OP_LOCK)
        bench.run(20)
        self.assertEqual(bench.command(0x10012), reg.COMMAND_RESULT_UNKNOWN_OPCODE)
        done = [argument for code, argument in bench.take_events() if code == reg.EV_COMMAND_DONE]
        self.assertEqual(done, [19 * 256 + reg.COMMAND_RESULT_ACCEPTED, 18 * 256 + reg.COMMAND_RESULT_UNKNOWN_OPCODE])


class TestWake(unittest.TestCase):
    def test_a_post_at_rest_sleeps_until_something_changes(self) -> None:
        self.assertEqual(PostBench().core.next_wake_ms(), -1)

    def test_earlier_of_deadline_and_whole_second_of_the_record(self) -> None:
        bench = PostBench()
        bench.charge(reg.STATE_CC)
        core = bench.core
        bench.run(20)
        for index in range(TIMER_COUNT):
            core.timers.stop(index)
        core.memory.meter_phase_ms = 400
        self.assertEqual(core.next_wake_ms(), 600)
        core.timers.start(0, 599)
        self.assertEqual(core.next_wake_ms(), 599)
        core.timers.start(0, 601)
        self.assertEqual(core.next_wake_ms(), 600)
        core.memory.session_open = 0
        self.assertEqual(core.next_wake_ms(), 601)

    def test_a_scan_that_changed_something_asks_for_the_next_at_once(self) -> None:
        bench = PostBench()
        bench.settings[reg.SET_RAMP_A_PER_S_X10] = 10  # the smallest step of the current
        bench.charge(reg.STATE_RAMP)
        while bench.core.memory.set_a_x10 < 3:
            before = bench.core.memory.set_a_x10
            state = bench.core.memory.state
            bench.run(10)
            same = bench.core.memory.set_a_x10 == before and bench.core.memory.state == state
            self.assertEqual(bench.core.next_wake_ms() == 1, not same)

    def test_contactor_and_vehicles_contactor_count_as_changes_of_their_own(self) -> None:
        bench = PostBench()
        bench.charge(reg.STATE_CC)
        bench.field.module_obeys = False
        bench.command(reg.OP_RELEASE)
        bench.run_to(reg.STATE_FAULT)
        self.assertEqual(bench.out(reg.OUT_CONTACTOR), 1)
        bench.core.inputs[IN_CURRENT_A] = 0
        bench.core.step(bench.now_ms)
        self.assertEqual((bench.out(reg.OUT_CONTACTOR), bench.core.next_wake_ms()), (0, 1))
        bench.core.step(bench.now_ms)
        self.assertEqual(bench.core.next_wake_ms(), -1)
        bench = PostBench()
        bench.charge(reg.STATE_CC)
        bench.command(reg.OP_RELEASE)
        bench.run_to(reg.STATE_WELD_CHECK)
        while bench.out(reg.OUT_VEHICLE_CONNECT):
            bench.run(10)
        self.assertEqual((bench.core.memory.state, bench.core.next_wake_ms()), (reg.STATE_WELD_CHECK, 1))

    def test_a_loaded_state_asks_for_a_scan_and_shows_its_record(self) -> None:
        bench = PostBench()
        bench.charge(reg.STATE_CC)
        bench.run(2000)
        buffer = bytearray(SAVE_SIZE)
        bench.core.save(buffer)
        other = PostBench()
        other.run(10)
        self.assertTrue(other.core.load(buffer, other.now_ms))
        self.assertEqual(other.core.next_wake_ms(), 1)
        other.scan()
        self.assertEqual(other.core.status[reg.ST_SESSION_VEHICLE_ID], VEHICLE_ID)
        self.assertEqual(other.core.status[reg.ST_SESSION_S], bench.core.status[reg.ST_SESSION_S])

    def test_voltage_is_told_only_while_the_module_is_enabled(self) -> None:
        bench = PostBench()
        bench.charge(reg.STATE_PRECHARGE)
        self.assertEqual(bench.core.status[reg.ST_SET_V_X10], 0)
        bench.core.inputs[IN_VEHICLE_MAX_V] = 550
        bench.core.inputs[IN_VEHICLE_FLAGS] = FLAG_READY
        bench.run_to(reg.STATE_RAMP)
        bench.run(10)
        self.assertEqual(bench.core.status[reg.ST_SET_V_X10], 550)


if __name__ == "__main__":
    unittest.main()
