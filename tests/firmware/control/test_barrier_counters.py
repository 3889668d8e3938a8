"""The barrier's counters of a life: what they count, when they ask to be stored, and how they come back."""

import unittest

from firmware.control.barrier import RETAINED_COUNT
from protocols.registers import barrier as reg
from tests.firmware.control.barrier_bench import BarrierBench

COUNTER_MAX = 0x3FFFFFFF


def retained(bench: BarrierBench) -> list[int]:
    values = [0] * RETAINED_COUNT
    bench.core.keep(values)
    return values


def cycled(times: int = 1) -> BarrierBench:
    """Opened, passed and closed so often; 2 s each way."""
    bench = BarrierBench()
    for _ in range(times):
        bench.open()
        bench.put(reg.IN_SAFETY_LOOP, 1)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.run(2500)
        bench.command(reg.OP_CLOSE)
        bench.run(4000)
    return bench


class TestCounting(unittest.TestCase):
    def test_cycle_counts_one_opening_one_closing_one_pass_and_the_motor_time(self) -> None:
        status = cycled(3).core.status
        self.assertEqual((status[reg.ST_CYCLES], status[reg.ST_OPENINGS]), (3, 3))
        self.assertEqual((status[reg.ST_PASSES], status[reg.ST_PASSES_TOTAL]), (3, 3))
        self.assertEqual(status[reg.ST_MOTOR_TIME_S], 12)
        self.assertEqual(status[reg.ST_REVERSALS], 0)
        self.assertEqual(status[reg.ST_TAILGATES], 0)

    def test_parts_of_a_second_of_motor_time_add_up(self) -> None:
        bench = BarrierBench()
        for expected in (0, 1, 1, 2):
            bench.command(reg.OP_OPEN)
            bench.run(500)
            bench.command(reg.OP_STOP)
            bench.run(1000)
            self.assertEqual(bench.core.status[reg.ST_MOTOR_TIME_S], expected)
            bench.position_ms = 500

    def test_opening_that_is_stopped_or_moves_down_is_no_opening(self) -> None:
        bench = BarrierBench()
        bench.command(reg.OP_OPEN)
        bench.run(500)
        bench.command(reg.OP_STOP)
        self.assertEqual(bench.core.status[reg.ST_OPENINGS], 0)
        bench.command(reg.OP_CLOSE)
        bench.run(3000)
        self.assertEqual((bench.core.status[reg.ST_OPENINGS], bench.core.status[reg.ST_CYCLES]), (0, 1))

    def test_counters_wrap_to_zero_below_two_to_the_thirtieth(self) -> None:
        bench = BarrierBench()
        memory = bench.core.memory
        for name in ("cycles", "openings", "passes", "passes_total", "tailgates", "reversals", "power_ons"):
            setattr(memory, name, COUNTER_MAX)
        memory.motor_s = COUNTER_MAX - 3
        bench.open()
        for _ in range(2):
            bench.put(reg.IN_SAFETY_LOOP, 1)
            bench.put(reg.IN_SAFETY_LOOP, 0)
            bench.run(2500)
        bench.close_halfway()
        bench.put(reg.IN_SAFETY_LOOP, 1)
        bench.put(reg.IN_SAFETY_LOOP, 0)
        bench.run(5000)
        bench.command(reg.OP_CLOSE)
        bench.run(4000)
        bench.core.note_power_on()
        bench.scan()
        status = bench.core.status
        self.assertEqual((status[reg.ST_CYCLES], status[reg.ST_REVERSALS], status[reg.ST_POWER_ON_COUNT]), (0, 0, 0))
        self.assertEqual((status[reg.ST_OPENINGS], status[reg.ST_TAILGATES]), (1, 1))
        self.assertEqual((status[reg.ST_PASSES], status[reg.ST_PASSES_TOTAL]), (1, 1))
        self.assertEqual(status[reg.ST_MOTOR_TIME_S], 2)

    def test_event_of_a_pass_and_of_a_tailgate_carry_the_counts_low_word(self) -> None:
        bench = BarrierBench()
        bench.core.memory.passes = 0x12FFFE
        bench.core.memory.tailgates = 0x34FFFE
        bench.open()
        bench.events()
        for _ in range(2):
            bench.put(reg.IN_SAFETY_LOOP, 1)
            bench.put(reg.IN_SAFETY_LOOP, 0)
            bench.run(2500)
        events = bench.events()
        self.assertTrue((reg.EV_PASSED, 0xFFFF) in events)
        self.assertTrue((reg.EV_PASSED, 0) in events)
        self.assertTrue((reg.EV_TAILGATE, 0xFFFF) in events)

    def test_operating_time_is_what_was_before_this_start_and_the_uptime(self) -> None:
        bench = BarrierBench()
        bench.core.memory.operated_s = COUNTER_MAX - 10
        bench.core.ring.uptime_s = 9
        bench.scan()
        self.assertEqual(bench.core.status[reg.ST_OPERATING_TIME_S], COUNTER_MAX - 1)
        bench.core.ring.uptime_s = 12
        bench.scan()
        self.assertEqual(bench.core.status[reg.ST_OPERATING_TIME_S], 1)


