"""The barrier as a scan: extra scans, save and load, and the wrap of the ticks change nothing; no heap is used."""

import unittest

from firmware.control import barrier_memory
from firmware.control.barrier import Barrier
from firmware.control.barrier_memory import SAVE_SIZE, BarrierMemory
from protocols.registers import barrier as reg
from tests.firmware.control.barrier_bench import BarrierBench
from tests.firmware.control.barrier_script import Life, new_core, record

try:
    from micropython import heap_lock, heap_unlock
except ImportError:

    def heap_lock() -> None:
        """CPython has no heap to lock; the VM run is the one that proves it."""

    def heap_unlock() -> None:
        """See heap_lock."""


SEEDS = (1, 2, 3, 4, 5, 6)
SCRIPT_LENGTH = 60


class TestScan(unittest.TestCase):
    def test_dense_and_sparse_scans_give_the_same_trace(self) -> None:
        for seed in SEEDS:
            sparse = record(Life(seed), SCRIPT_LENGTH)
            dense = record(Life(seed, 0, 7), SCRIPT_LENGTH)
            self.assertEqual(len(sparse), len(dense), seed)
            for at in range(len(sparse)):
                self.assertEqual(sparse[at], dense[at], (seed, at))

    def test_wrap_of_the_ticks_changes_nothing(self) -> None:
        for seed in SEEDS:
            usual = record(Life(seed), SCRIPT_LENGTH)
            self.assertEqual(usual, record(Life(seed, 2**30 - 3000), SCRIPT_LENGTH), seed)

    def test_save_and_load_at_every_step_give_the_same_continuation(self) -> None:
        for seed in SEEDS:
            usual = record(Life(seed), SCRIPT_LENGTH)
            self.assertEqual(usual, record(Life(seed, 0, 0, 123456789), SCRIPT_LENGTH), seed)

    def test_saved_state_of_another_format_is_refused_and_changes_nothing(self) -> None:
        bench = BarrierBench()
        bench.open()
        buffer = bytearray(SAVE_SIZE)
        self.assertEqual(bench.core.save(buffer), SAVE_SIZE)
        self.assertTrue(SAVE_SIZE < 192)
        other = BarrierBench()
        before = list(other.core.status)
        self.assertFalse(other.core.load(buffer[:-1], 0))
        buffer[0] = 99
        self.assertFalse(other.core.load(buffer, 0))
        self.assertEqual(other.core.status, before)

    def test_saved_numbers_are_those_of_format_3(self) -> None:
        buffer = bytearray(SAVE_SIZE)
        BarrierBench().core.save(buffer)
        self.assertEqual(buffer[0], 3)
        motor = (barrier_memory.MOTOR_OFF, barrier_memory.MOTOR_OPENS, barrier_memory.MOTOR_CLOSES)
        self.assertEqual(motor, (0, 1, 2))
        latch = (barrier_memory.LATCH_NONE, barrier_memory.LATCH_HOLD_OPEN, barrier_memory.LATCH_LOCK_CLOSED)
        self.assertEqual(latch, (0, 1, 2))
        self.assertEqual((barrier_memory.TEST_IDLE, barrier_memory.TEST_ACTIVE), (0, 1))
        self.assertEqual((barrier_memory.TEST_RELEASED, barrier_memory.TEST_DONE), (2, 3))

    def test_loaded_core_shows_the_saved_outputs_before_its_first_step(self) -> None:
        bench = BarrierBench()
        bench.command(reg.OP_OPEN)
        bench.run(500)
        buffer = bytearray(SAVE_SIZE)
        bench.core.save(buffer)
        other = BarrierBench()
        self.assertTrue(other.core.load(buffer, 77))
        self.assertEqual(other.core.outputs, bench.core.outputs)
        self.assertEqual(other.core.status, bench.core.status)
        self.assertEqual(other.core.next_wake_ms(), bench.core.next_wake_ms())

    def test_every_remembered_value_comes_back_at_its_full_width(self) -> None:
        bench = BarrierBench()
        memory = bench.core.memory
        names = [name for name in dir(memory) if isinstance(getattr(memory, name), int) and name[:2] != "__"]
        self.assertTrue(len(names) > 40)
        for number, name in enumerate(names):
            before = getattr(memory, name)
            for value in (number + 1, 200 + number % 50):
                setattr(memory, name, value)
                buffer = bytearray(SAVE_SIZE)
                self.assertEqual(bench.core.save(buffer), SAVE_SIZE)
                other = BarrierBench()
                self.assertTrue(other.core.load(buffer, 0))
                for each in names:
                    self.assertEqual(getattr(other.core.memory, each), getattr(memory, each), (name, each))
            setattr(memory, name, before)

    def test_every_timer_comes_back_and_a_shorter_buffer_is_refused(self) -> None:
        bench = BarrierBench()
        timers = bench.core.timers
        for index in range(len(timers.deadlines)):
            timers.start(index, 100 + index)
        buffer = bytearray(SAVE_SIZE + 5)
        self.assertEqual(bench.core.save(buffer), SAVE_SIZE)
        other = BarrierBench()
        self.assertTrue(other.core.load(buffer, 5000))
        for index in range(len(timers.deadlines)):
            self.assertEqual(other.core.timers.remaining_ms(index), 100 + index)

    def test_first_scan_finds_a_barrier_that_has_seen_nothing_yet(self) -> None:
        core = new_core()
        self.assertEqual(core.outputs, [0, 0, 1, 0, 0, 0, 0, 0, 0])
        self.assertEqual((core.health, core.reasons), (reg.HEALTH_NORMAL, 0))
        self.assertEqual((core.request_opcode, core.request_argument), (0, 0))
        self.assertEqual(core.request_result, reg.COMMAND_RESULT_NONE)
        self.assertTrue(core.line is None)
        fresh = Barrier(core.settings, core.ring)
        self.assertEqual((fresh.inputs, fresh.quality), ([0] * reg.IN_COUNT, [2] * reg.IN_COUNT))
        self.assertEqual((fresh.outputs, fresh.status), (core.outputs, [0] * reg.STATUS_COUNT))
        self.assertEqual(fresh.hub_alive, 0)
        fresh.step(0)
        self.assertEqual(fresh.status[reg.ST_STATE], reg.STATE_ESTOP, "inputs that were never read are bad")

    def test_boot_remembers_nothing_but_what_keeps_it_safe(self) -> None:
        memory = BarrierMemory()
        held = {
            "presence": 1 << reg.PRESENCE_SAFETY_LOOP,  # somebody may be in the gap just now
            "local_open_before": 1,  # a button that is stuck is no press
            "local_close_before": 1,
            "lights": reg.LIGHTS_RED,
            "flash_on": 1,
            "position_permille": 500,  # anywhere
            "position_start_permille": 500,
        }
        names = [name for name in dir(memory) if isinstance(getattr(memory, name), int) and name[:2] != "__"]
        for name in held:
            self.assertTrue(name in names, name)
        for name in names:
            self.assertEqual(getattr(memory, name), held.get(name, 0), name)


