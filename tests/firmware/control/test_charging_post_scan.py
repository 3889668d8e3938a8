"""The charging post as a scan: extra scans, save and load, the wrap of the ticks change nothing; no heap is used."""

import unittest

from firmware.control.charging_post_memory import SAVE_SIZE
from protocols.registers import charging_post as reg
from tests.firmware.control.charging_post_bench import PostBench
from tests.firmware.control.charging_post_script import Life, record

try:
    from micropython import heap_lock, heap_unlock
except ImportError:

    def heap_lock() -> None:
        """CPython has no heap to lock; the VM run is the one that proves it."""

    def heap_unlock() -> None:
        """See heap_lock."""


SEEDS = (1, 2, 3, 4, 5, 6)
SCRIPT_LENGTH = 150


class TestScan(unittest.TestCase):
    def test_dense_and_sparse_scans_give_the_same_trace(self) -> None:
        for seed in SEEDS:
            sparse = record(Life(seed), SCRIPT_LENGTH)
            dense = record(Life(seed, 0, 4), SCRIPT_LENGTH)
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
        bench = PostBench()
        bench.charge()
        buffer = bytearray(SAVE_SIZE)
        self.assertEqual(bench.core.save(buffer), SAVE_SIZE)
        other = PostBench()
        before = other.core.memory.state
        self.assertFalse(other.core.load(buffer[:-1], 0))
        buffer[0] = 99
        self.assertFalse(other.core.load(buffer, 0))
        self.assertEqual(other.core.memory.state, before)

    def test_a_scan_that_is_late_by_seconds_ends_what_ran_out_and_drives_nothing_late(self) -> None:
        bench = PostBench()
        bench.charge()
        bench.now_ms += 7000
        bench.scan()
        self.assertEqual(bench.out(reg.OUT_MODULE_ENABLE), 0)
        self.assertEqual(bench.core.memory.set_a_x10, 0)
        bench.run_to(reg.STATE_RELEASE)
        self.assertEqual(bench.core.status[reg.ST_FAULTS], 1 << reg.FAULTS_MODULE_LOST)

    def test_a_clock_that_jumps_back_lets_nothing_run_without_a_heartbeat_for_longer_than_a_timeout(self) -> None:
        bench = PostBench(100000)
        bench.charge()
        bench.now_ms -= 50000
        bench.scan()
        bench.run(1000)
        self.assertEqual(bench.core.memory.state, reg.STATE_CC)  # beats start their deadlines anew
        bench.field.vehicle_sends = False
        bench.run(1010)
        self.assertEqual(bench.out(reg.OUT_MODULE_ENABLE), 0)


class TestHeap(unittest.TestCase):
    def test_scans_through_every_state_allocate_nothing(self) -> None:
        bench = PostBench()
        bench.core.settings[reg.SET_AUTO_START] = 1
        buffer = bytearray(SAVE_SIZE)
        frame = bytearray(16)
        seen = 0
        heap_lock()
        try:
            for scan in range(6000):
                if scan == 100:
                    bench.field.vehicle = True
                elif scan == 3000:
                    bench.core.request_opcode = reg.OP_RELEASE
                elif scan == 4000:
                    bench.core.request_opcode = reg.OP_START
                elif scan == 5000:
                    bench.core.inputs[reg.IN_STOP_CHAIN_OK] = 0
                elif scan == 5100:
                    bench.core.inputs[reg.IN_STOP_CHAIN_OK] = 1
                elif scan == 5500:
                    bench.core.inputs[reg.IN_LOCAL_MODE] = 1
                bench.now_ms += 10
                bench.field.follow(bench.core, 10)
                bench.core.step(bench.now_ms)
                bench.core.line.transmit(frame)
                bench.core.line.receive(frame, 16, bench.now_ms)
                bench.core.next_wake_ms()
                bench.core.save(buffer)
                seen |= 1 << bench.core.memory.state
        finally:
            heap_unlock()
        for state in (reg.STATE_CC, reg.STATE_RETRACT, reg.STATE_RELEASE, reg.STATE_STOPPED, reg.STATE_MANUAL):
            self.assertTrue(seen & (1 << state), state)

    def test_largest_values_the_inputs_can_carry_stay_within_small_integers(self) -> None:
        bench = PostBench()
        heap_lock()
        try:
            for value in (2**30 - 1, -(2**30) + 1):
                for index in range(len(bench.core.inputs)):
                    bench.core.inputs[index] = value
                bench.core.step(bench.now_ms)
        finally:
            heap_unlock()
        self.assertEqual(bench.out(reg.OUT_CONTACTOR), 0)


if __name__ == "__main__":
    unittest.main()
