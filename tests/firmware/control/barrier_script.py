"""Random but repeatable lives of a barrier: inputs, qualities, commands, hub and settings change at random times.

Knows a linear congruential generator and the bench's core images. The boom and the safety devices are part of the
script's inputs, so that the same script is the same input to any run of the core. Dual-run.
"""

import struct

from firmware.control.barrier import Barrier
from firmware.control.barrier_memory import TEST_ACTIVE, TEST_RELEASED
from firmware.control.events import EventRing
from protocols.registers import barrier as reg
from tests.firmware.control.barrier_bench import IDLE_INPUTS, default_settings

TICKS_MASK = 0x3FFFFFFF
OPCODES = (reg.OP_OPEN, reg.OP_CLOSE, reg.OP_STOP, reg.OP_HOLD_OPEN, reg.OP_LOCK_CLOSED, reg.OP_RELEASE)
ANSWER_MS = 20
# Input of each tested device in DEVICE_* order, and what it is while the device reports.
TESTED_INPUTS = (reg.IN_CURTAIN_CLEAR, reg.IN_EDGE_OK, reg.IN_SAFETY_LOOP)
REPORTS = (0, 0, 1)
# What happens how often: mostly traffic and commands, so that lives get somewhere, and now and then anything at all.
USUAL_INPUTS = (reg.IN_SAFETY_LOOP, reg.IN_CURTAIN_CLEAR, reg.IN_LOCAL_MODE, reg.IN_LOCAL_OPEN, reg.IN_LOCAL_CLOSE)


class Script:
    """Changes one thing of a core at a time; `change` returns how many ms later the next change comes."""

    def __init__(self, seed: int) -> None:
        self.word = seed * 7919 + 12345

    def below(self, limit: int) -> int:
        """A number from 0 to limit - 1."""
        self.word = (self.word * 1103515 + 12345) & 0x3FFFFFFF
        return (self.word >> 8) % limit

    def change(self, core: Barrier) -> int:
        """Change inputs, quality, command, hub or a limit, and return the time to the next change."""
        if core.outputs[reg.OUT_MOTOR_CLOSE] and self.below(2):
            self._meet_something(core)
        else:
            self._change_anything(core)
        return (0, 10, 60, 130, 500, 777, 2500, 7000)[self.below(8)]

    def _meet_something(self, core: Barrier) -> None:
        kind = self.below(4)
        if kind == 0:
            self._reach_limit(core)
        elif kind == 1:
            core.inputs[reg.IN_SAFETY_LOOP] = 1
        else:
            core.inputs[reg.IN_EDGE_OK] = 0

    def _change_anything(self, core: Barrier) -> None:
        kind = self.below(20)
        if core.status[reg.ST_FAULTS] and kind < 8:
            core.request_opcode = reg.OP_CLEAR_FAULTS
            self._heal(core)
        elif kind < 6:
            core.request_opcode = OPCODES[self.below(len(OPCODES))]
        elif kind == 6:
            core.request_opcode = reg.OP_CLEAR_FAULTS
            self._heal(core)
        elif kind < 11:
            self._reach_limit(core)
        elif kind < 15:
            core.inputs[reg.IN_SAFETY_LOOP] = 0
            core.inputs[reg.IN_EDGE_OK] = 1
        elif kind == 15:
            core.inputs[USUAL_INPUTS[self.below(len(USUAL_INPUTS))]] ^= 1
        elif kind == 16 and self.below(2):
            core.inputs[self.below(reg.IN_COUNT)] ^= 1
        elif kind == 17 and self.below(2):
            core.quality[self.below(reg.IN_COUNT)] = self.below(3)
        elif kind == 18:
            core.hub_alive ^= 1

    def _heal(self, core: Barrier) -> None:
        limit_open = core.inputs[reg.IN_LIMIT_OPEN]
        limit_closed = core.inputs[reg.IN_LIMIT_CLOSED]
        for index in range(reg.IN_COUNT):
            core.inputs[index] = 1 if index in IDLE_INPUTS else 0
            core.quality[index] = 0
        core.inputs[reg.IN_LIMIT_OPEN] = limit_open
        core.inputs[reg.IN_LIMIT_CLOSED] = limit_closed & (1 - limit_open)

    def _reach_limit(self, core: Barrier) -> None:
        """The boom leaves the limit it came from, and some time later arrives where its motor takes it."""
        opens = core.outputs[reg.OUT_MOTOR_OPEN]
        if opens or core.outputs[reg.OUT_MOTOR_CLOSE]:
            start = reg.IN_LIMIT_CLOSED if opens else reg.IN_LIMIT_OPEN
            if not core.inputs[start]:
                core.inputs[reg.IN_LIMIT_OPEN if opens else reg.IN_LIMIT_CLOSED] = 1
            core.inputs[start] = 0


