"""The charging post's latched faults: which there are, what raises them by itself, which may be cleared.

Knows the fault word, its events, the flags that are a fault's cause and in which states they are one; must not know
transitions or outputs. Two latches, each holding the first fault of its kind until CLEAR_FAULTS finds its cause gone,
so that the consequences of a fault do not hide it: *stopping* faults end the session in order, *blocking* faults hold
the contacts where they are, because moving them could draw an arc or bare a live plate.
"""

from firmware.control.charging_post_inputs import PostInputs
from firmware.control.charging_post_memory import TIMER_MODULE, TIMER_SUPPLY, PostMemory
from firmware.control.charging_post_module import ModuleLine
from firmware.control.events import EventRing
from firmware.control.timer import TimerBank
from protocols.registers import charging_post as reg

# Blocking faults are the bits up to this one.
_LAST_BLOCKING = reg.FAULTS_ARM_FAULT


class PostFaults:
    """The two latches in memory and their events."""

    def __init__(
        self, memory: PostMemory, timers: TimerBank, inputs: PostInputs, module: ModuleLine, ring: EventRing
    ) -> None:
        self.memory = memory
        self.timers = timers
        self.inputs = inputs
        self.module = module
        self.ring = ring

    def step(self) -> None:
        """Latch the first fault of each kind whose cause stands in the inputs of this scan."""
        fault = self._blocking_cause()
        if fault >= 0:
            self.latch(fault)
        fault = self._stopping_cause()
        if fault >= 0:
            self.latch(fault)

    def latch(self, fault: int) -> None:
        """Latch one fault by its bit number, unless one of its kind stands already."""
        memory = self.memory
        if fault <= _LAST_BLOCKING:
            if memory.block_fault:
                return
            memory.block_fault = fault + 1
        else:
            if memory.stop_fault:
                return
            memory.stop_fault = fault + 1
        self.ring.push(reg.EV_FAULT_RAISED, fault)

    def any(self) -> bool:
        """Tell whether a fault is latched."""
        return self.memory.block_fault != 0 or self.memory.stop_fault != 0

    def word(self) -> int:
        """The fault word as published."""
        return (1 << self.memory.block_fault | 1 << self.memory.stop_fault) >> 1

    def acknowledge(self) -> bool:
        """CLEAR_FAULTS: clear what has no cause any more; False if something stood and nothing could be cleared.

        What a cleared fault has hidden is latched in the same scan: there is none between in which nothing stands.
        """
        memory = self.memory
        stood = self.any()
        cleared = False
        if memory.block_fault and not self._still_blocks(memory.block_fault - 1):
            self.ring.push(reg.EV_FAULT_CLEARED, memory.block_fault - 1)
            memory.block_fault = 0
            cleared = True
        if memory.stop_fault and not self._still_stops(memory.stop_fault - 1):
            self.ring.push(reg.EV_FAULT_CLEARED, memory.stop_fault - 1)
            memory.stop_fault = 0
            cleared = True
        self.step()
        return cleared or not stood

    def is_welded(self) -> bool:
        """The auxiliary contact is closed although the contactor is open and has had its time."""
        state = self.memory.state
        settled = state <= reg.STATE_CONTACTOR_CLOSE or reg.STATE_WELD_CHECK <= state <= reg.STATE_STOPPED
        return settled and not self.memory.contactor and self.inputs.values[reg.IN_CONTACTOR_AUX] != 0

    def _blocking_cause(self) -> int:
        """Bit number of the first blocking fault that stands, -1 for none."""
        inputs = self.inputs
        if self.is_welded():
            return reg.FAULTS_WELDED
        state = self.memory.state
        at_rest = state <= reg.STATE_HANDSHAKE or reg.STATE_RETRACT <= state <= reg.STATE_STOPPED
        if at_rest and not inputs.plates_dead:
            return reg.FAULTS_PLATES_LIVE
        return reg.FAULTS_ARM_FAULT if inputs.arm_conflict else -1

    def _stopping_cause(self) -> int:
        """Bit number of the first stopping fault that stands, -1 for none; trips before what they bring about."""
        inputs = self.inputs
        state = self.memory.state
        if inputs.over_voltage:
            return reg.FAULTS_OVER_VOLTAGE
        if inputs.over_current:
            return reg.FAULTS_OVER_CURRENT
        if inputs.bad:
            return reg.FAULTS_INPUT_BAD
        if state < reg.STATE_EXTEND or state > reg.STATE_TAPER_END:
            return -1
        if inputs.hot:
            return reg.FAULTS_OVER_TEMPERATURE
        return self._power_cause(state) if state >= reg.STATE_PRECHARGE else -1

    def _power_cause(self, state: int) -> int:
        values = self.inputs.values
        if not values[reg.IN_IMD_OK] or not values[reg.IN_IMD_READY]:
            return reg.FAULTS_INSULATION
        if state >= reg.STATE_RAMP and not values[reg.IN_CONTACTOR_AUX]:
            return reg.FAULTS_CONTACTOR_FAIL
        if self.module.state == reg.MODULE_STATE_FAULT:
            return reg.FAULTS_MODULE_FAULT
        if not self.timers.is_running(TIMER_MODULE):
            return reg.FAULTS_MODULE_LOST
        return reg.FAULTS_NO_CURRENT if self.timers.is_done(TIMER_SUPPLY) else -1

    def _still_blocks(self, fault: int) -> bool:
        inputs = self.inputs
        if fault == reg.FAULTS_WELDED:
            return inputs.values[reg.IN_CONTACTOR_AUX] != 0 or not inputs.bus_dead
        if fault == reg.FAULTS_PLATES_LIVE:
            return not inputs.plates_dead
        if fault == reg.FAULTS_CURRENT_STUCK:
            return not inputs.current_zero
        return inputs.arm_conflict

    def _still_stops(self, fault: int) -> bool:
        """Its cause stands: as in the scan that raised it, and for what is no cause at rest also after the ending."""
        if fault == self._stopping_cause():
            return True
        inputs = self.inputs
        if fault == reg.FAULTS_OVER_VOLTAGE:
            return inputs.over_voltage
        if fault == reg.FAULTS_OVER_CURRENT:
            return inputs.over_current
        if fault == reg.FAULTS_INPUT_BAD:
            return inputs.bad
        if fault == reg.FAULTS_OVER_TEMPERATURE:
            return inputs.hot
        return fault == reg.FAULTS_INSULATION and not inputs.values[reg.IN_IMD_OK]
