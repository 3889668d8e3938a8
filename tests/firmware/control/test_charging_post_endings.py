"""How the charging post's sessions end: current, contactor, contacts, vehicle, in this order from every state."""

import unittest

from firmware.control.charging_post_inputs import IN_CURRENT_A, IN_PLATE_V
from protocols.registers import charging_post as reg
from tests.firmware.control.charging_post_bench import PostBench, bench_in

ACCEPTED = reg.COMMAND_RESULT_ACCEPTED
REFUSED_INTERLOCK = reg.COMMAND_RESULT_REFUSED_INTERLOCK
SESSION = (
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
)


class Guard:
    """Watches the order in which a session ends: current, then contactor, then contacts."""

    def __init__(self, bench: PostBench) -> None:
        self.bench = bench
        self.was_closed = bench.out(reg.OUT_CONTACTOR)

    def run(self, state: int, is_estop: bool = False) -> None:
        bench = self.bench
        for _ in range(6000):
            if bench.core.memory.state == state:
                return
            current = bench.core.inputs[IN_CURRENT_A]
            bench.run(10)
            is_closed = bench.out(reg.OUT_CONTACTOR)
            if self.was_closed and not is_closed:
                assert is_estop or current < 10, "the contactor opened under current"
            if bench.out(reg.OUT_ARM_RETRACT) or bench.out(reg.OUT_ARM_EXTEND):
                assert not is_closed, "the arm moved with a closed contactor"
                assert bench.core.inputs[IN_PLATE_V] < 50, "the arm moved with live plates"
            self.was_closed = is_closed
        raise AssertionError(f"state {state} not reached, is {bench.core.memory.state}")


class TestAborts(unittest.TestCase):
    def test_release_from_every_state_ends_in_the_safe_order(self) -> None:
        for state in SESSION:
            bench = bench_in(state)
            guard = Guard(bench)
            self.assertEqual(bench.command(reg.OP_RELEASE), ACCEPTED, state)
            self.assertEqual(bench.out(reg.OUT_MODULE_ENABLE), 0)
            guard.run(reg.STATE_RELEASE)
            self.assertEqual(bench.field.arm_ms, 0)
            self.assertEqual(bench.out(reg.OUT_VEHICLE_RELEASE), 1)

    def test_stopping_fault_in_every_state_ends_in_the_safe_order_and_lets_the_vehicle_go(self) -> None:
        for state in SESSION:
            bench = bench_in(state)
            guard = Guard(bench)
            bench.core.quality[reg.IN_IMD_OK] = 2
            bench.run(10)
            self.assertEqual(bench.out(reg.OUT_MODULE_ENABLE), 0, state)
            guard.run(reg.STATE_RELEASE)
            self.assertTrue(bench.fault_is(reg.FAULTS_INPUT_BAD))
            self.assertEqual(bench.out(reg.OUT_VEHICLE_RELEASE), 1)
            self.assertEqual(bench.core.health, reg.HEALTH_FAILURE)
            bench.field.vehicle = False
            bench.run_to(reg.STATE_FAULT)
            self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), REFUSED_INTERLOCK)
            bench.core.quality[reg.IN_IMD_OK] = 0
            self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), ACCEPTED)
            bench.run_to(reg.STATE_IDLE)
            self.assertEqual(bench.core.health, reg.HEALTH_NORMAL)

    def test_emergency_stop_in_every_state_opens_everything_in_the_same_scan(self) -> None:
        for state in SESSION:
            bench = bench_in(state)
            guard = Guard(bench)
            bench.core.inputs[reg.IN_STOP_CHAIN_OK] = 0
            bench.run(10)
            self.assertEqual(bench.core.memory.state, reg.STATE_ESTOP)
            for out in range(reg.OUT_LAMP_CHARGING + 1):
                self.assertEqual(bench.out(out), 0, (state, out))
            bench.run(5000)
            self.assertEqual(bench.command(reg.OP_RELEASE), reg.COMMAND_RESULT_REFUSED_STATE)
            bench.core.inputs[reg.IN_STOP_CHAIN_OK] = 1
            guard.was_closed = 0
            at = bench.field.arm_ms
            rest = reg.STATE_STOPPED if at else reg.STATE_RELEASE
            bench.run_to(rest)
            bench.run(5000)
            self.assertEqual(bench.field.arm_ms, at)  # a reset is not a start
            self.assertEqual(bench.command(reg.OP_RELEASE), ACCEPTED)
            guard.run(reg.STATE_RELEASE)

    def test_load_breaks_are_counted_and_ask_for_maintenance(self) -> None:
        bench = bench_in(reg.STATE_CC)
        bench.core.inputs[reg.IN_STOP_CHAIN_OK] = 0
        bench.run(10)
        self.assertEqual(bench.core.status[reg.ST_LOAD_BREAKS], 1)
        self.assertTrue((reg.EV_LOAD_BREAK, 400) in bench.take_events())
        bench.core.inputs[reg.IN_STOP_CHAIN_OK] = 1
        bench.run_to(reg.STATE_STOPPED)
        bench.command(reg.OP_RELEASE)
        bench.run_to(reg.STATE_RELEASE)
        self.assertEqual(bench.core.health, reg.HEALTH_MAINTENANCE_REQUIRED)

    def test_restart_under_load_begins_at_the_safe_end(self) -> None:
        bench = bench_in(reg.STATE_CC)
        other = PostBench()
        other.field = bench.field
        other.core.inputs[:] = bench.core.inputs
        other.core.memory.__init__(reg.STATE_RAMP_DOWN, reg.END_REASON_RESTART)  # type: ignore[misc]  # power came back
        other.scan()
        self.assertEqual(other.out(reg.OUT_CONTACTOR) + other.out(reg.OUT_MODULE_ENABLE), 0)
        other.run_to(reg.STATE_STOPPED)
        self.assertEqual(other.field.arm_ms, 1000)
        self.assertEqual(other.command(reg.OP_RELEASE), ACCEPTED)
        other.run_to(reg.STATE_RELEASE)


if __name__ == "__main__":
    unittest.main()
