"""Random but repeatable lives of a charging post: inputs, qualities, commands, hub and settings change at random times.

Knows a linear congruential generator and the bench's core images. The field's answers are part of the script's inputs,
so that the same script is the same input to any run of the core. Dual-run.
"""

from firmware.control.charging_post import ChargingPost
from firmware.control.charging_post_inputs import (
    IN_BUS_V,
    IN_CURRENT_A,
    IN_PLATE_TEMP_C,
    IN_PLATE_V,
    IN_POST_TEMP_C,
    IN_VEHICLE_FLAGS,
    IN_VEHICLE_MAX_A,
    IN_VEHICLE_SEQUENCE,
    INPUT_COUNT,
)
from firmware.control.charging_post_memory import SAVE_SIZE
from firmware.control.events import EventRing
from protocols.events import SLOT_SIZE
from protocols.registers import charging_post as reg
from tests.firmware.control.charging_post_bench import BATTERY_V_X10, default_settings, fill_healthy

TICKS_MASK = 0x3FFFFFFF
RING_CAPACITY = 8
OPCODES = (reg.OP_START, reg.OP_START, reg.OP_STOP, reg.OP_RELEASE, reg.OP_LOCK, reg.OP_UNLOCK, reg.OP_CLEAR_FAULTS)


class Script:
    """Changes one thing of a core at a time; `change` returns how many ms later the next change comes."""

    def __init__(self, seed: int) -> None:
        self.word = seed * 7919 + 12345

    def below(self, limit: int) -> int:
        """A number from 0 to limit - 1."""
        self.word = (self.word * 1103515 + 12345) & 0x3FFFFFFF
        return (self.word >> 8) % limit

    def change(self, core: ChargingPost) -> int:
        """Mostly what a healthy post and vehicle would do next, now and then anything; returns the time to the next."""
        kind = self.below(60)
        if kind < 50:
            self.answer(core)
            self._operate(core)
        elif kind < 53:
            core.request_opcode = OPCODES[self.below(len(OPCODES))]
        elif kind == 53:
            core.inputs[self.below(reg.IN_COUNT)] ^= 1
        elif kind == 54:
            core.quality[self.below(INPUT_COUNT)] = self.below(3)
        elif kind == 55:
            core.inputs[IN_PLATE_V + self.below(5)] = self.below(1200) - 100
        elif kind == 56:
            core.hub_alive ^= 1
        elif kind == 57:
            core.inputs[IN_VEHICLE_MAX_A] = self.below(300)
            core.inputs[IN_VEHICLE_FLAGS] = self.below(4)
        elif kind == 58:
            self._configure(core.settings)
        else:
            core.line.state = self.below(4)
            core.request_opcode = self.below(24)
        return (0, 10, 20, 60, 100, 100, 250, 777)[self.below(8)]

    def answer(self, core: ChargingPost) -> None:
        """Let the field do what the outputs ask for, and both heartbeats go on."""
        healed = [core.inputs[index] for index in range(INPUT_COUNT)]
        if not self.below(4):
            fill_healthy(core)
            core.inputs[IN_VEHICLE_MAX_A] = 60  # a short ramp, so that lives come to its end
        outputs = core.outputs
        inputs = core.inputs
        extended = healed[reg.IN_ARM_EXTENDED]
        if outputs[reg.OUT_ARM_EXTEND] or outputs[reg.OUT_ARM_RETRACT]:
            extended = outputs[reg.OUT_ARM_EXTEND]
        inputs[reg.IN_ARM_EXTENDED] = extended
        inputs[reg.IN_ARM_RETRACTED] = 1 - extended
        inputs[reg.IN_VEHICLE_PRESENT] = 1 if self.below(60) else 0
        inputs[reg.IN_CONTACT_PRESSED] = extended
        inputs[reg.IN_CONTACTOR_AUX] = outputs[reg.OUT_CONTACTOR] if self.below(50) else 1
        inputs[reg.IN_IMD_READY] = 1 if not outputs[reg.OUT_IMD_TEST] or self.below(2) else 0
        inputs[reg.IN_IMD_OK] = 1 if self.below(60) else 0
        plate = BATTERY_V_X10 if outputs[reg.OUT_VEHICLE_CONNECT] and extended else 0
        if outputs[reg.OUT_MODULE_ENABLE] and not self.below(25):
            plate = 558
        inputs[IN_PLATE_V] = plate
        inputs[IN_VEHICLE_SEQUENCE + 4] = plate if plate else BATTERY_V_X10
        inputs[IN_BUS_V] = plate if outputs[reg.OUT_PRECHARGE] or outputs[reg.OUT_CONTACTOR] else 0
        inputs[IN_CURRENT_A] = 0
        if outputs[reg.OUT_MODULE_ENABLE] and plate != 558:
            inputs[IN_CURRENT_A] = core.memory.set_a_x10
        elif not self.below(20):
            inputs[IN_CURRENT_A] = 15
        inputs[IN_POST_TEMP_C] = 250 if self.below(20) else 300 + self.below(400)
        inputs[IN_PLATE_TEMP_C] = 250
        inputs[IN_VEHICLE_SEQUENCE] = (healed[IN_VEHICLE_SEQUENCE] + (1 if self.below(15) else 0)) & 0xFFFF
        core.line.sequence = (core.line.sequence + (1 if self.below(15) else 0)) & 0xFF
        core.line.state = reg.MODULE_STATE_ON

    def _operate(self, core: ChargingPost) -> None:
        """What a hub and a technician would do about the state."""
        state = core.memory.state
        if state == reg.STATE_VEHICLE_PRESENT or (state == reg.STATE_RELEASE and not self.below(4)):
            core.request_opcode = reg.OP_UNLOCK if core.memory.locked else reg.OP_START
        elif state == reg.STATE_STOPPED:
            core.request_opcode = reg.OP_RELEASE
        elif state == reg.STATE_FAULT:
            fill_healthy(core)
            core.inputs[reg.IN_ARM_RETRACTED] = self.below(2)
            core.request_opcode = reg.OP_CLEAR_FAULTS
        elif state >= reg.STATE_ESTOP and not self.below(3):
            fill_healthy(core)

    def _configure(self, settings: list[int]) -> None:
        settings[reg.SET_AUTO_START] = self.below(2)
        settings[reg.SET_HUB_LOSS_ACTION] = self.below(2)
        settings[reg.SET_ARM_FITTED] = 1 if self.below(4) else 0
        settings[reg.SET_TAPER_HOLD_MS] = self.below(2000)
        settings[reg.SET_RAMP_A_PER_S_X10] = 10 + self.below(190)


