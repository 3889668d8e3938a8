"""The scale: from a conversion to a weight at rest on a zero that is looked after.

Knows how converter, window, zero and indication work together, and when the zero may move. Must not know registers,
commands, events, or what a weight is used for; it is told whether the photocells are clear.

Everything moves only with a new conversion, a changed input or one of three deadlines, so extra scans
change nothing. Weights are in 0.1 kg, conversions in counts.
"""

from firmware.control.calibration import Calibration
from firmware.control.indication import Indication
from firmware.control.sampler import SAMPLE_NEW, SAMPLE_NONE, Sampler
from firmware.control.stability import StabilityWindow
from firmware.control.timer import TimerBank
from firmware.control.weighbridge_front import FIT, KIND_KG_X10, MOTION_YES, FrontEnd, Sample
from firmware.control.weighbridge_memory import TIMER_UNDERLOAD, WeighbridgeMemory
from firmware.control.zero import Zero
from protocols.compat import const

# The deck must have stood off zero for this long, stable and empty: someone walking across is no fault of the device.
_DRIFT_MS = const(5000)
# A deck that springs back behind a truck shows less than nothing for some tenths of a second.
_UNDERLOAD_MS = const(1000)

# What became of `set_zero`.
ZERO_TAKEN = const(0)
ZERO_NOT_NOW = const(1)
ZERO_TOO_FAR = const(2)


