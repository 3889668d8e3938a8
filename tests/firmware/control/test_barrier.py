"""The barrier's boot, commands and priorities: one statement per rule."""

import unittest

from firmware.control.barrier_memory import TIMER_TRAVEL
from protocols.registers import barrier as reg
from tests.firmware.control.barrier_bench import BarrierBench

ACCEPTED = reg.COMMAND_RESULT_ACCEPTED


class TestBoot(unittest.TestCase):
    def test_boot_takes_the_state_from_the_limits_and_never_moves(self) -> None:
        for position_ms, state in ((0, reg.STATE_CLOSED), (2000, reg.STATE_OPEN), (900, reg.STATE_UNKNOWN)):
            bench = BarrierBench(position_ms)
            bench.settings[reg.SET_AUTO_CLOSE_MS] = 100
            bench.settings[reg.SET_HUB_LOSS_ACTION] = reg.HUB_LOSS_ACTION_CLOSE_WHEN_CLEAR
            bench.core.hub_alive = 0
            for _ in range(1000):
                bench.run(10)
                self.assertEqual(bench.motors(), "-")
            self.assertEqual(bench.state(), state)

    def test_unknown_position_homes_by_opening_and_refuses_to_close(self) -> None:
        bench = BarrierBench(900)
        self.assertEqual(bench.command(reg.OP_CLOSE), reg.COMMAND_RESULT_REFUSED_STATE)
        self.assertEqual(bench.command(reg.OP_OPEN), ACCEPTED)
        self.assertEqual(bench.state(), reg.STATE_HOMING)
        bench.run(2000)
        self.assertEqual(bench.state(), reg.STATE_OPEN)

    def test_button_stuck_at_boot_is_not_a_command(self) -> None:
        bench = BarrierBench(900)
        other = BarrierBench(900)
        other.core.memory.local_open_before = 1
        other.core.inputs[reg.IN_LOCAL_OPEN] = 1
        other.core.inputs[reg.IN_LOCAL_MODE] = 1
        other.run(500)
        self.assertEqual(other.motors(), "-")
        bench.put(reg.IN_LOCAL_MODE, 1)
        bench.put(reg.IN_LOCAL_OPEN, 1)
        self.assertEqual(bench.motors(), "open")

    def test_safe_outputs_are_motors_off_and_red_on(self) -> None:
        bench = BarrierBench()
        outputs = [1] * reg.OUT_COUNT
        bench.core.safe_outputs(outputs)
        self.assertEqual(outputs, [0, 0, 1, 0, 0, 0, 0, 0, 0])


