"""The rig's core: stimuli at their times, senses noted, rows that react, and nothing lost without a word."""

import unittest

from firmware.roles.rig import log, schedule
from firmware.roles.rig.engine import LATE_US
from protocols.rig import messages as m
from tests.firmware.roles.rig_bench import HASH, WIRING, Bench, entry, number

OK = bytes([m.OK])
FIRST_SENSE = m.SENSE_AT
FIRST_KNOB = m.KNOB_AT


def started(*questions):
    bench = Bench()
    for kind, payload in questions:
        assert bench.ask(kind, payload) == OK, (kind, payload)
    bench.ask(m.START)
    return bench


class TestStimuli(unittest.TestCase):
    def test_stimuli_happen_at_their_times_whatever_order_they_came_in(self) -> None:
        bench = Bench()
        bench.ask(m.QUEUE, entry(3000, 2, 1) + entry(1000, 0, 1) + entry(2000, 1, 1) + entry(2000, 0, 0))
        bench.card.clock_us = 77
        bench.ask(m.START)
        bench.run_to(5077)
        self.assertEqual(bench.log(), [(1000, 0, 1), (2000, 0, 0), (2000, 1, 1), (3000, 2, 1)])

    def test_what_is_due_at_one_time_changes_in_one_step_of_the_card(self) -> None:
        bench = Bench()
        bench.ask(m.QUEUE, entry(1000, 0, 1) + entry(1000, 7, 1) + entry(1000, 23, 1))
        bench.ask(m.START)
        bench.run_to(2000)
        self.assertEqual((bench.card.steps, sum(bench.card.levels)), (1, 3))

    def test_of_two_levels_at_one_time_the_later_told_counts(self) -> None:
        bench = Bench()
        bench.ask(m.QUEUE, entry(1000, 4, 0) + entry(1000, 4, 1) + entry(500, 9, 1))
        bench.ask(m.START)
        bench.run_to(2000)
        self.assertEqual((bench.card.levels[4], bench.card.levels[9]), (1, 1))

    def test_a_pulse_shorter_than_a_pass_of_the_loop_is_still_two_steps(self) -> None:
        bench = Bench()
        bench.ask(m.QUEUE, entry(1000, 4, 1) + entry(1010, 4, 0))
        bench.ask(m.START)
        bench.run_to(4000, 2000)
        self.assertEqual(bench.card.steps, 2)

    def test_an_entry_of_now_happens_at_once_and_is_not_late(self) -> None:
        bench = started()
        bench.run_to(50_000)
        bench.ask(m.QUEUE, entry(m.NOW, 3, 1))
        bench.run_to(50_100)
        self.assertEqual(bench.log(), [(50_100, 3, 1)])
        self.assertEqual(bench.engine.late, 0)

    def test_a_stimulus_that_comes_too_late_happens_and_is_counted(self) -> None:
        bench = started()
        bench.run_to(50_000)
        bench.ask(m.QUEUE, entry(49_900 - LATE_US, 3, 1))
        bench.run_to(50_100)
        self.assertEqual((bench.engine.late, bench.engine.latest_us), (1, LATE_US + 200))
        self.assertEqual(bench.log(), [(50_100, 3, 1)])

    def test_a_full_queue_takes_nothing_and_says_so(self) -> None:
        bench = Bench()
        for _ in range(schedule.CAPACITY // m.ENTRIES_MAX):
            self.assertEqual(bench.ask(m.QUEUE, entry(9, 1, 1) * m.ENTRIES_MAX)[0], m.OK)
        self.assertEqual(bench.ask(m.QUEUE, entry(9, 1, 1)), bytes([m.FULL, 0, 0]))
        self.assertEqual(bench.engine.schedule.count, schedule.CAPACITY)

    def test_nothing_is_due_before_the_run_begins(self) -> None:
        bench = Bench()
        bench.ask(m.QUEUE, entry(1000, 0, 1))
        self.assertEqual(bench.engine.next_us(), -1)
        bench.ask(m.START)
        self.assertEqual(bench.engine.next_us(), 1000)

    def test_the_supply_is_cut_and_given_back(self) -> None:
        bench = Bench()
        bench.ask(m.QUEUE, entry(1000, m.POWER, 0) + entry(9000, m.POWER, 1))
        bench.ask(m.START)
        bench.run_to(1500)
        self.assertEqual(bench.card.supply, 0)
        bench.run_to(9500)
        self.assertEqual(bench.card.supply, 1)
        self.assertEqual(bench.log(), [(1000, m.POWER, 0), (9000, m.POWER, 1)])


class TestSenses(unittest.TestCase):
    def test_a_change_of_an_output_is_noted_with_its_own_time(self) -> None:
        bench = started()
        bench.run_to(1200)
        bench.sense(5, 1)
        bench.run_to(1300)
        bench.sense(5, 0)
        self.assertEqual(bench.log(), [(1200, FIRST_SENSE + 5, 1), (1300, FIRST_SENSE + 5, 0)])

    def test_a_change_that_was_gone_before_it_could_be_read_is_counted(self) -> None:
        bench = started()
        bench.sense(5, 0)
        self.assertEqual(bench.engine.glitches, 1)

    def test_a_full_log_keeps_the_beginning_and_counts_what_it_lost(self) -> None:
        bench = started()
        for number_of in range(log.CAPACITY + 7):
            bench.sense(0, (number_of + 1) & 1)
        answer = bench.ask(m.READ)
        self.assertEqual(int.from_bytes(answer[5:7], "big"), 7)
        self.assertEqual(answer[m.READ_HEAD + 4 : m.READ_HEAD + 6], bytes([FIRST_SENSE, 1]))

    def test_outputs_that_are_on_at_the_start_are_told(self) -> None:
        bench = Bench()
        bench.senses = 0b100
        bench.ask(m.CLEAR)
        bench.ask(m.START)
        self.assertEqual(bench.log(), [(0, FIRST_SENSE + 2, 1)])


class TestRows(unittest.TestCase):
    def follow(self, target, first, second=m.NONE, inverted=0, on_us=0, off_us=0):
        return m.FOLLOW, bytes([target, first, second, inverted]) + number(on_us) + number(off_us)

    def test_a_test_input_is_answered_after_its_delay(self) -> None:
        bench = started(self.follow(7, FIRST_SENSE + 5, FIRST_KNOB, 1, 20_000, 20_000))
        self.assertEqual(bench.log(), [(0, 7, 1)])
        bench.run_to(10_000)
        bench.card.clock_us = 10_000
        bench.sense(5, 1)
        bench.run_to(100_000)
        self.assertEqual(bench.log(), [(10_000, FIRST_SENSE + 5, 1), (30_000, 7, 0)])
        bench.sense(5, 0)
        bench.run_to(200_000)
        self.assertEqual(bench.log(), [(100_000, FIRST_SENSE + 5, 0), (120_000, 7, 1)])

    def test_a_source_that_changes_back_within_the_delay_moves_nothing(self) -> None:
        bench = started(self.follow(7, FIRST_SENSE, on_us=20_000))
        bench.sense(0, 1)
        bench.run_to(19_000)
        bench.sense(0, 0)
        bench.run_to(50_000)
        self.assertEqual(bench.card.levels[7], 0)

    def test_a_forced_input_stays_and_freed_it_shows_what_its_row_wants(self) -> None:
        bench = started(self.follow(7, FIRST_SENSE))
        bench.ask(m.QUEUE, entry(1000, 7, 0) + entry(9000, 7, m.FREE))
        bench.run_to(2000)
        bench.sense(0, 1)
        bench.run_to(4000)
        self.assertEqual(bench.card.levels[7], 0)
        bench.run_to(9000)
        self.assertEqual(bench.card.levels[7], 1)

    def test_a_knob_is_a_source_as_an_output_is(self) -> None:
        bench = started(self.follow(7, FIRST_SENSE, FIRST_KNOB))
        bench.ask(m.QUEUE, entry(1000, FIRST_KNOB, 1))
        bench.run_to(2000)
        self.assertEqual(bench.card.levels[7], 1)

    def test_a_boom_closes_its_limits_on_its_way(self) -> None:
        speeds = [number(value) for value in (0, m.AXIS_ONE // 100, m.AXIS_ONE // 100, m.AXIS_ONE // 100)]
        axis = bytes([FIRST_SENSE, FIRST_SENSE + 1, m.NONE]) + b"".join(speeds)
        low = number(m.AXIS_ONE * 2 // 100)
        high = number(m.AXIS_ONE * 98 // 100)
        limits = [bytes([2]) + high + number(m.AXIS_ONE * 96 // 100), bytes([3]) + low + number(m.AXIS_ONE * 4 // 100)]
        bench = started((m.AXIS, axis), (m.LIMIT, limits[0]), (m.LIMIT, limits[1]))
        self.assertEqual(bench.log(), [(0, 3, 1)])
        bench.card.clock_us = 1000
        bench.sense(0, 1)
        bench.run_to(600_000)
        self.assertEqual(bench.log(), [(1000, FIRST_SENSE, 1), (25_000, 3, 0), (495_000, 2, 1)])
        bench.sense(0, 0)
        bench.sense(1, 1)
        bench.run_to(1_200_000)
        self.assertEqual(bench.engine.axis.position, 0)
        self.assertEqual(bench.card.levels[2:4], b"\x00\x01")


class TestQuestions(unittest.TestCase):
    def test_hello_says_who_it_is(self) -> None:
        answer = Bench().ask(m.HELLO, bytes([m.VERSION]))
        self.assertEqual(answer[:5], bytes([m.OK, m.VERSION, m.DRIVERS, m.SENSES, m.KNOBS]))
        self.assertEqual(answer[m.HASH_AT : m.HASH_AT + m.HASH_SIZE], HASH)
        self.assertEqual(answer[m.HELLO_SIZE :], WIRING)
        self.assertEqual(answer[m.HELLO_SIZE - 1], len(WIRING))

    def test_what_no_rig_could_mean_is_refused_and_changes_nothing(self) -> None:
        wrong = (
            (99, b""),
            (m.START, b"x"),
            (m.QUEUE, b"12345"),
            (m.QUEUE, entry(0, 24, 1)),
            (m.QUEUE, entry(0, 0, 3)),
            (m.QUEUE, entry(0, FIRST_KNOB, 2)),
            (m.QUEUE, entry(m.TIME_MAX_US, 0, 1)),
            (m.QUEUE, b"\xff" * 6),
            (m.FOLLOW, b"\xff" * m.FOLLOW_SIZE),
            (m.FOLLOW, bytes([0, 5, m.NONE, 0]) + number(0) * 2),
            (m.AXIS, b"\xff" * m.AXIS_SIZE),
            (m.LIMIT, b"\xff" * m.LIMIT_SIZE),
        )
        bench = Bench()
        for kind, payload in wrong:
            self.assertEqual(bench.ask(kind, payload)[0], m.WRONG, (kind, payload))
        self.assertEqual(bench.engine.schedule.count + bench.engine.follow.count + bench.engine.axis.limits, 0)

    def test_rows_are_laid_down_before_a_run_and_entries_of_now_are_for_during_it(self) -> None:
        bench = Bench()
        self.assertEqual(bench.ask(m.QUEUE, entry(m.NOW, 0, 1))[0], m.NOT_NOW)
        bench.ask(m.START)
        self.assertEqual(bench.ask(m.LIMIT, b"\x00" * m.LIMIT_SIZE)[0], m.NOT_NOW)
        self.assertEqual(bench.ask(m.START)[0], m.NOT_NOW)

    def test_clear_switches_everything_off(self) -> None:
        bench = started()
        bench.ask(m.QUEUE, entry(m.NOW, 3, 1) + entry(m.NOW, m.POWER, 0))
        bench.run_to(1000)
        self.assertEqual((bench.card.levels[3], bench.card.supply), (1, 0))
        self.assertEqual(bench.ask(m.CLEAR), OK)
        self.assertEqual((bench.card.levels[3], bench.card.supply), (0, 1))

    def test_a_board_that_has_rested_for_long_clears_at_once(self) -> None:
        bench = started()
        bench.ask(m.QUEUE, entry(m.NOW, 3, 1))
        bench.run_to(1000)
        bench.card.clock_us = m.TIME_MAX_US + 500_000_000
        bench.ask(m.CLEAR)
        self.assertEqual(bench.card.asked_us, m.TIME_MAX_US + 500_000_000)

    def test_faults_of_the_chain_are_those_of_this_run(self) -> None:
        bench = Bench()
        bench.card.faults = 65_535
        bench.ask(m.CLEAR)
        bench.ask(m.START)
        self.assertEqual(bench.engine.chain_faults, 0)
        bench.card.faults = 1
        self.assertEqual(bench.ask(m.STATUS)[21:23], b"\x00\x02")

    def test_status_tells_what_is_under_way(self) -> None:
        bench = started()
        bench.ask(m.QUEUE, entry(90_000, 3, 1))
        bench.sense(0, 1)
        answer = bench.ask(m.STATUS)
        self.assertEqual(len(answer), m.STATUS_SIZE)
        self.assertEqual((answer[6], answer[8], answer[m.STATUS_SIZE - 1]), (1, 1, 1))

    def test_a_run_ends_by_itself_before_its_clock_turns_over(self) -> None:
        bench = started()
        bench.ask(m.QUEUE, entry(m.NOW, 3, 1))
        bench.run_to(1000)
        bench.run_to(m.TIME_MAX_US + 20_000_000, 10_000_000)
        self.assertEqual((bench.engine.is_running, bench.card.levels[3]), (False, 0))