class Scale:
    """One load-cell channel, or one indicator: `is_direct`, its samples are gross weights on a zero of its own.

    The caller sets before a step: `memory.is_blocked`, 1 while a photocell at a deck end is not clear; `is_tracking`, 1
    if zero tracking is switched on; `is_axle_wise`, 1 if a load may be at rest although a photocell is not clear;
    `drift_quarters`, the limit of the zero drift in quarters of e.
    """

    def __init__(self, memory: WeighbridgeMemory, timers: TimerBank, front: FrontEnd) -> None:
        self.memory = memory
        self.front = front
        self.is_direct = front.sample.kind == KIND_KG_X10
        self.calibration = Calibration()
        self.sampler = Sampler(timers, self.is_direct)
        self._timers = timers
        self.window = StabilityWindow()
        self.zero = Zero(memory)
        self.indication = Indication(memory)
        self.is_tracking = 0
        self.is_axle_wise = 0
        self.drift_quarters = 1

    def configure(self, max_kg: int, e_kg: int, zero_counts: int, span_counts: int) -> bool:
        """Put settings in force; True if they replaced other ones, and the scale begins again from its zero."""
        memory = self.memory
        was_started = memory.is_started
        if was_started and self.calibration.is_for(max_kg, e_kg, zero_counts, span_counts):
            return False
        if not was_started:
            memory.is_started = 1
            self.sampler.start()
        memory.max_kg = max_kg
        memory.e_kg = e_kg
        memory.zero_counts = zero_counts
        memory.span_counts = span_counts
        self.recall()
        self.zero.restart()
        if self.is_direct:
            self.zero.set_initial(0, span_counts)
        self.window.reset()
        memory.zero_out_of_range = 0
        self._forget_drift()
        return was_started != 0

    def recall(self) -> None:
        """Put the settings of the memory in force."""
        memory = self.memory
        self.calibration.apply(memory.max_kg, memory.e_kg, memory.zero_counts, memory.span_counts)

    def step(self, now_ms: int, sample: Sample) -> None:
        """Look at sample and photocells once; afterwards weight, stability and zero agree with each other."""
        sampler = self.sampler
        is_hidden = self.memory.is_blocked and not self.is_axle_wise
        seen = SAMPLE_NONE
        if sample.unfit == FIT:
            seen = sampler.step(sample.value, sample.sequence, sample.is_good != 0)
        else:
            sampler.reject(sample.sequence)
        if sampler.broken or is_hidden or sample.motion == MOTION_YES:
            self.window.reset()  # a truck half on the deck may stand still for long: that proves nothing later
        is_new = seen == SAMPLE_NEW and self.calibration.valid != 0
        if is_new and not is_hidden:
            self.window.on_sample(now_ms, sampler.filtered, self.calibration.d_counts)
        self._weigh()
        if is_new:
            self._keep_zero()
        self._time_underload()
        self._note_entry()

    def is_occupied(self) -> bool:
        """Return True while something is or may be on the deck; the zero is frozen then."""
        return self.memory.is_blocked != 0 or self.memory.on_deck != 0

    def has_weight(self) -> bool:
        """Return True while there is a valid indication over a zero that was set."""
        return self.memory.valid != 0 and self.memory.zero_is_set != 0

    def is_at_rest(self) -> bool:
        """Return True while the weight is stable and both photocells are clear, or need not be."""
        return self.window.stable != 0 and (not self.memory.is_blocked or self.is_axle_wise != 0)

    def is_underloaded(self) -> bool:
        """Return True once the weight has been below the range for a second."""
        return self._timers.is_done(TIMER_UNDERLOAD)

    def can_zero(self) -> bool:
        """Return True while the deck is quiet enough for a zero within a quarter of e (R 76-1 4.5.2).

        With all samples of the window within half of d, their middle is nowhere further than that from any of them.
        """
        is_quiet = self.window.stable != 0 and 2 * self.window.spread <= self.calibration.d_counts
        return is_quiet and not self.memory.is_blocked and self.memory.valid != 0

    def is_inside_zero(self) -> bool:
        """Return True while the deck is within the range that zero setting may cover."""
        deck_counts = self.sampler.filtered - self.calibration.zero_counts
        return self.zero.is_in_range(deck_counts, self.calibration.span_counts)

    def has_entry_drift(self) -> bool:
        """Return True while the deck is occupied and its zero was too far off when that began."""
        memory = self.memory
        return memory.is_entered != 0 and self._is_drift(memory.entry_error, 1)

    def median_kg_x10(self) -> int:
        """Unrounded gross weight of the window; needs `is_at_rest`."""
        return self._to_kg_x10(self.window.median())

    def set_zero(self) -> int:
        """Zero the stable, empty deck. Before the first zero the caller vouches for the deck being empty."""
        memory = self.memory
        if not self.can_zero():
            return ZERO_NOT_NOW
        offset = self.window.median() - self.calibration.zero_counts
        if not memory.zero_is_set:
            is_taken = self.zero.set_initial(offset, self.calibration.span_counts)
        elif memory.on_deck:
            return ZERO_NOT_NOW
        else:
            is_taken = self.zero.set_to(offset, self.calibration.span_counts)
        if not is_taken:
            return ZERO_TOO_FAR
        memory.zero_out_of_range = 0
        self._forget_drift()
        self._weigh()
        return ZERO_TAKEN

    def _weigh(self) -> None:
        """Judge the filtered sample against the zero in force."""
        if self.calibration.valid and self.sampler.ready:
            self.indication.update(self._to_kg_x10(self.sampler.filtered), self.calibration)
        else:
            self.indication.clear()

    def _time_underload(self) -> None:
        timers = self._timers
        if not self.memory.underload:
            timers.stop(TIMER_UNDERLOAD)
        elif timers.is_off(TIMER_UNDERLOAD):
            timers.start(TIMER_UNDERLOAD, _UNDERLOAD_MS)

    def _keep_zero(self) -> None:
        """On a new sample: take the initial zero, or follow the empty deck and watch for drift."""
        memory = self.memory
        if memory.is_blocked or not self.window.stable:
            self._rest_zero()
            return
        offset = self.window.mean - self.calibration.zero_counts
        if not memory.zero_is_set:
            self._take_initial_zero(offset)
        elif not memory.on_deck:
            self._follow_zero(offset)
        self._weigh()

    def _follow_zero(self, offset: int) -> None:
        if self.is_tracking and not self.is_direct and self.can_zero():
            self.zero.track(self.window.elapsed_ms, offset, self.calibration.d_counts, self.calibration.span_counts)
        else:
            self.zero.hold()
        self.memory.rest_error = offset - self.memory.zero_offset
        self._watch_drift()

    def _rest_zero(self) -> None:
        self.zero.hold()
        self.memory.drift_ms = 0

    def _take_initial_zero(self, offset: int) -> None:
        """Zero an evidently empty deck after start; a restart under a truck must not zero the truck away.

        So only what is less than Min goes by itself; anything more, up to the initial range, takes a command.
        """
        if not self.can_zero():
            return
        is_empty = self.indication.is_below_min(abs(self.calibration.to_kg_x10(offset)), self.calibration)
        if is_empty and self.zero.set_initial(offset, self.calibration.span_counts):
            self.memory.zero_out_of_range = 0
        else:
            self.memory.zero_out_of_range = 1

    def _note_entry(self) -> None:
        """When the deck becomes occupied, what its zero was off by at rest before is what the weight will be off by."""
        memory = self.memory
        is_occupied = self.is_occupied()
        if is_occupied:
            self._rest_zero()
            if not memory.is_entered:
                memory.entry_error = memory.rest_error
        memory.is_entered = 1 if is_occupied else 0

    def _watch_drift(self) -> None:
        """Raise `zero_drift` for an empty deck that stays off zero beyond the limit; clear it within half of it."""
        memory = self.memory
        if not self._is_drift(memory.rest_error, 2):
            memory.zero_drift = 0
        if not self._is_drift(memory.rest_error, 1):
            memory.drift_ms = 0
            return
        memory.drift_ms = min(memory.drift_ms + self.window.elapsed_ms, _DRIFT_MS)
        if memory.drift_ms >= _DRIFT_MS:
            memory.zero_drift = 1

    def _is_drift(self, error_counts: int, divisor: int) -> bool:
        """Return True beyond the limit divided by `divisor`."""
        return 4 * abs(error_counts) * divisor > self.drift_quarters * self.calibration.d_counts

    def _forget_drift(self) -> None:
        self.memory.zero_drift = 0
        self.memory.drift_ms = 0
        self.memory.rest_error = 0
        self.memory.entry_error = 0

    def _to_kg_x10(self, counts: int) -> int:
        return self.calibration.to_kg_x10(counts - self.calibration.zero_counts - self.memory.zero_offset)
