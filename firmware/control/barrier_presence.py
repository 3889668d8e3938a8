"""What is under the boom: loops, light curtain, the trailer gap, the test of the curtain, and the count of passes.

Knows sensors and the time a trailer gap may last; must not know motors or commands. A loop alone loses the gap between
truck and trailer and so may a curtain, hence both are used and presence is held for gap_bridge_ms after they clear.

The curtain is tested before each closing (UL 325: external devices are monitored once per cycle): CURTAIN_TEST must
make it dark within curtain_test_ms, and letting go must make it clear again within the same time. While its test runs
the curtain is no presence, unless its quality is doubtful; the loops go on counting.
"""

from firmware.control.barrier_faults import FAULT_PHOTO_TEST, BarrierFaults
from firmware.control.barrier_inputs import BarrierInputs
from firmware.control.barrier_memory import (
    TEST_DARK,
    TEST_IDLE,
    TEST_LIGHT,
    TEST_PASSED,
    TIMER_GAP,
    TIMER_TEST,
    BarrierMemory,
)
from firmware.control.events import EventRing
from firmware.control.timer import TimerBank
from protocols.registers import barrier as reg

_CURTAIN = 1 << reg.PRESENCE_LIGHT_CURTAIN
_BRIDGED = 1 << reg.PRESENCE_BRIDGED
# Sensors that see a vehicle under the boom; the entry loop lies before it.
_UNDER_BOOM = (1 << reg.PRESENCE_SAFETY_LOOP) | (1 << reg.PRESENCE_EXIT_LOOP) | _CURTAIN

_PASSES_MASK = 0x3FFFFFFF


class BarrierPresence:
    """Presence word, bridging and curtain test; `blocking` is the word's part that forbids closing."""

    def __init__(
        self,
        memory: BarrierMemory,
        timers: TimerBank,
        inputs: BarrierInputs,
        settings: list[int],
        faults: BarrierFaults,
    ) -> None:
        self.memory = memory
        self.timers = timers
        self.inputs = inputs
        self.settings = settings
        self.faults = faults
        self.blocking = 0
        self.seen = 0

    def step(self, ring: EventRing) -> None:
        """Take the sensors of this scan: the curtain's test first, then the presence word."""
        self._step_test()
        word = self.inputs.sensors
        seen = self.inputs.sensors_seen
        if self.inputs.curtain_good and (self.memory.test_phase == TEST_DARK or self.memory.test_phase == TEST_LIGHT):
            word &= ~_CURTAIN
            seen &= ~_CURTAIN
        word |= self._bridge(word & _UNDER_BOOM)
        self.blocking = word & (_UNDER_BOOM | _BRIDGED)
        if word != self.memory.presence:
            self.memory.presence = word
            ring.push(reg.EV_PRESENCE_CHANGED, word)
        self.seen = seen & _UNDER_BOOM

    def count_pass(self, ring: EventRing) -> None:
        """After the states: a vehicle went through when presence ends that was seen while the boom was open."""
        memory = self.memory
        if not self.blocking:
            if memory.vehicle_under:
                memory.vehicle_under = 0
                memory.passes = (memory.passes + 1) & _PASSES_MASK
                ring.push(reg.EV_PASSED, memory.passes & 0xFFFF)
        elif self.seen and self._is_open():
            memory.vehicle_under = 1

    def begin_test(self) -> None:
        """Start a curtain test unless one is running already."""
        if self.memory.test_phase == TEST_IDLE or self.memory.test_phase == TEST_PASSED:
            self.memory.test_phase = TEST_DARK
            self.timers.start(TIMER_TEST, self.settings[reg.SET_CURTAIN_TEST_MS])

    def is_curtain_occupied(self) -> bool:
        """Something is in the curtain or its quality is doubtful, so a test would prove nothing."""
        return self.inputs.sensors & _CURTAIN != 0

    def _step_test(self) -> None:
        memory = self.memory
        clear = self.inputs.values[reg.IN_CURTAIN_CLEAR]
        if memory.test_phase == TEST_DARK:
            if not clear and self.inputs.curtain_good:
                memory.test_phase = TEST_LIGHT
                self.timers.start(TIMER_TEST, self.settings[reg.SET_CURTAIN_TEST_MS])
            elif self.timers.is_done(TIMER_TEST):
                self._end_test(False)
        elif memory.test_phase == TEST_LIGHT:
            if clear and self.inputs.curtain_good:
                self._end_test(True)
            elif self.timers.is_done(TIMER_TEST):
                self._end_test(False)

    def _end_test(self, passed: bool) -> None:
        """A curtain that stays dark because a vehicle came meanwhile (the loop knows) proves nothing."""
        memory = self.memory
        self.timers.stop(TIMER_TEST)
        vehicle_came = memory.test_phase == TEST_LIGHT and self.inputs.sensors & _UNDER_BOOM & ~_CURTAIN
        memory.test_phase = TEST_IDLE
        if passed:
            if memory.test_clears_fault:
                self.faults.clear(FAULT_PHOTO_TEST)
            if memory.state == reg.STATE_CLOSING:
                memory.test_phase = TEST_PASSED
        elif not vehicle_came:
            self.faults.latch(FAULT_PHOTO_TEST)
        memory.test_clears_fault = 0

    def _bridge(self, occupied: int) -> int:
        """Hold presence for gap_bridge_ms after the last sensor cleared; returns the BRIDGED bit or 0."""
        timers = self.timers
        if occupied:
            timers.stop(TIMER_GAP)
            return 0
        if self.memory.presence & _UNDER_BOOM:
            timers.start(TIMER_GAP, self.settings[reg.SET_GAP_BRIDGE_MS])
        if timers.is_done(TIMER_GAP):
            timers.stop(TIMER_GAP)
        return _BRIDGED if timers.is_running(TIMER_GAP) else 0

    def _is_open(self) -> bool:
        state = self.memory.state
        if state == reg.STATE_OPEN or state == reg.STATE_HOLD_OPEN:
            return True
        return state == reg.STATE_FIRE_OPEN and self.inputs.values[reg.IN_LIMIT_OPEN] != 0
