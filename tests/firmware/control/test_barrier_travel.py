"""The boom on its way: position estimate, coasting after a stop, what is known of the position afterwards."""

import unittest

from protocols.registers import barrier as reg
from tests.firmware.control.barrier_bench import BarrierBench


class TestPosition(unittest.TestCase):
    def test_estimate_follows_the_travel_in_steps_and_is_exact_at_the_limits(self) -> None:
        bench = BarrierBench()
        bench.travel_ms = 3000
        self.assertEqual(bench.core.status[reg.ST_POSITION_PERMILLE], 0)
        bench.command(reg.OP_OPEN)
        for run_ms, expected in ((300, 100), (1250, 500), (1440, 966), (10, 1000)):
            bench.run(run_ms)
            self.assertEqual(bench.core.status[reg.ST_POSITION_PERMILLE], expected)
        bench.command(reg.OP_CLOSE)
        bench.run(500)
        for run_ms, expected in ((1500, 500), (1490, 34), (10, 0)):
            bench.run(run_ms)
            self.assertEqual(bench.core.status[reg.ST_POSITION_PERMILLE], expected)

    def test_stop_freezes_the_estimate_and_the_next_travel_goes_on_from_it(self) -> None:
        bench = BarrierBench()
        bench.travel_ms = 3000
        bench.command(reg.OP_OPEN)
        bench.run(1530)
        bench.command(reg.OP_STOP)
        bench.run(5000)
        self.assertEqual(bench.core.status[reg.ST_POSITION_PERMILLE], 510)
        bench.command(reg.OP_OPEN)
        bench.run(300)
        self.assertEqual(bench.core.status[reg.ST_POSITION_PERMILLE], 610)

    def test_limits_in_conflict_say_nothing_about_the_position(self) -> None:
        bench = BarrierBench()
        bench.put(reg.IN_LIMIT_OPEN, 1)
        self.assertEqual(bench.core.status[reg.ST_POSITION_PERMILLE], 0)

    def test_late_boom_stays_off_the_ends_until_its_limit(self) -> None:
        bench = BarrierBench()
        bench.travel_ms = 4000
        bench.command(reg.OP_OPEN)
        bench.run(3900)
        self.assertEqual(bench.core.status[reg.ST_POSITION_PERMILLE], 999)


class TestCoasting(unittest.TestCase):
    def test_boom_that_coasts_off_its_limit_after_a_stop_is_no_lost_limit(self) -> None:
        bench = BarrierBench()
        bench.command(reg.OP_OPEN)
        bench.command(reg.OP_STOP)
        self.assertEqual(bench.core.inputs[reg.IN_LIMIT_CLOSED], 1)
        bench.run(100)
        self.assertEqual(bench.state(), reg.STATE_STOPPED_MID)
        bench.position_ms = 50
        bench.run(2000)
        self.assertEqual(bench.state(), reg.STATE_STOPPED_MID)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 0)

    def test_boom_that_rests_at_its_limit_after_a_stop_is_there_half_a_second_later(self) -> None:
        bench = BarrierBench()
        bench.command(reg.OP_OPEN)
        bench.command(reg.OP_STOP)
        bench.run(490)
        self.assertEqual(bench.state(), reg.STATE_STOPPED_MID)
        bench.run(10)
        self.assertEqual(bench.state(), reg.STATE_CLOSED)

    def test_hold_to_run_closing_from_an_unknown_position_finds_it(self) -> None:
        bench = BarrierBench(900)
        self.assertEqual(bench.state(), reg.STATE_UNKNOWN)
        bench.put(reg.IN_LOCAL_MODE, 1)
        bench.put(reg.IN_LOCAL_CLOSE, 1)
        bench.run(3000)
        self.assertEqual(bench.state(), reg.STATE_CLOSED)
        self.assertEqual(bench.core.status[reg.ST_CYCLES], 1)
        self.assertEqual(bench.core.status[reg.ST_TRAVEL_LEARNED_CLOSE_MS], 0)
        bench.put(reg.IN_LOCAL_OPEN, 1)
        self.assertEqual(bench.state(), reg.STATE_OPENING)

    def test_cancelled_closing_leaves_nothing_to_wake_for(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.command(reg.OP_CLOSE)
        bench.run(100)
        bench.put(reg.IN_SAFETY_LOOP, 1)
        self.assertEqual(bench.state(), reg.STATE_OPEN)
        self.assertEqual(bench.core.next_wake_ms(), -1)
