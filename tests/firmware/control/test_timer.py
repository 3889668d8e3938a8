"""The timer bank: off, running, done, across the wrap of the ticks, saved relative to now."""

import unittest

from firmware.control.timer import TimerBank


class TestTimerBank(unittest.TestCase):
    def test_timer_is_done_from_its_deadline_on_until_stopped(self) -> None:
        for start_ms in (0, 5000, 2**30 - 50):
            bank = TimerBank(2)
            bank.advance(start_ms)
            bank.start(1, 100)
            for offset_ms, done in ((0, False), (99, False), (100, True), (101, True), (5000, True)):
                bank.advance((start_ms + offset_ms) & (2**30 - 1))
                self.assertEqual(bank.is_done(1), done, (start_ms, offset_ms))
                self.assertEqual(bank.is_running(1), not done, (start_ms, offset_ms))
            bank.stop(1)
            self.assertTrue(bank.is_off(1))

    def test_zero_duration_is_done_at_once(self) -> None:
        bank = TimerBank(1)
        bank.start(0, 0)
        self.assertTrue(bank.is_done(0))

    def test_next_is_the_earliest_deadline_or_minus_1(self) -> None:
        bank = TimerBank(3)
        self.assertEqual(bank.next_ms(), -1)
        bank.start(0, 300)
        bank.start(2, 200)
        bank.advance(50)
        self.assertEqual(bank.next_ms(), 150)
        bank.advance(200)
        self.assertEqual(bank.next_ms(), 100)

    def test_saved_timers_go_on_from_another_now(self) -> None:
        bank = TimerBank(3)
        bank.advance(1000)
        bank.start(0, 300)
        bank.start(1, 0)
        buffer = bytearray(12)
        self.assertEqual(bank.save_into(buffer, 0), 12)
        other = TimerBank(3)
        other.load_from(buffer, 0, 2**30 - 100)
        self.assertEqual(other.remaining_ms(0), 300)
        self.assertTrue(other.is_done(1))
        self.assertTrue(other.is_off(2))
        other.advance(200)
        self.assertTrue(other.is_done(0))

    def test_a_deadline_on_tick_0_is_a_deadline_like_any_other(self) -> None:
        bank = TimerBank(2)
        bank.advance(2**30 - 100)
        bank.start(0, 100)
        self.assertTrue(bank.is_running(0))
        self.assertEqual(bank.remaining_ms(0), 100)
        self.assertEqual(bank.next_ms(), 100)
        buffer = bytearray(8)
        bank.save_into(buffer, 0)
        other = TimerBank(2)
        other.load_from(buffer, 0, 5000)
        self.assertEqual(other.remaining_ms(0), 100)
        bank.advance(0)
        self.assertTrue(bank.is_done(0))

    def test_one_millisecond_is_a_duration_and_is_saved_as_one(self) -> None:
        bank = TimerBank(1)
        bank.advance(2**30 - 1)
        bank.start(0, 1)
        self.assertTrue(bank.is_running(0))
        self.assertEqual((bank.remaining_ms(0), bank.next_ms()), (1, 1))
        buffer = bytearray(4)
        bank.save_into(buffer, 0)
        other = TimerBank(1)
        other.load_from(buffer, 0, 7)
        self.assertTrue(other.is_running(0))
        self.assertEqual(other.remaining_ms(0), 1)

    def test_a_timer_that_does_not_run_has_nothing_left_and_is_not_next(self) -> None:
        bank = TimerBank(2)
        bank.advance(2**30 - 2)
        bank.start(0, 0)
        self.assertEqual((bank.remaining_ms(0), bank.remaining_ms(1), bank.next_ms()), (0, 0, -1))
        bank.start(1, 3)
        self.assertEqual((bank.remaining_ms(1), bank.next_ms()), (3, 3))
