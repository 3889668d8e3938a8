"""The barrier when the mains fails and returns."""

import unittest

from protocols.registers import barrier as reg
from tests.firmware.control.barrier_bench import BarrierBench

ACCEPTED = reg.COMMAND_RESULT_ACCEPTED


class TestMains(unittest.TestCase):
    def test_mains_failure_holds_or_opens_as_set(self) -> None:
        for action, motors in ((reg.POWER_LOSS_ACTION_HOLD, "-"), (reg.POWER_LOSS_ACTION_OPEN, "open")):
            bench = BarrierBench()
            bench.settings[reg.SET_POWER_LOSS_ACTION] = action
            bench.put(reg.IN_MAINS_OK, 0)
            self.assertEqual(bench.state(), reg.STATE_POWER_FAIL)
            self.assertEqual(bench.motors(), motors)

    def test_opening_of_a_mains_failure_is_completed_when_mains_returns(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_POWER_LOSS_ACTION] = reg.POWER_LOSS_ACTION_OPEN
        bench.put(reg.IN_MAINS_OK, 0)
        bench.run(1000)
        bench.put(reg.IN_MAINS_OK, 1)
        self.assertEqual(bench.motors(), "open")
        bench.run(1500)
        self.assertEqual(bench.state(), reg.STATE_OPEN)

    def test_stop_command_or_stop_chain_ends_the_opening_of_a_mains_failure(self) -> None:
        for by_command in (True, False):
            bench = BarrierBench()
            bench.settings[reg.SET_POWER_LOSS_ACTION] = reg.POWER_LOSS_ACTION_OPEN
            bench.put(reg.IN_MAINS_OK, 0)
            bench.run(500)
            if by_command:
                self.assertEqual(bench.command(reg.OP_STOP), ACCEPTED)
            else:
                bench.put(reg.IN_STOP_CHAIN_OK, 0)
                bench.put(reg.IN_STOP_CHAIN_OK, 1)
            bench.run(1000)
            self.assertEqual(bench.motors(), "-")
            self.assertEqual(bench.state(), reg.STATE_POWER_FAIL)
            bench.put(reg.IN_MAINS_OK, 1)
            bench.run(1000)
            self.assertEqual(bench.motors(), "-")

    def test_stop_in_the_scan_of_the_mains_failure_has_the_last_word(self) -> None:
        for position_ms in (0, 1000):
            bench = BarrierBench(position_ms)
            bench.settings[reg.SET_POWER_LOSS_ACTION] = reg.POWER_LOSS_ACTION_OPEN
            bench.run(100)
            bench.core.inputs[reg.IN_MAINS_OK] = 0
            self.assertEqual(bench.command(reg.OP_STOP), ACCEPTED)
            self.assertEqual(bench.state(), reg.STATE_POWER_FAIL)
            bench.run(500)
            self.assertEqual(bench.motors(), "-")

    def test_mains_lost_during_a_stop_moves_nothing_when_the_stop_ends(self) -> None:
        for index, value in ((reg.IN_STOP_CHAIN_OK, 0), (reg.IN_MANUAL_RELEASED, 1), (reg.IN_ARM_INTACT, 0)):
            for mains_back_first in (True, False):
                bench = BarrierBench()
                bench.settings[reg.SET_POWER_LOSS_ACTION] = reg.POWER_LOSS_ACTION_OPEN
                bench.put(index, value)
                bench.put(reg.IN_MAINS_OK, 0)
                bench.run(500)
                if mains_back_first:
                    bench.put(reg.IN_MAINS_OK, 1)
                bench.put(index, 1 - value)
                bench.command(reg.OP_CLEAR_FAULTS)
                bench.run(1000)
                self.assertEqual(bench.motors(), "-")
                self.assertEqual(bench.position_ms, 0)

    def test_closing_stops_at_a_mains_failure_and_does_not_go_on_by_itself(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.close_halfway()
        bench.put(reg.IN_MAINS_OK, 0)
        self.assertEqual(bench.motors(), "-")
        bench.put(reg.IN_MAINS_OK, 1)
        bench.run(5000)
        self.assertEqual(bench.motors(), "-")
        self.assertEqual(bench.state(), reg.STATE_UNKNOWN)

    def test_mains_out_at_boot_moves_nothing(self) -> None:
        bench = BarrierBench()
        fresh = BarrierBench()
        fresh.core.memory.mains_before = 0
        fresh.settings[reg.SET_POWER_LOSS_ACTION] = reg.POWER_LOSS_ACTION_OPEN
        fresh.put(reg.IN_MAINS_OK, 0)
        self.assertEqual(fresh.motors(), "-")
        self.assertEqual(bench.state(), reg.STATE_CLOSED)
