"""The barrier's commands and local buttons: which does what in which state.

Knows opcodes, the key switch and the buttons; must not know motors or lamps. The table below is the whole rule of what
a command does in a state; what it needs besides (clear path, remote mode, no contrary latch) is asked afterwards.
"""

from firmware.control.barrier_faults import FAULT_SECOND_CONTACT, FAULTS_OF_TESTS, BarrierFaults
from firmware.control.barrier_memory import (
    LATCH_HOLD_OPEN,
    LATCH_LOCK_CLOSED,
    LATCH_NONE,
    MOTOR_OFF,
    BarrierMemory,
)
from firmware.control.barrier_states import BarrierStates
from protocols.compat import const
from protocols.registers import barrier as reg

_NOTHING = const(0x2E)  # '.' accepted, nothing to move
_OPENS = const(0x4F)  # 'O' opens, or makes the open boom's light ready for the next vehicle
_CLOSES = const(0x43)  # 'C' closes if the path is clear
_STOPS = const(0x53)  # 'S' stops
_REFUSED = const(0x78)  # 'x' refused in this state

# Columns in the order of STATE_*: UNKNOWN HOMING CLOSED OPENING OPEN HOLD_OPEN CLOSING STOPPED_MID REVERSING BLOCKED
# LOCKED_CLOSED FIRE_OPEN ESTOP MANUAL_RELEASED POWER_FAIL FAULT. docs/roles/barrier.md shows the same table.
_STOP_ROW = b".S.SSSS.S..x..S."
_OPEN_ROW = b"O.O.OOOO.xxxxxxx"
_CLOSE_ROW = b"xx.xCx.Cxx.xxxxx"
_LOCAL_OPEN_ROW = b"O.O.OOOO.OOxxxxx"
_LOCAL_CLOSE_ROW = b"Cx.xCxxCxx.xxxxx"

_ACCEPTED = reg.COMMAND_RESULT_ACCEPTED
_REFUSED_STATE = reg.COMMAND_RESULT_REFUSED_STATE
_REFUSED_INTERLOCK = reg.COMMAND_RESULT_REFUSED_INTERLOCK


class BarrierCommands:
    """Turns one request or button press per scan into calls on the states."""

    def __init__(self, memory: BarrierMemory, states: BarrierStates, faults: BarrierFaults) -> None:
        self.memory = memory
        self.states = states
        self.faults = faults

    def handle(self, opcode: int) -> int:
        """Carry out one remote command; returns COMMAND_RESULT_*. A refused command leaves nothing behind."""
        if opcode == reg.OP_STOP:
            return self._stop()
        if opcode == reg.OP_CLEAR_FAULTS:
            return self._clear_faults()
        row = _row_of(opcode)
        if not row and opcode != reg.OP_RELEASE:
            return reg.COMMAND_RESULT_UNKNOWN_OPCODE
        if self.states.inputs.values[reg.IN_LOCAL_MODE]:
            return reg.COMMAND_RESULT_REFUSED_LOCAL
        if opcode == reg.OP_RELEASE:
            self.memory.latch = LATCH_NONE
            return _ACCEPTED
        opens = opcode == reg.OP_OPEN or opcode == reg.OP_HOLD_OPEN
        if self.memory.latch == (LATCH_LOCK_CLOSED if opens else LATCH_HOLD_OPEN):
            return _REFUSED_STATE
        return self._apply(row, _latch_of(opcode), 1)

    def handle_buttons(self) -> None:
        """A press counts when it begins, so a button held or stuck over a stop is not a new command."""
        memory = self.memory
        values = self.states.inputs.values
        local = values[reg.IN_LOCAL_MODE]
        local_open = values[reg.IN_LOCAL_OPEN]
        local_close = values[reg.IN_LOCAL_CLOSE]
        if local and local_open and not memory.local_open_before:
            if memory.state == reg.STATE_BLOCKED:
                memory.contacts = 0
                self.faults.clear(FAULT_SECOND_CONTACT)
            self._apply(_LOCAL_OPEN_ROW, LATCH_NONE, 0)
        elif local and local_close and not local_open and not memory.local_close_before:
            self._press_close()
        memory.local_open_before = local_open
        memory.local_close_before = local_close

    def _press_close(self) -> None:
        """Hold-to-run closing works with faulty safety devices, but not against HOLD_OPEN or onto a presence."""
        action = _LOCAL_CLOSE_ROW[self.memory.state]
        if action == _CLOSES and self.memory.latch != LATCH_HOLD_OPEN and self.states.can_close(1):
            self.states.begin_closing(1)

    def _apply(self, row: bytes, latch: int, remote: int) -> int:
        memory = self.memory
        action = row[memory.state]
        if action == _REFUSED:
            return _REFUSED_STATE
        if action == _CLOSES and not self.states.can_close(0):
            return _REFUSED_INTERLOCK
        if latch != LATCH_NONE:
            memory.latch = latch
        self.states.end_automatic()
        if action == _STOPS:
            self.states.stop()
        elif action == _OPENS:
            memory.may_close_itself = remote
            self.states.open_boom(0 if remote else self._local_hold())
        elif action == _CLOSES:
            self.states.begin_closing(0)
        else:
            assert action == _NOTHING
            if remote:
                memory.hold_to_run = 0  # the key has just left local: what opens is the hub's from now on
        return _ACCEPTED

    def _stop(self) -> int:
        """Also ends the opening of a mains failure, one that came in this very scan included."""
        result = self._apply(_STOP_ROW, LATCH_NONE, 0)
        if result == _ACCEPTED:
            self.memory.power_opening = 0
        return result

    def _local_hold(self) -> int:
        settings = self.states.settings
        return 1 if settings[reg.SET_LOCAL_OPEN] == reg.LOCAL_OPEN_HOLD_TO_RUN else 0

    def _clear_faults(self) -> int:
        """Accepted if something was cleared, the device tests were started, or nothing stood.

        Nobody who clears from afar sees that the path is free again, so a series of contacts goes on.
        """
        memory = self.memory
        before = memory.faults
        self.faults.acknowledge()
        tests = memory.faults & FAULTS_OF_TESTS and self._may_test()
        if tests:
            self.states.tests.begin(1)
        if memory.faults and memory.faults == before and not tests:
            return _REFUSED_INTERLOCK
        return _ACCEPTED

    def _may_test(self) -> bool:
        """Only at rest; a closing tests by itself."""
        memory = self.memory
        if memory.motor != MOTOR_OFF or memory.state == reg.STATE_CLOSING:
            return False
        return self.states.tests.can_begin()


def _row_of(opcode: int) -> bytes:
    if opcode == reg.OP_OPEN or opcode == reg.OP_HOLD_OPEN:
        return _OPEN_ROW
    return _CLOSE_ROW if opcode == reg.OP_CLOSE or opcode == reg.OP_LOCK_CLOSED else b""


def _latch_of(opcode: int) -> int:
    if opcode == reg.OP_HOLD_OPEN:
        return LATCH_HOLD_OPEN
    return LATCH_LOCK_CLOSED if opcode == reg.OP_LOCK_CLOSED else LATCH_NONE
