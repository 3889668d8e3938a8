"""The RFID core as a scan: extra scans, save and load, the wrap of the ticks and late scans; no heap is used."""

import struct
import unittest

from firmware.control.events import EventRing
from firmware.control.rfid import SAVE_SIZE, Rfid
from protocols.registers import rfid as reg
from sim_devices.devices.rfid_reader import R200Reader, RfidReader, TagField, Uhf18Reader
from tests.firmware.control.rfid_bench import EPC, RfidBench, default_settings

try:
    from micropython import heap_lock, heap_unlock
except ImportError:

    def heap_lock() -> None:
        """CPython has no heap to lock; the VM run is the one that proves it."""

    def heap_unlock() -> None:
        """See heap_lock."""


SEEDS = (1, 2, 3, 4)
SCRIPT_LENGTH = 60
TICKS_MASK = 0x3FFFFFFF
R200_TAG = bytes.fromhex("aa02220011c9340030751feb705c5904e3d50d703a76efdd")
UHF_TAG = bytes.fromhex("1100ee002000708c2b380b2d00000000e056")
CARD = bytes([int(bit) for bit in "11101010000011011100000010"])
# Good frames with garbage around them, per family.
LINES = {
    "r200": R200_TAG + b"\xaa\x02\x22\x00" + UHF_TAG + R200_TAG[:9],
    "uhfreader18": UHF_TAG + b"\x07\x09" + R200_TAG,
    "wiegand": CARD,
}
OPCODES = (reg.OP_STOP, reg.OP_START, reg.OP_START, reg.OP_TRIGGER, reg.OP_RESTART_READER, reg.OP_CLEAR_FAULTS)


class Life:
    """One core, a reader and a script of random changes; scans come when a change, a byte or next_wake_ms asks.

    With extra_ms there are scans every extra_ms in between, which must not show. With reload_shift_ms the state is
    saved and loaded into a fresh core after every scan, whose clock is that much further on.
    """

    def __init__(self, seed: int, start_ms: int = 0, extra_ms: int = 0, reload_shift_ms: int = 0) -> None:
        self.word = seed * 7919 + 12345
        self.protocol = ("r200", "uhfreader18")[seed % 2]
        self.settings = default_settings()
        self.settings[reg.SET_GATE] = self.below(2)
        self.settings[reg.SET_DIRECTION_SOURCE] = self.below(3)
        self.settings[reg.SET_ANTENNA_COUNT] = 1 + self.below(2)
        self.settings[reg.SET_POLL_MODE] = self.below(2)
        self.settings[reg.SET_READER_REGION] = self.below(2)
        self.settings[reg.SET_SEAL_FITTED] = self.below(2)
        self.settings[reg.SET_DUPLICATE_MS] = (0, 500, 3000)[self.below(3)]
        self.ring = EventRing(bytearray(256 * 16), 256)
        self.core = Rfid(self.settings, self.ring, self.protocol)
        for index in range(reg.IN_COUNT):
            self.core.quality[index] = 0
        self.field = TagField()
        for number in range(3):
            self.field.add(bytes([number + 1]) * 12, 0)
        self.reader: RfidReader = Uhf18Reader(self.field) if seed % 2 else R200Reader(self.field)
        self.now_ms = start_ms
        self.elapsed_ms = 0
        self.extra_ms = extra_ms
        self.reload_shift_ms = reload_shift_ms
        self.buffer = bytearray(SAVE_SIZE)
        self.line_buffer = bytearray(128)

    def below(self, limit: int) -> int:
        """A number from 0 to limit - 1."""
        self.word = (self.word * 1103515 + 12345) & 0x3FFFFFFF
        return (self.word >> 8) % limit

    def change(self) -> int:
        """Change one thing; return the time to the next change."""
        core = self.core
        kind = self.below(9)
        if kind < 3:
            self.field.tags[self.below(3)].antenna = self.below(3)
        elif kind == 3:
            core.request_opcode = OPCODES[self.below(len(OPCODES))]
        elif kind == 4:
            core.inputs[self.below(reg.IN_COUNT)] ^= 1
        elif kind == 5:
            core.quality[self.below(reg.IN_COUNT)] = self.below(3) * self.below(2)
        elif kind == 6:
            core.hub_alive ^= 1
        elif kind == 7:
            self.reader.is_silent = self.below(3) == 0
        else:
            self.settings[reg.SET_POLL_PERIOD_MS] = 50 + 50 * self.below(5)
        return (10, 60, 130, 500, 777, 2500, 7000)[self.below(7)]

    def scan(self) -> list[int]:
        """Bytes in, a step, bytes out; returns all that the core shows."""
        core = self.core
        self.reader.antenna = 2 if core.outputs[reg.OUT_ANTENNA_2] else 1
        data = self.reader.advance(self.elapsed_ms)
        for start in range(0, len(data), 128):
            part = bytearray(data[start : start + 128])
            core.line.receive(part, len(part), self.now_ms)
        self.ring.uptime_s = self.elapsed_ms // 1000
        self.ring.millisecond = self.elapsed_ms % 1000
        core.step(self.now_ms)
        size = core.line.transmit(self.line_buffer)
        if size:
            self.reader.receive(bytes(self.line_buffer[:size]), self.elapsed_ms)
        row = [self.elapsed_ms, core.health, core.reasons, core.request_result]
        newest = ((self.ring.head - 1) % 256) * 16
        for shown in (core.outputs, core.status, list(struct.unpack_from(">IIHHi", self.ring.data, newest))):
            row.extend(shown)
        return row

    def wait(self, wait_ms: int) -> int:
        """Go on to the next scan, at most wait_ms; returns how much of wait_ms is left."""
        if self.reload_shift_ms:
            self._reload()
        wake_ms = self.core.next_wake_ms()
        assert wake_ms != 0  # a scan must not ask to be repeated at once
        skip_ms = wait_ms if wake_ms < 0 or wake_ms > wait_ms else wake_ms
        skip_ms = min(skip_ms, self._next_byte_ms())
        if self.extra_ms:
            for offset_ms in range(0, skip_ms, self.extra_ms):
                self.core.step((self.now_ms + offset_ms) & TICKS_MASK)
        self.now_ms = (self.now_ms + skip_ms) & TICKS_MASK
        self.elapsed_ms += skip_ms
        return wait_ms - skip_ms

    def _next_byte_ms(self) -> int:
        """Time until the reader says something; a multi poll may do so every round."""
        times = [at_ms for at_ms, _ in self.reader._due]
        if isinstance(self.reader, R200Reader) and self.reader._rounds:
            times.append(self.reader._round_ms)
        return max(1, min(times) - self.elapsed_ms) if times else 100000

    def _reload(self) -> None:
        old = self.core
        self.now_ms = (self.now_ms + self.reload_shift_ms) & TICKS_MASK
        size = old.save(self.buffer)
        assert size == SAVE_SIZE
        fresh = Rfid(self.settings, self.ring, self.protocol)
        assert fresh.load(self.buffer, self.now_ms)
        fresh.inputs[:] = old.inputs
        fresh.quality[:] = old.quality
        fresh.hub_alive = old.hub_alive
        fresh.request_result = old.request_result
        assert fresh.outputs == old.outputs
        assert fresh.status == old.status
        self.core = fresh


