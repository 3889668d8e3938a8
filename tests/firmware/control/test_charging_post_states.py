"""The charging post's sequence at its edges: how long exactly, from which state on, and what wins in the same scan."""

import unittest

from firmware.control.charging_post_inputs import IN_CURRENT_A, IN_PLATE_V, IN_VEHICLE_MAX_A
from protocols.registers import charging_post as reg
from tests.firmware.control.charging_post_bench import PostBench


def scan_each_ms(bench: PostBench, state: int, limit_ms: int = 3000) -> int:
    """Scan every millisecond with inputs as they are until `state` is left; returns how long that took."""
    for elapsed in range(limit_ms):
        if bench.core.memory.state != state:
            return elapsed
        bench.now_ms += 1
        if elapsed % 50 == 0:  # both heartbeats go on
            bench.field.frame_ms = 100
            bench.field._send(bench.core, 0)
        bench.scan()
    raise AssertionError(f"state {state} is not left")


class TestTimes(unittest.TestCase):
    def test_current_must_be_gone_for_100_ms_before_the_contactor_opens(self) -> None:
        bench = PostBench()
        bench.charge(reg.STATE_CC)
        bench.command(reg.OP_RELEASE)
        bench.core.inputs[IN_CURRENT_A] = 10
        bench.now_ms += 1
        bench.scan()
        self.assertEqual(bench.core.memory.state, reg.STATE_RAMP_DOWN)
        bench.core.inputs[IN_CURRENT_A] = 9
        # The first scan without current starts the time.
        self.assertEqual(scan_each_ms(bench, reg.STATE_RAMP_DOWN), 101)

    def test_current_above_the_agreed_limit_trips_after_500_ms(self) -> None:
        bench = PostBench()
        bench.charge(reg.STATE_CC)
        bench.core.inputs[IN_CURRENT_A] = 431
        self.assertEqual(scan_each_ms(bench, reg.STATE_CC), 501)
        self.assertTrue(bench.fault_is(reg.FAULTS_OVER_CURRENT))

    def test_excess_of_current_must_last_without_a_break(self) -> None:
        bench = PostBench()
        bench.charge(reg.STATE_CC)
        for current in (431, 430, 431):
            bench.core.inputs[IN_CURRENT_A] = current
            for _ in range(40):
                bench.now_ms += 10
                bench.field.frame_ms = 100
                bench.field._send(bench.core, 0)
                bench.scan()
            self.assertEqual(bench.core.memory.state, reg.STATE_CC)


class TestSameScan(unittest.TestCase):
    def test_chain_wins_over_whatever_else_happens(self) -> None:
        bench = PostBench()
        bench.charge(reg.STATE_CC)
        bench.core.inputs[reg.IN_STOP_CHAIN_OK] = 0
        bench.core.inputs[reg.IN_PANEL_CLOSED] = 0
        bench.core.request_opcode = reg.OP_RELEASE
        bench.scan()
        self.assertEqual(bench.core.memory.state, reg.STATE_ESTOP)
        self.assertEqual(bench.core.memory.set_a_x10, 0)

    def test_somebody_at_the_post_holds_the_contacts_in_every_state_of_an_ending(self) -> None:
        for state in (reg.STATE_RAMP_DOWN, reg.STATE_CONTACTOR_OPEN, reg.STATE_WELD_CHECK, reg.STATE_RETRACT):
            bench = PostBench()
            bench.charge(reg.STATE_CC)
            bench.command(reg.OP_RELEASE)
            bench.run_to(state)
            bench.core.inputs[reg.IN_PANEL_CLOSED] = 0
            bench.run(10)
            bench.core.inputs[reg.IN_PANEL_CLOSED] = 1
            bench.run_to(reg.STATE_STOPPED)
            self.assertEqual(bench.out(reg.OUT_ARM_RETRACT), 0)

    def test_vehicle_that_is_refused_by_nobody_at_the_post_is_let_go_without_a_hold(self) -> None:
        bench = PostBench()
        bench.charge(reg.STATE_CC)
        bench.core.inputs[IN_VEHICLE_MAX_A] = 0
        bench.run_to(reg.STATE_RELEASE)
        self.assertFalse(reg.STATE_STOPPED in bench.states[bench.states.index(reg.STATE_CC) :])

    def test_plates_that_are_live_before_the_vehicle_was_asked_end_the_approach(self) -> None:
        bench = PostBench()
        bench.charge(reg.STATE_EXTEND)
        bench.core.inputs[IN_PLATE_V] = 100
        bench.scan()
        self.assertEqual(bench.core.status[reg.ST_END_REASON], reg.END_REASON_NO_BATTERY)
        self.assertEqual(bench.out(reg.OUT_ARM_EXTEND), 0)


if __name__ == "__main__":
    unittest.main()
