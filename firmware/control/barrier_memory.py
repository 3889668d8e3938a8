"""What the barrier core remembers from one scan to the next, all of it, and how it is saved.

Knows the names and widths of the remembered values; must not know what they mean to the boom. Everything that is not
here or in the timer bank is computed anew in every scan, so saving these two is saving the controller.

COUNTERS are written for the reader outside only: nothing in the control depends on them. RETAINED survive a power cut,
in this order, in the application's store; of these the control reads the learned times, within bounds (barrier_travel).
"""

from firmware.control.timer import TIMER_SIZE, TimerBank
from protocols.bigendian import get_i32, put_i32
from protocols.compat import const
from protocols.registers import barrier as reg

TIMER_GAP = const(0)
TIMER_TEST = const(1)
TIMER_PREFLASH = const(2)
TIMER_TRAVEL = const(3)
TIMER_PAUSE = const(4)
TIMER_SETTLE = const(5)
TIMER_LIMIT_LOST = const(6)
TIMER_AUTOMATIC = const(7)
TIMER_FLASH = const(8)
TIMER_COUNT = const(9)

LATCH_NONE = const(0)
LATCH_HOLD_OPEN = const(1)
LATCH_LOCK_CLOSED = const(2)

MOTOR_OFF = const(0)
MOTOR_OPENS = const(1)
MOTOR_CLOSES = const(2)

TEST_IDLE = const(0)
TEST_ACTIVE = const(1)
TEST_RELEASED = const(2)
TEST_DONE = const(3)

DEVICE_CURTAIN = const(0)
DEVICE_EDGE = const(1)
DEVICE_LOOPS = const(2)
DEVICE_COUNT = const(3)

_PRESENCE_AT_BOOT = 1 << reg.PRESENCE_SAFETY_LOOP
_FORMAT_VERSION = const(3)

# Values from 0 to 255, one byte each.
_SMALL = (
    "state",
    "mode",
    "homed",
    "latch",
    "presence",
    "vehicle_under",
    "test_phase",
    "test_device",
    "test_clears_fault",
    "motor",
    "last_direction",
    "full_travel",
    "limit_early",
    "closing_ran",
    "hold_to_run",
    "contacts",
    "may_close_itself",
    "automatic",
    "go",
    "used",
    "local_open_before",
    "local_close_before",
    "mains_before",
    "power_opening",
    "power_return",
    "fire_gave_up",
    "lights",
    "flash_on",
)
# Values up to 2**30, four bytes each.
_WIDE = (
    "faults",
    "position_permille",
    "position_start_permille",
    "travel_budget_ms",
    "travel_least_ms",
    "learned_open_ms",
    "learned_close_ms",
)
COUNTERS = (
    "travel_last_ms",
    "cycles",
    "openings",
    "passes",
    "passes_total",
    "tailgates",
    "reversals",
    "motor_ms",
    "motor_s",
    "operated_s",
    "stored_s",
    "asked_s",
    "asked_moves",
    "power_ons",
    "source",
)
RETAINED = (
    "learned_open_ms",
    "learned_close_ms",
    "cycles",
    "openings",
    "passes_total",
    "tailgates",
    "reversals",
    "motor_s",
    "power_ons",
)
COUNTER_MASK = const(0x3FFFFFFF)

_SAVED_WIDE = _WIDE + COUNTERS
SAVE_SIZE = 1 + len(_SMALL) + 4 * len(_SAVED_WIDE) + TIMER_SIZE * TIMER_COUNT


class BarrierCounters:
    """What COUNTERS names; in the device's life unless said otherwise."""

    def __init__(self) -> None:
        self.travel_last_ms = 0
        self.cycles = 0
        self.openings = 0
        self.passes = 0  # since the start
        self.passes_total = 0
        self.tailgates = 0
        self.reversals = 0
        self.motor_ms = 0  # part of a second that motor_s does not hold yet
        self.motor_s = 0
        self.operated_s = 0  # before this start
        self.stored_s = 0  # of operated_s and the time since the start: when the retained values were last stored
        self.asked_s = 0  # the same, of the last time it was tried
        self.asked_moves = 0  # cycles and openings then
        self.power_ons = 0
        self.source = 0  # COUNTERS_SOURCE_*


