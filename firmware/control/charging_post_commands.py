"""The charging post's commands and local buttons: which does what in which state.

Knows opcodes, the key switch and the buttons; must not know motors or contactors. The table below is the whole rule of
what a command does in a state; interlocks it needs besides are asked afterwards.
"""

from firmware.control.charging_post_faults import PostFaults
from firmware.control.charging_post_memory import JOG_EXTEND, JOG_NONE, JOG_RETRACT, PostMemory
from firmware.control.charging_post_states import PostStates
from protocols.compat import const
from protocols.registers import charging_post as reg

_NOTHING = const(0x2E)  # '.' accepted, nothing to do
_BEGINS = const(0x42)  # 'B' begins a session
_ENDS = const(0x45)  # 'E' ends the session or proves the post safe anew
_TURNS = const(0x54)  # 'T' the ending that runs is turned into this kind
_REFUSED = const(0x78)  # 'x' refused in this state

# Columns in the order of STATE_*: IDLE VEHICLE_PRESENT HANDSHAKE EXTEND CONTACT_CHECK INSULATION_TEST PRECHARGE
# CONTACTOR_CLOSE RAMP CC CV TAPER_END RAMP_DOWN CONTACTOR_OPEN WELD_CHECK RETRACT RELEASE STOPPED ESTOP FAULT MANUAL.
# docs/roles/charging_post.md shows the same table.
_START_ROW = b"xBxxxxxxxxxxxxxxBxxxx"
_STOP_ROW = b"..EEEEEEEEEETTTT....."
_RELEASE_ROW = b"..EEEEEEEEEETTTT.ExEx"

_ACCEPTED = reg.COMMAND_RESULT_ACCEPTED
_REFUSED_STATE = reg.COMMAND_RESULT_REFUSED_STATE
_REFUSED_INTERLOCK = reg.COMMAND_RESULT_REFUSED_INTERLOCK


class PostCommands:
    """Turns one request per scan and the buttons into calls on the states."""

    def __init__(self, memory: PostMemory, states: PostStates, faults: PostFaults) -> None:
        self.memory = memory
        self.states = states
        self.faults = faults

    def handle(self, opcode: int) -> int:
        """Carry out one remote command; returns COMMAND_RESULT_*. A refused command leaves nothing behind."""
        if opcode == reg.OP_STOP:
            return self._apply(_STOP_ROW, 1)
        if opcode == reg.OP_CLEAR_FAULTS:
            return _ACCEPTED if self.faults.acknowledge() else _REFUSED_INTERLOCK
        if opcode < reg.OP_START or opcode > reg.OP_UNLOCK:
            return reg.COMMAND_RESULT_UNKNOWN_OPCODE
        if self.states.inputs.values[reg.IN_LOCAL_MODE]:
            return reg.COMMAND_RESULT_REFUSED_LOCAL
        if opcode == reg.OP_LOCK or opcode == reg.OP_UNLOCK:
            self.memory.locked = 1 if opcode == reg.OP_LOCK else 0  # the states end a running session
            return _ACCEPTED
        return self._apply(_START_ROW if opcode == reg.OP_START else _RELEASE_ROW, 0)

    def handle_buttons(self) -> None:
        """Hold-to-run, in MANUAL only. A press counts when it begins there, so a stuck button moves nothing."""
        memory = self.memory
        values = self.states.inputs.values
        if memory.state != reg.STATE_MANUAL or not values[reg.IN_STOP_BUTTON_OK]:
            memory.jog = JOG_NONE
            memory.extend_before = 1
            memory.retract_before = 1
            return
        extend = values[reg.IN_LOCAL_EXTEND]
        retract = values[reg.IN_LOCAL_RETRACT]
        held = extend if memory.jog == JOG_EXTEND else retract
        if (extend and retract) or not held:
            memory.jog = JOG_NONE
        if extend and not retract and not memory.extend_before:
            memory.jog = JOG_EXTEND
        elif retract and not extend and not memory.retract_before:
            memory.jog = JOG_RETRACT
        memory.extend_before = 1 if extend else 0
        memory.retract_before = 1 if retract else 0

    def _apply(self, row: bytes, halt: int) -> int:
        action = row[self.memory.state]
        if action == _REFUSED:
            return _REFUSED_STATE
        if action == _NOTHING:
            return _ACCEPTED
        if action == _BEGINS:
            return self._begin()
        if not halt and (self.states.watch.is_inhibited() or self._is_blocked()):
            return _REFUSED_INTERLOCK
        if action == _TURNS:
            self.memory.halt = halt
        else:
            assert action == _ENDS
            self.states.end(reg.END_REASON_COMMAND, halt)
        return _ACCEPTED

    def _begin(self) -> int:
        if not self.states.may_start():
            return _REFUSED_INTERLOCK
        self.states.begin_session()
        return _ACCEPTED

    def _is_blocked(self) -> bool:
        return self.memory.state == reg.STATE_FAULT and self.memory.block_fault != 0
