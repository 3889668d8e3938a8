"""The weighbridge: one scan of a class III truck scale, from a conversion to a registered weight.

Knows what the weighing states, faults, flags and commands of the register map mean and in which order a scan decides
them. Must not know a clock, a bus, a board or storage; the application fills `inputs`, `quality`, `hub_alive` and the
request before `step`, and reads `outputs`, `status`, `health` and `reasons` after it.

Order of a scan: settings -> conversion, weight and zero -> command -> faults -> state -> outputs and status.
"""

from firmware.control.events import EventRing
from firmware.control.registration import Registration, show_record
from firmware.control.rows import make_row
from firmware.control.sampler import SAVED_SIZE as SAMPLER_SIZE
from firmware.control.scale import Scale
from firmware.control.stability import SAVED_SIZE as WINDOW_SIZE
from firmware.control.timer import TimerBank
from firmware.control.weighbridge_commands import WeighbridgeCommands
from firmware.control.weighbridge_drafts import Drafts
from firmware.control.weighbridge_front import INPUT_COUNT
from firmware.control.weighbridge_line import PROTOCOLS, make_front
from firmware.control.weighbridge_memory import (
    FORMAT_VERSION,
    MEMORY_SIZE,
    PENDING_NONE,
    PENDING_READ,
    RECORD_COUNT,
    TIMER_COUNT,
    WeighbridgeMemory,
    load_memory,
    save_memory,
)
from protocols import quality
from protocols.compat import const
from protocols.registers import weighbridge as regs

_FAULT_BITS = const(10)
# No weight at all: ADC_SILENT, ADC_SATURATED, NOT_CALIBRATED, INDICATOR_SILENT, INDICATOR_UNFIT.
_NO_WEIGHT = const(0b110001011)
# The device fails in its function (NE 107 FAILURE): no weight, or INPUT_BAD. An unfit indicator is worked on.
_FAILURE = const(0b010011011)
# Somebody works on the instrument: SEAL_OPEN, INDICATOR_UNFIT, RECALIBRATION_DUE.
_CHECKED = const(0b1100100000)
# Settings that decide what is weighed and registered; their changes are counted in `calibration_count`.
SEALED_SETTINGS = (
    regs.SET_MAX_KG,
    regs.SET_E_KG,
    regs.SET_ZERO_COUNTS,
    regs.SET_SPAN_COUNTS,
    regs.SET_STABILITY_WINDOW_MS,
    regs.SET_ZERO_TRACKING,
    regs.SET_ZERO_DRIFT_LIMIT,
    regs.SET_INDICATOR_VERIFIED,
)

SAVED_SIZE = 1 + MEMORY_SIZE + SAMPLER_SIZE + WINDOW_SIZE


