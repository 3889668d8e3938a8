"""The boom on its way: position estimate, coasting after a stop, what is known of the position afterwards."""

import unittest

from firmware.control.barrier_memory import MOTOR_CLOSES, MOTOR_OFF, MOTOR_OPENS, TEST_DONE
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

    def test_late_closing_boom_is_not_shown_closed_before_its_limit(self) -> None:
        bench = BarrierBench()
        bench.travel_ms = 4000
        bench.open()
        bench.command(reg.OP_CLOSE)
        bench.run(500 + 3900)
        self.assertEqual((bench.motors(), bench.core.status[reg.ST_POSITION_PERMILLE]), ("close", 1))


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


class TestInterlocks(unittest.TestCase):
    """Whatever the states want, the travel has the last word: it is asked here directly."""

    def _drive(self, wanted: int, *changes: tuple[int, int], **memory: int) -> int:
        bench = BarrierBench(1000)
        bench.core.memory.test_phase = TEST_DONE
        for index, value in changes:
            bench.core.inputs[index] = value
        for name in memory:
            setattr(bench.core.memory, name, memory[name])
        bench.core.sensed.read(bench.core.inputs, bench.core.quality, bench.settings)
        bench.core.travel.judge_limit()
        bench.core.travel.step(wanted, 0)
        return bench.core.memory.motor

    def test_nothing_wanted_drives_nothing(self) -> None:
        self.assertEqual(self._drive(MOTOR_OFF), MOTOR_OFF)

    def test_either_direction_needs_the_stop_chain_and_a_coupled_boom(self) -> None:
        for wanted in (MOTOR_OPENS, MOTOR_CLOSES):
            self.assertEqual(self._drive(wanted), wanted)
            self.assertEqual(self._drive(wanted, (reg.IN_STOP_CHAIN_OK, 0)), MOTOR_OFF)
            self.assertEqual(self._drive(wanted, (reg.IN_MANUAL_RELEASED, 1)), MOTOR_OFF)

    def test_each_direction_ends_at_its_own_limit(self) -> None:
        self.assertEqual(self._drive(MOTOR_OPENS, (reg.IN_LIMIT_OPEN, 1)), MOTOR_OFF)
        self.assertEqual(self._drive(MOTOR_CLOSES, (reg.IN_LIMIT_CLOSED, 1)), MOTOR_OFF)
        self.assertEqual(self._drive(MOTOR_OPENS, (reg.IN_LIMIT_CLOSED, 1)), MOTOR_OPENS)
        self.assertEqual(self._drive(MOTOR_CLOSES, (reg.IN_LIMIT_OPEN, 1)), MOTOR_CLOSES)

    def test_opening_needs_neither_clear_path_nor_mains(self) -> None:
        for change in ((reg.IN_SAFETY_LOOP, 1), (reg.IN_EDGE_OK, 0), (reg.IN_MAINS_OK, 0), (reg.IN_FIRE, 1)):
            self.assertEqual(self._drive(MOTOR_OPENS, change), MOTOR_OPENS)

    def test_closing_needs_edge_mains_no_fire_and_tested_devices(self) -> None:
        for change in ((reg.IN_EDGE_OK, 0), (reg.IN_MAINS_OK, 0), (reg.IN_FIRE, 1)):
            self.assertEqual(self._drive(MOTOR_CLOSES, change), MOTOR_OFF, change)
        for phase in range(TEST_DONE):
            self.assertEqual(self._drive(MOTOR_CLOSES, test_phase=phase), MOTOR_OFF)

    def test_closing_needs_a_path_without_presence(self) -> None:
        bench = BarrierBench(1000)
        bench.core.memory.test_phase = TEST_DONE
        bench.core.travel.step(MOTOR_CLOSES, 1 << reg.PRESENCE_BRIDGED)
        self.assertEqual(bench.core.memory.motor, MOTOR_OFF)

    def test_degrading_fault_leaves_hold_to_run_closing_and_a_stopping_one_nothing(self) -> None:
        for fault, held, expected in (
            (reg.FAULTS_LOOP_FAULT, 0, MOTOR_OFF),
            (reg.FAULTS_LOOP_FAULT, 1, MOTOR_CLOSES),
            (reg.FAULTS_ARM_BROKEN, 0, MOTOR_OFF),
            (reg.FAULTS_ARM_BROKEN, 1, MOTOR_OFF),
        ):
            self.assertEqual(self._drive(MOTOR_CLOSES, faults=1 << fault, hold_to_run=held), expected)

    def test_lying_upper_limit_is_overruled_in_a_fire_only(self) -> None:
        limit = (reg.IN_LIMIT_OPEN, 1)
        for fault, state, expected in (
            (reg.FAULTS_LIMIT_CONFLICT, reg.STATE_FIRE_OPEN, MOTOR_OPENS),
            (reg.FAULTS_LIMIT_STUCK, reg.STATE_FIRE_OPEN, MOTOR_OPENS),
            (reg.FAULTS_LIMIT_LOST, reg.STATE_FIRE_OPEN, MOTOR_OFF),
            (reg.FAULTS_LIMIT_STUCK, reg.STATE_OPENING, MOTOR_OFF),
        ):
            self.assertEqual(self._drive(MOTOR_OPENS, limit, faults=1 << fault, state=state), expected)

    def test_direction_never_swaps_without_a_scan_in_between_even_without_a_pause(self) -> None:
        bench = BarrierBench(1000)
        bench.settings[reg.SET_REVERSE_PAUSE_MS] = 0
        bench.core.memory.test_phase = TEST_DONE
        bench.core.travel.step(MOTOR_OPENS, 0)
        bench.core.travel.step(MOTOR_CLOSES, 0)
        self.assertEqual(bench.core.memory.motor, MOTOR_OFF)
        bench.core.travel.step(MOTOR_CLOSES, 0)
        self.assertEqual(bench.core.memory.motor, MOTOR_OFF)
        bench.core.timers.advance(bench.now_ms + 1)
        bench.core.travel.step(MOTOR_CLOSES, 0)
        self.assertEqual(bench.core.memory.motor, MOTOR_CLOSES)

    def test_pause_is_as_long_as_set_and_only_before_the_other_direction(self) -> None:
        bench = BarrierBench(1000)
        bench.settings[reg.SET_REVERSE_PAUSE_MS] = 700
        bench.core.memory.test_phase = TEST_DONE
        bench.core.travel.step(MOTOR_OPENS, 0)
        bench.core.travel.step(MOTOR_OFF, 0)
        bench.core.travel.step(MOTOR_OPENS, 0)
        self.assertEqual(bench.core.memory.motor, MOTOR_OPENS)
        bench.core.travel.step(MOTOR_OFF, 0)
        for passed_ms, motor in ((699, MOTOR_OFF), (700, MOTOR_CLOSES)):
            bench.core.timers.advance(bench.now_ms + passed_ms)
            bench.core.travel.step(MOTOR_CLOSES, 0)
            self.assertEqual(bench.core.memory.motor, motor)