class BarrierMemory(BarrierCounters):
    """Remembered values as attributes; the comment at each says what it means."""

    def __init__(self) -> None:
        super().__init__()
        self.state = 0  # STATE_*
        self.mode = 0  # MODE_*
        self.homed = 0  # a limit was seen since the position was last in doubt
        self.latch = LATCH_NONE  # LATCH_*: HOLD_OPEN and LOCK_CLOSED last until RELEASE
        # Presence word of the last scan. Before the first one somebody may be there: clear sensors at boot are bridged.
        self.presence = _PRESENCE_AT_BOOT
        self.vehicle_under = 0  # the presence going on is a vehicle that came while the boom was open
        self.test_phase = TEST_IDLE  # TEST_*: test of the device test_device, or all of them done
        self.test_device = 0  # DEVICE_*
        self.test_clears_fault = 0  # the running tests were asked for by CLEAR_FAULTS
        self.motor = MOTOR_OFF  # MOTOR_*: what is driven now
        self.last_direction = MOTOR_OFF  # MOTOR_*: the direction driven last
        self.full_travel = 0  # the travel began at the other limit, so its duration can be learned
        self.limit_early = 0  # LIMIT_OPEN has been there since before the boom could be: it is not believed
        self.closing_ran = 0  # the motor has run in this closing
        self.hold_to_run = 0  # this closing or local opening runs only while its button is held
        self.contacts = 0  # edge contacts since the last complete closing
        self.may_close_itself = 0  # opened by a remote command, so automatic closing is allowed
        self.automatic = 0  # AUTOMATIC_*: the movement whose delay runs
        self.go = 0  # an opening was commanded and no vehicle has used it yet
        self.used = 0  # a vehicle has gone through since the boom was opened
        self.local_open_before = 1  # buttons count as pressed at boot: a stuck one is not a command
        self.local_close_before = 1
        # Mains already out at boot is no failure to act on; mains that is there at boot has returned.
        self.mains_before = 0
        self.power_opening = 0  # the opening of power_loss_action is going on
        self.power_return = 0  # mains has returned and power_return_action is not done yet
        self.fire_gave_up = 0  # the fire opening ran into its time-out
        self.lights = 1  # LIGHTS_*
        self.flash_on = 1  # phase of the flashing lamp
        self.faults = 0  # latched FAULTS_* bits
        self.position_permille = 500
        self.position_start_permille = 500  # where the running travel began
        self.travel_budget_ms = 0  # the running travel's time-out
        self.travel_least_ms = 0  # the running opening cannot have reached its limit before; 0 = not known
        self.learned_open_ms = 0  # 0 = not learned yet
        self.learned_close_ms = 0


def save_memory(memory: BarrierMemory, timers: TimerBank, buffer: bytearray) -> int:
    """Write the whole controller into buffer (at least SAVE_SIZE bytes); returns SAVE_SIZE."""
    buffer[0] = _FORMAT_VERSION
    offset = 1
    for name in _SMALL:
        buffer[offset] = getattr(memory, name)
        offset += 1
    for name in _SAVED_WIDE:
        put_i32(buffer, offset, getattr(memory, name))
        offset += 4
    return timers.save_into(buffer, offset)


def load_memory(memory: BarrierMemory, timers: TimerBank, buffer: bytes | bytearray, now_ms: int) -> bool:
    """Take over what save_memory wrote; False, and nothing changed, if it is of another format or too short."""
    if len(buffer) < SAVE_SIZE or buffer[0] != _FORMAT_VERSION:
        return False
    offset = 1
    for name in _SMALL:
        setattr(memory, name, buffer[offset])
        offset += 1
    for name in _SAVED_WIDE:
        setattr(memory, name, get_i32(buffer, offset))
        offset += 4
    timers.load_from(buffer, offset, now_ms)
    return True