# (scan, command or 0, input or -1, its value): a pass, a contact, fire, a fault and its end, the stop chain.
EVENTFUL_DAY = (
    (50, reg.OP_OPEN, -1, 0),
    (300, 0, reg.IN_SAFETY_LOOP, 1),
    (350, 0, reg.IN_SAFETY_LOOP, 0),
    (600, reg.OP_CLOSE, -1, 0),
    (720, 0, reg.IN_EDGE_OK, 0),
    (760, 0, reg.IN_EDGE_OK, 1),
    (850, 0, reg.IN_FIRE, 1),
    (870, 0, reg.IN_FIRE, 0),
    (900, 0, reg.IN_ARM_INTACT, 0),
    (920, 0, reg.IN_ARM_INTACT, 1),
    (940, reg.OP_CLEAR_FAULTS, -1, 0),
    (960, 0, reg.IN_STOP_CHAIN_OK, 0),
)


class TestHeap(unittest.TestCase):
    def test_a_thousand_scans_through_many_states_allocate_nothing(self) -> None:
        bench = BarrierBench()
        buffer = bytearray(SAVE_SIZE)
        failed = False
        at = 0
        heap_lock()
        try:
            for count in range(1000):
                if at < len(EVENTFUL_DAY) and EVENTFUL_DAY[at][0] == count:
                    self._apply(bench, EVENTFUL_DAY[at])
                    at += 1
                bench.run(10)
                bench.core.next_wake_ms()
                bench.core.save(buffer)
        except MemoryError:
            failed = True
        heap_unlock()
        self.assertFalse(failed)
        self.assertEqual(bench.state(), reg.STATE_ESTOP)
        self.assertEqual(bench.core.status[reg.ST_REVERSALS], 1)
        self.assertEqual(bench.core.status[reg.ST_PASSES], 1)

    def _apply(self, bench: BarrierBench, change: tuple[int, int, int, int]) -> None:
        bench.core.request_opcode = change[1]
        if change[2] >= 0:
            bench.core.inputs[change[2]] = change[3]
