"""The RFID reader's control core: a reader's dialogue, the gate that says when to read, reads, seal and lamps.

Knows the order inside a scan and what leaves the core: status words, NE 107 health, events. The parts know the rest:
rfid_inputs (quality), rfid_line and rfid_links (the reader families), rfid_dialog (questions and silence), rfid_reads
(suppression, direction, read list), rfid_memory (what is saved).
Must not know registers' addresses beyond the read list's, buses, clocks or pins.
"""

from firmware.control.events import EventRing
from firmware.control.rfid_dialog import RfidDialog
from firmware.control.rfid_inputs import RfidInputs
from firmware.control.rfid_line import RfidLine
from firmware.control.rfid_links import NO_NEWS, make_link
from firmware.control.rfid_memory import (
    SAVE_SIZE as MEMORY_SIZE,
)
from firmware.control.rfid_memory import (
    SETUP_DONE,
    TIMER_BEEP,
    TIMER_COUNT,
    TIMER_GATE,
    TIMER_NOISE,
    TIMER_READ_OK,
    TIMER_TRIGGER,
    RfidMemory,
    load_memory,
    save_memory,
)
from firmware.control.rfid_reads import CAPACITY, RfidReads
from firmware.control.rfid_reads import SAVE_SIZE as READS_SIZE
from firmware.control.rows import make_row
from firmware.control.timer import TimerBank
from protocols.compat import const
from protocols.quality import BAD
from protocols.registers import rfid as reg
from protocols.rfid import eseal

PROTOCOLS = ("r200", "uhfreader18", "wiegand")
SAVE_SIZE = MEMORY_SIZE + READS_SIZE

# A line with so many stretches of garbage in a minute wants its wiring looked at, although frames still pass.
NOISE_WINDOW_MS = const(60000)
NOISE_MAX = const(10)

_COUNTER_MASK = const(0xFFFF)
_FAULT_COUNT = reg.FAULTS_INPUT_BAD + 1
_SILENT = 1 << reg.FAULTS_READER_SILENT
_GARBAGE = 1 << reg.FAULTS_READER_GARBAGE
_NOISY = 1 << reg.FAULTS_LINE_NOISY
_ANTENNA = 1 << reg.FAULTS_ANTENNA_FAULT
_INPUT_BAD = 1 << reg.FAULTS_INPUT_BAD
# The device fails in its function (NE 107 FAILURE): it cannot read, or not what it should.
_FAILURE = _SILENT | _GARBAGE | _ANTENNA | _INPUT_BAD


