"""What the weighbridge core remembers from one scan to the next, and how it is saved.

Knows the names of the remembered values; must not know what they mean to a weight. Beside it stand the timer bank and
the signal path (sampler and stability window), which keep samples and save themselves. Everything else is computed
anew in every scan.
"""

from firmware.control.timer import TIMER_SIZE, TimerBank
from protocols.bigendian import get_i32, put_i32
from protocols.compat import const

TIMER_SILENT = const(0)
TIMER_STALE = const(1)
TIMER_UNDERLOAD = const(2)
TIMER_COUNT = const(3)

# What the core waits for the application to do, in `Weighbridge.pending`.
PENDING_NONE = const(0)
PENDING_RECORD = const(1)
PENDING_SETTING = const(2)
PENDING_READ = const(3)

# Fields of `Weighbridge.record`, the alibi record that is to be written or was read.
RECORD_SEQUENCE = const(0)
RECORD_ID = const(1)
RECORD_GROSS = const(2)
RECORD_TARE = const(3)
RECORD_FLAGS = const(4)
RECORD_BOOT = const(5)
RECORD_UPTIME_S = const(6)
RECORD_CALIBRATION = const(7)
RECORD_E_KG = const(8)
RECORD_COUNT = const(9)

FORMAT_VERSION = const(4)

_NAMES = (
    "state",
    "faults",
    "calibration_count",
    "recalibration_due",
    "local",
    "local_zero_before",
    "local_tare_before",
    "local_register_before",
    "max_kg",
    "e_kg",
    "zero_counts",
    "span_counts",
    "mode",
    "rules",
    "is_started",
    "is_blocked",
    "valid",
    "kg_x10",
    "overload",
    "underload",
    "on_deck",
    "zero_offset",
    "zero_is_set",
    "zero_initial",
    "zero_track_ms",
    "zero_out_of_range",
    "zero_drift",
    "drift_ms",
    "rest_error",
    "entry_error",
    "is_entered",
    "tare_kg_x10",
    "tare_is_preset",
    "rest_kg_x10",
    "beam_broken",
    "second_vehicle",
    "registered_here",
    "registered_kg_x10",
    "registered_id",
    "registered_count",
    "registered_tare_kg_x10",
    "registered_flags",
    "draft_id",
    "draft_count",
    "draft_sum_kg_x10",
    "draft_last_kg_x10",
    "draft_flags",
    "draft_group",
    "draft_here",
    "alibi_newest",
)

MEMORY_SIZE = 4 * len(_NAMES) + TIMER_SIZE * TIMER_COUNT


class WeighbridgeMemory:
    """Remembered values as attributes; the comment at each says what it means. Flags are 0 or 1."""

    def __init__(self) -> None:
        self.state = 0  # STATE_*
        self.faults = 0  # FAULTS_* bits of the last scan
        self.calibration_count = 0  # changes of metrological settings, wrapping at 2**16
        self.recalibration_due = 0  # the calibration in force was made with another board
        self.local = 0  # the key switch is on
        self.local_zero_before = 1  # buttons count as pressed at boot: a stuck one is not a command
        self.local_tare_before = 1
        self.local_register_before = 1
        # The settings in force, and whether there are any.
        self.max_kg = 0
        self.e_kg = 0
        self.zero_counts = 0
        self.span_counts = 0
        self.mode = 0  # WEIGHING_MODE_*
        self.rules = 0  # the other sealed settings in force, packed into one number to notice a change
        self.is_started = 0
        # The indication.
        self.is_blocked = 1  # a photocell at a deck end is not clear
        self.valid = 0  # `kg_x10` is a weight
        self.kg_x10 = 0  # unrounded gross
        self.overload = 0
        self.underload = 0
        self.on_deck = 0
        # The zero, in counts.
        self.zero_offset = 0  # zero in force, relative to the calibrated zero
        self.zero_is_set = 0
        self.zero_initial = 0
        self.zero_track_ms = 0  # unbroken tracking conditions since the last correction
        self.zero_out_of_range = 0
        self.zero_drift = 0  # the empty deck has stood off zero for long
        self.drift_ms = 0
        self.rest_error = 0  # off zero, as last seen at rest and empty
        self.entry_error = 0  # `rest_error` when the deck was occupied last
        self.is_entered = 0  # occupied in the last scan
        self._start_results()

    def _start_results(self) -> None:
        # Tare, and the vehicle on the deck.
        self.tare_kg_x10 = 0
        self.tare_is_preset = 0
        self.rest_kg_x10 = 0  # what stood at rest last in this occupation
        self.beam_broken = 0  # a photocell was interrupted since
        self.second_vehicle = 0
        # The last registered weight.
        self.registered_here = 0  # it is of the vehicle on the deck
        self.registered_kg_x10 = 0
        self.registered_id = 0
        self.registered_count = 0
        self.registered_tare_kg_x10 = 0
        self.registered_flags = 0
        # Drafts.
        self.draft_id = 0
        self.draft_count = 0
        self.draft_sum_kg_x10 = 0
        self.draft_last_kg_x10 = 0
        self.draft_flags = 0
        self.draft_group = 0  # axle group the next draft is, 0 none
        self.draft_here = 0  # the load has not moved since the last draft
        self.alibi_newest = 0  # sequence number of the newest record on the medium


def save_memory(memory: WeighbridgeMemory, timers: TimerBank, buffer: bytearray, offset: int) -> int:
    """Write everything at `offset`, times relative to the last scan; return the offset behind it."""
    for name in _NAMES:
        put_i32(buffer, offset, getattr(memory, name))
        offset += 4
    return timers.save_into(buffer, offset)


def load_memory(
    memory: WeighbridgeMemory, timers: TimerBank, buffer: bytes | bytearray, offset: int, now_ms: int
) -> int:
    """Take over what `save_memory` wrote; return the offset behind it."""
    for name in _NAMES:
        setattr(memory, name, get_i32(buffer, offset))
        offset += 4
    return timers.load_from(buffer, offset, now_ms)
