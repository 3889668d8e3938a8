"""The weighbridge's commands and the buttons at the scale: which does what, and when it is refused.

Knows opcodes, the key switch and the buttons. Must not know the medium: what has to be stored before it counts is put
into the core's `pending`, and the core's `on_stored` finishes it.
"""

from firmware.control.calibration import is_class_iii
from firmware.control.events import EventRing
from firmware.control.registration import ID_LOCAL, ID_MAX, Registration
from firmware.control.scale import ZERO_NOT_NOW, ZERO_TOO_FAR, Scale
from firmware.control.weighbridge_drafts import Drafts
from firmware.control.weighbridge_front import ZERO_DONE, ZERO_LATE, ZERO_NONE
from firmware.control.weighbridge_memory import (
    PENDING_NONE,
    PENDING_READ,
    PENDING_RECORD,
    PENDING_SETTING,
    RECORD_SEQUENCE,
    WeighbridgeMemory,
)
from protocols.compat import const
from protocols.registers import weighbridge as regs
from protocols.scaling import scale_counts

# A span is extrapolated from the known weight to Max; with less than a fifth of Max an error grows more than fivefold.
_KNOWN_DIVISOR = const(5)

# With any other fault there is no weight to calibrate a span on.
_SPAN_HARMLESS = 1 << regs.FAULTS_SEAL_OPEN | 1 << regs.FAULTS_ZERO_DRIFT | 1 << regs.FAULTS_RECALIBRATION_DUE

_ACCEPTED = regs.COMMAND_RESULT_ACCEPTED
_REFUSED_STATE = regs.COMMAND_RESULT_REFUSED_STATE
_OUT_OF_LIMITS = regs.COMMAND_RESULT_OUT_OF_LIMITS