class Weighbridge:
    """Control core of the weighbridge role; docs/roles/weighbridge.md tells the whole behaviour."""

    def __init__(self, settings: list[int], ring: EventRing, protocol: str = PROTOCOLS[0]) -> None:
        """`protocol` is one of PROTOCOLS: the load-cell converter, or the indicator on the field line."""
        self.settings = settings
        self.ring = ring
        self.inputs = [0] * INPUT_COUNT
        self.quality = [quality.GOOD] * INPUT_COUNT
        self.outputs = [0] * regs.OUT_COUNT
        self.status = make_row(regs.STATUS_COUNT, 0)
        self.hub_alive = 0
        self.request_opcode = 0
        self.request_argument = 0
        self.request_result = regs.COMMAND_RESULT_NONE
        self.health = regs.HEALTH_NORMAL
        self.reasons = 0
        self._front = make_front(protocol)
        self._front.configure(settings)
        self.line = self._front if protocol != PROTOCOLS[0] else None
        self.memory = WeighbridgeMemory()
        self.timers = TimerBank(TIMER_COUNT)
        self.record = [0] * RECORD_COUNT
        self._scale = Scale(self.memory, self.timers, self._front)
        self._registration = Registration(self.memory, self._scale, self.record)
        self._drafts = Drafts(self.memory, self._registration, settings)
        self._commands = WeighbridgeCommands(self.memory, self._scale, self._registration, self._drafts, ring)
        self._opcode = 0
        self._applied = [0] * len(settings)  # the settings in force, once there are any

    def step(self, now_ms: int) -> None:
        """Scan once at `now_ms` (30-bit ticks). Field conditions never raise; they show as faults and flags."""
        if self._commands.pending:
            self.on_stored(regs.COMMAND_RESULT_STORE_FAILED)  # nobody did: nothing may count as stored
        self.timers.advance(now_ms)
        self._apply_settings()
        self._read_inputs()
        # `gate verify` cuts the scan here (firmware/proofs/weighbridge_subject.py): what comes before must not read the
        # request, the key switch or a button to decide; what comes after no sample.
        faults = self._find_faults()
        self._answer_request(faults)
        self._read_buttons(faults)
        self._set_faults(self._find_faults())
        self._set_state()
        self._judge_health()
        self._publish()

    def pending(self) -> int:
        """What the application must do at once after a step, PENDING_*; it answers with `on_stored`."""
        return self._commands.pending

    def pending_setting(self) -> int:
        """With PENDING_SETTING: the index of the setting to be stored as `pending_value`."""
        return self._commands.setting

    def pending_value(self) -> int:
        """The setting's value, or with PENDING_READ the sequence number of the record, 0 for the newest."""
        return self._commands.value

    def on_stored(self, result: int) -> None:
        """Take the answer to what was pending: ACCEPTED, `record` being what was written or read, or a refusal.

        Only now a weight counts as registered, and the request that asked for it as answered.
        """
        if self._commands.pending == PENDING_READ and result == regs.COMMAND_RESULT_ACCEPTED:
            show_record(self.record, self.status)
        self._commands.finish(result == regs.COMMAND_RESULT_ACCEPTED)
        if self._opcode:
            self._report(self._opcode, result)
            self._opcode = 0
        self._publish()

    def next_wake_ms(self) -> int:
        """Milliseconds from the last step until one without new inputs could differ; -1 = never."""
        wake_ms = self.timers.next_ms()
        front_ms = self._front.next_wake_ms(self.timers.now_ms)
        return front_ms if wake_ms < 0 or 0 <= front_ms < wake_ms else wake_ms

    def safe_outputs(self, outputs: list[int]) -> None:
        """Fill in the outputs that hurt nobody: the driver is not told that the weighing is done."""
        outputs[regs.OUT_READY_LAMP] = 0

    def save(self, buffer: bytearray) -> int:
        """Write the whole state, times relative to the last step; return its size, SAVED_SIZE bytes."""
        buffer[0] = FORMAT_VERSION
        offset = save_memory(self.memory, self.timers, buffer, 1)
        offset = self._scale.sampler.save(buffer, offset)
        return self._scale.window.save(buffer, offset, self.timers.now_ms)

    def load(self, buffer: bytes | bytearray, now_ms: int) -> bool:
        """Take a saved state as if its last step had been at `now_ms`; False if it is not one of this version."""
        if len(buffer) < SAVED_SIZE or buffer[0] != FORMAT_VERSION:
            return False
        offset = load_memory(self.memory, self.timers, buffer, 1, now_ms)
        offset = self._scale.sampler.load(buffer, offset)
        self._scale.window.load(buffer, offset, now_ms)
        self._scale.recall()
        self._scale.is_axle_wise = self.memory.mode
        self._applied[0] = -1  # settings are looked at anew: those of the saved state may have been others
        self._judge_health()
        self._publish()
        return True

    # Settings and inputs.

    def _apply_settings(self) -> None:
        """Put settings in force that are not yet, which takes a tenth of a scan."""
        settings = self.settings
        applied = self._applied
        if self.memory.is_started and settings == applied:
            return
        self._put_in_force(settings)
        for index in range(len(applied)):
            applied[index] = settings[index]

    def _put_in_force(self, settings: list[int]) -> None:
        """Every change of a metrological setting moves the sealed counter."""
        scale = self._scale
        self._front.configure(settings)
        scale.sampler.timeout_ms = settings[regs.SET_ADC_TIMEOUT_MS]
        scale.is_tracking = settings[regs.SET_ZERO_TRACKING]
        scale.drift_quarters = settings[regs.SET_ZERO_DRIFT_LIMIT]
        scale.window.configure(settings[regs.SET_STABILITY_WINDOW_MS])
        was_started = self.memory.is_started
        if settings[regs.SET_WEIGHING_MODE] != self.memory.mode:
            self._change_mode(settings[regs.SET_WEIGHING_MODE])
        is_changed = scale.configure(
            settings[regs.SET_MAX_KG],
            settings[regs.SET_E_KG],
            self._front.zero_counts,
            self._front.span_counts,
        )
        rules = settings[regs.SET_STABILITY_WINDOW_MS] << 4 | scale.drift_quarters << 1 | scale.is_tracking
        rules = rules << 1 | settings[regs.SET_INDICATOR_VERIFIED]
        if is_changed or (was_started and rules != self.memory.rules):
            self.memory.calibration_count = (self.memory.calibration_count + 1) & 0xFFFF
        self.memory.rules = rules
        if is_changed:
            self._commands.set_tare(0, 0)
            self._drafts.clear()
            self._registration.forget()

    def _change_mode(self, mode: int) -> None:
        """What stood at rest by the rule of one mode did not by that of the other."""
        self.memory.mode = mode
        self._scale.is_axle_wise = mode
        self._scale.window.reset()
        self._drafts.clear()

    def _read_inputs(self) -> None:
        memory = self.memory
        is_clear = self._is_on(regs.IN_FRONT_CLEAR) and self._is_on(regs.IN_REAR_CLEAR)
        local = 1 if self._is_on(regs.IN_LOCAL_MODE) else 0
        if local != memory.local:
            memory.local = local
            self.ring.push(regs.EV_LOCAL_CHANGED, local)
        self._front.step(self.timers.now_ms, self.inputs, self.quality)
        self._commands.note_zeroed()
        memory.is_blocked = 0 if is_clear else 1
        self._scale.step(self.timers.now_ms, self._front.sample)
        self._registration.watch()
        self._drafts.watch()

    def _is_on(self, index: int) -> bool:
        """A contact counts as closed only when its reading can be trusted."""
        return self.inputs[index] != 0 and self.quality[index] == quality.GOOD

    # Commands.

    def _answer_request(self, faults: int) -> None:
        opcode = self.request_opcode
        if not opcode:
            return
        self.request_opcode = 0
        result = self._commands.handle(opcode, self.request_argument, faults)
        if self._commands.pending:
            self._opcode = opcode
            self.request_result = result
        else:
            self._report(opcode, result)

    def _report(self, opcode: int, result: int) -> None:
        self.request_result = result
        self.ring.push(regs.EV_COMMAND_DONE, (opcode & 0xFFFF) * 256 + result)

    def _read_buttons(self, faults: int) -> None:
        """A press counts when it begins; a button that cannot be read counts as held, so its return is no press."""
        memory = self.memory
        zero = self._is_pressed(regs.IN_LOCAL_ZERO)
        tare = self._is_pressed(regs.IN_LOCAL_TARE)
        register = self._is_pressed(regs.IN_LOCAL_REGISTER)
        if memory.local and self._commands.pending == PENDING_NONE:
            self._commands.press(
                1 if zero == 1 and not memory.local_zero_before else 0,
                1 if tare == 1 and not memory.local_tare_before else 0,
                1 if register == 1 and not memory.local_register_before else 0,
                faults,
            )
        memory.local_zero_before = 1 if zero else 0
        memory.local_tare_before = 1 if tare else 0
        memory.local_register_before = 1 if register else 0

    def _is_pressed(self, index: int) -> int:
        """1 if pressed, 0 if not, -1 if unknown."""
        if self.quality[index] != quality.GOOD:
            return -1
        return 1 if self.inputs[index] else 0

    # Faults, state, health.

    def _find_faults(self) -> int:
        scale = self._scale
        memory = self.memory
        readings = self.quality
        faults = self._front.faults(scale.sampler.silent)
        faults |= scale.sampler.saturated << regs.FAULTS_ADC_SATURATED
        faults |= memory.zero_out_of_range << regs.FAULTS_ZERO_OUT_OF_RANGE
        if memory.zero_drift or scale.has_entry_drift():
            faults |= 1 << regs.FAULTS_ZERO_DRIFT
        if not scale.calibration.valid:
            faults |= 1 << regs.FAULTS_NOT_CALIBRATED
        if not scale.is_direct:  # an indicator has its calibration with itself
            faults |= memory.recalibration_due << regs.FAULTS_RECALIBRATION_DUE
        if not self._is_on(regs.IN_SEAL_CLOSED):
            faults |= 1 << regs.FAULTS_SEAL_OPEN
        for index in range(self._judged_count()):
            if readings[index] != quality.GOOD:
                faults |= 1 << regs.FAULTS_INPUT_BAD
        return faults

    def _judged_count(self) -> int:
        """How many inputs must be good: a converter that still settles is none; if it stays silent, that is told."""
        return regs.IN_COUNT if self.memory.state == regs.STATE_STARTING else self._front.input_count

    def _set_faults(self, faults: int) -> None:
        changed = faults ^ self.memory.faults
        self.memory.faults = faults
        if not changed:
            return
        for bit in range(_FAULT_BITS):
            if changed & (1 << bit):
                self.ring.push(regs.EV_FAULT_RAISED if faults & (1 << bit) else regs.EV_FAULT_CLEARED, bit)

    def _set_state(self) -> None:
        state = self._find_state()
        if state != self.memory.state:
            self.memory.state = state
            self.ring.push(regs.EV_STATE_CHANGED, state)

    def _find_state(self) -> int:
        """The first that holds, from worst to best."""
        scale = self._scale
        if self.memory.faults & _NO_WEIGHT:
            return regs.STATE_FAULT
        if not scale.has_weight():
            return regs.STATE_STARTING
        if self.memory.overload:
            return regs.STATE_OVERLOAD
        if scale.is_underloaded():
            return regs.STATE_UNDERLOAD
        if not scale.is_occupied():
            return regs.STATE_EMPTY
        is_stable = scale.is_at_rest() and not self.memory.underload
        return regs.STATE_STABLE if is_stable else regs.STATE_OCCUPIED

    def _judge_health(self) -> None:
        memory = self.memory
        faults = memory.faults
        reasons = 0 if self.hub_alive else 1 << regs.REASONS_HUB_LOST
        reasons |= (faults >> regs.FAULTS_INPUT_BAD & 1) << regs.REASONS_INPUT_BAD
        reasons |= (1 if faults & _FAILURE else 0) << regs.REASONS_ROLE_FAULT
        if faults & ~_FAILURE or memory.overload or self._scale.is_underloaded():
            reasons |= 1 << regs.REASONS_ROLE_WARNING
        if memory.local:
            reasons |= 1 << regs.REASONS_LOCAL_MODE
        self.reasons = reasons
        if faults & _FAILURE:
            self.health = regs.HEALTH_FAILURE
        elif faults & _CHECKED or memory.local:
            self.health = regs.HEALTH_CHECK_FUNCTION
        else:
            self.health = regs.HEALTH_OFF_SPEC if reasons else regs.HEALTH_NORMAL

    # Outputs and status.

    def _publish(self) -> None:
        scale = self._scale
        memory = self.memory
        status = self.status
        gross_kg_x10 = scale.indication.gross_kg_x10(scale.calibration)
        self.outputs[regs.OUT_READY_LAMP] = 1 if memory.state == regs.STATE_STABLE else 0
        status[regs.ST_STATE] = memory.state
        status[regs.ST_FAULTS] = memory.faults
        status[regs.ST_FLAGS] = self._find_flags()
        status[regs.ST_GROSS_KG_X10] = gross_kg_x10
        status[regs.ST_NET_KG_X10] = gross_kg_x10 - memory.tare_kg_x10 if scale.indication.is_shown() else 0
        status[regs.ST_TARE_KG_X10] = memory.tare_kg_x10
        status[regs.ST_STABLE_MS] = scale.window.stable_ms
        status[regs.ST_REGISTERED_KG_X10] = memory.registered_kg_x10
        status[regs.ST_REGISTERED_ID] = memory.registered_id
        status[regs.ST_REGISTERED_COUNT] = memory.registered_count
        status[regs.ST_REGISTERED_TARE_KG_X10] = memory.registered_tare_kg_x10
        status[regs.ST_REGISTERED_FLAGS] = memory.registered_flags
        status[regs.ST_ADC_COUNTS] = scale.sampler.counts
        status[regs.ST_ADC_SAMPLES] = scale.sampler.samples
        status[regs.ST_ZERO_OFFSET_COUNTS] = memory.zero_offset
        status[regs.ST_CALIBRATION_COUNT] = memory.calibration_count
        status[regs.ST_ENTRY_DRIFT_COUNTS] = memory.entry_error
        status[regs.ST_DRAFT_COUNT] = memory.draft_count
        status[regs.ST_DRAFT_SUM_KG_X10] = memory.draft_sum_kg_x10
        status[regs.ST_DRAFT_LAST_KG_X10] = memory.draft_last_kg_x10
        status[regs.ST_DRAFT_FLAGS] = memory.draft_flags
        status[regs.ST_ALIBI_NEWEST] = memory.alibi_newest
        self._front.publish(status, scale.sampler.silent)

    def _find_flags(self) -> int:
        scale = self._scale
        memory = self.memory
        indication = scale.indication
        is_occupied = scale.is_occupied()
        flags = scale.window.stable << regs.FLAGS_STABLE
        flags |= memory.overload << regs.FLAGS_OVERLOAD
        flags |= memory.underload << regs.FLAGS_UNDERLOAD
        flags |= (1 if memory.tare_kg_x10 else 0) << regs.FLAGS_TARE_SET
        flags |= memory.tare_is_preset << regs.FLAGS_PRESET_TARE
        flags |= memory.mode << regs.FLAGS_MULTI_DRAFT
        flags |= memory.second_vehicle << regs.FLAGS_SECOND_VEHICLE
        flags |= (1 if is_occupied else 0) << regs.FLAGS_OCCUPIED
        flags |= (1 if is_occupied or not memory.valid else 0) << regs.FLAGS_ZERO_FROZEN
        if not memory.valid:
            return flags
        is_legal = memory.faults == 0 and self._front.is_verified and not memory.mode and not memory.second_vehicle
        if is_legal and scale.has_weight() and indication.is_shown():
            flags |= 1 << regs.FLAGS_LEGAL_FOR_TRADE
        if indication.is_center_of_zero(scale.calibration):
            flags |= 1 << regs.FLAGS_CENTER_OF_ZERO
        if scale.is_inside_zero():
            flags |= 1 << regs.FLAGS_INSIDE_ZERO
        if indication.is_below_min(memory.kg_x10, scale.calibration):
            flags |= 1 << regs.FLAGS_BELOW_MIN
        if memory.on_deck and not memory.is_blocked:
            flags |= 1 << regs.FLAGS_POSITION_OK
        return flags
