"""The weighbridge: one scan of a class III truck scale, from a conversion to a registered weight.

Knows what the weighing states, faults, flags and commands of the register map mean and in which order a scan decides
them. Must not know a clock, a bus, a board or storage; the application fills `inputs`, `quality`, `hub_alive` and the
request before `step`, and reads `outputs`, `status`, `health` and `reasons` after it.

Order of a scan: settings -> conversion, weight and zero -> command -> faults -> state -> outputs and status.
"""

import struct

from firmware.control.events import EventRing
from firmware.control.registration import Registration
from firmware.control.scale import ZERO_NOT_NOW, ZERO_TOO_FAR, Scale
from firmware.control.weighbridge_front import INPUT_COUNT, ConverterFront
from protocols import quality
from protocols.compat import const
from protocols.registers import weighbridge as regs

_FAULT_BITS = const(7)
# There is no weight at all: ADC_SILENT, ADC_SATURATED, NOT_CALIBRATED.
_NO_WEIGHT = const(0b0001011)
# The device fails in its function (NE 107 FAILURE): no weight, or INPUT_BAD.
_FAILURE = const(0b0011011)

_FORMAT = ">iiiiiii"
_OWN_SIZE = const(28)
SAVED_SIZE = const(404)


class Weighbridge:
    """Control core of the weighbridge role; docs/roles/weighbridge.md tells the whole behaviour."""

    def __init__(self, settings: list[int], ring: EventRing) -> None:
        self.settings = settings
        self.ring = ring
        self.inputs = [0] * INPUT_COUNT
        self.quality = [quality.GOOD] * INPUT_COUNT
        self.outputs = [0] * regs.OUT_COUNT
        self.status = [0] * regs.STATUS_COUNT
        self.hub_alive = 0
        self.request_opcode = 0
        self.request_argument = 0
        self.request_result = regs.COMMAND_RESULT_NONE
        self.health = regs.HEALTH_NORMAL
        self.reasons = 0
        self.calibration_count = 0
        self.line = None
        self._front = ConverterFront()
        self._now_ms = 0
        self._state = regs.STATE_STARTING
        self._faults = 0
        self._tare_kg_x10 = 0
        self._scale = Scale()
        self._registration = Registration()

    def step(self, now_ms: int) -> None:
        """Scan once at `now_ms` (30-bit ticks). Field conditions never raise; they show as faults and flags."""
        self._now_ms = now_ms
        self._apply_settings()
        self._read_inputs()
        faults = self._find_faults()
        if self.request_opcode:
            self._answer_request(faults)
            faults = self._find_faults()
        self._set_faults(faults)
        self._set_state()
        self._judge_health()
        self._publish()

    def next_wake_ms(self) -> int:
        """Milliseconds from the last step until one without new inputs could differ; -1 = never."""
        return self._scale.sampler.next_wake_ms(self._now_ms)

    def safe_outputs(self, outputs: list[int]) -> None:
        """Fill in the outputs that hurt nobody: the driver is not told that the weighing is done."""
        outputs[regs.OUT_READY_LAMP] = 0

    def save(self, buffer: bytearray | memoryview) -> int:
        """Write the whole state, times relative to the last step; return its size, SAVED_SIZE bytes."""
        struct.pack_into(
            _FORMAT,
            buffer,
            0,
            self.calibration_count,
            self.request_result,
            self.health,
            self.reasons,
            self._state,
            self._faults,
            self._tare_kg_x10,
        )
        offset = self._registration.save(buffer, _OWN_SIZE)
        return self._scale.save(buffer, offset, self._now_ms)

    def load(self, buffer: bytes | bytearray | memoryview, now_ms: int) -> None:
        """Take a saved state as if its last step had been at `now_ms`."""
        fields = struct.unpack_from(_FORMAT, buffer, 0)
        self._now_ms = now_ms
        self.calibration_count, self.request_result, self.health, self.reasons = fields[0:4]
        self._state, self._faults, self._tare_kg_x10 = fields[4:7]
        offset = self._registration.load(buffer, _OWN_SIZE)
        self._scale.load(buffer, offset, now_ms)
        self._publish()

    # Settings and inputs.

    def _apply_settings(self) -> None:
        """Put metrological settings in force; every change moves the sealed counter."""
        settings = self.settings
        self._scale.sampler.timeout_ms = settings[regs.SET_ADC_TIMEOUT_MS]
        self._scale.is_tracking = settings[regs.SET_ZERO_TRACKING]
        self._scale.window.configure(settings[regs.SET_STABILITY_WINDOW_MS])
        is_changed = self._scale.configure(
            self._now_ms,
            settings[regs.SET_MAX_KG],
            settings[regs.SET_E_KG],
            settings[regs.SET_ZERO_COUNTS],
            settings[regs.SET_SPAN_COUNTS],
        )
        if is_changed:
            self.calibration_count = (self.calibration_count + 1) & 0xFFFF
            self._tare_kg_x10 = 0
            self._registration.end_occupation()

    def _read_inputs(self) -> None:
        is_clear = self._is_on(regs.IN_FRONT_CLEAR) and self._is_on(regs.IN_REAR_CLEAR)
        self._front.step(self._now_ms, self.inputs, self.quality)
        self._scale.is_blocked = 0 if is_clear else 1
        self._scale.step(self._now_ms, self._front.sample)
        if not self._scale.indication.valid or not self._scale.is_occupied():
            self._registration.end_occupation()

    def _is_on(self, index: int) -> bool:
        """A contact counts as closed only when its reading can be trusted."""
        return self.inputs[index] != 0 and self.quality[index] == quality.GOOD

    # Commands.

    def _answer_request(self, faults: int) -> None:
        opcode = self.request_opcode
        self.request_opcode = 0
        if opcode == regs.OP_REGISTER:
            result = self._registration.register(self.request_argument, faults, self._scale, self.ring)
        elif opcode == regs.OP_ZERO:
            result = self._set_zero()
        elif opcode == regs.OP_TARE:
            result = self._take_tare()
        elif opcode == regs.OP_CLEAR_TARE:
            self._tare_kg_x10 = 0
            result = regs.COMMAND_RESULT_ACCEPTED
        elif opcode == regs.OP_CLEAR_FAULTS:
            result = regs.COMMAND_RESULT_ACCEPTED  # no fault is latched: each goes with its cause
        else:
            result = regs.COMMAND_RESULT_UNKNOWN_OPCODE
        self.request_result = result
        self.ring.push(regs.EV_COMMAND_DONE, opcode * 256 + result)

    def _set_zero(self) -> int:
        outcome = self._scale.set_zero()
        if outcome == ZERO_NOT_NOW:
            return regs.COMMAND_RESULT_REFUSED_STATE
        if outcome == ZERO_TOO_FAR:
            return regs.COMMAND_RESULT_OUT_OF_LIMITS
        self.ring.push(regs.EV_ZERO_SET, self._scale.zero.offset)
        return regs.COMMAND_RESULT_ACCEPTED

    def _take_tare(self) -> int:
        scale = self._scale
        if not scale.has_weight() or not scale.window.stable:
            return regs.COMMAND_RESULT_REFUSED_STATE
        gross_kg_x10 = scale.indication.gross_kg_x10(scale.calibration)
        if gross_kg_x10 <= 0:
            return regs.COMMAND_RESULT_OUT_OF_LIMITS
        self._tare_kg_x10 = gross_kg_x10
        return regs.COMMAND_RESULT_ACCEPTED

    # Faults, state, health.

    def _find_faults(self) -> int:
        scale = self._scale
        faults = scale.sampler.silent << regs.FAULTS_ADC_SILENT
        faults |= scale.sampler.saturated << regs.FAULTS_ADC_SATURATED
        faults |= scale.zero_out_of_range << regs.FAULTS_ZERO_OUT_OF_RANGE
        faults |= scale.zero_drift << regs.FAULTS_ZERO_DRIFT
        if not scale.calibration.valid:
            faults |= 1 << regs.FAULTS_NOT_CALIBRATED
        if not self._is_on(regs.IN_SEAL_CLOSED):
            faults |= 1 << regs.FAULTS_SEAL_OPEN
        for index in range(INPUT_COUNT):
            if self.quality[index] != quality.GOOD:
                faults |= 1 << regs.FAULTS_INPUT_BAD
        return faults

    def _set_faults(self, faults: int) -> None:
        changed = faults ^ self._faults
        self._faults = faults
        if not changed:
            return
        for bit in range(_FAULT_BITS):
            if changed & (1 << bit):
                self.ring.push(regs.EV_FAULT_RAISED if faults & (1 << bit) else regs.EV_FAULT_CLEARED, bit)

    def _set_state(self) -> None:
        state = self._find_state()
        if state != self._state:
            self._state = state
            self.ring.push(regs.EV_STATE_CHANGED, state)

    def _find_state(self) -> int:
        """The first that holds, from worst to best."""
        scale = self._scale
        if self._faults & _NO_WEIGHT:
            return regs.STATE_FAULT
        if not scale.has_weight():
            return regs.STATE_STARTING
        if scale.indication.overload:
            return regs.STATE_OVERLOAD
        if scale.indication.underload:
            return regs.STATE_UNDERLOAD
        if not scale.is_occupied():
            return regs.STATE_EMPTY
        return regs.STATE_STABLE if scale.is_at_rest() else regs.STATE_OCCUPIED

    def _judge_health(self) -> None:
        faults = self._faults
        indication = self._scale.indication
        reasons = 0 if self.hub_alive else 1 << regs.REASONS_HUB_LOST
        if faults & (1 << regs.FAULTS_INPUT_BAD):
            reasons |= 1 << regs.REASONS_INPUT_BAD
        if faults & _FAILURE:
            reasons |= 1 << regs.REASONS_ROLE_FAULT
        if faults & ~_FAILURE or indication.overload or indication.underload:
            reasons |= 1 << regs.REASONS_ROLE_WARNING
        self.reasons = reasons
        if faults & _FAILURE:
            self.health = regs.HEALTH_FAILURE
        elif faults & (1 << regs.FAULTS_SEAL_OPEN):
            self.health = regs.HEALTH_CHECK_FUNCTION
        else:
            self.health = regs.HEALTH_OFF_SPEC if reasons else regs.HEALTH_NORMAL

    # Outputs and status.

    def _publish(self) -> None:
        scale = self._scale
        status = self.status
        gross_kg_x10 = scale.indication.gross_kg_x10(scale.calibration)
        self.outputs[regs.OUT_READY_LAMP] = 1 if self._state == regs.STATE_STABLE else 0
        status[regs.ST_STATE] = self._state
        status[regs.ST_FAULTS] = self._faults
        status[regs.ST_FLAGS] = self._find_flags()
        status[regs.ST_GROSS_KG_X10] = gross_kg_x10
        status[regs.ST_NET_KG_X10] = gross_kg_x10 - self._tare_kg_x10 if scale.indication.is_shown() else 0
        status[regs.ST_TARE_KG_X10] = self._tare_kg_x10
        status[regs.ST_STABLE_MS] = scale.window.stable_ms
        status[regs.ST_REGISTERED_KG_X10] = self._registration.kg_x10
        status[regs.ST_REGISTERED_ID] = self._registration.register_id
        status[regs.ST_REGISTERED_COUNT] = self._registration.count
        status[regs.ST_ADC_COUNTS] = scale.sampler.counts
        status[regs.ST_ADC_SAMPLES] = scale.sampler.samples
        status[regs.ST_ZERO_OFFSET_COUNTS] = scale.zero.offset
        status[regs.ST_CALIBRATION_COUNT] = self.calibration_count

    def _find_flags(self) -> int:
        scale = self._scale
        indication = scale.indication
        calibration = scale.calibration
        is_occupied = scale.is_occupied()
        flags = scale.window.stable << regs.FLAGS_STABLE
        flags |= indication.overload << regs.FLAGS_OVERLOAD
        flags |= indication.underload << regs.FLAGS_UNDERLOAD
        flags |= (1 if self._tare_kg_x10 else 0) << regs.FLAGS_TARE_SET
        flags |= (1 if is_occupied else 0) << regs.FLAGS_OCCUPIED
        flags |= (1 if is_occupied or not indication.valid else 0) << regs.FLAGS_ZERO_FROZEN
        if not indication.valid:
            return flags
        if self._faults == 0 and scale.has_weight():
            flags |= 1 << regs.FLAGS_LEGAL_FOR_TRADE
        if indication.is_center_of_zero(calibration):
            flags |= 1 << regs.FLAGS_CENTER_OF_ZERO
        if scale.is_inside_zero():
            flags |= 1 << regs.FLAGS_INSIDE_ZERO
        if indication.is_below_min(indication.kg_x10, calibration):
            flags |= 1 << regs.FLAGS_BELOW_MIN
        if indication.on_deck and not scale.is_blocked:
            flags |= 1 << regs.FLAGS_POSITION_OK
        return flags
