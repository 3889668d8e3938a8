"""The barrier's control core: boom, loops, light curtain, safety edge, traffic light and warning lamp as one scan.

Knows the order inside a scan and what leaves the core: status words, NE 107 health, events. The parts know the rest:
barrier_inputs (quality), barrier_tests (safety devices), barrier_presence (sensors), barrier_faults, barrier_commands
(commands x states), barrier_states (transitions), barrier_rest (limit supervision, automatic movements), barrier_travel
(motor, interlocks), barrier_lights, barrier_memory (what is saved, and what survives a power cut).
Must not know registers' addresses, buses, clocks or pins.

Why a lost hub does not stop a closing boom: everything that keeps people and vehicles from harm while it closes
(loops, curtain, edge, stop chain, time-out) is wired to this device and works without the hub. A boom stopped half way
is an obstacle in the dark at head height of a cab, and one that opens again lets a vehicle out that nobody cleared. So
a closing that was commanded and is supervised here ends at its limit or reverses for a reason of its own. The light
goes red at once, because an invitation to drive is the one thing that did depend on the hub.
"""

from firmware.control.barrier_commands import BarrierCommands
from firmware.control.barrier_faults import BarrierFaults
from firmware.control.barrier_inputs import BarrierInputs
from firmware.control.barrier_lights import BarrierLights
from firmware.control.barrier_memory import (
    COUNTER_MASK,
    MOTOR_CLOSES,
    MOTOR_OFF,
    MOTOR_OPENS,
    RETAINED,
    TIMER_COUNT,
    BarrierMemory,
    load_memory,
    save_memory,
)
from firmware.control.barrier_presence import BarrierPresence
from firmware.control.barrier_rest import BarrierRest
from firmware.control.barrier_states import BarrierStates, is_moving
from firmware.control.barrier_tests import BarrierTests
from firmware.control.barrier_travel import BarrierTravel
from firmware.control.events import EventRing
from firmware.control.rows import make_row
from firmware.control.timer import TimerBank
from protocols.compat import const
from protocols.quality import BAD
from protocols.registers import barrier as reg

RETAINED_COUNT = len(RETAINED) + 1

# A power cut loses at most this much of the counters. Hourly storing is 8760 writes a year, half of them to each copy.
_KEEP_S = const(3600)
_KEEP_MOVES = const(100)


