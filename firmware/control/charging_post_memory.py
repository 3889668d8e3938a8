"""What the charging post's core remembers from one scan to the next, all of it, and how it is saved.

Knows the names and widths of the remembered values; must not know what they mean to the post. Everything that is not
here or in the timer bank is computed anew in every scan, so saving these two is saving the controller.

Two groups: what decisions read, and the record (COUNTERS), which no decision reads; a search of the reachable states
may merge states that differ in the second group only. Of the two sequence numbers only "same as in the last scan" is
read.
"""

from firmware.control.timer import TIMER_SIZE, TimerBank
from protocols.bigendian import get_i32, put_i32
from protocols.compat import const

TIMER_STATE = const(0)  # time-out of the state; while charging, the pace of the current's ramp
TIMER_HOLD = const(1)  # a condition must last: battery on the plates, taper current, no current
TIMER_VEHICLE = const(2)  # the vehicle's heartbeat
TIMER_MODULE = const(3)  # the power module's heartbeat
TIMER_CHARGE = const(4)  # longest charge
TIMER_SUPPLY = const(5)  # the power module gives nothing of what it is asked
TIMER_COUNT = const(6)

JOG_NONE = const(0)
JOG_EXTEND = const(1)
JOG_RETRACT = const(2)

_FORMAT_VERSION = const(2)

# Values from 0 to 255, one byte each; decisions read them.
DECISIONS = (
    "state",
    "halt",
    "locked",
    "block_fault",
    "stop_fault",
    "contactor",
    "connect",
    "imd_tested",
    "extend_before",
    "retract_before",
    "jog",
    "session_open",
    "module_sequence",
)
# Values up to 2**30, four bytes each; decisions read them.
WIDE_DECISIONS = ("set_a_x10", "vehicle_sequence")
# The record: nothing is decided by these.
COUNTERS = (
    "mode",
    "end_reason",
    "load_breaks",
    "sessions",
    "session_vehicle_id",
    "session_s",
    "session_wh",
    "session_mah",
    "session_peak_a_x10",
    "total_wh",
    "total_mah",
    "meter_phase_ms",
    "meter_v_x10",
    "meter_a_x10",
    "meter_energy",
    "meter_energy_rest",
    "meter_charge",
)
_WIDE = WIDE_DECISIONS + COUNTERS

SAVE_SIZE = 1 + len(DECISIONS) + 4 * len(_WIDE) + TIMER_SIZE * TIMER_COUNT


class PostMemory:
    """Remembered values as attributes; the comment at each says what it means."""

    def __init__(self, start_state: int, start_reason: int) -> None:
        self.state = start_state  # STATE_*
        self.halt = 1  # the ending that runs leaves the contacts where they are
        self.locked = 0  # LOCK is in force
        self.block_fault = 0  # first fault that holds the contacts where they are: bit number + 1, 0 none
        self.stop_fault = 0  # first fault that ended a session: bit number + 1, 0 none
        self.contactor = 0  # the main contactor is commanded closed
        self.connect = 0  # the vehicle is asked to connect its battery to the plates
        self.imd_tested = 0  # the insulation monitor has begun the self-test it was asked for
        self.extend_before = 1  # buttons count as pressed until seen released: a stuck one is not a command
        self.retract_before = 1
        self.jog = JOG_NONE  # JOG_*: which button is being held
        self.session_open = 0  # a session's record is being written
        self.module_sequence = 0  # of the power module, as of the last scan
        self.set_a_x10 = 0  # current asked of the module
        self.vehicle_sequence = 0  # of the vehicle's frame, as of the last scan
        self.mode = 0  # MODE_*
        self.end_reason = start_reason  # END_REASON_*
        self.load_breaks = 0
        self.sessions = 0
        self.session_vehicle_id = 0
        self.session_s = 0
        self.session_wh = 0
        self.session_mah = 0
        self.session_peak_a_x10 = 0
        self.total_wh = 0
        self.total_mah = 0
        self.meter_phase_ms = 0  # since the last whole second of the session
        self.meter_v_x10 = 0  # what has been flowing since the last scan
        self.meter_a_x10 = 0
        self.meter_energy = 0  # not yet a Wh, in 0.01 W s
        self.meter_energy_rest = 0  # not yet 0.01 W s, in 0.01 W ms
        self.meter_charge = 0  # not yet a mAh, in 0.1 A ms


def save_memory(memory: PostMemory, timers: TimerBank, buffer: bytearray) -> int:
    """Write the whole controller into buffer (at least SAVE_SIZE bytes); returns SAVE_SIZE."""
    buffer[0] = _FORMAT_VERSION
    offset = 1
    for name in DECISIONS:
        buffer[offset] = getattr(memory, name)
        offset += 1
    for name in _WIDE:
        put_i32(buffer, offset, getattr(memory, name))
        offset += 4
    return timers.save_into(buffer, offset)


def load_memory(memory: PostMemory, timers: TimerBank, buffer: bytes | bytearray, now_ms: int) -> bool:
    """Take over what save_memory wrote; False, and nothing changed, if it is of another format or too short."""
    if len(buffer) < SAVE_SIZE or buffer[0] != _FORMAT_VERSION:
        return False
    offset = 1
    for name in DECISIONS:
        setattr(memory, name, buffer[offset])
        offset += 1
    for name in _WIDE:
        setattr(memory, name, get_i32(buffer, offset))
        offset += 4
    timers.load_from(buffer, offset, now_ms)
    return True
