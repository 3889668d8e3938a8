"""The barrier's latched faults: which there are, what raises them by itself, which may be cleared.

Knows the fault word, its events and the inputs that are a fault's cause; must not know states or motors. A fault stays
until CLEAR_FAULTS finds its cause gone. Faults that a travel or a test finds are raised from there.
"""

from firmware.control.barrier_inputs import BarrierInputs
from firmware.control.barrier_memory import BarrierMemory
from firmware.control.events import EventRing
from protocols.registers import barrier as reg

_TRAVEL_TIMEOUT = 1 << reg.FAULTS_TRAVEL_TIMEOUT
_LIMIT_LOST = 1 << reg.FAULTS_LIMIT_LOST
_LIMIT_CONFLICT = 1 << reg.FAULTS_LIMIT_CONFLICT
_EDGE_FAULT = 1 << reg.FAULTS_EDGE_FAULT
_LOOP_FAULT = 1 << reg.FAULTS_LOOP_FAULT
_ARM_BROKEN = 1 << reg.FAULTS_ARM_BROKEN
_DRIVE_FAULT = 1 << reg.FAULTS_DRIVE_FAULT
_INPUT_BAD = 1 << reg.FAULTS_INPUT_BAD

_PHOTO_TEST = 1 << reg.FAULTS_PHOTO_TEST_FAIL
_EDGE_TEST = 1 << reg.FAULTS_EDGE_TEST_FAIL
_LOOP_TEST = 1 << reg.FAULTS_LOOP_TEST_FAIL
_LIMIT_STUCK = 1 << reg.FAULTS_LIMIT_STUCK

FAULT_SECOND_CONTACT = 1 << reg.FAULTS_SECOND_CONTACT
# What a failed test latches, in DEVICE_* order.
TEST_FAULTS = (_PHOTO_TEST, _EDGE_TEST, _LOOP_TEST)
FAULTS_OF_TESTS = _PHOTO_TEST | _EDGE_TEST | _LOOP_TEST
# A limit said something that cannot be.
FAULTS_OF_LIMITS = _LIMIT_CONFLICT | _LIMIT_STUCK
# Faults of the boom itself: no movement, state FAULT.
FAULTS_STOPPING = _TRAVEL_TIMEOUT | FAULTS_OF_LIMITS | _LIMIT_LOST | _ARM_BROKEN | _DRIVE_FAULT
# Faults of what watches the path: mode DEGRADED, opening and hold-to-run closing only (UL 325: constant pressure).
FAULTS_DEGRADING = _EDGE_FAULT | FAULTS_OF_TESTS | _LOOP_FAULT | _INPUT_BAD


class BarrierFaults:
    """The fault word in memory and its events."""

    def __init__(self, memory: BarrierMemory, inputs: BarrierInputs, ring: EventRing) -> None:
        self.memory = memory
        self.inputs = inputs
        self.ring = ring
        self.found = 0  # in this scan, by a travel, a limit that stayed away or a test

    def begin(self) -> None:
        """A scan begins: nothing was found in it yet."""
        self.found = 0

    def step(self) -> None:
        """Latch every fault whose cause stands in the inputs of this scan."""
        self._set(self._causes())

    def latch(self, bits: int) -> None:
        """Set bits of what was found in this scan; each new one is an event."""
        self.found |= bits
        self._set(bits)

    def _set(self, bits: int) -> None:
        new = bits & ~self.memory.faults
        if new:
            self.memory.faults |= new
            self._push_each(new, reg.EV_FAULT_RAISED)

    def clear(self, bits: int) -> None:
        """Clear fault bits without asking for their cause; each one that was set is an event."""
        gone = bits & self.memory.faults
        if gone:
            self.memory.faults &= ~gone
            self._push_each(gone, reg.EV_FAULT_CLEARED)

    def acknowledge(self) -> None:
        """CLEAR_FAULTS: clear what has no cause any more; a failed device must first pass a test, an edge let go.

        What this very scan has found stays: whoever asked cannot have known of it.
        """
        keep = self._causes() | FAULTS_OF_TESTS | self.found
        if self.inputs.contact:
            keep |= FAULT_SECOND_CONTACT
        if self.memory.faults & _LIMIT_STUCK & ~keep:
            self._believe_limit()
        self.clear(self.memory.faults & ~keep)

    def _believe_limit(self) -> None:
        """An opening has run its whole time since the limit came too early: the boom may well be there now."""
        self.memory.limit_early = 0
        self.inputs.is_up = self.inputs.values[reg.IN_LIMIT_OPEN]

    def _causes(self) -> int:
        values = self.inputs.values
        bits = 0
        if values[reg.IN_LIMIT_OPEN] and values[reg.IN_LIMIT_CLOSED]:
            bits |= _LIMIT_CONFLICT
        if not values[reg.IN_LOOPS_OK]:
            bits |= _LOOP_FAULT
        if not values[reg.IN_ARM_INTACT]:
            bits |= _ARM_BROKEN
        if not values[reg.IN_DRIVE_OK] and values[reg.IN_MAINS_OK]:
            bits |= _DRIVE_FAULT  # a drive without mains is not faulty, POWER_FAIL says enough
        if self.inputs.edge_bad:
            bits |= _EDGE_FAULT
        if self.inputs.bad:
            bits |= _INPUT_BAD
        return bits

    def _push_each(self, bits: int, code: int) -> None:
        number = 0
        while bits:
            if bits & 1:
                self.ring.push(code, number)
            bits >>= 1
            number += 1
