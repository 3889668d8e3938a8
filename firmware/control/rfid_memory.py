"""What the RFID core remembers from one scan to the next, all of it, and how it is saved.

Knows the names and widths of the remembered values; must not know what they mean to a reader. The tags seen lately
stand in rfid_reads, their windows are timers here. Everything else is computed anew in every scan.
"""

from firmware.control.timer import TIMER_SIZE, TimerBank
from protocols.bigendian import get_i32, put_i32
from protocols.compat import const

TIMER_ANSWER = const(0)
TIMER_POLL = const(1)
TIMER_PAUSE = const(2)
TIMER_GATE = const(3)
TIMER_TRIGGER = const(4)
TIMER_READ_OK = const(5)
TIMER_BEEP = const(6)
TIMER_NOISE = const(7)
TIMER_TAG = const(8)
TAG_COUNT = const(16)
TIMER_COUNT = TIMER_TAG + TAG_COUNT

SETUP_INFO = const(0)
SETUP_REGION = const(1)
SETUP_POWER = const(2)
SETUP_DONE = const(3)

_FORMAT_VERSION = const(2)

# Values from 0 to 255, one byte each.
_SMALL = (
    "state",
    "stopped",
    "setup",
    "request",
    "missed",
    "garbage",
    "junk",
    "rounds_run",
    "was_reading",
    "antenna",
    "vehicle",
    "direction",
    "seal",
    "button_before",
    "noise",
    "noisy",
    "antenna_fault",
)
# Values up to 2**30, four bytes each.
_WIDE = (
    "faults",
    "latched",
    "region",
    "power_dbm_x100",
    "read_head",
    "orphans",
    "reads_lost",
    "duplicates",
    "weak_reads",
    "gated_reads",
    "tag_crc_errors",
    "line_errors",
    "frames",
    "partial_rounds",
    "reader_error",
)

SAVE_SIZE = 1 + len(_SMALL) + 4 * len(_WIDE) + TIMER_SIZE * TIMER_COUNT


class RfidMemory:
    """Remembered values as attributes; the comment at each says what it means."""

    def __init__(self) -> None:
        self.state = 0  # STATE_*
        self.stopped = 0  # STOP was given and not START
        self.setup = SETUP_INFO  # SETUP_*: the next thing to tell the reader
        self.request = 0  # REQUEST_*: what the reader was asked and has not answered
        self.missed = 0  # questions in a row without an answer, at most MISSED_MAX
        self.garbage = 0  # the last question without an answer brought bytes, but no frame
        self.junk = 0  # bytes and no frame since the last question without an answer
        self.rounds_run = 0  # a multi poll may still be running in the reader
        self.was_reading = 0
        self.antenna = 1
        self.vehicle = 0  # a presence input was on, or could not be trusted
        self.direction = 0  # DIRECTION_*
        self.seal = 0  # protocols.rfid.eseal
        self.button_before = 1  # a button held at boot is not pressed
        self.noise = 0  # stretches of garbage in this window
        self.noisy = 0
        self.antenna_fault = 0
        self.faults = 0  # FAULTS_* bits
        self.latched = 0  # those that stay until CLEAR_FAULTS
        self.region = 0  # what the reader was told last
        self.power_dbm_x100 = 0
        self.read_head = 0
        self.orphans = 0  # reads since the hub was lost
        self.reads_lost = 0
        self.duplicates = 0
        self.weak_reads = 0
        self.gated_reads = 0
        self.tag_crc_errors = 0
        self.line_errors = 0
        self.frames = 0
        self.partial_rounds = 0
        self.reader_error = 0


def save_memory(memory: RfidMemory, timers: TimerBank, buffer: bytearray) -> int:
    """Write memory and timers into buffer (at least SAVE_SIZE bytes); returns SAVE_SIZE."""
    buffer[0] = _FORMAT_VERSION
    offset = 1
    for name in _SMALL:
        buffer[offset] = getattr(memory, name)
        offset += 1
    for name in _WIDE:
        put_i32(buffer, offset, getattr(memory, name))
        offset += 4
    return timers.save_into(buffer, offset)


def load_memory(memory: RfidMemory, timers: TimerBank, buffer: bytes | bytearray, now_ms: int) -> bool:
    """Take over what save_memory wrote; False, and nothing changed, if it is of another format or too short."""
    if len(buffer) < SAVE_SIZE or buffer[0] != _FORMAT_VERSION:
        return False
    offset = 1
    for name in _SMALL:
        setattr(memory, name, buffer[offset])
        offset += 1
    for name in _WIDE:
        setattr(memory, name, get_i32(buffer, offset))
        offset += 4
    timers.load_from(buffer, offset, now_ms)
    return True
