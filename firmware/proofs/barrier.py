"""What is proven of the barrier: its properties, each with its clause.

Host only; never deployed. Knows the meaning of the barrier's fields. Must not know how the search works.
docs/explorer.md tells how to read and extend this.
"""

from __future__ import annotations

from typing import Any

from firmware.control.barrier_faults import FAULTS_DEGRADING
from firmware.control.barrier_memory import (
    LATCH_LOCK_CLOSED,
    MOTOR_CLOSES,
    MOTOR_OFF,
    MOTOR_OPENS,
    TEST_ACTIVE,
    TEST_DONE,
    TIMER_PAUSE,
    TIMER_TRAVEL,
)
from firmware.proofs import barrier_model
from hil.explore.model import Leads, Model, Property
from protocols.registers import barrier as reg

_UNDER_BOOM = 1 << reg.PRESENCE_SAFETY_LOOP | 1 << reg.PRESENCE_EXIT_LOOP | 1 << reg.PRESENCE_LIGHT_CURTAIN


def build() -> Model:
    """The barrier's model with everything that is proven of it."""
    model = barrier_model.build()
    model.properties, model.liveness = _PROPERTIES, _LIVENESS
    return model


# What the properties ask for.


def _drives(scan: Any) -> Any:
    return scan.core.memory.motor != MOTOR_OFF


def _closes(scan: Any) -> Any:
    return scan.core.outputs[reg.OUT_MOTOR_CLOSE]


def _opens(scan: Any) -> Any:
    return scan.core.outputs[reg.OUT_MOTOR_OPEN]


def _input(scan: Any, index: int) -> Any:
    return scan.core.sensed.values[index]


def _is_open(scan: Any) -> Any:
    state = scan.core.memory.state
    return state == reg.STATE_OPEN or state == reg.STATE_HOLD_OPEN


# Safety.


def _no_closing_on_presence(scan: Any) -> bool:
    return not (_closes(scan) and scan.before("in.sensors") & _UNDER_BOOM)


def _no_closing_on_contact(scan: Any) -> bool:
    return not (_closes(scan) and scan.before("in.contact"))


def _no_closing_untested(scan: Any) -> bool:
    return not (_closes(scan) and scan.core.memory.test_phase != TEST_DONE)


def _stop_chain_wins(scan: Any) -> bool:
    return bool(_input(scan, reg.IN_STOP_CHAIN_OK)) or not _drives(scan)


def _stop_command_wins(scan: Any) -> bool:
    if scan.before("in.request_opcode") != reg.OP_STOP or not _drives(scan):
        return True
    if scan.core.request_result != reg.COMMAND_RESULT_ACCEPTED:
        return True
    if scan.core.memory.state == reg.STATE_FIRE_OPEN:
        return True
    return bool(_input(scan, reg.IN_LOCAL_MODE) and _input(scan, reg.IN_LOCAL_OPEN))


def _hands_off(scan: Any) -> bool:
    return not (_input(scan, reg.IN_MANUAL_RELEASED) and _drives(scan))


def _one_motor(scan: Any) -> bool:
    return not (_opens(scan) and _closes(scan))


def _pause_between(scan: Any) -> bool:
    motor, before = scan.core.memory.motor, scan.before("memory.motor")
    if motor == MOTOR_OFF or motor == before:
        return True
    if before != MOTOR_OFF:
        return False
    other = motor != scan.before("memory.last_direction")
    return not (other and scan.core.timers.is_running(TIMER_PAUSE))


def _travel_is_timed(scan: Any) -> bool:
    return not _drives(scan) or bool(scan.core.timers.is_running(TIMER_TRAVEL))


def _green_means_clear(scan: Any) -> bool:
    if not scan.core.outputs[reg.OUT_LIGHT_GREEN]:
        return True
    if _drives(scan) or scan.before("in.sensors") & _UNDER_BOOM:
        return False
    return bool(_is_open(scan) and _input(scan, reg.IN_LIMIT_OPEN) and scan.core.hub_alive)


def _degraded_is_held(scan: Any) -> bool:
    if not _closes(scan) or not scan.core.memory.faults & FAULTS_DEGRADING:
        return True
    return bool(_input(scan, reg.IN_LOCAL_MODE) and _input(scan, reg.IN_LOCAL_CLOSE))


def _second_contact_stops(scan: Any) -> bool:
    if scan.before("memory.motor") != MOTOR_CLOSES or not scan.before("memory.contacts"):
        return True
    if scan.before("memory.state") != reg.STATE_CLOSING:
        return True
    if not scan.before("in.contact") or scan.core.sensed.edge_bad:
        return True
    return not _drives(scan) and scan.core.memory.state != reg.STATE_REVERSING


