"""A device of any role under garbage on one wire, beside a twin that hears none: what must never be is checked.

Knows the device's ports and the twin. Must not know what an output means. Dual-run: `run` is also what the MicroPython
VM does, every poll under the heap lock; `main` prints its figures for the host to judge.

After every poll: the outputs are the twin's, no command was taken, at most one request was answered, and no more bytes
were read than a poll may read. An exception goes through and ends the run.
"""

import gc
import time

from firmware.app.device import Device
from firmware.app.identity import Identity
from firmware.app.roles import load_role
from firmware.boards.latch import OutputLatch
from firmware.ports import STORE_ABSENT, NullBoard, NullClock, NullHeap, NullInputs, NullSessions, NullStore, NullUart
from protocols.compat import TICKS_MASK, const, ticks_add
from tests.firmware.fuzz.garbage import CHUNK_MAX, UNIT_ID, Chance, LineGarbage, ModbusGarbage, SessionGarbage
from tests.firmware.fuzz.samples import samples
from tests.firmware.role_rows import SETTLE_MS, row_of

try:
    from micropython import heap_lock, heap_unlock
except ImportError:

    def heap_lock():
        """CPython has no heap to lock; the VM run is the one that proves it."""

    def heap_unlock():
        """See heap_lock."""


WIRES = ("rtu", "rtu_untimed", "tcp")  # and the field line, under the name of its protocol
BYTES_PER_POLL_MAX = const(260)
# A chunk of requests in one go is answered one a poll, and none is shorter than eight bytes.
POLLS_PER_CHUNK_MAX = const(90)
_BAUD = const(115200)
_SILENCE_US = const(2000)
_SCAN_US = const(10000)


class Wire(NullUart):
    """A serial port fed by hand; what is written to it goes nowhere."""

    def __init__(self, timed):
        self.timed = timed
        self.silence_us = 0
        self.data = bytearray(CHUNK_MAX)
        self.size = 0
        self.at = 0
        self.taken = 0

    def feed(self, data, size):
        """Let `size` bytes wait."""
        self.data[:size] = data[:size]
        self.size = size
        self.at = 0

    def read_into(self, buffer):
        """Move bytes."""
        count = min(self.size - self.at, len(buffer))
        data, at = self.data, self.at
        for index in range(count):
            buffer[index] = data[at + index]
        self.at = at + count
        self.taken = count
        return count


class Session(NullSessions):
    """A Modbus TCP session that is there again as soon as the device closed it."""

    def __init__(self):
        self.generation = 1
        self.wire = Wire(0)

    def read_into(self, buffer):
        """Move bytes."""
        return self.wire.read_into(buffer)

    def close(self):
        """The client comes back; what it had said is gone."""
        self.generation = (self.generation + 1) & 0xFFFF
        self.wire.at = self.wire.size


class Store(NullStore):
    """Records in memory."""

    def __init__(self):
        self.records = {}

    def read(self, name, buffer):
        """Fill `buffer`."""
        record = self.records.get(name)
        if record is None:
            return STORE_ABSENT
        size = min(len(record), len(buffer))
        buffer[:size] = record[:size]
        return size

    def write(self, name, buffer, size):
        """Keep a copy."""
        self.records[name] = bytes(buffer[:size])
        return True


class Heap(NullHeap):
    """The interpreter's own guard."""

    def lock(self):
        """Make every allocation a MemoryError."""
        heap_lock()

    def unlock(self):
        """Undo one lock."""
        heap_unlock()


class Inputs(NullInputs):
    """The calm state of a role."""

    def __init__(self):
        self.values = []
        self.quality = []

    def read_into(self, values, quality):
        """Copy both lists."""
        for index in range(len(values)):
            values[index] = self.values[index]
            quality[index] = self.quality[index]


def make_device(role, timed, inputs, heap, protocol=""):
    """A device on a board in memory; `inputs` may be shared between devices."""
    board = NullBoard()
    board.clock = NullClock()
    board.uart = Wire(timed)
    board.field_line = Wire(0)
    board.sessions = Session()
    board.store = Store()
    board.heap = heap
    board.input_port = inputs
    board.output_port = OutputLatch()
    provision = {"role": role, "serial": "4711", "unit_id": str(UNIT_ID), "baud": str(_BAUD), "key": "5a" * 32}
    provision["line_protocol"] = protocol
    device = Device(board, load_role(role), Identity(provision))
    if not inputs.values:
        inputs.values = [0] * len(device.core.inputs)
        inputs.quality = [0] * len(device.core.inputs)
    return device


