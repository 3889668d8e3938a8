"""The charging post's control core: contact plates, power module, contactor and vehicle handshake as one scan.

Knows the order inside a scan and what leaves the core: outputs, status words, NE 107 health. The parts know the rest:
charging_post_inputs (quality, every limit), charging_post_module (the power module's line), charging_post_faults,
charging_post_commands (commands x states), charging_post_states (the sequence), charging_post_power (contactor,
current, arm, interlocks), charging_post_watch (heartbeats, reasons to end), charging_post_meter (energy, session
record), charging_post_memory (what is saved). Must not know registers' addresses, buses, clocks or pins.

Why the current's setpoint is no output: outputs are lines, 0 or 1, that the board drives safe by itself when the scan
stops. A setpoint travels to the power module in frames that are heartbeats at the same time, so a dead scan, a cut
line and a hung post all end the same way: the module hears nothing and switches off by itself. MODULE_ENABLE is the
second, wired way to the same end.
"""

from firmware.control.charging_post_commands import PostCommands
from firmware.control.charging_post_faults import PostFaults
from firmware.control.charging_post_inputs import IN_VEHICLE_BATTERY_V, IN_VEHICLE_SOC, INPUT_COUNT, PostInputs
from firmware.control.charging_post_memory import (
    JOG_EXTEND,
    JOG_RETRACT,
    TIMER_COUNT,
    TIMER_MODULE,
    TIMER_VEHICLE,
    PostMemory,
    load_memory,
    save_memory,
)
from firmware.control.charging_post_meter import PostMeter
from firmware.control.charging_post_module import ModuleLine
from firmware.control.charging_post_power import PostPower
from firmware.control.charging_post_states import PostStates
from firmware.control.charging_post_watch import PostWatch
from firmware.control.events import EventRing
from firmware.control.rows import make_row
from firmware.control.timer import TimerBank
from protocols.compat import const, ticks_diff
from protocols.quality import BAD
from protocols.registers import charging_post as reg

# After a scan that changed something the next one may go on from there, whatever the inputs do.
_UNSETTLED_WAKE_MS = const(1)


