"""The scale: from a conversion to a weight at rest on a zero that is looked after.

Knows how converter, window, zero and indication work together, and when the zero may move. Must not know registers,
commands, events, or what a weight is used for; it is told whether the photocells are clear.

Everything moves only with a new conversion, a changed input or one of the converter's two deadlines, so extra scans
change nothing. Weights are in 0.1 kg, conversions in counts.
"""

import struct

from firmware.control.calibration import Calibration
from firmware.control.indication import Indication
from firmware.control.sampler import SAMPLE_NEW, Sampler
from firmware.control.stability import StabilityWindow
from firmware.control.weighbridge_front import Sample
from firmware.control.zero import Zero
from protocols.compat import const

# The deck must have stood off zero for this long, stable and empty: someone walking across is no drift.
_DRIFT_MS = const(5000)

# What became of `set_zero`.
ZERO_TAKEN = const(0)
ZERO_NOT_NOW = const(1)
ZERO_TOO_FAR = const(2)

_FORMAT = ">iiiiiiiii"
_OWN_SIZE = const(36)


class Scale:
    """One load-cell channel.

    The caller sets before a step: `is_blocked`, 1 while a photocell at a deck end is not clear, and `is_tracking`,
    1 if zero tracking is switched on.
    """

    def __init__(self) -> None:
        self.calibration = Calibration()
        self.sampler = Sampler()
        self.window = StabilityWindow()
        self.zero = Zero()
        self.indication = Indication()
        self.is_blocked = 1
        self.is_tracking = 0
        self.zero_out_of_range = 0
        self.zero_drift = 0
        self._is_started = 0
        self._drift_ms = 0

    def configure(self, now_ms: int, max_kg: int, e_kg: int, zero_counts: int, span_counts: int) -> bool:
        """Put settings in force; True if they replaced other ones, and the scale begins again from its zero."""
        was_started = self._is_started
        if was_started and self.calibration.is_for(max_kg, e_kg, zero_counts, span_counts):
            return False
        if not was_started:
            self._is_started = 1
            self.sampler.start(now_ms)
        self.calibration.apply(max_kg, e_kg, zero_counts, span_counts)
        self.zero.restart()
        self.window.reset()
        self.zero_out_of_range = 0
        self.zero_drift = 0
        self._drift_ms = 0
        return was_started != 0

    def step(self, now_ms: int, sample: Sample) -> None:
        """Look at sample and photocells once; afterwards weight, stability and zero agree with each other."""
        seen = self.sampler.step(now_ms, sample.value, sample.sequence, sample.is_good != 0)
        if self.sampler.broken or self.is_blocked:
            self.window.reset()  # a truck half on the deck may stand still for long: that proves nothing later
        is_new = seen == SAMPLE_NEW and self.calibration.valid != 0
        if is_new and not self.is_blocked:
            self.window.on_sample(now_ms, self.sampler.filtered, self.calibration.d_counts)
        self._weigh()
        if is_new:
            self._keep_zero()
        if self.is_occupied():
            self._rest_zero()

    def is_occupied(self) -> bool:
        """Return True while something is or may be on the deck; the zero is frozen then."""
        return self.is_blocked != 0 or self.indication.on_deck != 0

    def has_weight(self) -> bool:
        """Return True while there is a valid indication over a zero that was set."""
        return self.indication.valid != 0 and self.zero.is_set != 0

    def is_at_rest(self) -> bool:
        """Return True while the weight is stable and both photocells are clear."""
        return self.window.stable != 0 and not self.is_blocked

    def is_inside_zero(self) -> bool:
        """Return True while the deck is within the range that zero setting may cover."""
        deck_counts = self.sampler.filtered - self.calibration.zero_counts
        return self.zero.is_in_range(deck_counts, self.calibration.span_counts)

    def median_kg_x10(self) -> int:
        """Unrounded gross weight of the window; needs `is_at_rest`."""
        return self._to_kg_x10(self.window.median())

    def set_zero(self) -> int:
        """Zero the stable, empty deck. Before the first zero the caller vouches for the deck being empty."""
        if not self.indication.valid or not self.is_at_rest():
            return ZERO_NOT_NOW
        offset = self.window.median() - self.calibration.zero_counts
        if not self.zero.is_set:
            is_taken = self.zero.set_initial(offset, self.calibration.span_counts)
        elif self.indication.on_deck:
            return ZERO_NOT_NOW
        else:
            is_taken = self.zero.set_to(offset, self.calibration.span_counts)
        if not is_taken:
            return ZERO_TOO_FAR
        self.zero_out_of_range = 0
        self.zero_drift = 0
        self._drift_ms = 0
        self._weigh()
        return ZERO_TAKEN

    def save(self, buffer: bytearray | memoryview, offset: int, now_ms: int) -> int:
        """Write the state at `offset`, times relative to `now_ms`; return the offset behind it."""
        calibration = self.calibration
        struct.pack_into(
            _FORMAT,
            buffer,
            offset,
            self.is_blocked,
            self.zero_out_of_range,
            self.zero_drift,
            self._is_started,
            self._drift_ms,
            calibration.max_kg,
            calibration.e_kg,
            calibration.zero_counts,
            calibration.span_counts,
        )
        offset = self.sampler.save(buffer, offset + _OWN_SIZE, now_ms)
        offset = self.window.save(buffer, offset, now_ms)
        offset = self.zero.save(buffer, offset)
        return self.indication.save(buffer, offset)

    def load(self, buffer: bytes | bytearray | memoryview, offset: int, now_ms: int) -> int:
        """Take a saved state with its times moved to `now_ms`; return the offset behind it."""
        fields = struct.unpack_from(_FORMAT, buffer, offset)
        self.is_blocked, self.zero_out_of_range, self.zero_drift, self._is_started, self._drift_ms = fields[0:5]
        self.calibration.apply(fields[5], fields[6], fields[7], fields[8])
        offset = self.sampler.load(buffer, offset + _OWN_SIZE, now_ms)
        offset = self.window.load(buffer, offset, now_ms)
        offset = self.zero.load(buffer, offset)
        return self.indication.load(buffer, offset)

    def _weigh(self) -> None:
        """Judge the filtered sample against the zero in force."""
        if self.calibration.valid and self.sampler.ready:
            self.indication.update(self._to_kg_x10(self.sampler.filtered), self.calibration)
        else:
            self.indication.clear()

    def _keep_zero(self) -> None:
        """On a new sample: take the initial zero, or follow the empty deck and watch for drift."""
        if not self.is_at_rest():
            self._rest_zero()
            return
        offset = self.window.median() - self.calibration.zero_counts
        if not self.zero.is_set:
            self._take_initial_zero(offset)
        elif not self.indication.on_deck:
            if self.is_tracking:
                self.zero.track(self.window.elapsed_ms, offset, self.calibration.d_counts, self.calibration.span_counts)
            self._watch_drift(offset - self.zero.offset)
        self._weigh()

    def _rest_zero(self) -> None:
        self.zero.hold()
        self._drift_ms = 0

    def _take_initial_zero(self, offset: int) -> None:
        """Zero an evidently empty deck after start; a restart under a truck must not zero the truck away.

        So only what is less than Min goes by itself; anything more, up to the initial range, takes a command.
        """
        weight = self.calibration.to_kg_x10(offset)
        size = -weight if weight < 0 else weight
        is_empty = self.indication.is_below_min(size, self.calibration)
        if is_empty and self.zero.set_initial(offset, self.calibration.span_counts):
            self.zero_out_of_range = 0
        else:
            self.zero_out_of_range = 1

    def _watch_drift(self, error_counts: int) -> None:
        """Raise `zero_drift` for an empty deck that stands off zero by more than d/2; clear it within d/4."""
        d_counts = self.calibration.d_counts
        size = -error_counts if error_counts < 0 else error_counts
        if 4 * size <= d_counts:
            self.zero_drift = 0
        if 2 * size <= d_counts:
            self._drift_ms = 0
            return
        self._drift_ms = min(self._drift_ms + self.window.elapsed_ms, _DRIFT_MS)
        if self._drift_ms >= _DRIFT_MS:
            self.zero_drift = 1

    def _to_kg_x10(self, counts: int) -> int:
        return self.calibration.to_kg_x10(counts - self.calibration.zero_counts - self.zero.offset)
