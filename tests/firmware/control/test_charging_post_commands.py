"""The charging post's commands and its local panel on the bench."""

import unittest

from firmware.control.charging_post_inputs import IN_POST_TEMP_C
from protocols.registers import charging_post as reg
from tests.firmware.control.charging_post_bench import PostBench

ACCEPTED = reg.COMMAND_RESULT_ACCEPTED


class TestCommands(unittest.TestCase):
    def test_nothing_begins_without_start(self) -> None:
        bench = PostBench()
        bench.arrive()
        bench.run(30000)
        self.assertEqual(bench.core.memory.state, reg.STATE_VEHICLE_PRESENT)

    def test_auto_start_begins_by_itself_but_not_without_the_hub(self) -> None:
        bench = PostBench()
        bench.settings[reg.SET_AUTO_START] = 1
        bench.core.hub_alive = 0
        bench.arrive()
        bench.run(1000)
        self.assertEqual(bench.core.memory.state, reg.STATE_VEHICLE_PRESENT)
        bench.core.hub_alive = 1
        bench.run_to(reg.STATE_CC)

    def test_stop_ends_and_holds_until_release(self) -> None:
        bench = PostBench()
        bench.charge()
        self.assertEqual(bench.command(reg.OP_STOP), ACCEPTED)
        bench.run_to(reg.STATE_STOPPED)
        self.assertEqual(bench.core.status[reg.ST_END_REASON], reg.END_REASON_COMMAND)
        self.assertEqual(bench.out(reg.OUT_VEHICLE_CONNECT), 0)
        bench.run(60000)
        self.assertEqual(bench.core.memory.state, reg.STATE_STOPPED)
        self.assertEqual(bench.command(reg.OP_START), reg.COMMAND_RESULT_REFUSED_STATE)
        self.assertEqual(bench.command(reg.OP_RELEASE), ACCEPTED)
        bench.run_to(reg.STATE_RELEASE)

    def test_stop_while_the_arm_retracts_stops_the_arm_in_the_same_scan(self) -> None:
        bench = PostBench()
        bench.charge()
        bench.command(reg.OP_RELEASE)
        bench.run_to(reg.STATE_RETRACT)
        bench.run(200)
        self.assertEqual(bench.out(reg.OUT_ARM_RETRACT), 1)
        bench.command(reg.OP_STOP)
        self.assertEqual(bench.out(reg.OUT_ARM_RETRACT), 0)
        self.assertEqual(bench.core.memory.state, reg.STATE_STOPPED)

    def test_a_vehicle_that_waits_may_be_charged_again(self) -> None:
        bench = PostBench()
        bench.charge()
        bench.command(reg.OP_RELEASE)
        bench.run_to(reg.STATE_RELEASE)
        self.assertEqual(bench.command(reg.OP_START), ACCEPTED)
        bench.run_to(reg.STATE_CC)
        self.assertEqual(bench.core.status[reg.ST_SESSIONS], 2)

    def test_lock_ends_the_running_session_and_refuses_the_next_until_unlock(self) -> None:
        bench = PostBench()
        bench.charge()
        self.assertEqual(bench.command(reg.OP_LOCK), ACCEPTED)
        self.assertEqual(bench.core.status[reg.ST_MODE], reg.MODE_LOCKED)
        bench.run_to(reg.STATE_RELEASE)
        self.assertEqual(bench.command(reg.OP_START), reg.COMMAND_RESULT_REFUSED_INTERLOCK)
        self.assertEqual(bench.command(reg.OP_UNLOCK), ACCEPTED)
        self.assertEqual(bench.command(reg.OP_START), ACCEPTED)

    def test_unknown_opcodes_are_told_so(self) -> None:
        bench = PostBench()
        for opcode in (1, 3, 15, 21, 65535):
            self.assertEqual(bench.command(opcode), reg.COMMAND_RESULT_UNKNOWN_OPCODE)

    def answer(self, bench: PostBench, opcode: int, state: int) -> tuple[int, int, int]:
        """Result, state and whether the contacts stay, right after a command that finds the post in `state`."""
        memory = bench.core.memory
        memory.state = state
        memory.halt = 0 if opcode == reg.OP_STOP else 1
        result = bench.core.commands.handle(opcode)
        return result, memory.state, memory.halt

    def test_start_begins_beside_a_vehicle_at_rest_only(self) -> None:
        bench = PostBench()
        bench.arrive()
        for state in range(reg.STATE_MANUAL + 1):
            expected = (reg.COMMAND_RESULT_REFUSED_STATE, state, 1)
            if state in (reg.STATE_VEHICLE_PRESENT, reg.STATE_RELEASE):
                expected = (ACCEPTED, reg.STATE_HANDSHAKE, 0)
            self.assertEqual(self.answer(bench, reg.OP_START, state), expected)

    def test_stop_and_release_end_a_session_turn_an_ending_and_leave_rest_alone(self) -> None:
        bench = PostBench()
        bench.arrive()
        for opcode, halt in ((reg.OP_STOP, 1), (reg.OP_RELEASE, 0)):
            for state in range(reg.STATE_MANUAL + 1):
                expected = (ACCEPTED, state, 1 - halt)
                if state == reg.STATE_HANDSHAKE:
                    expected = (ACCEPTED, reg.STATE_RELEASE, 0)
                elif reg.STATE_EXTEND <= state <= reg.STATE_TAPER_END:
                    expected = (ACCEPTED, reg.STATE_RAMP_DOWN, halt)
                elif reg.STATE_RAMP_DOWN <= state <= reg.STATE_RETRACT:
                    expected = (ACCEPTED, state, halt)
                elif opcode == reg.OP_RELEASE and state in (reg.STATE_STOPPED, reg.STATE_FAULT):
                    expected = (ACCEPTED, reg.STATE_RAMP_DOWN, 0)
                elif opcode == reg.OP_RELEASE and state in (reg.STATE_ESTOP, reg.STATE_MANUAL):
                    expected = (reg.COMMAND_RESULT_REFUSED_STATE, state, 1)
                self.assertEqual(self.answer(bench, opcode, state), expected, (opcode, state))

    def test_only_stop_turns_an_ending_while_somebody_is_at_the_post(self) -> None:
        bench = PostBench()
        bench.charge()
        bench.command(reg.OP_RELEASE)
        bench.core.inputs[reg.IN_PANEL_CLOSED] = 0
        bench.scan()
        self.assertEqual(bench.command(reg.OP_RELEASE), reg.COMMAND_RESULT_REFUSED_INTERLOCK)
        self.assertEqual(bench.command(reg.OP_STOP), ACCEPTED)
        bench.run_to(reg.STATE_STOPPED)
        self.assertEqual(bench.command(reg.OP_RELEASE), reg.COMMAND_RESULT_REFUSED_INTERLOCK)
        self.assertEqual(bench.core.memory.state, reg.STATE_STOPPED)
        bench.core.inputs[reg.IN_PANEL_CLOSED] = 1
        self.assertEqual(bench.command(reg.OP_RELEASE), ACCEPTED)

    def test_a_blocking_fault_refuses_release_where_it_holds_the_contacts_only(self) -> None:
        for state in (reg.STATE_FAULT, reg.STATE_RAMP_DOWN, reg.STATE_STOPPED):
            for fault in (0, reg.FAULTS_PLATES_LIVE + 1):
                bench = PostBench()
                memory = bench.core.memory
                memory.state = state
                memory.block_fault = fault
                holds = state == reg.STATE_FAULT and fault
                expected = reg.COMMAND_RESULT_REFUSED_INTERLOCK if holds else ACCEPTED
                self.assertEqual(bench.core.commands.handle(reg.OP_RELEASE), expected, (state, fault))

    def test_start_is_refused_when_the_post_is_not_fit(self) -> None:
        bench = PostBench()
        bench.arrive()
        for index, value in ((IN_POST_TEMP_C, 600), (reg.IN_PANEL_CLOSED, 0)):
            healthy = bench.core.inputs[index]
            bench.core.inputs[index] = value
            self.assertEqual(bench.command(reg.OP_START), reg.COMMAND_RESULT_REFUSED_INTERLOCK)
            bench.core.inputs[index] = healthy
        self.assertEqual(bench.command(reg.OP_START), ACCEPTED)


