"""LIMIT_OPEN comes before the boom can be up: it is not believed, the motor goes on, and the fault says why."""

import unittest

from protocols.registers import barrier as reg
from tests.firmware.control.barrier_bench import BarrierBench

SET_MS = 3000  # travel_open_ms and travel_close_ms as delivered
TIME_OUT_MS = 4500


def slow_bench(learned_ms: int = 0) -> BarrierBench:
    """Closed, with a boom that is never up by itself within its time."""
    bench = BarrierBench()
    bench.travel_ms = 20000
    bench.core.memory.learned_open_ms = learned_ms
    return bench


def opening(at_ms: int = 500, learned_ms: int = 0) -> BarrierBench:
    """On the way up since at_ms when LIMIT_OPEN comes and stays."""
    bench = slow_bench(learned_ms)
    bench.command(reg.OP_OPEN)
    bench.run(at_ms - 1)
    bench.limit_open_sticks = True
    bench.follow(0)
    bench.now_ms = at_ms
    bench.scan()
    return bench


class TestFromTheLowerLimit(unittest.TestCase):
    def test_until_a_time_is_learned_half_of_the_set_one_is_too_early(self) -> None:
        for at_ms, state in ((SET_MS // 2 - 1, reg.STATE_OPENING), (SET_MS // 2, reg.STATE_OPEN)):
            self.assertEqual(opening(at_ms).state(), state, at_ms)

    def test_what_is_faster_than_learned_by_the_factor_of_the_time_out_is_too_early(self) -> None:
        for at_ms, state in ((1599, reg.STATE_OPENING), (1600, reg.STATE_OPEN)):
            self.assertEqual(opening(at_ms, learned_ms=2400).state(), state, at_ms)

    def test_motor_goes_on_and_nothing_says_that_the_boom_is_open(self) -> None:
        bench = opening()
        bench.run(TIME_OUT_MS - 510)
        status = bench.core.status
        self.assertEqual((bench.motors(), bench.state()), ("open", reg.STATE_OPENING))
        self.assertEqual((bench.lights(), status[reg.ST_FAULTS]), (reg.LIGHTS_RED_FLASHING, 0))
        self.assertEqual(status[reg.ST_POSITION_PERMILLE], 999)

    def test_behind_the_time_out_the_fault_says_that_the_limit_is_stuck(self) -> None:
        bench = opening()
        bench.run(TIME_OUT_MS - 510)
        bench.events()
        bench.run(10)
        status = bench.core.status
        self.assertEqual((bench.motors(), bench.state()), ("-", reg.STATE_FAULT))
        self.assertEqual(status[reg.ST_FAULTS], 1 << reg.FAULTS_LIMIT_STUCK)
        self.assertTrue((reg.EV_FAULT_RAISED, reg.FAULTS_LIMIT_STUCK) in bench.events())
        self.assertEqual((bench.core.health, bench.lights()), (reg.HEALTH_FAILURE, reg.LIGHTS_AMBER_FLASHING))
        self.assertTrue(bench.core.reasons & 1 << reg.REASONS_ROLE_FAULT)
        self.assertEqual((status[reg.ST_TRAVEL_LEARNED_OPEN_MS], status[reg.ST_OPENINGS]), (0, 0))

    def test_a_limit_that_goes_again_is_forgotten_and_believed_when_it_comes_in_time(self) -> None:
        bench = opening()
        bench.limit_open_sticks = False
        bench.run(2000)
        self.assertEqual((bench.motors(), bench.state()), ("open", reg.STATE_OPENING))
        bench.limit_open_sticks = True
        bench.run(10)
        status = bench.core.status
        self.assertEqual((bench.motors(), bench.state()), ("-", reg.STATE_OPEN))
        self.assertEqual((status[reg.ST_FAULTS], status[reg.ST_TRAVEL_LAST_MS]), (0, 2510))
        self.assertEqual((status[reg.ST_OPENINGS], status[reg.ST_POSITION_PERMILLE]), (1, 1000))


class TestOnTheWay(unittest.TestCase):
    def test_an_opening_that_began_between_the_limits_believes_it(self) -> None:
        bench = slow_bench()
        bench.command(reg.OP_OPEN)
        bench.run(500)
        bench.command(reg.OP_STOP)
        bench.run(1000)
        bench.command(reg.OP_OPEN)
        bench.run(10)
        self.assertEqual(bench.motors(), "open")
        bench.limit_open_sticks = True
        bench.run(10)
        self.assertEqual((bench.motors(), bench.state()), ("-", reg.STATE_OPEN))

    def test_it_does_so_from_its_first_millisecond(self) -> None:
        bench = slow_bench()
        bench.command(reg.OP_OPEN)
        bench.run(500)
        bench.command(reg.OP_STOP)
        bench.run(1000)
        bench.command(reg.OP_OPEN)
        bench.put(reg.IN_LIMIT_OPEN, 1)
        self.assertEqual((bench.motors(), bench.state()), ("-", reg.STATE_OPEN))

    def test_a_boom_stopped_meanwhile_does_not_rest_at_it(self) -> None:
        bench = opening()
        bench.command(reg.OP_STOP)
        bench.run(2000)
        self.assertEqual((bench.motors(), bench.state()), ("-", reg.STATE_STOPPED_MID))
        self.assertEqual(bench.core.status[reg.ST_POSITION_PERMILLE], 166)
        bench.command(reg.OP_OPEN)
        bench.run(TIME_OUT_MS - 10)
        self.assertEqual((bench.motors(), bench.state()), ("open", reg.STATE_OPENING))
        bench.run(10)
        self.assertTrue(bench.has_fault(reg.FAULTS_LIMIT_STUCK))

    def test_a_closing_cancelled_before_its_motor_ran_does_not_take_it_for_open(self) -> None:
        bench = opening()
        bench.command(reg.OP_STOP)
        bench.run(1000)
        self.assertEqual(bench.command(reg.OP_CLOSE), reg.COMMAND_RESULT_ACCEPTED)
        bench.loop_occupied = True
        bench.put(reg.IN_SAFETY_LOOP, 1)
        self.assertEqual(bench.state(), reg.STATE_STOPPED_MID)

    def test_a_closing_finds_it_stuck_as_any_other(self) -> None:
        bench = opening()
        bench.command(reg.OP_STOP)
        bench.run(1000)
        bench.settings[reg.SET_TRAVEL_CLOSE_MS] = 800
        bench.command(reg.OP_CLOSE)
        bench.run(500 + 190)
        self.assertEqual((bench.motors(), bench.core.status[reg.ST_FAULTS]), ("close", 0))
        bench.run(20)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 1 << reg.FAULTS_LIMIT_STUCK)

    def test_an_opening_without_a_limit_is_timed_out_as_before(self) -> None:
        bench = opening()
        bench.limit_open_sticks = False
        bench.run(TIME_OUT_MS)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 1 << reg.FAULTS_TRAVEL_TIMEOUT)