class Rfid:
    """Scan core of the RFID role; see firmware/ports and ARCHITECTURE for the contract shared by all roles.

    `protocol` is one of PROTOCOLS. Bytes of the reader go through `line`; step() deals with what they brought.
    """

    def __init__(self, settings: list[int], ring: EventRing, protocol: str = "r200") -> None:
        self.settings = settings
        self.ring = ring
        self.inputs = [0] * reg.IN_COUNT
        self.quality = [BAD] * reg.IN_COUNT
        self.outputs = [0] * reg.OUT_COUNT
        self.status = make_row(reg.STATUS_COUNT, 0)
        self.hub_alive = 0
        self.request_opcode = 0
        self.request_argument = 0
        self.request_result = reg.COMMAND_RESULT_NONE
        self.health = reg.HEALTH_NORMAL
        self.reasons = 0
        self.memory = RfidMemory()
        self.timers = TimerBank(TIMER_COUNT)
        self.line = RfidLine(make_link(protocol))
        self.sensed = RfidInputs()
        self.dialog = RfidDialog(self.memory, self.timers, self.line, settings)
        self.reads = RfidReads(self.memory, self.timers, self.sensed, settings, ring)

    def bind_registers(self, registers: bytearray | memoryview) -> None:
        """Lay the read list over the map's input registers; called once, before the first step."""
        self.reads.place(registers)

    def step(self, now_ms: int) -> None:
        """One scan at now_ms (30-bit ticks)."""
        self.timers.advance(now_ms)
        self.sensed.read(self.inputs, self.quality, self.settings[reg.SET_SEAL_FITTED] != 0)
        self.dialog.listen()
        self._watch_vehicle()
        self._watch_seal()
        self._handle_request()
        self._handle_button()
        reading = self._is_reading()
        self._take_counters()
        self.dialog.step(reading)
        self.reads.step(self.line.link, reading, self.hub_alive)
        self.line.link.clear()
        self._set_faults()
        self._set_state(reading)
        self._judge_health()
        self._write_outputs()
        self._write_status()

    def next_wake_ms(self) -> int:
        """Time from the last step until step could do anything new without inputs or bytes; -1 is never."""
        return self.timers.next_ms()

    def save(self, buffer: bytearray) -> int:
        """Write the whole controller state, times relative to the last step; returns the size (SAVE_SIZE).

        Not the read list, which lies in the registers, nor half a frame on the line.
        """
        return self.reads.save(buffer, save_memory(self.memory, self.timers, buffer))

    def load(self, buffer: bytes | bytearray, now_ms: int) -> bool:
        """Take over a saved state as if its last step had been at now_ms; False if it is not one of this version."""
        if len(buffer) < SAVE_SIZE or not load_memory(self.memory, self.timers, buffer, now_ms):
            return False
        self.reads.load(buffer, MEMORY_SIZE)
        self.line.link.awaited = self.memory.request
        self.line.link.antenna = self.memory.antenna
        self._write_outputs()
        self._write_status()
        return True

    def safe_outputs(self, outputs: list[int]) -> None:
        """Fill the list with what hurts nobody: all off, no reader triggered, nobody told that a tag was read."""
        for index in range(reg.OUT_COUNT):
            outputs[index] = 0

    # Vehicle, seal, commands.

    def _watch_vehicle(self) -> None:
        memory = self.memory
        sensed = self.sensed
        by_presence = self.settings[reg.SET_DIRECTION_SOURCE] == reg.DIRECTION_SOURCE_PRESENCE
        if self.settings[reg.SET_DIRECTION_SOURCE] == reg.DIRECTION_SOURCE_NONE:
            memory.direction = reg.DIRECTION_UNKNOWN
        if sensed.vehicle == memory.vehicle:
            return
        memory.vehicle = sensed.vehicle
        if not sensed.vehicle:
            self.timers.start(TIMER_GATE, self.settings[reg.SET_GATE_HOLD_MS])
        elif by_presence:
            memory.direction = sensed.side
        self.ring.push(reg.EV_PRESENCE_CHANGED, memory.direction * 2 + memory.vehicle)

    def _watch_seal(self) -> None:
        if self.sensed.seal != self.memory.seal:
            self.memory.seal = self.sensed.seal
            self.ring.push(reg.EV_SEAL_CHANGED, self.memory.seal)

    def _handle_request(self) -> None:
        opcode = self.request_opcode
        if opcode:
            self.request_opcode = 0
            self.request_result = self._carry_out(opcode)
            self.ring.push(reg.EV_COMMAND_DONE, (opcode & 0xFFFF) * 256 + self.request_result)

    def _carry_out(self, opcode: int) -> int:
        memory = self.memory
        if opcode == reg.OP_CLEAR_FAULTS:
            return self._clear_faults()
        if opcode == reg.OP_STOP:
            memory.stopped = 1
            self.timers.stop(TIMER_TRIGGER)
            return reg.COMMAND_RESULT_ACCEPTED
        if opcode != reg.OP_START and opcode != reg.OP_TRIGGER and opcode != reg.OP_RESTART_READER:
            return reg.COMMAND_RESULT_UNKNOWN_OPCODE
        if self.sensed.values[reg.IN_LOCAL_MODE]:
            return reg.COMMAND_RESULT_REFUSED_LOCAL
        if opcode == reg.OP_START:
            memory.stopped = 0
        elif opcode == reg.OP_TRIGGER:
            if memory.stopped:
                return reg.COMMAND_RESULT_REFUSED_STATE
            self.timers.start(TIMER_TRIGGER, self.settings[reg.SET_TRIGGER_MS])
        else:
            self.dialog.restart()
        return reg.COMMAND_RESULT_ACCEPTED

    def _clear_faults(self) -> int:
        """Accepted if something was cleared, or nothing stood."""
        memory = self.memory
        if memory.faults and not memory.latched:
            return reg.COMMAND_RESULT_REFUSED_INTERLOCK
        memory.latched = 0
        return reg.COMMAND_RESULT_ACCEPTED

    def _handle_button(self) -> None:
        """A press counts when it begins; with the key on local it reads also after STOP."""
        pressed = self.sensed.values[reg.IN_LOCAL_READ]
        if pressed and not self.memory.button_before and self.sensed.values[reg.IN_LOCAL_MODE]:
            self.timers.start(TIMER_TRIGGER, self.settings[reg.SET_TRIGGER_MS])
        self.memory.button_before = pressed

    def _is_reading(self) -> int:
        if self.timers.is_running(TIMER_TRIGGER):
            return 1
        if self.memory.stopped:
            return 0
        if self.settings[reg.SET_GATE] == reg.GATE_ALWAYS or self.memory.vehicle:
            return 1
        return 1 if self.timers.is_running(TIMER_GATE) else 0

    # What came over the line.

    def _take_counters(self) -> None:
        memory = self.memory
        link = self.line.link
        memory.frames = (memory.frames + link.frames) & _COUNTER_MASK
        memory.line_errors = (memory.line_errors + link.errors) & _COUNTER_MASK
        memory.tag_crc_errors = (memory.tag_crc_errors + link.tag_crc_errors) & _COUNTER_MASK
        memory.partial_rounds = (memory.partial_rounds + link.partial_rounds) & _COUNTER_MASK
        if link.reader_error != NO_NEWS:
            memory.reader_error = link.reader_error
        if link.antenna_fault != NO_NEWS:
            memory.antenna_fault = link.antenna_fault
        self._watch_noise(link.errors)

    def _watch_noise(self, errors: int) -> None:
        """Noisy from the NOISE_MAX-th stretch of garbage on, until a window has passed with fewer."""
        memory = self.memory
        timers = self.timers
        if timers.is_done(TIMER_NOISE):
            memory.noisy = 1 if memory.noise >= NOISE_MAX else 0
            memory.noise = 0
        if errors:
            memory.noise = min(memory.noise + errors, NOISE_MAX)
            if memory.noise >= NOISE_MAX:
                memory.noisy = 1
        if (memory.noise or memory.noisy) and not timers.is_running(TIMER_NOISE):
            timers.start(TIMER_NOISE, NOISE_WINDOW_MS)

    # Faults, state, health.

    def _set_faults(self) -> None:
        memory = self.memory
        faults = memory.latched
        if self.dialog.is_lost():
            faults |= _GARBAGE if memory.garbage else _SILENT
        if memory.noisy:
            faults |= _NOISY
        if memory.antenna_fault:
            faults |= _ANTENNA
        if self.sensed.bad:
            faults |= _INPUT_BAD
        changed = faults ^ memory.faults
        memory.faults = faults
        if not changed:
            return
        for bit in range(_FAULT_COUNT):
            if changed & (1 << bit):
                self.ring.push(reg.EV_FAULT_RAISED if faults & (1 << bit) else reg.EV_FAULT_CLEARED, bit)

    def _set_state(self, reading: int) -> None:
        state = self._find_state(reading)
        if state != self.memory.state:
            self.memory.state = state
            self.ring.push(reg.EV_STATE_CHANGED, state)

    def _find_state(self, reading: int) -> int:
        """The first that holds, from worst to best."""
        memory = self.memory
        if memory.faults & (_SILENT | _GARBAGE):
            return reg.STATE_FAULT
        if memory.setup != SETUP_DONE:
            return reg.STATE_STARTING
        if reading:
            return reg.STATE_READING
        return reg.STATE_STOPPED if memory.stopped else reg.STATE_READY

    def _judge_health(self) -> None:
        """NE 107: a failure outranks hands at the device, which outrank doubts, which outrank a worn line or seal."""
        faults = self.memory.faults
        local = self.sensed.values[reg.IN_LOCAL_MODE]
        worn = faults & _NOISY or self.sensed.seal & eseal.BATTERY_LOW
        doubtful = faults & ~(_FAILURE | _NOISY) or self.sensed.uncertain
        self.health = reg.HEALTH_NORMAL
        if faults & _FAILURE:
            self.health = reg.HEALTH_FAILURE
        elif local or self.memory.stopped:
            self.health = reg.HEALTH_CHECK_FUNCTION
        elif not self.hub_alive or doubtful:
            self.health = reg.HEALTH_OFF_SPEC
        elif worn:
            self.health = reg.HEALTH_MAINTENANCE_REQUIRED
        reasons = 0 if self.hub_alive else 1 << reg.REASONS_HUB_LOST
        if self.sensed.bad:
            reasons |= 1 << reg.REASONS_INPUT_BAD
        if local:
            reasons |= 1 << reg.REASONS_LOCAL_MODE
        if faults & _FAILURE:
            reasons |= 1 << reg.REASONS_ROLE_FAULT
        if worn or doubtful or self.memory.stopped:
            reasons |= 1 << reg.REASONS_ROLE_WARNING
        self.reasons = reasons

    # Outputs and status.

    def _write_outputs(self) -> None:
        timers = self.timers
        outputs = self.outputs
        outputs[reg.OUT_READ_OK] = 1 if timers.is_running(TIMER_READ_OK) else 0
        outputs[reg.OUT_BUZZER] = 1 if timers.is_running(TIMER_BEEP) else 0
        outputs[reg.OUT_TRIGGER] = 1 if self.memory.state == reg.STATE_READING else 0
        outputs[reg.OUT_ANTENNA_2] = 1 if self.memory.antenna == 2 else 0

    def _write_status(self) -> None:
        memory = self.memory
        status = self.status
        status[reg.ST_STATE] = memory.state
        status[reg.ST_FAULTS] = memory.faults
        status[reg.ST_FLAGS] = self._find_flags()
        status[reg.ST_DIRECTION] = memory.direction
        status[reg.ST_SEAL] = memory.seal
        status[reg.ST_ANTENNA] = memory.antenna
        status[reg.ST_READ_HEAD] = memory.read_head
        status[reg.ST_READ_CAPACITY] = CAPACITY
        status[reg.ST_READS_LOST] = memory.reads_lost
        status[reg.ST_DUPLICATES] = memory.duplicates
        status[reg.ST_WEAK_READS] = memory.weak_reads
        status[reg.ST_GATED_READS] = memory.gated_reads
        status[reg.ST_TAG_CRC_ERRORS] = memory.tag_crc_errors
        status[reg.ST_LINE_ERRORS] = memory.line_errors
        status[reg.ST_FRAMES] = memory.frames
        status[reg.ST_PARTIAL_ROUNDS] = memory.partial_rounds
        status[reg.ST_READER_ERROR] = memory.reader_error

    def _find_flags(self) -> int:
        memory = self.memory
        flags = memory.vehicle << reg.FLAGS_VEHICLE
        if self.timers.is_running(TIMER_TRIGGER):
            flags |= 1 << reg.FLAGS_TRIGGERED
        if eseal.is_opened(memory.seal):
            flags |= 1 << reg.FLAGS_SEAL_OPENED
        if memory.seal & eseal.BATTERY_LOW:
            flags |= 1 << reg.FLAGS_SEAL_BATTERY_LOW
        if memory.seal & eseal.UNKNOWN:
            flags |= 1 << reg.FLAGS_SEAL_UNKNOWN
        return flags