class Barrier:
    """Scan core of the barrier role; see firmware/ports and ARCHITECTURE for the contract shared by all roles.

    `settings` is the application's list in SETTINGS_TABLE order and may change between scans. Before step() the
    application fills `inputs`, `quality`, `hub_alive` and, for a command, `request_opcode`; after it, `outputs`,
    `status`, `health`, `reasons` and, if there was a request, `request_result` are valid. step() allocates nothing.
    """

    def __init__(self, settings: list[int], ring: EventRing) -> None:
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
        self.line = None
        self.memory = BarrierMemory()
        self.timers = TimerBank(TIMER_COUNT)
        self.sensed = BarrierInputs()
        self.faults = BarrierFaults(self.memory, self.sensed, ring)
        self.tests = BarrierTests(self.memory, self.timers, self.sensed, settings, self.faults)
        self.presence = BarrierPresence(self.memory, self.timers, self.sensed, settings)
        self.travel = BarrierTravel(self.memory, self.timers, self.sensed, settings, self.faults)
        self.states = BarrierStates(self.memory, self.timers, self.presence, self.tests, ring)
        self.rest = BarrierRest(self.memory, self.timers, self.states)
        self.commands = BarrierCommands(self.memory, self.states, self.faults)
        self.lights = BarrierLights(self.memory, self.timers, self.sensed)
        self.safe_outputs(self.outputs)

    def step(self, now_ms: int) -> None:
        """One scan at now_ms (30-bit ticks)."""
        self.timers.advance(now_ms)
        self.sensed.read(self.inputs, self.quality, self.settings)
        self.travel.judge_limit()
        self.faults.begin()
        self.tests.step()
        self.presence.step(self.ring)
        self.faults.step()
        self.travel.watch()
        self.rest.watch(self.hub_alive)
        self.states.note_mains()  # before the request, so that a STOP of this scan has the last word
        self._handle_request()
        self.commands.handle_buttons()
        self.states.step()
        self.presence.count_pass(self.ring)
        self.travel.step(self.states.wanted_motor(), self.presence.blocking)
        self.rest.step(self.hub_alive)
        self._note_mode()
        self.lights.step(self.hub_alive, self.presence.blocking)
        self._judge_health()
        self._write_outputs()
        self._write_status()

    def next_wake_ms(self) -> int:
        """Time from the last step until step could do anything new with unchanged inputs; -1 is never."""
        timer_ms = self.timers.next_ms()
        travel_ms = self.travel.next_ms()
        if travel_ms >= 0 and (timer_ms < 0 or travel_ms < timer_ms):
            return travel_ms
        return timer_ms

    def save(self, buffer: bytearray) -> int:
        """Write the whole controller state, times relative to the last step; returns the size (SAVE_SIZE)."""
        return save_memory(self.memory, self.timers, buffer)

    def load(self, buffer: bytes | bytearray, now_ms: int) -> bool:
        """Take over a saved state as if its last step had been at now_ms; False if it is not one of this version."""
        if not load_memory(self.memory, self.timers, buffer, now_ms):
            return False
        self._write_outputs()
        self._write_status()
        return True

    def pending(self) -> int:
        """1 when `keep` should be called and stored: due, and a scan that comes late now does no harm."""
        memory = self.memory
        moves = memory.cycles + memory.openings - memory.asked_moves
        if moves < _KEEP_MOVES and self._operating_s() - memory.asked_s < _KEEP_S:
            return 0
        warns = memory.automatic >= reg.AUTOMATIC_POWER_RETURN_CLOSE
        busy = memory.motor != MOTOR_OFF or is_moving(memory.state) or warns or self.tests.is_running()
        return 0 if busy else 1

    def keep(self, values: list[int]) -> None:
        """Fill `values` (RETAINED_COUNT) with what is to survive a power cut; a failed store is not asked sooner."""
        memory = self.memory
        memory.asked_s = self._operating_s()
        memory.asked_moves = memory.cycles + memory.openings
        for index in range(len(RETAINED)):
            values[index] = getattr(memory, RETAINED[index])
        values[len(RETAINED)] = memory.asked_s

    def note_kept(self) -> None:
        """What `keep` gave is on the medium."""
        self.memory.stored_s = self.memory.asked_s

    def restore(self, values: list[int], source: int) -> None:
        """Before the first step: go on from what was stored, zeros if `source` (COUNTERS_SOURCE_*) is NEW or LOST."""
        memory = self.memory
        for index in range(len(RETAINED)):
            setattr(memory, RETAINED[index], values[index])
        memory.operated_s = values[len(RETAINED)]
        memory.stored_s = values[len(RETAINED)]
        memory.asked_s = values[len(RETAINED)]
        memory.asked_moves = memory.cycles + memory.openings
        memory.source = source

    def note_power_on(self) -> None:
        """Before the first step: this start is a power-on, not a reset."""
        self.memory.power_ons = (self.memory.power_ons + 1) & COUNTER_MASK

    def safe_outputs(self, outputs: list[int]) -> None:
        """Fill the list with what hurts nobody: motors off, red on."""
        for index in range(reg.OUT_COUNT):
            outputs[index] = 0
        outputs[reg.OUT_LIGHT_RED] = 1

    def _handle_request(self) -> None:
        opcode = self.request_opcode
        if opcode:
            self.request_opcode = 0
            self.request_result = self.commands.handle(opcode)
            self.ring.push(reg.EV_COMMAND_DONE, (opcode & 0xFFFF) * 256 + self.request_result)

    def _note_mode(self) -> None:
        mode = reg.MODE_REMOTE
        if self.states.is_degraded():
            mode = reg.MODE_DEGRADED
        elif self.sensed.values[reg.IN_LOCAL_MODE]:
            mode = reg.MODE_LOCAL
        if mode != self.memory.mode:
            self.memory.mode = mode
            self.ring.push(reg.EV_MODE_CHANGED, mode)

    def _judge_health(self) -> None:
        """NE 107: a latched fault outranks hands at the boom, which outrank work outside the specification."""
        memory = self.memory
        local = self.sensed.values[reg.IN_LOCAL_MODE]
        by_hand = memory.state == reg.STATE_ESTOP or memory.state == reg.STATE_MANUAL_RELEASED
        warning = self.sensed.uncertain or by_hand or memory.state == reg.STATE_POWER_FAIL
        self.health = reg.HEALTH_NORMAL
        if memory.faults:
            self.health = reg.HEALTH_FAILURE
        elif local or by_hand:
            self.health = reg.HEALTH_CHECK_FUNCTION
        elif not self.hub_alive or warning:
            self.health = reg.HEALTH_OFF_SPEC
        reasons = 0
        if not self.hub_alive:
            reasons |= 1 << reg.REASONS_HUB_LOST
        if self.sensed.bad:
            reasons |= 1 << reg.REASONS_INPUT_BAD
        if local:
            reasons |= 1 << reg.REASONS_LOCAL_MODE
        if memory.faults:
            reasons |= 1 << reg.REASONS_ROLE_FAULT
        if warning:
            reasons |= 1 << reg.REASONS_ROLE_WARNING
        self.reasons = reasons

    def _write_outputs(self) -> None:
        outputs = self.outputs
        outputs[reg.OUT_MOTOR_OPEN] = 1 if self.memory.motor == MOTOR_OPENS else 0
        outputs[reg.OUT_MOTOR_CLOSE] = 1 if self.memory.motor == MOTOR_CLOSES else 0
        self.tests.write(outputs)
        self.lights.write(outputs)

    def _write_status(self) -> None:
        memory = self.memory
        status = self.status
        status[reg.ST_STATE] = memory.state
        status[reg.ST_MODE] = memory.mode
        status[reg.ST_FAULTS] = memory.faults
        status[reg.ST_PRESENCE] = memory.presence
        status[reg.ST_LIGHTS] = memory.lights
        status[reg.ST_TRAVEL_LAST_MS] = memory.travel_last_ms
        status[reg.ST_TRAVEL_LEARNED_OPEN_MS] = memory.learned_open_ms
        status[reg.ST_TRAVEL_LEARNED_CLOSE_MS] = memory.learned_close_ms
        status[reg.ST_CYCLES] = memory.cycles
        status[reg.ST_PASSES] = memory.passes
        status[reg.ST_REVERSALS] = memory.reversals
        status[reg.ST_POSITION_PERMILLE] = memory.position_permille
        status[reg.ST_AUTOMATIC] = memory.automatic
        status[reg.ST_OPENINGS] = memory.openings
        status[reg.ST_PASSES_TOTAL] = memory.passes_total
        status[reg.ST_TAILGATES] = memory.tailgates
        status[reg.ST_MOTOR_TIME_S] = memory.motor_s
        status[reg.ST_OPERATING_TIME_S] = self._operating_s()
        status[reg.ST_POWER_ON_COUNT] = memory.power_ons
        status[reg.ST_COUNTERS_STORED_S] = memory.stored_s
        status[reg.ST_COUNTERS_SOURCE] = memory.source

    def _operating_s(self) -> int:
        """Follows the application's uptime: the one status value that moves without a step that is due."""
        return (self.memory.operated_s + self.ring.uptime_s) & COUNTER_MASK
