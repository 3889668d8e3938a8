"""The barrier's states: which situations override, how a travel ends, and where the boom rests afterwards.

Knows states, limits and the closing sequence; must not know commands' codes, lamps or motor outputs. What it wants of
the motor is read with wanted_motor(); barrier_travel has the last word on it.

Priority is the order of _override(): stop chain, uncoupled boom, fire, faults, second contact, mains. CLOSING begins
with the pre-flash and the tests of the safety devices, both with the motor off.
"""

from firmware.control.barrier_faults import (
    FAULT_SECOND_CONTACT,
    FAULTS_DEGRADING,
    FAULTS_STOPPING,
    BarrierFaults,
)
from firmware.control.barrier_memory import (
    COUNTER_MASK,
    LATCH_HOLD_OPEN,
    LATCH_LOCK_CLOSED,
    MOTOR_CLOSES,
    MOTOR_OFF,
    MOTOR_OPENS,
    TEST_DONE,
    TEST_IDLE,
    TIMER_AUTOMATIC,
    TIMER_PREFLASH,
    TIMER_SETTLE,
    BarrierMemory,
)
from firmware.control.barrier_presence import BarrierPresence
from firmware.control.barrier_tests import BarrierTests
from firmware.control.events import EventRing
from firmware.control.timer import TimerBank
from protocols.compat import const
from protocols.registers import barrier as reg

# More transitions than this cannot follow from one set of inputs: override, its end, rest, latch.
_TRANSITIONS_MAX = const(8)

_NO_OVERRIDE = const(-1)