def new_core() -> Barrier:
    """A closed barrier with every automatic on, so that random lives meet all of them."""
    settings = default_settings()
    settings[reg.SET_AUTO_CLOSE_MS] = 3000
    settings[reg.SET_POWER_LOSS_ACTION] = reg.POWER_LOSS_ACTION_OPEN
    settings[reg.SET_HUB_LOSS_ACTION] = reg.HUB_LOSS_ACTION_CLOSE_WHEN_CLEAR
    settings[reg.SET_ANTI_TAILGATE] = reg.ANTI_TAILGATE_ON
    settings[reg.SET_POWER_RETURN_ACTION] = reg.POWER_RETURN_ACTION_CLOSE_WHEN_CLEAR
    core = Barrier(settings, EventRing(bytearray(64 * 16), 64))
    for index in range(reg.IN_COUNT):
        core.inputs[index] = 1 if index in IDLE_INPUTS else 0
        core.quality[index] = 0
    core.inputs[reg.IN_LIMIT_CLOSED] = 1
    core.hub_alive = 1
    return core


class Life:
    """One core living a script. Scans come when a change, a tested device or the core's own next_wake_ms asks for one.

    With extra_ms there are scans every extra_ms in between, which must not show. With reload_shift_ms the state is
    saved and loaded into a fresh core after every scan, whose clock is that much further on.
    """

    def __init__(self, seed: int, start_ms: int = 0, extra_ms: int = 0, reload_shift_ms: int = 0) -> None:
        self.script = Script(seed)
        self.core = new_core()
        self.now_ms = start_ms
        self.elapsed_ms = 0
        self.extra_ms = extra_ms
        self.reload_shift_ms = reload_shift_ms
        self.buffer = bytearray(512)

    def scan(self) -> None:
        """Step at the present time, with the ring's clock running from the start of the life."""
        self.core.ring.uptime_s = self.elapsed_ms // 1000
        self.core.ring.millisecond = self.elapsed_ms % 1000
        self.core.step(self.now_ms)

    def wait(self, wait_ms: int) -> int:
        """Go on to the next scan, at most wait_ms; returns how much of wait_ms is left."""
        if self.reload_shift_ms:
            self.now_ms = (self.now_ms + self.reload_shift_ms) & TICKS_MASK
            self.core = reloaded(self.core, self.buffer, self.now_ms)
        wake_ms = self.core.next_wake_ms()
        assert wake_ms != 0  # a scan must not ask to be repeated at once
        skip_ms = wait_ms if wake_ms < 0 or wake_ms > wait_ms else wake_ms
        answer_due = _is_answer_due(self.core)
        if answer_due and skip_ms > ANSWER_MS:
            skip_ms = ANSWER_MS
        if self.extra_ms:
            for offset_ms in range(0, skip_ms, self.extra_ms):
                self.core.step((self.now_ms + offset_ms) & TICKS_MASK)
        self.now_ms = (self.now_ms + skip_ms) & TICKS_MASK
        self.elapsed_ms += skip_ms
        if answer_due and skip_ms == ANSWER_MS:
            self.core.inputs[TESTED_INPUTS[self.core.memory.test_device]] = _answer(self.core)
        return wait_ms - skip_ms


def record(life: Life, length: int) -> list[list[int]]:
    """Live `length` changes; returns a row of all that the core shows for each scan that was due."""
    trace: list[list[int]] = []
    for _ in range(length):
        wait_ms = life.script.change(life.core)
        while True:
            life.scan()
            trace.append(_row(life.core, life.elapsed_ms))
            wait_ms = life.wait(wait_ms)
            if wait_ms <= 0:
                break
    return trace


def reloaded(core: Barrier, buffer: bytearray, now_ms: int) -> Barrier:
    """A fresh core with the saved state and the same images and ring."""
    size = core.save(buffer)
    fresh = Barrier(core.settings, core.ring)
    assert fresh.load(buffer[:size], now_ms)
    for index in range(reg.IN_COUNT):
        fresh.inputs[index] = core.inputs[index]
        fresh.quality[index] = core.quality[index]
    fresh.hub_alive = core.hub_alive
    fresh.request_result = core.request_result
    return fresh


def _is_answer_due(core: Barrier) -> bool:
    """A healthy device has not answered its test yet, or not let go after it."""
    tested = core.memory.test_phase in (TEST_ACTIVE, TEST_RELEASED)
    return tested and _answer(core) != core.inputs[TESTED_INPUTS[core.memory.test_device]]


def _answer(core: Barrier) -> int:
    reports = REPORTS[core.memory.test_device]
    return reports if core.memory.test_phase == TEST_ACTIVE else 1 - reports


def _row(core: Barrier, elapsed_ms: int) -> list[int]:
    newest = ((core.ring.head - 1) % core.ring.capacity) * 16
    slot = list(struct.unpack_from(">IIHHi", core.ring.data, newest))
    row = [elapsed_ms, core.health, core.reasons, core.request_result]
    for shown in (core.outputs, core.status, slot):
        row.extend(shown)
    return row