def _locked_stays(scan: Any) -> bool:
    if scan.before("memory.latch") != LATCH_LOCK_CLOSED or scan.core.memory.latch != LATCH_LOCK_CLOSED:
        return True
    state = scan.core.memory.state
    if scan.before("memory.state") != reg.STATE_LOCKED_CLOSED:
        return True
    return not (state == reg.STATE_OPENING or state == reg.STATE_HOMING) or bool(_input(scan, reg.IN_LOCAL_MODE))


def _fire_opens(scan: Any) -> bool:
    """Only the stop chain and the hand crank stand above fire; the motor waits for its pause and ends at the limit."""
    if not _input(scan, reg.IN_FIRE) or not _input(scan, reg.IN_STOP_CHAIN_OK):
        return True
    if _input(scan, reg.IN_MANUAL_RELEASED):
        return True
    if scan.core.memory.state != reg.STATE_FIRE_OPEN or _closes(scan):
        return False
    if _opens(scan) or scan.core.sensed.is_up or scan.core.memory.fire_gave_up:
        return True
    return bool(scan.before("memory.motor") != MOTOR_OFF or scan.core.timers.is_running(TIMER_PAUSE))


_OPENING = (reg.STATE_OPENING, reg.STATE_HOMING, reg.STATE_REVERSING, reg.STATE_FIRE_OPEN)


def _early_limit_is_not_open(scan: Any) -> bool:
    """Neither OPEN nor green; and what opened goes on until its time is over and LIMIT_STUCK found, also in a fire."""
    if not scan.core.memory.limit_early:
        return True
    if _is_open(scan) or scan.core.outputs[reg.OUT_LIGHT_GREEN]:
        return False
    if scan.before("memory.motor") != MOTOR_OPENS or scan.core.memory.state not in _OPENING:
        return True
    if scan.before("memory.state") == reg.STATE_POWER_FAIL:
        return True  # without mains its end is told by nothing
    return bool(_opens(scan) or scan.core.faults.found & 1 << reg.FAULTS_LIMIT_STUCK)


_AT_REST = (reg.STATE_UNKNOWN, reg.STATE_CLOSED, reg.STATE_OPEN, reg.STATE_HOLD_OPEN, reg.STATE_STOPPED_MID,
            reg.STATE_BLOCKED, reg.STATE_LOCKED_CLOSED, reg.STATE_ESTOP, reg.STATE_MANUAL_RELEASED, reg.STATE_FAULT)  # fmt: skip


def _nothing_by_itself(scan: Any) -> bool:
    """A movement begins from rest only with a command, a local button, fire, a mains failure or an announced delay."""
    if scan.before("memory.state") not in _AT_REST or scan.before("memory.motor") != MOTOR_OFF:
        return True
    if not _drives(scan):
        return True
    asked = scan.before("in.request_opcode") or _input(scan, reg.IN_FIRE) or not _input(scan, reg.IN_MAINS_OK)
    if asked or (
        _input(scan, reg.IN_LOCAL_MODE) and (_input(scan, reg.IN_LOCAL_OPEN) or _input(scan, reg.IN_LOCAL_CLOSE))
    ):
        return True
    return bool(scan.before("memory.automatic"))


def _bad_input_is_told(scan: Any) -> bool:
    """Whatever else it does: the fault is latched, health is FAILURE and the reason is given, in the same scan."""
    if not scan.core.sensed.bad:
        return True
    told = scan.core.memory.faults & 1 << reg.FAULTS_INPUT_BAD and scan.core.health == reg.HEALTH_FAILURE
    return bool(told and scan.core.reasons & 1 << reg.REASONS_INPUT_BAD)


def _released_button_stops(scan: Any) -> bool:
    if scan.before("memory.state") != reg.STATE_CLOSING or not scan.before("memory.hold_to_run") or not _closes(scan):
        return True
    opcode = scan.before("in.request_opcode")
    if (opcode == reg.OP_CLOSE or opcode == reg.OP_LOCK_CLOSED) and not _input(scan, reg.IN_LOCAL_MODE):
        return True
    return bool(_input(scan, reg.IN_LOCAL_MODE) and _input(scan, reg.IN_LOCAL_CLOSE))


