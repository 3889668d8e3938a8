"""The tests of the monitored safety devices: light curtain, safety edge, loop detectors, one after the other.

Knows the test outputs' devices, how each answers, and what a failed test latches; must not know motors, lamps or
commands. UL 325 has external devices monitored once per cycle for connection and operation: before each closing every
device's test output must make it report (curtain dark, edge pressed, loops occupied), and letting go must make it clear
again, each within its time. The motor closes only when the whole series is done (barrier_states).

While a device is tested its report is masked, unless its quality is doubtful; the other devices go on counting, and a
vehicle or a contact they see ends the series without a verdict. A device that stays active after its test is faulty,
with two exceptions: a dark curtain under which the loops know a vehicle, and a loop, which simply goes on reporting the
vehicle that it may well have met before the curtain did.
"""

from firmware.control.barrier_faults import TEST_FAULTS, BarrierFaults
from firmware.control.barrier_inputs import BarrierInputs
from firmware.control.barrier_memory import (
    DEVICE_COUNT,
    DEVICE_CURTAIN,
    DEVICE_EDGE,
    DEVICE_LOOPS,
    TEST_ACTIVE,
    TEST_DONE,
    TEST_IDLE,
    TEST_RELEASED,
    TIMER_TEST,
    BarrierMemory,
)
from firmware.control.timer import TimerBank
from protocols.compat import const
from protocols.registers import barrier as reg

_CURTAIN = 1 << reg.PRESENCE_LIGHT_CURTAIN
_SAFETY = 1 << reg.PRESENCE_SAFETY_LOOP
_EXIT = 1 << reg.PRESENCE_EXIT_LOOP
_UNDER_BOOM = _SAFETY | _EXIT | _CURTAIN

# Time in which a device has to answer, in DEVICE_* order.
_ANSWER_MS = (reg.SET_CURTAIN_TEST_MS, reg.SET_EDGE_TEST_MS, reg.SET_LOOP_TEST_MS)

_CLEAR = const(0)
_REPORTS = const(1)
_DOUBTFUL = const(2)


class BarrierTests:
    """The series of tests; step() comes before everything that looks at presence or contact."""

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

    def begin(self, clears_faults: int) -> None:
        """Start the series unless it runs; the caller has seen that nothing is under the boom or at the edge."""
        memory = self.memory
        if memory.test_phase == TEST_IDLE or memory.test_phase == TEST_DONE:
            memory.test_clears_fault = clears_faults
            self._start(DEVICE_CURTAIN)

    def can_begin(self) -> bool:
        """No series runs, and nothing is under the boom or at the edge, so that an answer proves something."""
        return not self.is_running() and not self.inputs.sensors & _UNDER_BOOM and not self.inputs.contact

    def is_running(self) -> bool:
        """A device is being tested, so its report is masked."""
        return TEST_IDLE < self.memory.test_phase < TEST_DONE

    def step(self) -> None:
        """Follow the running test, then mask what is tested from now on."""
        if self.is_running():
            self._follow()
            if self.is_running():
                self._mask()

    def write(self, outputs: list[int]) -> None:
        """Put the test outputs into the output image."""
        device = self.memory.test_device if self.memory.test_phase == TEST_ACTIVE else DEVICE_COUNT
        outputs[reg.OUT_CURTAIN_TEST] = 1 if device == DEVICE_CURTAIN else 0
        outputs[reg.OUT_EDGE_TEST] = 1 if device == DEVICE_EDGE else 0
        outputs[reg.OUT_LOOP_TEST] = 1 if device == DEVICE_LOOPS else 0

    def _follow(self) -> None:
        memory = self.memory
        report = self._report()
        if memory.test_phase == TEST_ACTIVE and report == _REPORTS:
            memory.test_phase = TEST_RELEASED
            self.timers.start(TIMER_TEST, self.settings[_ANSWER_MS[memory.test_device]])
        elif memory.test_phase == TEST_RELEASED and report == _CLEAR:
            if memory.test_clears_fault:
                self.faults.clear(TEST_FAULTS[memory.test_device])
            self._go_on()
        elif self.timers.is_done(TIMER_TEST):
            self._end_late()

    def _end_late(self) -> None:
        memory = self.memory
        if memory.test_phase == TEST_RELEASED and self._is_vehicle():
            self._end(TEST_IDLE)
            return
        self.faults.latch(TEST_FAULTS[memory.test_device])
        self._go_on()

    def _is_vehicle(self) -> bool:
        """A device that stays active after its test reports what is really there."""
        device = self.memory.test_device
        if device == DEVICE_CURTAIN:
            return self.inputs.sensors & (_SAFETY | _EXIT) != 0
        return device == DEVICE_LOOPS

    def _go_on(self) -> None:
        """To the next device that is monitored; with something under the boom or at the edge it would prove nothing."""
        device = self.memory.test_device + 1
        if device == DEVICE_EDGE and self.settings[reg.SET_EDGE_MONITORING] != reg.EDGE_MONITORING_TESTED:
            device += 1
        if device == DEVICE_LOOPS and self.settings[reg.SET_LOOP_MONITORING] != reg.LOOP_MONITORING_TESTED:
            device += 1
        if device >= DEVICE_COUNT:
            self._end(TEST_DONE if self.memory.state == reg.STATE_CLOSING else TEST_IDLE)
        elif self.inputs.sensors & _UNDER_BOOM or self.inputs.contact:
            self._end(TEST_IDLE)
        else:
            self._start(device)

    def _start(self, device: int) -> None:
        self.memory.test_phase = TEST_ACTIVE
        self.memory.test_device = device
        self.timers.start(TIMER_TEST, self.settings[_ANSWER_MS[device]])

    def _end(self, phase: int) -> None:
        memory = self.memory
        memory.test_phase = phase
        memory.test_device = DEVICE_CURTAIN
        memory.test_clears_fault = 0
        self.timers.stop(TIMER_TEST)

    def _report(self) -> int:
        inputs = self.inputs
        if self.memory.test_device == DEVICE_EDGE:
            if not inputs.edge_good:
                return _DOUBTFUL
            return _REPORTS if inputs.contact else _CLEAR
        bits = self._tested_bits()
        if inputs.sensors_seen & bits == bits:
            return _REPORTS
        return _DOUBTFUL if inputs.sensors & bits else _CLEAR

    def _tested_bits(self) -> int:
        if self.memory.test_device == DEVICE_CURTAIN:
            return _CURTAIN
        return _SAFETY | _EXIT if self.settings[reg.SET_EXIT_LOOP_FITTED] else _SAFETY

    def _mask(self) -> None:
        inputs = self.inputs
        if self.memory.test_device == DEVICE_EDGE:
            if inputs.edge_good:
                inputs.contact = False
            return
        bits = self._tested_bits() & inputs.sensors_seen
        inputs.sensors &= ~bits
        inputs.sensors_seen &= ~bits
