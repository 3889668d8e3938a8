"""The traffic light and the warning lamp: what they show in which situation, and the flashing.

Knows lamps and the order of reasons; must not know how the boom came into its state. RED is stop, RED_FLASHING is
moving, GREEN is go for one vehicle, AMBER_FLASHING is degraded or faulty. The warning lamp at the boom flashes while it
moves under power or is about to. Flashing is 1 Hz counted from its start.
"""

from firmware.control.barrier_inputs import BarrierInputs
from firmware.control.barrier_memory import MOTOR_OFF, TEST_IDLE, TIMER_FLASH, BarrierMemory
from firmware.control.barrier_states import is_moving
from firmware.control.timer import TimerBank
from protocols.compat import const
from protocols.registers import barrier as reg

_FLASH_HALF_MS = const(500)


class BarrierLights:
    """Chooses `memory.lights` and drives the lamp outputs."""

    def __init__(self, memory: BarrierMemory, timers: TimerBank, inputs: BarrierInputs) -> None:
        self.memory = memory
        self.timers = timers
        self.inputs = inputs

    def step(self, hub_alive: int, blocking: int) -> None:
        """Choose what to show and move the flashing on; a late scan takes the phase as it starts anew."""
        memory = self.memory
        memory.lights = self._choose(hub_alive, blocking)
        if memory.lights != reg.LIGHTS_RED_FLASHING and memory.lights != reg.LIGHTS_AMBER_FLASHING:
            memory.flash_on = 1
            self.timers.stop(TIMER_FLASH)
        elif self.timers.is_off(TIMER_FLASH):
            self.timers.start(TIMER_FLASH, _FLASH_HALF_MS)
        elif self.timers.is_done(TIMER_FLASH):
            memory.flash_on = 1 - memory.flash_on
            self.timers.start(TIMER_FLASH, _FLASH_HALF_MS)

    def write(self, outputs: list[int]) -> None:
        """Put the lamps of `memory.lights` into the output image."""
        lights = self.memory.lights
        flash_on = self.memory.flash_on
        outputs[reg.OUT_LIGHT_RED] = 1 if lights == reg.LIGHTS_RED else 0
        outputs[reg.OUT_LIGHT_GREEN] = 1 if lights == reg.LIGHTS_GREEN else 0
        outputs[reg.OUT_LIGHT_AMBER] = 0
        outputs[reg.OUT_WARNING_LAMP] = 0
        if lights == reg.LIGHTS_RED_FLASHING:
            outputs[reg.OUT_LIGHT_RED] = flash_on
            # A boom that hands move is nothing to warn of by the drive.
            outputs[reg.OUT_WARNING_LAMP] = flash_on if self.memory.state != reg.STATE_MANUAL_RELEASED else 0
        elif lights == reg.LIGHTS_AMBER_FLASHING:
            outputs[reg.OUT_LIGHT_AMBER] = flash_on

    def _choose(self, hub_alive: int, blocking: int) -> int:
        """The first reason in this order wins; a hub that is gone may not leave an inviting light behind."""
        memory = self.memory
        state = memory.state
        if state == reg.STATE_ESTOP:
            return reg.LIGHTS_RED
        if memory.motor != MOTOR_OFF or is_moving(state) or state == reg.STATE_MANUAL_RELEASED:
            return reg.LIGHTS_RED_FLASHING
        if memory.automatic >= reg.AUTOMATIC_POWER_RETURN_CLOSE:
            return reg.LIGHTS_RED_FLASHING  # either movement after a power return
        if state == reg.STATE_FIRE_OPEN or not hub_alive:
            return reg.LIGHTS_RED
        if memory.faults:
            return reg.LIGHTS_AMBER_FLASHING
        if state != reg.STATE_OPEN and state != reg.STATE_HOLD_OPEN:
            return reg.LIGHTS_RED
        if memory.test_phase != TEST_IDLE:
            return reg.LIGHTS_RED  # a vehicle in the curtain does not show while the curtain is tested
        if memory.go and not blocking and self.inputs.is_up:
            return reg.LIGHTS_GREEN
        return reg.LIGHTS_RED
