"""What the charging post's session lives on: heartbeats, a current, and every reason to end it, in their rank.

Knows inputs, timers and latched faults; must not know what an ending does.
"""

from firmware.control.charging_post_faults import PostFaults
from firmware.control.charging_post_inputs import PostInputs
from firmware.control.charging_post_memory import TIMER_CHARGE, TIMER_MODULE, TIMER_SUPPLY, TIMER_VEHICLE, PostMemory
from firmware.control.timer import TimerBank
from protocols.compat import const
from protocols.registers import charging_post as reg

# The slowest ramp asks for ASKED_A_X10 after 2 s; 8 s are left for the soft start of a module.
SUPPLY_MS = const(10000)

_NONE = reg.END_REASON_NONE


class PostWatch:
    """Heartbeats of vehicle and module, the module's current, and why a session ends."""

    def __init__(
        self, memory: PostMemory, timers: TimerBank, inputs: PostInputs, settings: list[int], faults: PostFaults
    ) -> None:
        self.memory = memory
        self.timers = timers
        self.inputs = inputs
        self.settings = settings
        self.faults = faults

    def note_heartbeats(self, module_sequence: int) -> None:
        """A sequence that moved since the last scan is a beat; beats count only while somebody has to live."""
        memory = self.memory
        inputs = self.inputs
        state = memory.state
        if state < reg.STATE_HANDSHAKE or state > reg.STATE_TAPER_END:
            self.timers.stop(TIMER_VEHICLE)
            self.timers.stop(TIMER_MODULE)
        else:
            if inputs.vehicle_good and inputs.vehicle_sequence != memory.vehicle_sequence:
                self.timers.start(TIMER_VEHICLE, self.settings[reg.SET_VEHICLE_TIMEOUT_MS])
            if state >= reg.STATE_INSULATION_TEST and module_sequence != memory.module_sequence:
                self.timers.start(TIMER_MODULE, self.settings[reg.SET_MODULE_TIMEOUT_MS])
        if inputs.vehicle_good:
            memory.vehicle_sequence = inputs.vehicle_sequence
        memory.module_sequence = module_sequence

    def note_supply(self) -> None:
        """The time of a module that says all is well and gives nothing; a limit of nothing asks for nothing."""
        timers = self.timers
        state = self.memory.state
        if state < reg.STATE_RAMP or state > reg.STATE_TAPER_END or not self.inputs.undelivered:
            timers.stop(TIMER_SUPPLY)
        elif timers.is_off(TIMER_SUPPLY):
            timers.start(TIMER_SUPPLY, SUPPLY_MS)

    def why_end(self, state: int, hub_alive: int) -> int:
        """The first reason to end the session in this scan, END_REASON_NONE to go on."""
        values = self.inputs.values
        if self.faults.any():
            return reg.END_REASON_FAULT
        if not values[reg.IN_STOP_BUTTON_OK]:
            return reg.END_REASON_STOP_BUTTON
        if not values[reg.IN_PANEL_CLOSED]:
            return reg.END_REASON_PANEL
        if values[reg.IN_LOCAL_MODE]:
            return reg.END_REASON_LOCAL
        if not values[reg.IN_VEHICLE_PRESENT]:
            return reg.END_REASON_VEHICLE_LEFT
        if self.memory.locked:
            return reg.END_REASON_COMMAND
        return self._why_vehicle_ends(state, hub_alive) if state >= reg.STATE_EXTEND else _NONE

    def _why_vehicle_ends(self, state: int, hub_alive: int) -> int:
        inputs = self.inputs
        if not self.timers.is_running(TIMER_VEHICLE):
            return reg.END_REASON_VEHICLE_LOST
        if inputs.refusal:
            return reg.END_REASON_VEHICLE
        if state >= reg.STATE_CONTACT_CHECK and not inputs.values[reg.IN_CONTACT_PRESSED]:
            return reg.END_REASON_NO_CONTACT
        if state >= reg.STATE_INSULATION_TEST and not inputs.matches:
            return reg.END_REASON_NO_BATTERY
        if state >= reg.STATE_RAMP and self.timers.is_done(TIMER_CHARGE):
            return reg.END_REASON_TIME_LIMIT
        if not hub_alive and self.settings[reg.SET_HUB_LOSS_ACTION] == reg.HUB_LOSS_ACTION_RAMP_DOWN:
            return reg.END_REASON_HUB_LOST
        return _NONE

    def is_inhibited(self) -> bool:
        """Somebody is at the post: stop button pressed, panel open, or key on local. Nothing moves by itself."""
        values = self.inputs.values
        return not values[reg.IN_STOP_BUTTON_OK] or not values[reg.IN_PANEL_CLOSED] or values[reg.IN_LOCAL_MODE] != 0