def record(life: Life, length: int = SCRIPT_LENGTH) -> list[list[int]]:
    """Live `length` changes; returns a row for each scan that was due."""
    trace: list[list[int]] = []
    for _ in range(length):
        wait_ms = life.change()
        while True:
            trace.append(life.scan())
            wait_ms = life.wait(wait_ms)
            if wait_ms <= 0:
                break
    return trace


class TestScan(unittest.TestCase):
    def test_dense_and_sparse_scans_give_the_same_trace(self) -> None:
        for seed in SEEDS:
            sparse = record(Life(seed))
            dense = record(Life(seed, 0, 7))
            self.assertEqual(len(sparse), len(dense), seed)
            for at in range(len(sparse)):
                self.assertEqual(sparse[at], dense[at], (seed, at))

    def test_lives_are_eventful(self) -> None:
        heads = [record(Life(seed))[-1] for seed in SEEDS]
        self.assertTrue(sum([row[4 + reg.OUT_COUNT + reg.ST_READ_HEAD] for row in heads]) > 20)

    def test_wrap_of_the_ticks_changes_nothing(self) -> None:
        for seed in SEEDS:
            self.assertEqual(record(Life(seed)), record(Life(seed, 2**30 - 3000)), seed)

    def test_save_and_load_at_every_step_give_the_same_continuation(self) -> None:
        for seed in SEEDS:
            self.assertEqual(record(Life(seed), 25), record(Life(seed, 0, 0, 123456789), 25), seed)

    def test_saved_state_of_another_format_is_refused_and_changes_nothing(self) -> None:
        bench = RfidBench()
        bench.field.add(EPC)
        bench.run(500)
        buffer = bytearray(SAVE_SIZE)
        self.assertEqual(bench.core.save(buffer), SAVE_SIZE)
        other = RfidBench()
        before = list(other.core.status)
        self.assertFalse(other.core.load(buffer[:-1], 0))
        buffer[0] = 99
        self.assertFalse(other.core.load(buffer, 0))
        self.assertEqual(other.core.status, before)

    def test_a_scan_that_is_seconds_late_loses_no_card_and_joins_no_two(self) -> None:
        bench = RfidBench("wiegand")
        bench.run(100)
        first = bytes([int(bit) for bit in "11101010000011011100000010"])
        second = bytes([int(bit) for bit in "1100010011101010000011011100000011"])
        bench.feed(first)
        bench.elapsed_ms += 3000
        bench.feed(second)
        bench.elapsed_ms += 3000
        bench.step()
        bench.run(100)
        self.assertEqual([read[5] for read in bench.reads()], [b"\xd4\x1b\x81", b"\x89\xd4\x1b\x81"])

    def test_a_clock_that_jumps_costs_at_most_a_question(self) -> None:
        bench = RfidBench()
        bench.run(1000)
        for jump_ms in (5000, 100000, 2**28):
            bench.start_ms = (bench.start_ms + jump_ms) & TICKS_MASK
            bench.run(2500)
            self.assertEqual((bench.state(), bench.core.health), (reg.STATE_READING, reg.HEALTH_NORMAL), jump_ms)


class TestHeap(unittest.TestCase):
    def test_scans_bytes_and_garbage_allocate_nothing(self) -> None:
        for protocol in ("r200", "uhfreader18", "wiegand"):
            bench = RfidBench(protocol)
            bench.field.add(EPC)
            bench.run(300)
            core = bench.core
            frames = bytearray(LINES[protocol])
            buffer = bytearray(SAVE_SIZE)
            failed = False
            heap_lock()
            try:
                for count in range(400):
                    now_ms = 1000 + count * 10
                    if count % 7 == 0:
                        core.line.receive(frames, len(frames), now_ms)
                    core.inputs[reg.IN_PRESENCE_1] = 1 if count % 50 < 25 else 0
                    core.step(now_ms)
                    core.line.transmit(bench.buffer)
                    core.next_wake_ms()
                    core.save(buffer)
            except MemoryError:
                failed = True
            heap_unlock()
            self.assertFalse(failed, protocol)
            self.assertTrue(core.status[reg.ST_READ_HEAD] >= 1)