class ChargingPost:
    """Scan core of the charging_post role; see firmware/ports and ARCHITECTURE for the contract shared by all roles.

    `settings` is the application's list in SETTINGS_TABLE order and may change between scans. Before step() the
    application fills `inputs`, `quality`, `hub_alive` and, for a command, `request_opcode`; after it, `outputs`,
    `status`, `health`, `reasons` and, if there was a request, `request_result` are valid. step() allocates nothing.
    `line` leads to the power module; `protocol` is "power_module", the only one there is.
    """

    def __init__(self, settings: list[int], ring: EventRing, protocol: str = "power_module") -> None:
        self.settings = settings
        self.ring = ring
        self.inputs = [0] * INPUT_COUNT
        self.quality = [BAD] * INPUT_COUNT
        self.outputs = [0] * reg.OUT_COUNT
        self.status = make_row(reg.STATUS_COUNT, 0)
        self.hub_alive = 0
        self.request_opcode = 0
        self.request_argument = 0
        self.request_result = reg.COMMAND_RESULT_NONE
        self.health = reg.HEALTH_NORMAL
        self.reasons = 0
        self.line = ModuleLine()
        self.memory = PostMemory(reg.STATE_RAMP_DOWN, reg.END_REASON_RESTART)
        self.timers = TimerBank(TIMER_COUNT)
        self.sensed = PostInputs()
        self.meter = PostMeter(self.memory, ring)
        self.faults = PostFaults(self.memory, self.timers, self.sensed, self.line, ring)
        self.power = PostPower(self.memory, self.timers, self.sensed, settings, ring)
        self.watch = PostWatch(self.memory, self.timers, self.sensed, settings, self.faults)
        self.states = PostStates(
            self.memory, self.timers, self.sensed, settings, self.faults, self.power, self.watch, self.meter, ring
        )
        self.commands = PostCommands(self.memory, self.states, self.faults)
        self._is_settled = False
        self.safe_outputs(self.outputs)

    def step(self, now_ms: int) -> None:
        """One scan at now_ms (30-bit ticks)."""
        memory = self.memory
        sensed = self.sensed
        state = memory.state
        driven = memory.set_a_x10 * 4 + memory.contactor * 2 + memory.connect
        self.meter.advance(ticks_diff(now_ms, self.timers.now_ms))
        self.timers.advance(now_ms)
        sensed.read(self.inputs, self.quality, self.settings)
        self.watch.note_heartbeats(self.line.sequence)
        self.watch.note_supply()
        self.faults.step()
        self._handle_request()
        self.commands.handle_buttons()
        self.states.step(self.hub_alive)
        self.power.step()
        self._is_settled = (
            memory.state == state and memory.set_a_x10 * 4 + memory.contactor * 2 + memory.connect == driven
        )
        self.meter.hold(memory.contactor, sensed.plate_v_x10, sensed.current_a_x10)
        self.line.demand(now_ms, self.power.enable, sensed.limit_v_x10, memory.set_a_x10)
        self._note_mode()
        self._judge_health()
        self._write_outputs()
        self._write_status()

    def next_wake_ms(self) -> int:
        """Time from the last step until step could do anything new with unchanged inputs; -1 is never."""
        if not self._is_settled:
            return _UNSETTLED_WAKE_MS
        timer_ms = self.timers.next_ms()
        meter_ms = self.meter.next_ms()
        if meter_ms >= 0 and (timer_ms < 0 or meter_ms < timer_ms):
            return meter_ms
        return timer_ms

    def save(self, buffer: bytearray) -> int:
        """Write the whole controller state, times relative to the last step; returns the size (SAVE_SIZE)."""
        return save_memory(self.memory, self.timers, buffer)

    def load(self, buffer: bytes | bytearray, now_ms: int) -> bool:
        """Take over a saved state as if its last step had been at now_ms; False if it is not one of this version.

        Outputs and status are those of that state after the next step, which next_wake_ms asks for at once.
        """
        self._is_settled = False
        self.meter.has_moved = True
        return load_memory(self.memory, self.timers, buffer, now_ms)

    def safe_outputs(self, outputs: list[int]) -> None:
        """Fill the list with what hurts nobody: nothing is driven, the fault lamp is lit."""
        for index in range(reg.OUT_COUNT):
            outputs[index] = 0
        outputs[reg.OUT_LAMP_FAULT] = 1

    def _handle_request(self) -> None:
        opcode = self.request_opcode
        if opcode:
            self.request_opcode = 0
            self.request_result = self.commands.handle(opcode)
            self.ring.push(reg.EV_COMMAND_DONE, (opcode & 0xFFFF) * 256 + self.request_result)

    def _note_mode(self) -> None:
        mode = reg.MODE_REMOTE
        if self.sensed.values[reg.IN_LOCAL_MODE]:
            mode = reg.MODE_LOCAL
        elif self.memory.locked:
            mode = reg.MODE_LOCKED
        if mode != self.memory.mode:
            self.memory.mode = mode
            self.ring.push(reg.EV_MODE_CHANGED, mode)

    def _judge_health(self) -> None:
        """NE 107: a latched fault outranks hands at the post, which outrank work outside the specification."""
        memory = self.memory
        sensed = self.sensed
        local = sensed.values[reg.IN_LOCAL_MODE]
        faulty = self.faults.any()
        by_hand = memory.state == reg.STATE_ESTOP or self.watch.is_inhibited()
        warning = by_hand or sensed.uncertain or sensed.derated or memory.load_breaks != 0
        self.health = reg.HEALTH_NORMAL
        if faulty:
            self.health = reg.HEALTH_FAILURE
        elif by_hand:
            self.health = reg.HEALTH_CHECK_FUNCTION
        elif not self.hub_alive or sensed.uncertain or sensed.derated:
            self.health = reg.HEALTH_OFF_SPEC
        elif memory.load_breaks:
            self.health = reg.HEALTH_MAINTENANCE_REQUIRED
        reasons = 0
        if not self.hub_alive:
            reasons |= 1 << reg.REASONS_HUB_LOST
        if sensed.bad:
            reasons |= 1 << reg.REASONS_INPUT_BAD
        if local:
            reasons |= 1 << reg.REASONS_LOCAL_MODE
        if faulty:
            reasons |= 1 << reg.REASONS_ROLE_FAULT
        if warning:
            reasons |= 1 << reg.REASONS_ROLE_WARNING
        self.reasons = reasons

    def _write_outputs(self) -> None:
        memory = self.memory
        power = self.power
        outputs = self.outputs
        state = memory.state
        outputs[reg.OUT_CONTACTOR] = memory.contactor
        outputs[reg.OUT_PRECHARGE] = power.precharge
        outputs[reg.OUT_MODULE_ENABLE] = power.enable
        outputs[reg.OUT_MODULE_POWER] = power.power
        outputs[reg.OUT_ARM_EXTEND] = 1 if power.motor == JOG_EXTEND else 0
        outputs[reg.OUT_ARM_RETRACT] = 1 if power.motor == JOG_RETRACT else 0
        outputs[reg.OUT_VEHICLE_CONNECT] = memory.connect
        outputs[reg.OUT_VEHICLE_RELEASE] = 1 if self._may_leave(state) else 0
        outputs[reg.OUT_IMD_TEST] = 1 if state == reg.STATE_INSULATION_TEST else 0
        outputs[reg.OUT_LAMP_CHARGING] = memory.contactor
        outputs[reg.OUT_LAMP_FAULT] = 1 if self.faults.any() or state == reg.STATE_ESTOP else 0

    def _may_leave(self, state: int) -> bool:
        """Nothing of the post holds the vehicle, proven by this scan's measurements."""
        rests = state <= reg.STATE_VEHICLE_PRESENT or state == reg.STATE_RELEASE
        return rests and self.sensed.arm_home and self.memory.block_fault == 0 and self.power.is_dead()

    def _write_status(self) -> None:
        memory = self.memory
        sensed = self.sensed
        status = self.status
        status[reg.ST_STATE] = memory.state
        status[reg.ST_MODE] = memory.mode
        status[reg.ST_FAULTS] = self.faults.word()
        status[reg.ST_END_REASON] = memory.end_reason
        status[reg.ST_PROOFS] = self._proofs()
        status[reg.ST_REFUSAL] = sensed.refusal
        status[reg.ST_PLATE_V_X10] = sensed.plate_v_x10
        status[reg.ST_BUS_V_X10] = sensed.bus_v_x10
        status[reg.ST_CURRENT_A_X10] = sensed.current_a_x10
        status[reg.ST_SET_V_X10] = sensed.limit_v_x10 if self.power.enable else 0
        status[reg.ST_SET_A_X10] = memory.set_a_x10
        status[reg.ST_LIMIT_V_X10] = sensed.limit_v_x10
        status[reg.ST_LIMIT_A_X10] = sensed.limit_a_x10
        status[reg.ST_POST_TEMP_C_X10] = sensed.post_temp_c_x10
        status[reg.ST_PLATE_TEMP_C_X10] = sensed.plate_temp_c_x10
        status[reg.ST_VEHICLE_ID] = sensed.vehicle_id
        good = sensed.vehicle_good
        status[reg.ST_VEHICLE_BATTERY_V_X10] = self.inputs[IN_VEHICLE_BATTERY_V] if good else 0
        status[reg.ST_VEHICLE_SOC_PERMILLE] = self.inputs[IN_VEHICLE_SOC] if good else 0
        status[reg.ST_LOAD_BREAKS] = memory.load_breaks
        silent = not self.timers.is_running(TIMER_MODULE)
        status[reg.ST_MODULE_STATE] = reg.MODULE_STATE_SILENT if silent else self.line.state
        status[reg.ST_MODULE_ERRORS] = self.line.errors
        if self.meter.has_moved:
            self.meter.has_moved = False
            self._write_record()

    def _write_record(self) -> None:
        memory = self.memory
        status = self.status
        status[reg.ST_SESSIONS] = memory.sessions
        status[reg.ST_SESSION_VEHICLE_ID] = memory.session_vehicle_id
        status[reg.ST_SESSION_S] = memory.session_s
        status[reg.ST_SESSION_WH] = memory.session_wh
        status[reg.ST_SESSION_MAH] = memory.session_mah
        status[reg.ST_SESSION_PEAK_A_X10] = memory.session_peak_a_x10
        status[reg.ST_TOTAL_WH] = memory.total_wh
        status[reg.ST_TOTAL_MAH] = memory.total_mah

    def _proofs(self) -> int:
        sensed = self.sensed
        values = sensed.values
        bits = 0
        if self.power.is_battery_seen():
            bits |= 1 << reg.PROOFS_BATTERY_SEEN
        if sensed.plates_dead:
            bits |= 1 << reg.PROOFS_PLATES_DEAD
        if sensed.bus_dead:
            bits |= 1 << reg.PROOFS_BUS_DEAD
        if sensed.current_zero:
            bits |= 1 << reg.PROOFS_CURRENT_ZERO
        if values[reg.IN_IMD_OK] and values[reg.IN_IMD_READY]:
            bits |= 1 << reg.PROOFS_INSULATION_OK
        if self.timers.is_running(TIMER_VEHICLE):
            bits |= 1 << reg.PROOFS_VEHICLE_ALIVE
        if self.timers.is_running(TIMER_MODULE):
            bits |= 1 << reg.PROOFS_MODULE_ALIVE
        if sensed.derated:
            bits |= 1 << reg.PROOFS_DERATED
        return bits