class TestClearing(unittest.TestCase):
    def test_once_the_motor_has_run_its_time_clear_faults_believes_the_limit_in_the_same_scan(self) -> None:
        bench = opening()
        bench.run(TIME_OUT_MS + 1000)
        bench.command(reg.OP_CLEAR_FAULTS)
        self.assertEqual((bench.state(), bench.core.status[reg.ST_FAULTS]), (reg.STATE_OPEN, 0))
        self.assertEqual(bench.core.status[reg.ST_POSITION_PERMILLE], 1000)
        self.assertEqual(bench.lights(), reg.LIGHTS_RED, "green is for a new OPEN")
        bench.run(1000)
        self.assertEqual((bench.state(), bench.core.status[reg.ST_FAULTS]), (reg.STATE_OPEN, 0))

    def test_clear_faults_in_the_scan_of_the_fault_or_for_another_one_believes_nothing(self) -> None:
        bench = opening()
        bench.run(TIME_OUT_MS - 510)
        bench.now_ms += 10
        bench.command(reg.OP_CLEAR_FAULTS)
        self.assertEqual((bench.state(), bench.has_fault(reg.FAULTS_LIMIT_STUCK)), (reg.STATE_FAULT, True))
        bench = opening()
        bench.put(reg.IN_LOOPS_OK, 0)
        bench.put(reg.IN_LOOPS_OK, 1)
        self.assertEqual(bench.command(reg.OP_CLEAR_FAULTS), reg.COMMAND_RESULT_ACCEPTED)
        bench.run(1500)
        self.assertEqual((bench.motors(), bench.state()), ("open", reg.STATE_OPENING))

    def test_a_limit_gone_meanwhile_leaves_the_position_in_doubt(self) -> None:
        bench = opening()
        bench.run(TIME_OUT_MS)
        bench.limit_open_sticks = False
        bench.run(100)
        bench.command(reg.OP_CLEAR_FAULTS)
        self.assertEqual(bench.state(), reg.STATE_UNKNOWN)