_PROPERTIES = [
    Property("no-closing-on-presence", "The boom is never driven down while a loop or the light curtain under it reports "
             "somebody, or its quality is doubtful (EN 12453: low-level non-contact device; standards 1.1).",
             _no_closing_on_presence, "MOTOR_CLOSE"),
    Property("no-closing-on-contact", "The boom is never driven down while the safety edge is pressed, broken or of bad "
             "quality (EN 12453, UL 325 type B2; standards 1.1, 1.2).", _no_closing_on_contact, "MOTOR_CLOSE"),
    Property("no-closing-untested", "The boom is never driven down before all monitored devices were tested in this "
             "cycle (UL 325: external devices are monitored once per cycle; standards 1.2).", _no_closing_untested, "MOTOR_CLOSE"),
    Property("stop-chain-wins", "With the stop chain open no motor is driven, from the same scan on (LiftMaster "
             "SW-2000-X3 MAN STOP: overrides everything; standards 1.3).", _stop_chain_wins),
    Property("stop-command-wins", "After an accepted STOP no motor is driven in the same scan, except for fire or the local open "
             "button (priority STOP > FIRE > OPEN > CLOSE; standards 1.3).", _stop_command_wins),
    Property("hands-off", "With the boom uncoupled no motor is driven (hand crank; standards 1.5 MANUAL_RELEASED).",
             _hands_off),
    Property("one-motor", "The two motor outputs are never on together (standards 1.5).", _one_motor),
    Property("pause-between-directions", "The direction never changes without a scan with the motor off, nor within "
             "reverse_pause_ms (docs/roles/barrier.md, Closing).", _pause_between),
    Property("travel-is-timed", "A motor runs only while its travel time-out runs, so no output stays driven without a "
             "fresh decision (standards 1.5 TRAVEL_TIMEOUT).", _travel_is_timed),
    Property("green-means-clear", "Green shows only with the boom at its open limit, no motor, nobody under it and the "
             "hub there (standards 1.5: green only when OPEN is confirmed by limit and the path is clear).",
             _green_means_clear, "LIGHT_GREEN"),
    Property("early-limit-is-not-open", "An open limit that came before the boom could be there makes neither OPEN nor green, "
             "and the opening goes on until its time is over, which is told but of one without mains (standards 1.5: OPEN confirmed by limit, judged by the learned time).",
             _early_limit_is_not_open, "LIGHT_GREEN"),
    Property("degraded-is-held", "With a faulty safety device the boom closes only while the local button is held (UL "
             "325: only constant-pressure control; standards 1.2).", _degraded_is_held, "MOTOR_CLOSE"),
    Property("second-contact-stops", "A contact in the closing after a contact stops the boom and does not reverse it, "
             "whatever is asked in that scan or was cleared in between (UL 325: second contact stops only; standards 1.2).", _second_contact_stops),
    Property("locked-stays-closed", "LOCKED_CLOSED is left for an opening only by the local button, fire, mains failure "
             "or RELEASE, never by a remote opening (docs/roles/barrier.md, States).", _locked_stays),
    Property("fire-opens", "Fire opens and never closes, unless the stop chain is open or the boom uncoupled (LiftMaster "
             "SW-2000-X3 FIRE: everything but manual stop; standards 1.3).", _fire_opens),
    Property("nothing-by-itself", "From rest, so also after a boot and a stop, no motor starts without a command, a local "
             "button, fire, a mains failure or an announced automatic movement (docs/roles/barrier.md).",
             _nothing_by_itself),
    Property("released-button-stops", "A hold-to-run closing ends in the scan in which the button is let go, unless a remote "
             "closing takes it over in that scan (EN 12453: hold-to-run; standards 1.1).", _released_button_stops),
    Property("bad-input-is-told", "After any single bad input the barrier says why: INPUT_BAD latched, health FAILURE, "
             "reason INPUT_BAD, in the same scan (NE 107).", _bad_input_is_told),
]  # fmt: skip


def _nothing_wrong(scan: Any) -> bool:
    """All inputs are good and well; what the plant does (limits) and what is asked (commands) stays free.

    While a device's test output is on the devices may report: that is how they answer.
    """
    if scan.core.sensed.bad or scan.core.sensed.uncertain:
        return False
    if scan.before("in.sensors") & _UNDER_BOOM and scan.before("memory.test_phase") != TEST_ACTIVE:
        return False
    ok = (reg.IN_STOP_CHAIN_OK, reg.IN_LOOPS_OK, reg.IN_ARM_INTACT, reg.IN_DRIVE_OK, reg.IN_MAINS_OK)
    wrong = (reg.IN_FIRE, reg.IN_MANUAL_RELEASED, reg.IN_LOCAL_MODE)
    if any(not _input(scan, index) for index in ok) or any(_input(scan, index) for index in wrong):
        return False
    return not (_input(scan, reg.IN_LIMIT_OPEN) and _input(scan, reg.IN_LIMIT_CLOSED)) and bool(scan.core.hub_alive)


def _gets_green(scan: Any) -> bool:
    return bool(scan.core.outputs[reg.OUT_LIGHT_GREEN])


def _gets_open(scan: Any) -> bool:
    return bool(_is_open(scan) and _input(scan, reg.IN_LIMIT_OPEN) and not _drives(scan))


_LIVENESS = [
    Leads("a-truck-can-leave", "From every reachable state the boom gets open when the site helps: inputs well, remote "
          "commands only (issue: a truck can always leave).", _gets_open, _nothing_wrong),
    Leads("green-comes-back", "From every reachable state the light gets green again when the site helps.", _gets_green,
          _nothing_wrong),
]  # fmt: skip