class TestKeeping(unittest.TestCase):
    def test_storing_is_due_after_an_hour(self) -> None:
        bench = BarrierBench()
        bench.core.memory.operated_s = 5000
        bench.core.memory.asked_s = 5000
        bench.core.ring.uptime_s = 3599
        self.assertEqual(bench.core.pending(), 0)
        bench.core.ring.uptime_s = 3600
        self.assertEqual(bench.core.pending(), 1)

    def test_storing_is_due_after_a_hundred_openings_and_closings(self) -> None:
        bench = BarrierBench()
        memory = bench.core.memory
        memory.asked_moves = 50
        memory.cycles = 70
        memory.openings = 79
        self.assertEqual(bench.core.pending(), 0)
        memory.openings = 80
        self.assertEqual(bench.core.pending(), 1)

    def test_a_store_that_failed_is_not_asked_again_before_the_next_hour_or_hundred(self) -> None:
        bench = BarrierBench()
        bench.core.memory.cycles = 60
        bench.core.memory.openings = 60
        bench.core.ring.uptime_s = 3700
        self.assertEqual(bench.core.pending(), 1)
        retained(bench)
        self.assertEqual(bench.core.pending(), 0)
        bench.core.ring.uptime_s = 3700 + 3600
        self.assertEqual(bench.core.pending(), 1)
        bench.core.ring.uptime_s = 3701
        bench.core.memory.cycles += 99
        self.assertEqual(bench.core.pending(), 0)
        bench.core.memory.cycles += 1
        self.assertEqual(bench.core.pending(), 1)

    def test_nothing_is_stored_while_the_boom_moves_is_about_to_or_is_tested(self) -> None:
        bench = BarrierBench()
        bench.core.ring.uptime_s = 4000
        self.assertEqual(bench.core.pending(), 1)
        bench.command(reg.OP_OPEN)
        self.assertEqual(bench.core.pending(), 0)
        bench.run(3000)
        self.assertEqual(bench.core.pending(), 1)
        bench.command(reg.OP_CLOSE)
        self.assertEqual((bench.motors(), bench.core.pending()), ("-", 0))
        bench.run(400)
        self.assertEqual((bench.motors(), bench.core.pending()), ("-", 0))
        bench.run(3000)
        self.assertEqual(bench.core.pending(), 1)
        bench.put(reg.IN_FIRE, 1)
        self.assertEqual((bench.state(), bench.core.pending()), (reg.STATE_FIRE_OPEN, 0))
        bench.run(3000)
        self.assertEqual((bench.state(), bench.core.pending()), (reg.STATE_FIRE_OPEN, 1))

    def test_nothing_is_stored_during_a_cancelled_closings_device_test(self) -> None:
        bench = BarrierBench()
        bench.open()
        bench.core.ring.uptime_s = 4000
        bench.command(reg.OP_CLOSE)
        bench.command(reg.OP_OPEN)
        self.assertEqual((bench.state(), bench.core.outputs[reg.OUT_CURTAIN_TEST]), (reg.STATE_OPEN, 1))
        self.assertEqual(bench.core.pending(), 0)

    def test_nothing_is_stored_during_the_warning_of_a_movement_after_a_power_return(self) -> None:
        for action, position_ms in (
            (reg.POWER_RETURN_ACTION_CLOSE_WHEN_CLEAR, 2000),
            (reg.POWER_RETURN_ACTION_OPEN, 0),
        ):
            bench = BarrierBench(position_ms)
            bench.core.ring.uptime_s = 4000
            bench.settings[reg.SET_POWER_RETURN_ACTION] = action
            bench.put(reg.IN_MAINS_OK, 0)
            bench.put(reg.IN_MAINS_OK, 1)
            bench.run(1000)
            self.assertEqual((bench.motors(), bench.core.pending()), ("-", 0))
            bench.command(reg.OP_STOP)
            self.assertEqual(bench.core.pending(), 1)

    def test_delay_of_an_automatic_closing_is_no_reason_to_wait(self) -> None:
        bench = BarrierBench()
        bench.settings[reg.SET_AUTO_CLOSE_MS] = 60000
        bench.settings[reg.SET_ANTI_TAILGATE] = reg.ANTI_TAILGATE_ON
        bench.open()
        bench.core.ring.uptime_s = 4000
        self.assertEqual(bench.core.status[reg.ST_AUTOMATIC], reg.AUTOMATIC_AUTO_CLOSE)
        self.assertEqual(bench.core.pending(), 1)

    def test_what_was_kept_is_gone_on_from_after_a_start(self) -> None:
        old = cycled(2)
        old.core.note_power_on()
        old.core.memory.tailgates = 3
        old.core.memory.reversals = 4
        old.core.ring.uptime_s = 1234
        values = retained(old)
        self.assertEqual(old.core.memory.stored_s, 0)
        old.core.note_kept()
        old.scan()
        self.assertEqual(old.core.status[reg.ST_COUNTERS_STORED_S], 1234)
        new = BarrierBench()
        new.core.restore(values, reg.COUNTERS_SOURCE_LOST)
        new.core.ring.uptime_s = 6
        new.scan()
        for index in (
            reg.ST_TRAVEL_LEARNED_OPEN_MS,
            reg.ST_TRAVEL_LEARNED_CLOSE_MS,
            reg.ST_CYCLES,
            reg.ST_OPENINGS,
            reg.ST_PASSES_TOTAL,
            reg.ST_TAILGATES,
            reg.ST_REVERSALS,
            reg.ST_MOTOR_TIME_S,
            reg.ST_POWER_ON_COUNT,
            reg.ST_COUNTERS_STORED_S,
        ):
            self.assertTrue(old.core.status[index] != 0, index)
            self.assertEqual(new.core.status[index], old.core.status[index], index)
        self.assertEqual(new.core.status[reg.ST_OPERATING_TIME_S], 1240)
        self.assertEqual(new.core.status[reg.ST_PASSES], 0, "of this start")
        self.assertEqual(new.core.status[reg.ST_COUNTERS_SOURCE], reg.COUNTERS_SOURCE_LOST)

    def test_start_with_restored_counters_does_not_ask_to_store_at_once(self) -> None:
        values = list(range(900, 900 + RETAINED_COUNT))
        bench = BarrierBench()
        bench.core.restore(values, reg.COUNTERS_SOURCE_NEW)
        self.assertEqual(bench.core.pending(), 0)
        bench.core.ring.uptime_s = 3599
        self.assertEqual(bench.core.pending(), 0)
        bench.core.ring.uptime_s = 3600
        self.assertEqual(bench.core.pending(), 1)

    def test_each_power_on_counts_one(self) -> None:
        bench = BarrierBench()
        for count in (1, 2):
            bench.core.note_power_on()
            bench.scan()
            self.assertEqual(bench.core.status[reg.ST_POWER_ON_COUNT], count)