class Life:
    """One core and its script. `extra_ms` adds scans in between, `reload_at` carries the core over into a new one."""

    def __init__(self, seed: int, start_ms: int = 0, extra_ms: int = 0, reload_offset_ms: int = 0) -> None:
        self.script = Script(seed)
        self.settings = default_settings()
        self.settings[reg.SET_CHARGE_TIME_MAX_S] = 60
        self.ring = EventRing(bytearray(RING_CAPACITY * SLOT_SIZE), RING_CAPACITY)
        self.core = ChargingPost(self.settings, self.ring)
        self.core.hub_alive = 1
        self.now_ms = start_ms
        self.extra_ms = extra_ms
        self.reload_offset_ms = reload_offset_ms
        self.since_extra_ms = 0
        fill_healthy(self.core)

    def scan(self) -> None:
        """Step, reloading the core before it if this life is told to."""
        if self.reload_offset_ms:
            self._reload()
        self.core.step(self.now_ms)

    def wait(self, wait_ms: int) -> int:
        """Move to the next scan that is due within wait_ms; returns what is left of it, 0 at the end."""
        step_ms = wait_ms
        wake_ms = self.core.next_wake_ms()
        if 0 <= wake_ms < step_ms:
            step_ms = wake_ms if wake_ms else 1
        if self.extra_ms and self.extra_ms < step_ms:
            step_ms = self.extra_ms
        self.now_ms = (self.now_ms + step_ms) & TICKS_MASK
        return wait_ms - step_ms

    def _reload(self) -> None:
        buffer = bytearray(SAVE_SIZE)
        old = self.core
        old.save(buffer)
        core = ChargingPost(self.settings, self.ring)
        self.now_ms = (self.now_ms + self.reload_offset_ms) & TICKS_MASK
        loaded = core.load(buffer, (old.timers.now_ms + self.reload_offset_ms) & TICKS_MASK)
        assert loaded
        core.inputs[:] = old.inputs
        core.quality[:] = old.quality
        core.outputs[:] = old.outputs
        core.hub_alive = old.hub_alive
        core.request_opcode = old.request_opcode
        core.line = old.line
        core.faults.module = old.line
        self.core = core


def observe(core: ChargingPost) -> list[int]:
    """Everything the world sees of a core."""
    return core.outputs + core.status + [core.health, core.reasons, core.ring.head]


def record(life: Life, changes: int) -> list[list[int]]:
    """What the world sees at every change of the script, after everything that follows from it at once."""
    trace = []
    for _ in range(changes):
        wait_ms = life.script.change(life.core)
        while True:
            life.scan()
            wait_ms = life.wait(wait_ms)
            if wait_ms <= 0:
                break
        trace.append(observe(life.core))
    return trace