class BarrierStates:
    """State transitions on the shared memory; commands call open_boom(), begin_closing() and stop()."""

    def __init__(
        self,
        memory: BarrierMemory,
        timers: TimerBank,
        presence: BarrierPresence,
        tests: BarrierTests,
        ring: EventRing,
    ) -> None:
        self.memory = memory
        self.timers = timers
        self.presence = presence
        self.tests = tests
        self.ring = ring
        self.inputs = presence.inputs
        self.settings = presence.settings
        self.faults: BarrierFaults = tests.faults

    def step(self) -> None:
        """Follow the transitions that the inputs and timers of this scan cause, until nothing changes."""
        if self.presence.occupied:
            self.memory.go = 0  # one vehicle per opening: the next one must not follow on its green
        for _ in range(_TRANSITIONS_MAX):
            before = self.memory.state
            self._step_once()
            if self.memory.state == before:
                break

    def wanted_motor(self) -> int:
        """MOTOR_* this state asks for."""
        memory = self.memory
        state = memory.state
        if state == reg.STATE_OPENING or state == reg.STATE_HOMING or state == reg.STATE_REVERSING:
            return MOTOR_OPENS
        if state == reg.STATE_FIRE_OPEN and not memory.fire_gave_up:
            return MOTOR_OPENS
        if state == reg.STATE_POWER_FAIL and memory.power_opening:
            return MOTOR_OPENS
        # A held button closes with a device that failed its test, but never while a test still masks one.
        if state == reg.STATE_CLOSING and memory.test_phase == TEST_DONE and self.timers.is_done(TIMER_PREFLASH):
            return MOTOR_CLOSES
        return MOTOR_OFF

    def is_degraded(self) -> bool:
        """A device that watches the path is faulty: only opening and hold-to-run closing."""
        return self.memory.faults & FAULTS_DEGRADING != 0

    def can_close(self, hold_to_run: int) -> bool:
        """No presence, no contact, and no faulty safety device unless a person holds the button."""
        if self.presence.blocking or self.inputs.contact:
            return False
        return hold_to_run != 0 or not self.is_degraded()

    def open_boom(self, hold_to_run: int) -> None:
        """Open from wherever the boom is, homing if its position is in doubt; the next vehicle may go."""
        memory = self.memory
        memory.go = 0 if self.presence.occupied else 1
        memory.used = 0
        if memory.state == reg.STATE_OPEN or memory.state == reg.STATE_HOLD_OPEN:
            return
        memory.hold_to_run = hold_to_run
        self._enter_opening()

    def end_automatic(self) -> None:
        """Somebody has commanded: what would have begun by itself does not, or after the whole delay anew."""
        self.memory.power_return = 0
        self.memory.automatic = reg.AUTOMATIC_NONE
        self.timers.stop(TIMER_AUTOMATIC)

    def begin_closing(self, hold_to_run: int) -> None:
        """Start pre-flash and device tests; the caller has asked can_close()."""
        memory = self.memory
        memory.go = 0
        memory.closing_ran = 0
        memory.hold_to_run = hold_to_run
        self._enter(reg.STATE_CLOSING)
        self.timers.start(TIMER_PREFLASH, self.settings[reg.SET_PREFLASH_MS])
        self.tests.begin(0)

    def stop(self) -> None:
        """Stop where it is and stay; no automatic movement follows and no vehicle is invited."""
        memory = self.memory
        memory.go = 0
        memory.may_close_itself = 0
        if memory.state == reg.STATE_OPEN or memory.state == reg.STATE_HOLD_OPEN:
            return
        if memory.state < reg.STATE_BLOCKED and memory.state != reg.STATE_CLOSED:
            self._rest()

    def _step_once(self) -> None:
        memory = self.memory
        state = memory.state
        override = self._override()
        if override != _NO_OVERRIDE:
            if override != reg.STATE_POWER_FAIL:
                memory.power_return = 0  # the boom is in somebody's hands, or a person has to look first
                if override != reg.STATE_FIRE_OPEN:
                    memory.power_opening = 0  # mains lost during a stop must not move the boom when the stop ends
            if state != override:
                self._enter_override(override)
        elif state == reg.STATE_BLOCKED or state >= reg.STATE_FIRE_OPEN:
            self._leave_override(state)
        elif memory.automatic == reg.AUTOMATIC_POWER_RETURN_OPEN and self.timers.is_done(TIMER_AUTOMATIC):
            memory.hold_to_run = 0
            self.timers.stop(TIMER_AUTOMATIC)
            self._enter_opening()
        elif state == reg.STATE_UNKNOWN or state == reg.STATE_STOPPED_MID:
            self._settle()
        elif state == reg.STATE_CLOSING:
            self._step_closing()
        elif state == reg.STATE_CLOSED or state == reg.STATE_LOCKED_CLOSED:
            self._enter(self._closed_state())
        elif state == reg.STATE_OPEN or state == reg.STATE_HOLD_OPEN:
            self._step_open()
        elif self.inputs.is_up:
            memory.homed = 1
            self._enter(self._open_state())
        elif state != reg.STATE_REVERSING and memory.hold_to_run and not self._is_held(reg.IN_LOCAL_OPEN):
            memory.go = 0
            self._rest()

    def _override(self) -> int:
        """The state the inputs and faults force, in order of priority, or _NO_OVERRIDE."""
        values = self.inputs.values
        if not values[reg.IN_STOP_CHAIN_OK]:
            return reg.STATE_ESTOP
        if values[reg.IN_MANUAL_RELEASED]:
            return reg.STATE_MANUAL_RELEASED
        if values[reg.IN_FIRE]:
            return reg.STATE_FIRE_OPEN
        if self.memory.faults & FAULTS_STOPPING:
            return reg.STATE_FAULT
        if self.memory.faults & FAULT_SECOND_CONTACT:
            return reg.STATE_BLOCKED
        if not values[reg.IN_MAINS_OK]:
            return reg.STATE_POWER_FAIL
        return _NO_OVERRIDE

    def _enter_override(self, state: int) -> None:
        memory = self.memory
        memory.go = 0
        memory.may_close_itself = 0
        memory.hold_to_run = 0
        memory.fire_gave_up = 0
        if state == reg.STATE_ESTOP:
            # The stop chain is worked by hand at the boom: it also ends a series of contacts.
            memory.contacts = 0
            self.faults.clear(FAULT_SECOND_CONTACT)
        elif state == reg.STATE_MANUAL_RELEASED or state == reg.STATE_FAULT:
            memory.homed = 0
        self._enter(state)

    def _leave_override(self, state: int) -> None:
        """An opening that fire or mains failure began is completed; otherwise the boom rests where it is."""
        memory = self.memory
        unfinished = memory.power_opening
        if state == reg.STATE_FIRE_OPEN:
            unfinished = 1 - memory.fire_gave_up
        elif state == reg.STATE_POWER_FAIL:
            memory.homed = 0
        memory.power_opening = 0
        if unfinished and not self.inputs.is_up:
            self._enter(reg.STATE_OPENING)
        else:
            self._rest()

    def _enter_opening(self) -> None:
        self._enter(reg.STATE_OPENING if self.memory.homed else reg.STATE_HOMING)

    def _is_held(self, button: int) -> bool:
        values = self.inputs.values
        return values[reg.IN_LOCAL_MODE] != 0 and values[button] != 0

    def _rest(self) -> None:
        self._enter(reg.STATE_STOPPED_MID if self.memory.homed else reg.STATE_UNKNOWN)

    def _settle(self) -> None:
        """At rest with exactly one limit the boom is known to be there, once it cannot be coasting any more."""
        memory = self.memory
        limit_open = self.inputs.is_up
        if memory.motor != MOTOR_OFF or self.timers.is_running(TIMER_SETTLE):
            return
        if limit_open == self.inputs.values[reg.IN_LIMIT_CLOSED]:
            return
        memory.homed = 1
        memory.go = 0
        memory.may_close_itself = 0
        self._enter(self._open_state() if limit_open else self._closed_state())

    def _step_open(self) -> None:
        memory = self.memory
        if self.timers.is_done(TIMER_AUTOMATIC) and memory.state == reg.STATE_OPEN and self.can_close(0):
            self.begin_closing(0)
        else:
            self._enter(self._open_state())

    def _step_closing(self) -> None:
        memory = self.memory
        values = self.inputs.values
        if values[reg.IN_LIMIT_CLOSED] and memory.closing_ran:
            memory.cycles = (memory.cycles + 1) & COUNTER_MASK
            memory.contacts = 0
            memory.homed = 1
            self._enter(self._closed_state())
        elif not self.can_close(memory.hold_to_run) or memory.test_phase == TEST_IDLE:
            self._abort_closing()  # tests that ended without a verdict are as good as a presence
        elif memory.hold_to_run:
            if not self._is_held(reg.IN_LOCAL_CLOSE):
                self._rest()
        elif values[reg.IN_LOCAL_MODE]:
            self._rest()

    def _abort_closing(self) -> None:
        """First contact reverses, second contact stops only (UL 325); before the motor ran nothing has to reverse."""
        memory = self.memory
        if not memory.closing_ran:
            if self.inputs.is_up:
                self._enter(self._open_state())
            else:
                self._rest()
            return
        if self.inputs.contact and not self.inputs.edge_bad:
            memory.contacts = min(memory.contacts + 1, 2)
            memory.may_close_itself = 0
            if memory.contacts == 2:
                self.faults.latch(FAULT_SECOND_CONTACT)
                self._enter(reg.STATE_BLOCKED)
                return
        memory.reversals = (memory.reversals + 1) & COUNTER_MASK
        self.ring.push(reg.EV_REVERSED, memory.presence)
        self._enter(reg.STATE_REVERSING)

    def _open_state(self) -> int:
        return reg.STATE_HOLD_OPEN if self.memory.latch == LATCH_HOLD_OPEN else reg.STATE_OPEN

    def _closed_state(self) -> int:
        return reg.STATE_LOCKED_CLOSED if self.memory.latch == LATCH_LOCK_CLOSED else reg.STATE_CLOSED

    def _enter(self, state: int) -> None:
        memory = self.memory
        if state == memory.state:
            return
        if memory.state == reg.STATE_CLOSING:
            self.timers.stop(TIMER_PREFLASH)
            if memory.test_phase == TEST_DONE:
                memory.test_phase = TEST_IDLE
        if state != reg.STATE_OPEN and state != reg.STATE_CLOSING:
            memory.used = 0
        memory.state = state
        self.ring.push(reg.EV_STATE_CHANGED, state)

    def note_mains(self) -> None:
        """The moment the mains fails decides about opening, the moment it is there (again), about its return."""
        memory = self.memory
        mains = self.inputs.values[reg.IN_MAINS_OK]
        if memory.mains_before and not mains:
            wants_open = self.settings[reg.SET_POWER_LOSS_ACTION] == reg.POWER_LOSS_ACTION_OPEN
            memory.power_opening = 1 if wants_open else 0
        elif mains and not memory.mains_before:
            returns = self.settings[reg.SET_POWER_RETURN_ACTION] != reg.POWER_RETURN_ACTION_HOLD
            memory.power_return = 1 if returns else 0
        memory.mains_before = mains


def is_moving(state: int) -> bool:
    """States in which the boom moves or is about to: pre-flash and pauses included."""
    if state == reg.STATE_OPENING or state == reg.STATE_CLOSING:
        return True
    return state == reg.STATE_HOMING or state == reg.STATE_REVERSING
