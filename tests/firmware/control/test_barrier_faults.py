"""The barrier's faults: what raises them, what they stop, what clears them; mode DEGRADED."""

import unittest

from protocols.registers import barrier as reg
from tests.firmware.control.barrier_bench import BarrierBench

ACCEPTED = reg.COMMAND_RESULT_ACCEPTED
REFUSED_INTERLOCK = reg.COMMAND_RESULT_REFUSED_INTERLOCK


class TestDegraded(unittest.TestCase):
    def test_loop_fault_reverses_a_closing_and_leaves_opening_and_hold_to_run(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.close_halfway()
        bench.put(reg.IN_LOOPS_OK, 0)
        self.assertEqual(bench.state(), reg.STATE_REVERSING)
        bench.run(3000)
        self.assertEqual(bench.command(reg.OP_CLOSE), REFUSED_INTERLOCK)
        bench.put(reg.IN_LOCAL_MODE, 1)
        bench.put(reg.IN_LOCAL_CLOSE, 1)
        bench.run(4000)
        self.assertEqual(bench.state(), reg.STATE_CLOSED)

    def test_hold_to_run_never_closes_onto_a_presence(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.put(reg.IN_LOCAL_MODE, 1)
        bench.put(reg.IN_SAFETY_LOOP, 1)
        bench.put(reg.IN_LOCAL_CLOSE, 1)
        bench.run(2000)
        self.assertEqual(bench.motors(), "-")

    def test_bad_input_is_latched_and_degrades_until_cleared(self) -> None:
        bench = BarrierBench()
        bench.spoil(reg.IN_ENTRY_LOOP, 2)
        self.assertTrue(bench.has_fault(reg.FAULTS_INPUT_BAD))
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), REFUSED_INTERLOCK)
        bench.spoil(reg.IN_ENTRY_LOOP, 0)
        self.assertTrue(bench.has_fault(reg.FAULTS_INPUT_BAD))
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), ACCEPTED)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 0)
        self.assertEqual(bench.core.status[reg.ST_MODE], reg.MODE_REMOTE)


class TestFaults(unittest.TestCase):
    def test_input_faults_stop_the_boom_latch_and_clear_when_their_cause_is_gone(self) -> None:
        cases = (
            (reg.IN_ARM_INTACT, 0, reg.FAULTS_ARM_BROKEN),
            (reg.IN_DRIVE_OK, 0, reg.FAULTS_DRIVE_FAULT),
            (reg.IN_LIMIT_OPEN, 1, reg.FAULTS_LIMIT_CONFLICT),
        )
        for index, value, fault in cases:
            bench = BarrierBench()
            bench.events()
            bench.put(index, value)
            self.assertEqual(bench.state(), reg.STATE_FAULT)
            self.assertTrue((reg.EV_FAULT_RAISED, fault) in bench.events())
            self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), REFUSED_INTERLOCK)
            bench.put(index, 1 - value)
            self.assertEqual(bench.state(), reg.STATE_FAULT)
            self.assertEqual(bench.command(reg.OP_OPEN), reg.COMMAND_RESULT_REFUSED_STATE)
            self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), ACCEPTED)
            self.assertEqual(bench.state(), reg.STATE_CLOSED)
            self.assertTrue((reg.EV_FAULT_CLEARED, fault) in bench.events())

    def test_each_new_or_cleared_fault_is_one_event_with_its_number(self) -> None:
        bench = BarrierBench()
        bench.events()
        bench.core.inputs[reg.IN_ARM_INTACT] = 0
        bench.put(reg.IN_LOOPS_OK, 0)
        bench.scan()
        raised = [number for code, number in bench.events() if code == reg.EV_FAULT_RAISED]
        self.assertEqual(raised, [reg.FAULTS_LOOP_FAULT, reg.FAULTS_ARM_BROKEN])
        bench.core.inputs[reg.IN_ARM_INTACT] = 1
        bench.command(reg.OP_CLEAR_FAULTS)
        cleared = [number for code, number in bench.events() if code == reg.EV_FAULT_CLEARED]
        self.assertEqual(cleared, [reg.FAULTS_ARM_BROKEN])

    def test_travel_timeout_is_one_and_a_half_times_the_expected_time(self) -> None:
        for learned, limit_ms in ((False, 4500), (True, 3000)):
            bench = BarrierBench()
            if learned:
                bench.open()
                bench.command(reg.OP_CLOSE)
                bench.run(4000)
                self.assertEqual(bench.core.status[reg.ST_TRAVEL_LEARNED_OPEN_MS], 2000)
                self.assertEqual(bench.core.status[reg.ST_TRAVEL_LEARNED_CLOSE_MS], 2000)
            bench.boom_free = False
            bench.command(reg.OP_OPEN)
            bench.run(limit_ms - 10)
            self.assertEqual(bench.motors(), "open")
            bench.run(10)
            self.assertEqual(bench.state(), reg.STATE_FAULT)
            self.assertTrue(bench.has_fault(reg.FAULTS_TRAVEL_TIMEOUT))

    def test_interrupted_travel_teaches_nothing_and_learning_is_bounded(self) -> None:
        bench = BarrierBench()
        bench.command(reg.OP_OPEN)
        bench.run(1000)
        bench.command(reg.OP_STOP)
        bench.open()
        self.assertEqual(bench.core.status[reg.ST_TRAVEL_LEARNED_OPEN_MS], 0)
        bench = BarrierBench()
        bench.travel_ms = 1600
        bench.core.memory.learned_open_ms = 300
        bench.open()
        self.assertEqual(bench.core.status[reg.ST_TRAVEL_LAST_MS], 1600)
        self.assertEqual(bench.core.status[reg.ST_TRAVEL_LEARNED_OPEN_MS], 1500)

    def test_limit_lost_at_rest_is_a_fault_after_its_debounce(self) -> None:
        for position_ms, index in ((0, reg.IN_LIMIT_CLOSED), (2000, reg.IN_LIMIT_OPEN)):
            bench = BarrierBench(position_ms)
            bench.position_ms = 1000
            bench.run(190)
            bench.position_ms = position_ms
            bench.run(500)
            self.assertEqual(bench.core.status[reg.ST_FAULTS], 0)
            bench.position_ms = 1000
            bench.run(210)
            self.assertTrue(bench.has_fault(reg.FAULTS_LIMIT_LOST), index)
            self.assertEqual(bench.state(), reg.STATE_FAULT)

    def test_boom_moved_by_hand_is_no_lost_limit(self) -> None:
        bench = BarrierBench()
        bench.put(reg.IN_MANUAL_RELEASED, 1)
        self.assertEqual(bench.state(), reg.STATE_MANUAL_RELEASED)
        bench.position_ms = 1000
        bench.run(1000)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 0)
        self.assertEqual(bench.command(reg.OP_OPEN), reg.COMMAND_RESULT_REFUSED_STATE)
        bench.put(reg.IN_MANUAL_RELEASED, 0)
        self.assertEqual(bench.state(), reg.STATE_UNKNOWN)