class TestCommands(unittest.TestCase):
    def test_cycle_opens_and_closes_and_says_so_in_events(self) -> None:
        bench = BarrierBench()
        bench.events()
        bench.open()
        expected = [
            (reg.EV_COMMAND_DONE, reg.OP_OPEN * 256 + ACCEPTED),
            (reg.EV_STATE_CHANGED, reg.STATE_OPENING),
            (reg.EV_STATE_CHANGED, reg.STATE_OPEN),
        ]
        self.assertEqual(sorted(bench.events()), sorted(expected))
        self.assertEqual(bench.command(reg.OP_CLOSE), ACCEPTED)
        bench.run(4000)
        self.assertEqual(bench.state(), reg.STATE_CLOSED)
        self.assertEqual(bench.core.status[reg.ST_CYCLES], 1)
        self.assertEqual(bench.core.status[reg.ST_POSITION_PERMILLE], 0)

    def test_preflash_and_curtain_test_come_before_the_motor(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.command(reg.OP_CLOSE)
        self.assertEqual(bench.state(), reg.STATE_CLOSING)
        self.assertEqual(bench.core.outputs[reg.OUT_CURTAIN_TEST], 1)
        bench.run(490)
        self.assertEqual(bench.motors(), "-")
        bench.run(20)
        self.assertEqual(bench.motors(), "close")

    def test_stop_command_stops_the_boom_and_an_opening_goes_on_by_command_only(self) -> None:
        bench = BarrierBench()
        bench.command(reg.OP_OPEN)
        bench.run(1000)
        self.assertEqual(bench.command(reg.OP_STOP), ACCEPTED)
        self.assertEqual(bench.motors(), "-")
        bench.run(5000)
        self.assertEqual(bench.state(), reg.STATE_STOPPED_MID)
        bench.open()
        self.assertEqual(bench.state(), reg.STATE_OPEN)

    def test_open_command_overrides_a_closing_after_the_pause(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.close_halfway()
        self.assertEqual(bench.motors(), "close")
        self.assertEqual(bench.command(reg.OP_OPEN), ACCEPTED)
        self.assertEqual(bench.motors(), "-")
        bench.run(90)
        self.assertEqual(bench.motors(), "-")
        bench.run(10)
        self.assertEqual(bench.motors(), "open")

    def test_close_does_not_override_an_opening(self) -> None:
        bench = BarrierBench()
        bench.command(reg.OP_OPEN)
        bench.run(500)
        self.assertEqual(bench.command(reg.OP_CLOSE), reg.COMMAND_RESULT_REFUSED_STATE)
        self.assertEqual(bench.motors(), "open")

    def test_close_with_known_presence_is_refused_and_not_queued(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.core.inputs[reg.IN_SAFETY_LOOP] = 1
        self.assertEqual(bench.command(reg.OP_CLOSE), reg.COMMAND_RESULT_REFUSED_INTERLOCK)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.run(10000)
        self.assertEqual(bench.state(), reg.STATE_OPEN)

    def test_hold_open_refuses_to_close_until_release(self) -> None:
        bench = BarrierBench()
        self.assertEqual(bench.command(reg.OP_HOLD_OPEN), ACCEPTED)
        bench.run(3000)
        self.assertEqual(bench.state(), reg.STATE_HOLD_OPEN)
        for opcode in (reg.OP_CLOSE, reg.OP_LOCK_CLOSED):
            self.assertEqual(bench.command(opcode), reg.COMMAND_RESULT_REFUSED_STATE)
        self.assertEqual(bench.command(reg.OP_RELEASE), ACCEPTED)
        self.assertEqual(bench.state(), reg.STATE_OPEN)
        self.assertEqual(bench.command(reg.OP_CLOSE), ACCEPTED)

    def test_lock_closed_refuses_to_open_until_release_but_fire_and_local_open(self) -> None:
        bench = BarrierBench()
        bench.open()
        self.assertEqual(bench.command(reg.OP_LOCK_CLOSED), ACCEPTED)
        bench.run(4000)
        self.assertEqual(bench.state(), reg.STATE_LOCKED_CLOSED)
        for opcode in (reg.OP_OPEN, reg.OP_HOLD_OPEN):
            self.assertEqual(bench.command(opcode), reg.COMMAND_RESULT_REFUSED_STATE)
        for index in (reg.IN_FIRE, reg.IN_LOCAL_OPEN):
            bench = BarrierBench()
            bench.command(reg.OP_LOCK_CLOSED)
            self.assertEqual(bench.state(), reg.STATE_LOCKED_CLOSED)
            bench.put(reg.IN_LOCAL_MODE, 1)
            bench.put(index, 1)
            self.assertEqual(bench.motors(), "open", index)
        self.assertEqual(bench.core.memory.latch, 2)

    def test_unknown_opcode_is_answered_so(self) -> None:
        bench = BarrierBench()
        for opcode in (3, 99, 65535):
            self.assertEqual(bench.command(opcode), reg.COMMAND_RESULT_UNKNOWN_OPCODE)
            self.assertEqual(bench.core.request_opcode, 0)

    def test_boom_closes_by_itself_after_the_path_was_clear_for_auto_close_ms(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_AUTO_CLOSE_MS] = 5000
        bench.open()
        bench.put(reg.IN_SAFETY_LOOP, 1)
        bench.run(20000)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.run(2000 + 4980)
        self.assertEqual(bench.state(), reg.STATE_OPEN)
        bench.run(20)
        self.assertEqual(bench.state(), reg.STATE_CLOSING)

    def test_further_open_starts_the_delay_of_the_automatic_closing_anew(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_AUTO_CLOSE_MS] = 5000
        bench.open()
        bench.run(3900)
        self.assertEqual(bench.command(reg.OP_OPEN), ACCEPTED)
        bench.run(4900)
        self.assertEqual(bench.state(), reg.STATE_OPEN)
        bench.run(200)
        self.assertEqual(bench.state(), reg.STATE_CLOSING)


class TestPriorities(unittest.TestCase):
    def test_stop_chain_ends_every_movement_in_the_same_scan(self) -> None:
        for quality, value in ((0, 0), (2, 1)):
            for opcode in (reg.OP_OPEN, reg.OP_CLOSE):
                bench = BarrierBench(2000 if opcode == reg.OP_CLOSE else 0)
                bench.command(opcode)
                bench.run(1000)
                self.assertTrue(bench.motors() in ("open", "close"))
                bench.core.quality[reg.IN_STOP_CHAIN_OK] = quality
                bench.put(reg.IN_STOP_CHAIN_OK, value)
                self.assertEqual(bench.state(), reg.STATE_ESTOP)
                self.assertEqual(bench.motors(), "-")
                self.assertEqual(bench.command(reg.OP_OPEN), reg.COMMAND_RESULT_REFUSED_STATE)

    def test_after_the_stop_chain_a_new_command_is_needed(self) -> None:
        bench = BarrierBench()
        bench.command(reg.OP_OPEN)
        bench.run(1000)
        bench.put(reg.IN_STOP_CHAIN_OK, 0)
        bench.run(1000)
        bench.put(reg.IN_STOP_CHAIN_OK, 1)
        self.assertEqual(bench.state(), reg.STATE_STOPPED_MID)
        bench.run(5000)
        self.assertEqual(bench.motors(), "-")
        self.assertEqual(bench.command(reg.OP_OPEN), ACCEPTED)
        self.assertEqual(bench.motors(), "open")

    def test_button_held_over_a_stop_is_not_a_new_command(self) -> None:
        bench = BarrierBench()
        bench.put(reg.IN_LOCAL_MODE, 1)
        bench.put(reg.IN_LOCAL_OPEN, 1)
        bench.run(500)
        bench.put(reg.IN_STOP_CHAIN_OK, 0)
        bench.put(reg.IN_STOP_CHAIN_OK, 1)
        bench.run(1000)
        self.assertEqual(bench.motors(), "-")

    def test_fire_opens_over_everything_but_the_stop_chain(self) -> None:
        bench = BarrierBench()
        bench.command(reg.OP_LOCK_CLOSED)
        bench.core.inputs[reg.IN_STOP_CHAIN_OK] = 0
        bench.put(reg.IN_FIRE, 1)
        self.assertEqual(bench.state(), reg.STATE_ESTOP)
        self.assertEqual(bench.motors(), "-")
        bench.put(reg.IN_STOP_CHAIN_OK, 1)
        self.assertEqual(bench.state(), reg.STATE_FIRE_OPEN)
        self.assertEqual(bench.motors(), "open")
        for opcode in (reg.OP_STOP, reg.OP_CLOSE, reg.OP_LOCK_CLOSED):
            self.assertTrue(bench.command(opcode) != ACCEPTED)
            self.assertEqual(bench.motors(), "open")

    def test_fire_opens_with_latched_faults_and_a_broken_fire_wire_is_fire(self) -> None:
        bench = BarrierBench()
        bench.put(reg.IN_ARM_INTACT, 0)
        self.assertEqual(bench.state(), reg.STATE_FAULT)
        bench.spoil(reg.IN_FIRE, 2)
        self.assertEqual(bench.state(), reg.STATE_FIRE_OPEN)
        self.assertEqual(bench.motors(), "open")

    def test_after_fire_the_boom_closes_by_command_only(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_AUTO_CLOSE_MS] = 1000
        bench.put(reg.IN_FIRE, 1)
        bench.run(3000)
        self.assertEqual(bench.motors(), "-")
        bench.put(reg.IN_FIRE, 0)
        bench.run(10000)
        self.assertEqual(bench.state(), reg.STATE_OPEN)
        self.assertEqual(bench.command(reg.OP_CLOSE), ACCEPTED)

    def test_fire_in_the_scan_that_ends_a_travel_opens_with_a_time_of_its_own(self) -> None:
        bench = BarrierBench()
        bench.boom_free = False
        bench.command(reg.OP_OPEN)
        bench.now_ms += bench.core.timers.remaining_ms(TIMER_TRAVEL)
        bench.put(reg.IN_FIRE, 1)
        self.assertEqual(bench.motors(), "-")
        self.assertTrue(bench.core.next_wake_ms() > 0)
        bench.now_ms += bench.core.next_wake_ms()
        bench.scan()
        self.assertEqual((bench.state(), bench.motors()), (reg.STATE_FIRE_OPEN, "open"))
        self.assertTrue(bench.core.timers.is_running(TIMER_TRAVEL))

    def test_fire_opening_gives_up_at_the_travel_timeout(self) -> None:
        bench = BarrierBench()
        bench.boom_free = False
        bench.put(reg.IN_FIRE, 1)
        bench.run(4600)
        self.assertEqual(bench.state(), reg.STATE_FIRE_OPEN)
        self.assertEqual(bench.motors(), "-")
        self.assertTrue(bench.has_fault(reg.FAULTS_TRAVEL_TIMEOUT))

    def test_remote_movement_is_refused_in_local_mode_but_stop_is_not(self) -> None:
        bench = BarrierBench()
        bench.put(reg.IN_LOCAL_MODE, 1)
        self.assertEqual(bench.core.status[reg.ST_MODE], reg.MODE_LOCAL)
        for opcode in (reg.OP_OPEN, reg.OP_CLOSE, reg.OP_HOLD_OPEN, reg.OP_LOCK_CLOSED, reg.OP_RELEASE):
            self.assertEqual(bench.command(opcode), reg.COMMAND_RESULT_REFUSED_LOCAL)
        self.assertEqual(bench.command(reg.OP_STOP), ACCEPTED)
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), ACCEPTED)

    def test_local_open_is_latched_and_local_close_is_hold_to_run(self) -> None:
        bench = BarrierBench()
        bench.put(reg.IN_LOCAL_MODE, 1)
        bench.put(reg.IN_LOCAL_OPEN, 1)
        bench.put(reg.IN_LOCAL_OPEN, 0)
        bench.run(3000)
        self.assertEqual(bench.state(), reg.STATE_OPEN)
        bench.put(reg.IN_LOCAL_CLOSE, 1)
        bench.run(1500)
        self.assertEqual(bench.motors(), "close")
        bench.put(reg.IN_LOCAL_CLOSE, 0)
        self.assertEqual(bench.motors(), "-")
        self.assertEqual(bench.state(), reg.STATE_STOPPED_MID)
        bench.put(reg.IN_LOCAL_CLOSE, 1)
        bench.run(3000)
        self.assertEqual(bench.state(), reg.STATE_CLOSED)

    def test_turning_the_key_to_local_stops_a_remote_closing(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.close_halfway()
        bench.put(reg.IN_LOCAL_MODE, 1)
        self.assertEqual(bench.motors(), "-")
        self.assertEqual(bench.state(), reg.STATE_STOPPED_MID)