class TestLocal(unittest.TestCase):
    def manual(self) -> PostBench:
        bench = PostBench()
        bench.core.inputs[reg.IN_LOCAL_MODE] = 1
        bench.run(20)
        self.assertEqual(bench.core.memory.state, reg.STATE_MANUAL)
        return bench

    def test_key_ends_a_charge_and_takes_over_once_the_plates_are_dead(self) -> None:
        bench = PostBench()
        bench.charge()
        bench.core.inputs[reg.IN_LOCAL_MODE] = 1
        bench.run_to(reg.STATE_MANUAL)
        self.assertEqual(bench.core.status[reg.ST_END_REASON], reg.END_REASON_LOCAL)
        self.assertEqual(bench.core.health, reg.HEALTH_CHECK_FUNCTION)

    def test_remote_commands_but_stop_and_clear_faults_are_refused(self) -> None:
        bench = self.manual()
        for opcode in (reg.OP_START, reg.OP_RELEASE, reg.OP_LOCK, reg.OP_UNLOCK):
            self.assertEqual(bench.command(opcode), reg.COMMAND_RESULT_REFUSED_LOCAL)
        for opcode in (reg.OP_STOP, reg.OP_CLEAR_FAULTS):
            self.assertEqual(bench.command(opcode), ACCEPTED)

    def test_buttons_are_hold_to_run(self) -> None:
        bench = self.manual()
        bench.core.inputs[reg.IN_LOCAL_EXTEND] = 1
        bench.run(500)
        self.assertEqual(bench.out(reg.OUT_ARM_EXTEND), 1)
        bench.core.inputs[reg.IN_LOCAL_EXTEND] = 0
        bench.run(10)
        self.assertEqual(bench.out(reg.OUT_ARM_EXTEND), 0)
        bench.core.inputs[reg.IN_LOCAL_RETRACT] = 1
        bench.run(200)
        self.assertEqual(bench.out(reg.OUT_ARM_RETRACT), 1)
        bench.core.inputs[reg.IN_STOP_BUTTON_OK] = 0
        bench.run(10)
        self.assertEqual(bench.out(reg.OUT_ARM_RETRACT), 0)
        bench.core.inputs[reg.IN_STOP_BUTTON_OK] = 1
        bench.run(100)
        self.assertEqual(bench.out(reg.OUT_ARM_RETRACT), 0)  # still held, but not pressed anew

    def test_a_stuck_button_and_two_buttons_move_nothing(self) -> None:
        bench = PostBench()
        bench.core.inputs[reg.IN_LOCAL_EXTEND] = 1
        bench.core.inputs[reg.IN_LOCAL_MODE] = 1
        bench.run(200)
        self.assertEqual(bench.out(reg.OUT_ARM_EXTEND), 0)
        bench.core.inputs[reg.IN_LOCAL_EXTEND] = 0
        bench.run(20)
        bench.core.inputs[reg.IN_LOCAL_EXTEND] = 1
        bench.core.inputs[reg.IN_LOCAL_RETRACT] = 1
        bench.run(20)
        self.assertEqual(bench.out(reg.OUT_ARM_EXTEND) + bench.out(reg.OUT_ARM_RETRACT), 0)

    def test_each_button_moves_its_own_way_and_both_together_move_nothing(self) -> None:
        for button, other, motor in (
            (reg.IN_LOCAL_EXTEND, reg.IN_LOCAL_RETRACT, reg.OUT_ARM_EXTEND),
            (reg.IN_LOCAL_RETRACT, reg.IN_LOCAL_EXTEND, reg.OUT_ARM_RETRACT),
        ):
            bench = self.manual()
            bench.field.arm_ms = 500
            bench.core.inputs[button] = 1
            bench.run(20)
            self.assertEqual(bench.out(motor), 1)
            bench.core.inputs[other] = 1
            bench.run(20)
            self.assertEqual(bench.out(reg.OUT_ARM_EXTEND) + bench.out(reg.OUT_ARM_RETRACT), 0)
            bench.core.inputs[other] = 0
            bench.run(20)
            self.assertEqual(bench.out(motor), 0)  # still held, but not pressed anew
            bench.core.inputs[button] = 0
            bench.run(20)
            bench.core.inputs[button] = 1
            bench.run(20)
            self.assertEqual(bench.out(motor), 1)

    def test_a_button_held_before_the_key_is_turned_moves_nothing(self) -> None:
        for button in (reg.IN_LOCAL_EXTEND, reg.IN_LOCAL_RETRACT):
            bench = PostBench()
            bench.field.arm_ms = 500
            bench.core.inputs[button] = 1
            bench.core.inputs[reg.IN_LOCAL_MODE] = 1
            bench.run(200)
            self.assertEqual(bench.core.memory.state, reg.STATE_MANUAL)
            self.assertEqual(bench.out(reg.OUT_ARM_EXTEND) + bench.out(reg.OUT_ARM_RETRACT), 0)

    def test_a_button_pressed_while_the_key_was_on_remote_moves_nothing_when_it_is_turned_back(self) -> None:
        for button in (reg.IN_LOCAL_EXTEND, reg.IN_LOCAL_RETRACT):
            bench = self.manual()
            bench.field.arm_ms = 500
            bench.run(50)
            bench.core.inputs[reg.IN_LOCAL_MODE] = 0
            bench.run_to(reg.STATE_STOPPED)
            bench.core.inputs[button] = 1
            bench.run(50)
            bench.core.inputs[reg.IN_LOCAL_MODE] = 1
            bench.run_to(reg.STATE_MANUAL)
            bench.run(50)
            self.assertEqual(bench.out(reg.OUT_ARM_EXTEND) + bench.out(reg.OUT_ARM_RETRACT), 0)

    def test_a_button_must_be_seen_released_after_the_stop_button_was(self) -> None:
        for button in (reg.IN_LOCAL_EXTEND, reg.IN_LOCAL_RETRACT):
            bench = self.manual()
            bench.field.arm_ms = 500
            bench.core.inputs[reg.IN_STOP_BUTTON_OK] = 0
            bench.run(50)
            bench.core.inputs[reg.IN_STOP_BUTTON_OK] = 1
            bench.core.inputs[button] = 1
            bench.run(50)
            self.assertEqual(bench.out(reg.OUT_ARM_EXTEND) + bench.out(reg.OUT_ARM_RETRACT), 0)

    def test_no_button_moves_contacts_with_live_plates(self) -> None:
        bench = self.manual()
        bench.field.welded = True
        bench.field.bus_v_x10 = 480
        bench.core.inputs[reg.IN_LOCAL_EXTEND] = 1
        bench.run(10)
        self.assertEqual(bench.out(reg.OUT_ARM_EXTEND), 0)

    def test_key_back_leaves_the_contacts_where_the_hand_left_them(self) -> None:
        bench = self.manual()
        bench.core.inputs[reg.IN_LOCAL_EXTEND] = 1
        bench.run(500)
        bench.core.inputs[reg.IN_LOCAL_EXTEND] = 0
        bench.core.inputs[reg.IN_LOCAL_MODE] = 0
        bench.run_to(reg.STATE_STOPPED)
        bench.run(10000)
        self.assertEqual(bench.core.memory.state, reg.STATE_STOPPED)
        self.assertEqual(bench.command(reg.OP_RELEASE), ACCEPTED)
        bench.run_to(reg.STATE_IDLE)
        self.assertEqual(bench.field.arm_ms, 0)


if __name__ == "__main__":
    unittest.main()
