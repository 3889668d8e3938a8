"""What the RFID core saves: all of it, in one format, and nothing else is taken over."""

import unittest

from firmware.control import rfid_links, rfid_memory, rfid_reads
from firmware.control.rfid import SAVE_SIZE
from firmware.control.rfid_memory import TIMER_COUNT, RfidMemory, load_memory, save_memory
from firmware.control.timer import TimerBank
from protocols.registers import rfid as reg
from tests.firmware.control.rfid_bench import EPC, RfidBench
from tests.firmware.control.test_rfid_tags import numbered, quiet_bench, sight, tag_frame

WIDE = ("faults", "region", "power_dbm_x100", "read_head", "duplicates", "frames", "reader_error")


def names() -> list[str]:
    """Every remembered value."""
    return sorted(RfidMemory().__dict__)


def reloaded(bench: RfidBench, shift_ms: int = 0) -> RfidBench:
    """A new device that goes on where this one is, `shift_ms` later by its clock."""
    buffer = bytearray(SAVE_SIZE)
    bench.core.save(buffer)
    fresh = RfidBench()
    fresh.settings[:] = bench.settings
    fresh.is_connected = False
    fresh.elapsed_ms = bench.elapsed_ms + shift_ms
    assert fresh.core.load(buffer, fresh.now_ms())
    return fresh


class TestMemory(unittest.TestCase):
    def test_at_boot_only_the_antenna_and_the_button_are_not_zero(self) -> None:
        memory = RfidMemory()
        found = [(name, getattr(memory, name)) for name in names() if getattr(memory, name)]
        self.assertEqual(found, [("antenna", 1), ("button_before", 1)])

    def test_every_value_and_every_timer_comes_back(self) -> None:
        memory, timers = RfidMemory(), TimerBank(TIMER_COUNT)
        timers.advance(5000)
        for index in range(len(names())):
            setattr(memory, names()[index], 100 + index)
        for index in range(len(WIDE)):
            setattr(memory, WIDE[index], 0x2B3C4D00 + index)
        for index in range(TIMER_COUNT):
            timers.start(index, 10 + index)
        buffer = bytearray(rfid_memory.SAVE_SIZE)
        self.assertEqual(save_memory(memory, timers, buffer), len(buffer))
        other, others = RfidMemory(), TimerBank(TIMER_COUNT)
        self.assertTrue(load_memory(other, others, buffer, 70000))
        for name in names():
            self.assertEqual(getattr(other, name), getattr(memory, name), name)
        for index in range(TIMER_COUNT):
            self.assertEqual(others.remaining_ms(index), 10 + index)

    def test_every_timer_has_its_own_place_before_those_of_the_tags(self) -> None:
        timers = (
            rfid_memory.TIMER_ANSWER,
            rfid_memory.TIMER_POLL,
            rfid_memory.TIMER_PAUSE,
            rfid_memory.TIMER_GATE,
            rfid_memory.TIMER_TRIGGER,
            rfid_memory.TIMER_READ_OK,
            rfid_memory.TIMER_BEEP,
            rfid_memory.TIMER_NOISE,
        )
        self.assertEqual(timers, tuple(range(rfid_memory.TIMER_TAG)))

    def test_questions_and_steps_of_the_set_up_have_the_numbers_of_format_2(self) -> None:
        questions = (
            rfid_links.REQUEST_NONE,
            rfid_links.REQUEST_INFO,
            rfid_links.REQUEST_REGION,
            rfid_links.REQUEST_POWER,
            rfid_links.REQUEST_ROUND,
            rfid_links.REQUEST_ROUNDS,
            rfid_links.REQUEST_STOP,
        )
        self.assertEqual(questions, (0, 1, 2, 3, 4, 5, 6))
        steps = (rfid_memory.SETUP_INFO, rfid_memory.SETUP_REGION, rfid_memory.SETUP_POWER, rfid_memory.SETUP_DONE)
        self.assertEqual(steps, (0, 1, 2, 3))

    def test_format_2_has_this_size(self) -> None:
        """Another layout takes another number."""
        buffer = bytearray(SAVE_SIZE)
        RfidBench().core.save(buffer)
        self.assertEqual((buffer[0], SAVE_SIZE), (2, 494))

    def test_every_byte_is_written(self) -> None:
        bench = quiet_bench()
        sight(bench, EPC, numbered(1))
        blank, full = bytearray(SAVE_SIZE), bytearray(b"\xff" * SAVE_SIZE)
        self.assertEqual(bench.core.save(blank), SAVE_SIZE)
        self.assertEqual(bench.core.save(full), SAVE_SIZE)
        self.assertEqual(blank, full)
        self.assertEqual(bench.core.reads.save(full, 7), 7 + rfid_reads.SAVE_SIZE)

    def test_an_empty_memory_and_a_short_one_are_no_saved_state(self) -> None:
        core = RfidBench().core
        self.assertFalse(core.load(bytes(SAVE_SIZE), 0))
        self.assertFalse(core.load(b"\xff" * SAVE_SIZE, 0))
        buffer = bytearray(SAVE_SIZE)
        core.save(buffer)
        self.assertTrue(core.load(buffer, 0))
        self.assertFalse(core.load(buffer[:-1], 0))
        self.assertFalse(load_memory(core.memory, core.timers, buffer[: rfid_memory.SAVE_SIZE - 1], 0))
        self.assertTrue(load_memory(core.memory, core.timers, buffer[: rfid_memory.SAVE_SIZE], 0))


