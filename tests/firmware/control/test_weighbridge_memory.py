"""What a weighbridge knows before its first scan, and that nothing remembered is lost by saving."""

import unittest

from firmware.control.timer import TimerBank
from firmware.control.weighbridge import SAVED_SIZE
from firmware.control.weighbridge_memory import (
    MEMORY_SIZE,
    TIMER_COUNT,
    TIMER_SILENT,
    TIMER_STALE,
    WeighbridgeMemory,
    load_memory,
    save_memory,
)
from protocols.registers import weighbridge as regs
from tests.firmware.control.weighbridge_bench import Bench


class MemoryTest(unittest.TestCase):
    def test_at_first_buttons_count_as_held_and_photocells_as_blocked_and_nothing_else_is_known(self):
        memory = WeighbridgeMemory()
        known = sorted(name for name, value in memory.__dict__.items() if value)
        self.assertEqual(known, ["is_blocked", "local_register_before", "local_tare_before", "local_zero_before"])
        for name in known:
            self.assertEqual(getattr(memory, name), 1)

    def test_every_remembered_value_and_timer_survives_saving(self):
        memory, timers = WeighbridgeMemory(), TimerBank(TIMER_COUNT)
        names = sorted(memory.__dict__)
        for number, name in enumerate(names):
            setattr(memory, name, 1000 + number)
        timers.advance(500)
        timers.start(TIMER_SILENT, 300)
        timers.start(TIMER_STALE, 700)
        buffer = bytearray(5 + MEMORY_SIZE + 3)
        self.assertEqual(save_memory(memory, timers, buffer, 5), 5 + MEMORY_SIZE)
        self.assertEqual((buffer[:5], buffer[-3:]), (bytes(5), bytes(3)))
        other, other_timers = WeighbridgeMemory(), TimerBank(TIMER_COUNT)
        self.assertEqual(load_memory(other, other_timers, buffer, 5, 90000), 5 + MEMORY_SIZE)
        self.assertEqual([getattr(other, name) for name in names], list(range(1000, 1000 + len(names))))
        self.assertEqual((other_timers.remaining_ms(TIMER_SILENT), other_timers.remaining_ms(TIMER_STALE)), (300, 700))

    def test_format_4_has_this_size(self):
        """Another layout takes another number."""
        buffer = bytearray(SAVED_SIZE)
        Bench().core.save(buffer)
        self.assertEqual((buffer[0], MEMORY_SIZE, SAVED_SIZE), (4, 212, 505))

    def test_a_state_of_another_version_or_cut_short_is_not_taken(self):
        bench = Bench()
        bench.run(3000)
        buffer = bytearray(SAVED_SIZE)
        self.assertEqual(bench.core.save(buffer), SAVED_SIZE)
        self.assertFalse(Bench().core.load(buffer[:-1], 0))
        self.assertTrue(Bench().core.load(buffer, 0))
        buffer[0] += 1
        self.assertFalse(Bench().core.load(buffer, 0))

    def test_the_settings_in_force_outrank_those_of_a_loaded_state(self):
        other = Bench()
        other.settings[regs.SET_WEIGHING_MODE] = regs.WEIGHING_MODE_MULTI_DRAFT
        other.run(3000)
        buffer = bytearray(SAVED_SIZE)
        other.core.save(buffer)
        bench = Bench()
        bench.run(3000)
        self.assertTrue(bench.core.load(buffer, bench.now_ms))
        self.assertEqual(bench.core.memory.mode, regs.WEIGHING_MODE_MULTI_DRAFT)
        bench.run(10)
        self.assertEqual(bench.core.memory.mode, regs.WEIGHING_MODE_SINGLE_DRAFT)

    def test_settings_are_put_in_force_at_the_start_and_when_one_changed_and_not_in_every_scan(self):
        bench = Bench()
        plain, calls = bench.core._put_in_force, []

        def put(settings):
            calls.append(bench.now_ms)
            plain(settings)

        bench.core._put_in_force = put
        bench.run(50)
        self.assertEqual(calls, [0])
        for index in range(len(bench.settings)):
            bench.settings[index] += 1
            bench.run(20)
            self.assertEqual(calls, [0, bench.now_ms - 20])
            del calls[1:]