class Fuzz:
    """One role and one wire; `run(size)` feeds that many bytes."""

    def __init__(self, role, wire, seed):
        self.row = row_of(role)
        self.inputs = Inputs()
        protocol = "" if wire in WIRES else wire
        self.device = make_device(role, 0 if wire == "rtu_untimed" else 1, self.inputs, Heap(), protocol)
        self.twin = make_device(role, 1, self.inputs, NullHeap(), protocol)
        self.regmap = load_role(role).regmap
        self.row.quiet(self.regmap, self.inputs.values, self.inputs.quality)
        self.now_us = 0
        self.now_ms = 0
        self.elapsed_us = 0
        self.scan_at_us = 0
        self.polls = 0
        self.poll_us_max = 0
        self.served = 0
        chance = Chance(seed)
        board = self.device.board
        if wire == "tcp":
            self.wire, self.garbage = board.sessions.wire, SessionGarbage(chance, self.regmap)
        elif protocol:
            self.wire, self.garbage = board.field_line, LineGarbage(chance, samples(protocol))
        else:
            self.wire, self.garbage = board.uart, ModbusGarbage(chance, self.regmap)
        # Mutated messages may be right ones of an instrument, which lamps may show; what moves something may not move.
        role_moves = load_role(role).moving
        self.compared = role_moves if protocol else tuple(range(self.regmap.OUT_COUNT))
        self.settle()

    def settle(self):
        """Let both come to rest."""
        while self.elapsed_us < SETTLE_MS * 1000:
            self.device.hub.on_contact()
            self.twin.hub.on_contact()
            self.poll()
            self.advance(_SCAN_US)

    def run(self, size):
        """Feed `size` bytes; return how many were fed."""
        fed = 0
        device = self.device
        while fed < size:
            self.garbage.nonce = (device.settings.nonce_epoch, device.commands.counter)
            count = self.garbage.next()
            self.wire.feed(self.garbage.chunk, count)
            fed += count
            for _ in range(POLLS_PER_CHUNK_MAX):
                self.poll()
                self.advance(200)
                if self.wire.at == self.wire.size and not device.tcp.has_more():
                    break
            else:
                raise AssertionError(f"{count} bytes wait after {POLLS_PER_CHUNK_MAX} polls")
            self.advance(_SILENCE_US)
            self.poll()
            self.advance(_SILENCE_US)
        return fed

    def advance(self, step_us):
        """Let time pass, for both."""
        self.elapsed_us += step_us
        self.now_us = ticks_add(self.now_us, step_us)
        self.now_ms = (self.elapsed_us // 1000) & TICKS_MASK
        self.row.feed(self.regmap, self.inputs.values, self.elapsed_us // 1000)

    def poll(self):
        """One poll under the heap lock, then the twin's, then the checks."""
        device = self.device
        board = device.board
        board.uart.taken = board.sessions.wire.taken = board.field_line.taken = 0
        started_us = _ticks_us()
        board.heap.lock()
        try:
            device.poll(self.now_ms, self.now_us)
        finally:
            board.heap.unlock()
        self.poll_us_max = max(self.poll_us_max, _elapsed_us(started_us))
        self.polls += 1
        self._check()

    def _check(self):
        device, twin = self.device, self.twin
        board = device.board
        answered = (device.rtu.served + device.tcp.served - self.served) & 0xFFFF
        self.served = (device.rtu.served + device.tcp.served) & 0xFFFF
        if answered > 1:
            raise AssertionError(f"{answered} requests answered in one poll")
        taken = board.uart.taken + board.sessions.wire.taken + board.field_line.taken
        if taken > BYTES_PER_POLL_MAX:
            raise AssertionError(f"{taken} bytes read in one poll")
        if device.commands.accepted:
            raise AssertionError("a command without a right tag was taken")
        if device.schedule.count == twin.schedule.count and not answered:
            return
        if answered:
            twin.hub.on_contact()
        twin.poll(self.now_ms, self.now_us)
        for index in self.compared:
            if board.output_port.values[index] != twin.board.output_port.values[index]:
                raise AssertionError(f"output {index} moved after {self.elapsed_us // 1000} ms")


def measure(role, wire, seed, size):
    """Run, and return (bytes, bytes allocated after a tenth, after all, polls, longest poll in us, frames heard)."""
    fuzz = Fuzz(role, wire, seed)
    fed = fuzz.run(size // 10)
    before = _allocated()
    fed += fuzz.run(size - fed)
    after = _allocated()
    heard = fuzz.device.rtu.served + fuzz.device.tcp.served
    return fed, before, after, fuzz.polls, fuzz.poll_us_max, heard


def _allocated():
    """Bytes in use on the VM, objects in use on CPython."""
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else len(gc.get_objects())


def _ticks_us():
    return time.ticks_us() if hasattr(time, "ticks_us") else time.perf_counter_ns() // 1000


def _elapsed_us(started_us):
    return time.ticks_diff(time.ticks_us(), started_us) if hasattr(time, "ticks_us") else _ticks_us() - started_us


def main(role, wire, seed, size):
    """For the VM: run and print the figures in one line."""
    print("FUZZED", *measure(role, wire, seed, size))