class TestReversal(unittest.TestCase):
    def _reverse(self, down_ms: int, up_ms: int, learned_ms: int = 0, close_ms: int = SET_MS) -> BarrierBench:
        """Closing for down_ms, then up for up_ms until LIMIT_OPEN comes and stays."""
        bench = BarrierBench(2000)
        bench.settings[reg.SET_TRAVEL_CLOSE_MS] = close_ms
        bench.core.memory.learned_open_ms = learned_ms
        bench.command(reg.OP_CLOSE)
        bench.run(bench.settings[reg.SET_PREFLASH_MS])
        bench.run(down_ms)
        bench.travel_ms = 20000
        bench.loop_occupied = True
        bench.put(reg.IN_SAFETY_LOOP, 1)
        bench.run(bench.settings[reg.SET_REVERSE_PAUSE_MS])
        self.assertEqual((bench.motors(), bench.state()), ("open", reg.STATE_REVERSING))
        bench.run(up_ms - 10)
        bench.limit_open_sticks = True
        bench.run(10)
        return bench

    def test_a_reversal_needs_a_share_of_the_time_its_closing_took(self) -> None:
        """Down for half of the set time, so half of half of it up; with a learned time its two thirds of half."""
        for learned_ms, least_ms in ((0, 750), (3600, 1200)):
            for up_ms, state in ((least_ms - 10, reg.STATE_REVERSING), (least_ms, reg.STATE_OPEN)):
                self.assertEqual(self._reverse(1500, up_ms, learned_ms).state(), state, up_ms)

    def test_a_reversal_from_high_up_may_be_over_at_once(self) -> None:
        for down_ms, state in ((740, reg.STATE_OPEN), (750, reg.STATE_REVERSING)):
            self.assertEqual(self._reverse(down_ms, 20).state(), state, down_ms)
        self.assertEqual(self._reverse(250, 20, close_ms=1004).state(), reg.STATE_OPEN, "estimated at 751 permille")

    def test_a_reversal_of_a_closing_that_began_between_the_limits_believes_it(self) -> None:
        bench = BarrierBench()
        bench.travel_ms = 3000
        bench.command(reg.OP_OPEN)
        bench.run(2000)
        bench.command(reg.OP_STOP)
        bench.run(1000)
        bench.command(reg.OP_CLOSE)
        bench.run(bench.settings[reg.SET_PREFLASH_MS] + 1000)
        bench.loop_occupied = True
        bench.put(reg.IN_SAFETY_LOOP, 1)
        bench.run(bench.settings[reg.SET_REVERSE_PAUSE_MS] + 20)
        self.assertEqual((bench.motors(), bench.state()), ("open", reg.STATE_REVERSING))
        bench.limit_open_sticks = True
        bench.run(10)
        self.assertEqual((bench.motors(), bench.state()), ("-", reg.STATE_OPEN))


class TestFireAndMains(unittest.TestCase):
    def test_fire_goes_on_opening_gives_up_at_the_time_out_and_says_why(self) -> None:
        bench = opening()
        bench.put(reg.IN_FIRE, 1)
        bench.run(TIME_OUT_MS - 510)
        self.assertEqual((bench.motors(), bench.state()), ("open", reg.STATE_FIRE_OPEN))
        bench.run(10)
        self.assertEqual((bench.motors(), bench.state()), ("-", reg.STATE_FIRE_OPEN))
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 1 << reg.FAULTS_LIMIT_STUCK)

    def test_an_opening_that_fire_began_is_completed_and_not_taken_for_done(self) -> None:
        bench = opening()
        bench.put(reg.IN_FIRE, 1)
        bench.put(reg.IN_FIRE, 0)
        self.assertEqual((bench.motors(), bench.state()), ("open", reg.STATE_OPENING))

    def test_a_vehicle_under_a_boom_that_is_not_believed_open_does_not_count_as_passing(self) -> None:
        bench = opening()
        bench.put(reg.IN_FIRE, 1)
        bench.loop_occupied = True
        bench.put(reg.IN_SAFETY_LOOP, 1)
        bench.run(100)
        bench.loop_occupied = False
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.run(3000)
        self.assertEqual(bench.core.status[reg.ST_PASSES], 0)

    def test_without_mains_it_is_given_up_without_a_fault_and_the_position_is_in_doubt_afterwards(self) -> None:
        bench = slow_bench()
        bench.settings[reg.SET_POWER_LOSS_ACTION] = reg.POWER_LOSS_ACTION_OPEN
        bench.put(reg.IN_MAINS_OK, 0)
        bench.run(500)
        bench.limit_open_sticks = True
        bench.run(TIME_OUT_MS)
        self.assertEqual((bench.motors(), bench.state()), ("-", reg.STATE_POWER_FAIL))
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 0)
        bench.put(reg.IN_MAINS_OK, 1)
        bench.run(1000)
        self.assertEqual(bench.state(), reg.STATE_UNKNOWN)