class TestGoingOn(unittest.TestCase):
    def test_outputs_and_status_are_there_before_the_first_scan(self) -> None:
        bench = quiet_bench()
        bench.settings[reg.SET_DIRECTION_SOURCE] = reg.DIRECTION_SOURCE_PRESENCE
        bench.put(reg.IN_PRESENCE_1, 1)
        sight(bench, EPC)
        fresh = reloaded(bench)
        self.assertEqual(fresh.core.outputs, bench.core.outputs)
        self.assertEqual(fresh.core.status, bench.core.status)
        self.assertEqual(fresh.core.outputs[reg.OUT_READ_OK], 1)

    def test_tags_seen_lately_are_not_reported_again(self) -> None:
        bench = quiet_bench()
        tags = [EPC, numbered(1), b"\xee" * 16, b"\x21" * 8, b"\x30\x31"]
        sight(bench, *tags)
        fresh = reloaded(bench, 4900)
        sight(fresh, *tags)
        self.assertEqual(fresh.core.status[reg.ST_READ_HEAD], 5)
        self.assertEqual(fresh.core.status[reg.ST_DUPLICATES], 5)
        sight(fresh, numbered(2))
        self.assertEqual(fresh.core.status[reg.ST_READ_HEAD], 6)

    def test_the_question_that_stands_is_answered_and_its_tag_is_of_its_antenna(self) -> None:
        bench = RfidBench()
        bench.settings[reg.SET_ANTENNA_COUNT] = 2
        bench.run(1000)
        while bench.core.status[reg.ST_ANTENNA] == 1 or not bench.core.memory.request:
            bench.run(10)
        fresh = reloaded(bench, 10)
        fresh.feed(tag_frame(EPC))
        fresh.step()
        self.assertEqual([read[1] for read in fresh.reads()], [2])
        self.assertEqual(fresh.core.status[reg.ST_ANTENNA], 1)  # its round is over

    def test_a_reader_that_says_nothing_is_silent_however_often_the_device_starts_over(self) -> None:
        bench = quiet_bench()
        bench.run(2500)
        fresh = reloaded(bench)
        fresh.run(600)
        self.assertTrue(fresh.has_fault(reg.FAULTS_READER_SILENT))
        self.assertFalse(fresh.has_fault(reg.FAULTS_READER_GARBAGE))