class TestSupervision(unittest.TestCase):
    def test_each_direction_has_its_own_time_out(self) -> None:
        for opcode, position_ms, start_ms, limit_ms in (
            (reg.OP_OPEN, 0, 0, 6000),
            (reg.OP_CLOSE, 2000, 500, 9000),
        ):
            bench = BarrierBench(position_ms)
            bench.settings[reg.SET_TRAVEL_OPEN_MS] = 4000
            bench.settings[reg.SET_TRAVEL_CLOSE_MS] = 6000
            bench.command(opcode)
            bench.run(start_ms)
            bench.position_ms = 1000
            bench.boom_free = False
            bench.run(limit_ms - 10)
            self.assertEqual((bench.motors() != "-", bench.core.status[reg.ST_FAULTS]), (True, 0))
            bench.run(10)
            self.assertEqual(bench.motors(), "-")
            self.assertEqual(bench.core.status[reg.ST_FAULTS], 1 << reg.FAULTS_TRAVEL_TIMEOUT)

    def test_limit_that_comes_in_the_scan_of_the_time_out_is_in_time(self) -> None:
        bench = BarrierBench()
        bench.boom_free = False
        bench.command(reg.OP_OPEN)
        bench.run(4490)
        bench.position_ms = 2000
        bench.run(10)
        self.assertEqual((bench.state(), bench.core.status[reg.ST_FAULTS]), (reg.STATE_OPEN, 0))

    def test_boom_that_does_not_move_without_mains_is_given_up_without_a_fault(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_POWER_LOSS_ACTION] = reg.POWER_LOSS_ACTION_OPEN
        bench.boom_free = False
        bench.put(reg.IN_MAINS_OK, 0)
        bench.run(4490)
        self.assertEqual(bench.motors(), "open")
        bench.run(10)
        self.assertEqual((bench.motors(), bench.state()), ("-", reg.STATE_POWER_FAIL))
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 0)
        bench.put(reg.IN_MAINS_OK, 1)
        bench.run(2000)
        self.assertEqual(bench.motors(), "-")

    def test_upper_limit_that_lets_go_within_a_quarter_of_the_learned_time_is_not_stuck(self) -> None:
        for hold_ms, stuck in ((490, False), (500, True)):
            bench = BarrierBench(2000)
            bench.core.memory.learned_close_ms = 2000
            bench.command(reg.OP_CLOSE)
            bench.run(500)
            for _ in range(hold_ms // 10):
                bench.now_ms += 10
                bench.scan()
            self.assertEqual(bench.has_fault(reg.FAULTS_LIMIT_STUCK), stuck)

    def test_lower_limit_may_stay_as_long_as_it_likes_while_the_boom_opens(self) -> None:
        bench = BarrierBench()
        bench.boom_free = False
        bench.command(reg.OP_OPEN)
        bench.run(4000)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 0)

    def test_wake_comes_with_every_step_of_the_estimate(self) -> None:
        bench = BarrierBench()
        bench.command(reg.OP_OPEN)
        self.assertEqual(bench.core.next_wake_ms(), 100)
        bench.run(130)
        self.assertEqual(bench.core.next_wake_ms(), 70)
        bench.run(330)
        self.assertEqual(bench.core.next_wake_ms(), 40, "half a second of the lamp is over")
        bench.run(2000)
        self.assertEqual(bench.core.next_wake_ms(), 40 if bench.motors() != "-" else bench.core.timers.next_ms())