class WeighbridgeCommands:
    """Carries out one request or one press per scan.

    `pending` is PENDING_*: what the application must do before the result counts. With PENDING_SETTING it stores
    `value` as setting `setting`, with PENDING_READ it reads the record `value`.
    """

    def __init__(
        self, memory: WeighbridgeMemory, scale: Scale, registration: Registration, drafts: Drafts, ring: EventRing
    ) -> None:
        self.memory = memory
        self.scale = scale
        self.front = scale.front
        self.registration = registration
        self.drafts = drafts
        self.ring = ring
        self.pending = PENDING_NONE
        self.setting = 0
        self.value = 0

    def handle(self, opcode: int, argument: int, faults: int) -> int:
        """Carry out a remote command; returns COMMAND_RESULT_*, NONE while `pending`."""
        if opcode == regs.OP_CLEAR_FAULTS:
            return _ACCEPTED  # no fault is latched: each goes with its cause
        if opcode < regs.OP_ZERO or opcode > regs.OP_READ_ALIBI:
            return regs.COMMAND_RESULT_UNKNOWN_OPCODE
        calibrates = opcode == regs.OP_CALIBRATE_ZERO or opcode == regs.OP_CALIBRATE_SPAN
        if self.memory.local and not calibrates:
            return regs.COMMAND_RESULT_REFUSED_LOCAL
        if calibrates:
            return self._calibrate(opcode, argument, faults)
        if opcode <= regs.OP_REGISTER or opcode == regs.OP_PRESET_TARE:
            return self._weigh(opcode, argument, faults)
        if opcode == regs.OP_READ_ALIBI:
            return self._read_record(argument)
        return self._draft(opcode, argument, faults)

    def press(self, zero: int, tare: int, register: int, faults: int) -> None:
        """Carry out the buttons that begin to be pressed now; each is 1 then."""
        if zero:
            self._set_zero()
        if tare:
            self._press_tare()
        if register:
            self._register(ID_LOCAL, faults, 1 << regs.REGISTERED_FLAGS_LOCAL)

    def finish(self, is_done: bool) -> None:
        """What was pending is done, or could not be."""
        pending = self.pending
        self.pending = PENDING_NONE
        if not is_done:
            return
        if pending == PENDING_SETTING:
            if self.setting == regs.SET_SPAN_COUNTS:
                self.memory.recalibration_due = 0
            self.ring.push(regs.EV_CALIBRATED, self.value)
        elif pending == PENDING_RECORD:
            self.memory.alibi_newest = self.registration.record[RECORD_SEQUENCE]
            self.registration.commit(self.ring)
            self.ring.push(regs.EV_ALIBI_STORED, self.memory.alibi_newest)
            if self.memory.registered_flags & (1 << regs.REGISTERED_FLAGS_MULTI_DRAFT):
                self.drafts.clear()

    def set_tare(self, kg_x10: int, is_preset: int) -> None:
        """Put a tare in force, 0 for none."""
        memory = self.memory
        if kg_x10 != memory.tare_kg_x10:
            self.ring.push(regs.EV_TARE_CHANGED, kg_x10)
        memory.tare_kg_x10 = kg_x10
        memory.tare_is_preset = is_preset

    # Weighing.

    def _weigh(self, opcode: int, argument: int, faults: int) -> int:
        if opcode == regs.OP_REGISTER:
            return self._register(argument, faults, 0) if 0 < argument <= ID_MAX else _OUT_OF_LIMITS
        if opcode == regs.OP_ZERO:
            return self._set_zero()
        if opcode == regs.OP_TARE:
            return self._take_tare()
        if opcode == regs.OP_PRESET_TARE:
            return self._preset_tare(argument)
        self.set_tare(0, 0)
        return _ACCEPTED

    def _register(self, register_id: int, faults: int, flags: int) -> int:
        result = self.registration.prepare(register_id, faults, flags)
        if result == regs.COMMAND_RESULT_NONE:
            self.pending = PENDING_RECORD
        return result

    def note_zeroed(self) -> None:
        """Report what became of the zero an indicator was asked for."""
        outcome = self.front.take_zero_outcome()
        if outcome == ZERO_DONE:
            self.ring.push(regs.EV_ZERO_SET, 0)
        elif outcome != ZERO_NONE:
            self.ring.push(regs.EV_INDICATOR_ZERO_FAILED, 1 if outcome == ZERO_LATE else 0)

    def _ask_for_zero(self) -> int:
        """The zero is the indicator's: it decides about the range, the device about rest and an empty deck."""
        if not self.front.can_zero:
            return regs.COMMAND_RESULT_REFUSED_INTERLOCK
        if self.memory.on_deck or not self.scale.can_zero() or not self.front.request_zero():
            return _REFUSED_STATE
        return _ACCEPTED

    def _set_zero(self) -> int:
        if self.scale.is_direct:
            return self._ask_for_zero()
        outcome = self.scale.set_zero()
        if outcome == ZERO_NOT_NOW:
            return _REFUSED_STATE
        if outcome == ZERO_TOO_FAR:
            return _OUT_OF_LIMITS
        self.ring.push(regs.EV_ZERO_SET, self.memory.zero_offset)
        return _ACCEPTED

    def _take_tare(self) -> int:
        scale = self.scale
        if not scale.has_weight() or not scale.is_at_rest():
            return _REFUSED_STATE
        gross_kg_x10 = scale.indication.gross_kg_x10(scale.calibration)
        if gross_kg_x10 <= 0 or gross_kg_x10 > scale.calibration.max_kg_x10:
            return _OUT_OF_LIMITS
        self.set_tare(gross_kg_x10, 0)
        return _ACCEPTED

    def _preset_tare(self, kg_x10: int) -> int:
        """A tare typed in is a multiple of e like one that was weighed, and never takes the place of one."""
        memory = self.memory
        calibration = self.scale.calibration
        if not calibration.valid or (memory.tare_kg_x10 and not memory.tare_is_preset):
            return _REFUSED_STATE
        if kg_x10 <= 0 or kg_x10 > calibration.max_kg_x10 or kg_x10 % calibration.e_kg_x10:
            return _OUT_OF_LIMITS
        self.set_tare(kg_x10, 1)
        return _ACCEPTED

    def _press_tare(self) -> None:
        """One button: the load at rest becomes the tare; with nothing on the deck the tare is forgotten."""
        if self._take_tare() == _OUT_OF_LIMITS and not self.memory.on_deck:
            self.set_tare(0, 0)

    def _draft(self, opcode: int, argument: int, faults: int) -> int:
        drafts = self.drafts
        if opcode == regs.OP_DRAFT:
            return drafts.take(argument, faults, self.ring)
        if opcode == regs.OP_DRAFT_GROUP:
            return drafts.set_group(argument)
        if opcode == regs.OP_FINISH_DRAFTS:
            result = drafts.finish(argument)
            if result == regs.COMMAND_RESULT_NONE:
                self.pending = PENDING_RECORD
            return result
        drafts.clear()
        return _ACCEPTED

    def _read_record(self, number: int) -> int:
        if number < 0:
            return _OUT_OF_LIMITS
        self.value = number
        self.pending = PENDING_READ
        return regs.COMMAND_RESULT_NONE

    # Calibration: by a person at the scale, who holds the key.

    def _calibrate(self, opcode: int, known_kg: int, faults: int) -> int:
        scale = self.scale
        if not self.memory.local or scale.is_direct:  # an indicator is calibrated at the indicator
            return regs.COMMAND_RESULT_REFUSED_INTERLOCK
        if not self.memory.valid or not scale.window.stable or self.memory.is_blocked:
            return _REFUSED_STATE
        if opcode == regs.OP_CALIBRATE_ZERO:
            return self._calibrate_zero()
        if faults & ~_SPAN_HARMLESS or not scale.has_weight():
            return _REFUSED_STATE
        return self._calibrate_span(known_kg)

    def _calibrate_zero(self) -> int:
        if not self.scale.can_zero():
            return _REFUSED_STATE
        value = self.scale.window.median()
        return self._store(regs.SET_ZERO_COUNTS, value, value, self.memory.span_counts)

    def _calibrate_span(self, known_kg: int) -> int:
        memory = self.memory
        scale = self.scale
        counts = scale.window.median() - memory.zero_counts - memory.zero_offset
        if known_kg > memory.max_kg or known_kg * _KNOWN_DIVISOR < memory.max_kg or counts <= 0:
            return _OUT_OF_LIMITS
        span = scale_counts(counts, known_kg, memory.max_kg)
        result = self._store(regs.SET_SPAN_COUNTS, span, memory.zero_counts, span)
        if self.pending and scale.window.spread > span * memory.e_kg // memory.max_kg:
            self.pending = PENDING_NONE  # at rest by the old span, and not by the new one
            return _REFUSED_STATE
        return result

    def _store(self, setting: int, value: int, zero_counts: int, span_counts: int) -> int:
        if not is_class_iii(self.memory.max_kg, self.memory.e_kg, zero_counts, span_counts):
            return _OUT_OF_LIMITS
        self.setting = setting
        self.value = value
        self.pending = PENDING_SETTING
        return regs.COMMAND_RESULT_NONE
