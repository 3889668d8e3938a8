"""Time and memory of the weighbridge core: sparse scans, save and load, the tick wrap, and the heap."""

import unittest

from firmware.control.weighbridge import SAVED_SIZE
from protocols.compat import TICKS_MASK, ticks_add, ticks_diff
from protocols.registers import weighbridge as regs
from tests.firmware.control.weighbridge_bench import SAVE_SIZE, Bench

try:
    from micropython import heap_lock, heap_unlock
except ImportError:  # CPython has no heap to lock; there the same scans only have to run

    def heap_lock():
        pass

    def heap_unlock():
        pass


# (ms after start, what changes): a truck comes, is weighed, the converter falls silent under it, the truck goes.
SCRIPT = (
    (3000, "contacts", (0, 1, 1)),
    (3330, "load", 150000),
    (4410, "contacts", (0, 0, 1)),
    (4700, "load", 425670),
    (5230, "contacts", (1, 1, 1)),
    (8150, "request", (regs.OP_REGISTER, 7)),
    (8290, "contacts", (1, 1, 0)),
    (8500, "silent", None),
    (11000, "talking", None),
    (14050, "request", (regs.OP_REGISTER, 7)),
    (14500, "contacts", (1, 0, 1)),
    (15010, "load", 0),
    (15800, "contacts", (1, 1, 1)),
    (19000, "load", 230),
    (28000, "request", (regs.OP_ZERO, 0)),
)
END_MS = 30000


def play(start_ms, scan_every_ms, sample_ms=100):
    """Play SCRIPT; scans at every input change and wake time, and every `scan_every_ms` if that is not 0.

    Return (elapsed ms, new events, status) at every change of an input.
    """
    bench = Bench(start_ms=start_ms)
    core = bench.core
    trace = []
    elapsed_ms = 0
    script_index = 0
    wake_at_ms = 0
    while elapsed_ms < END_MS:
        is_input = False
        while script_index < len(SCRIPT) and SCRIPT[script_index][0] == elapsed_ms:
            apply(bench, SCRIPT[script_index][1], SCRIPT[script_index][2])
            script_index += 1
            is_input = True
        if elapsed_ms % sample_ms == 0:
            bench.convert()
            is_input = True
        is_due = scan_every_ms and elapsed_ms % scan_every_ms == 0
        if is_input or is_due or elapsed_ms == wake_at_ms:
            core.step(ticks_add(start_ms, elapsed_ms))
            bench.store()
            wake_ms = core.next_wake_ms()
            wake_at_ms = -1 if wake_ms < 0 else elapsed_ms + wake_ms
        if is_input:
            trace.append((elapsed_ms, bench.events(), list(core.status), list(core.outputs), core.health, core.reasons))
        elapsed_ms += 10
    return trace


def apply(bench, what, value):
    if what == "contacts":
        bench.set_contacts(*value)
    elif what == "load":
        bench.load_kg_x10 = value
    elif what == "request":
        bench.core.request_opcode, bench.core.request_argument = value
    else:
        bench.converting = what == "talking"


class SparseTest(unittest.TestCase):
    def test_dense_and_sparse_scans_give_the_same_trace(self):
        sparse = play(0, 0)
        self.assertEqual(play(0, 10), sparse)
        self.assertEqual(play(0, 30), sparse)
        registered = [events for _, events, _, _, _, _ in sparse if (regs.EV_REGISTERED_FOR, 7) in events]
        self.assertEqual(len(registered), 2)

    def test_the_tick_wrap_makes_no_difference(self):
        expected = play(0, 0)
        for before_ms in (5, 2990, 8600, 9000, 15000):
            self.assertEqual(play((TICKS_MASK - before_ms) & TICKS_MASK, 0), expected, before_ms)

    def test_a_deck_that_stays_empty_for_weeks_stays_sound(self):
        bench = Bench()
        bench.start()
        for _ in range(6):
            bench.now_ms = ticks_add(bench.now_ms, 1 << 28)
            bench.run(3000)
            self.assertEqual(bench.state(), regs.STATE_EMPTY)
            self.assertEqual(bench.status(regs.ST_FAULTS), 0)

    def test_a_silent_converter_never_wakes_the_scan(self):
        bench = Bench()
        bench.converting = False
        bench.run(2000)
        self.assertEqual(bench.core.next_wake_ms(), -1)

    def test_next_wake_is_the_first_deadline(self):
        bench = Bench(noise_counts=0)
        bench.converting = False
        bench.run(10)
        self.assertEqual(bench.core.next_wake_ms(), 1000)
        bench.converting = True
        bench.start()
        self.assertTrue(0 < bench.core.next_wake_ms() <= 500)