class TestLearning(unittest.TestCase):
    def _learn(self, travel_ms: int, **memory: int) -> list[int]:
        """Open and close once; returns travel_last_ms, learned_open and learned_close as shown."""
        bench = BarrierBench()
        bench.travel_ms = travel_ms
        for name in memory:
            setattr(bench.core.memory, name, memory[name])
        bench.open()
        bench.command(reg.OP_CLOSE)
        bench.run(travel_ms + 1000)
        status = bench.core.status
        self.assertEqual((bench.state(), status[reg.ST_CYCLES]), (reg.STATE_CLOSED, 1))
        return [
            status[reg.ST_TRAVEL_LAST_MS],
            status[reg.ST_TRAVEL_LEARNED_OPEN_MS],
            status[reg.ST_TRAVEL_LEARNED_CLOSE_MS],
        ]

    def test_first_travel_is_learned_whole_and_later_ones_a_quarter_of_the_way(self) -> None:
        self.assertEqual(self._learn(2000), [2000, 2000, 2000])
        self.assertEqual(self._learn(2000, learned_open_ms=2400, learned_close_ms=2800), [2000, 2300, 2600])

    def test_what_is_learned_stays_within_half_and_twice_the_setting(self) -> None:
        self.assertEqual(self._learn(1100, learned_open_ms=300, learned_close_ms=300), [1100, 1500, 1500])
        self.assertEqual(self._learn(4000, learned_open_ms=9000, learned_close_ms=9000), [4000, 6000, 6000])

    def test_learned_time_out_of_bounds_counts_as_the_bound(self) -> None:
        for learned_ms, limit_ms in ((100, 2250), (20000, 9000)):
            bench = BarrierBench()
            bench.core.memory.learned_open_ms = learned_ms
            bench.boom_free = False
            bench.command(reg.OP_OPEN)
            bench.run(limit_ms - 10)
            self.assertEqual(bench.motors(), "open")
            bench.run(10)
            self.assertEqual(bench.motors(), "-")

    def test_travel_shown_ends_at_thirty_seconds(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_TRAVEL_OPEN_MS] = 25000
        bench.travel_ms = 31000
        bench.open()
        self.assertEqual(bench.state(), reg.STATE_OPEN)
        self.assertEqual(bench.core.status[reg.ST_TRAVEL_LAST_MS], 30000)
        self.assertEqual(bench.core.status[reg.ST_TRAVEL_LEARNED_OPEN_MS], 30000)

    def test_travel_that_began_between_the_limits_teaches_nothing(self) -> None:
        for opcode in (reg.OP_OPEN, reg.OP_CLOSE):
            bench = BarrierBench()
            bench.command(reg.OP_OPEN)
            bench.run(500)
            bench.command(reg.OP_STOP)
            bench.command(opcode)
            bench.run(4000)
            self.assertTrue(bench.state() in (reg.STATE_OPEN, reg.STATE_CLOSED))
            self.assertEqual(bench.core.status[reg.ST_TRAVEL_LAST_MS], 0)