class SaveTest(unittest.TestCase):
    def test_a_loaded_core_goes_on_like_the_saved_one(self):
        for saved_at_ms in (50, 1500, 3000, 6500, 8500, 12000):
            first = Bench()
            second = Bench(start_ms=777777)
            script(first, saved_at_ms)
            buffer = bytearray(SAVE_SIZE)
            self.assertEqual(first.core.save(buffer), SAVED_SIZE)
            # The next scans of both are at `now_ms`; the last one was a scan period before.
            second.core.load(buffer, ticks_add(second.now_ms, -second.scan_ms))
            self.assertEqual(second.core.status, first.core.status, saved_at_ms)
            adopt(second, first)
            for _ in range(60):
                first.run(100)
                second.run(100)
                self.assertEqual(second.core.status, first.core.status, saved_at_ms)
                self.assertEqual(second.core.next_wake_ms(), first.core.next_wake_ms())
                self.assertEqual(second.core.health, first.core.health)

    def test_saving_what_was_loaded_gives_the_same_bytes(self):
        bench = Bench()
        script(bench, 6500)
        first = bytearray(SAVE_SIZE)
        second = bytearray(SAVE_SIZE)
        bench.core.save(first)
        other = Bench()
        other.core.load(first, 12345)
        other.core.save(second)
        self.assertEqual(first, second)


def script(bench, until_ms):
    """The first part of a weighing, cut off at `until_ms`."""
    start_ms = bench.now_ms
    for load, contacts, duration_ms in (
        (0, (1, 1, 1), 3000),
        (150000, (0, 1, 1), 1500),
        (425670, (1, 1, 1), 4000),
        (430000, (1, 0, 1), 4000),
    ):
        bench.load_kg_x10 = load
        bench.set_contacts(*contacts)
        bench.run(max(0, min(duration_ms, until_ms - ticks_diff(bench.now_ms, start_ms))))


def adopt(bench, other):
    """Give `bench` the inputs and the converter of `other`."""
    for index in range(len(other.core.inputs)):
        bench.core.inputs[index] = other.core.inputs[index]
    bench.load_kg_x10 = other.load_kg_x10
    bench._seed = other._seed
    bench._sequence = other._sequence
    bench._sample_in_ms = other._sample_in_ms


class HeapTest(unittest.TestCase):
    def test_a_whole_weighing_allocates_nothing(self):
        bench = Bench(sample_ms=20)
        for settings_change in (0, 1):
            locked_weighing(bench)
            bench.settings[regs.SET_SPAN_COUNTS] -= settings_change
        self.assertEqual(bench.status(regs.ST_REGISTERED_COUNT), 2)
        self.assertEqual(bench.status(regs.ST_REGISTERED_ID), 0x3FFFFFFE)


def locked_weighing(bench):
    """Start, weigh, register, fall silent, saturate, recover, all under the heap lock."""
    core = bench.core
    heap_lock()
    try:
        bench.start()
        bench.drive_on(425670)
        core.request_opcode = regs.OP_REGISTER
        core.request_argument = 0x3FFFFFFE
        bench.run(20)
        core.request_opcode = regs.OP_TARE
        bench.run(500)
        bench.drive_off()
        core.request_opcode = regs.OP_ZERO
        bench.run(500)
        bench.raw_counts = 0x7FFFFF
        bench.run(500)
        bench.raw_counts = None
        bench.converting = False
        bench.run(2000)
        core.next_wake_ms()
        core.safe_outputs(core.outputs)
        bench.converting = True
        bench.load_kg_x10 = 900000
        bench.run(2000)
        bench.load_kg_x10 = 0
        bench.run(4000)
    finally:
        heap_unlock()
