"""The boom's motor: the interlocks' last word, the pause between directions, travel supervision, position estimate.

Knows limits, motor outputs and travel times; must not know commands or lights. The state machine says what it wants,
this says what is driven, so no mistake above can close the boom onto something or swap directions without a pause.

A travel may take 1.5 times the learned time (the setting until one is learned). Only a travel from limit to limit
without a stop teaches, and what it teaches is held within half and twice the setting.

The upper limit is not believed when it comes sooner than 1/1.5 of the learned time (half of the set one until one is
learned) after the lower limit was left, nor in a reversal from well below it: the motor goes on to its time-out.

A limit that lies must not keep a boom closed in a fire: once the limits have contradicted each other or the travel, a
fire opening runs for its whole time against the upper end stop, whatever LIMIT_OPEN says.
"""

from firmware.control.barrier_faults import FAULTS_DEGRADING, FAULTS_OF_LIMITS, FAULTS_STOPPING, BarrierFaults
from firmware.control.barrier_inputs import BarrierInputs
from firmware.control.barrier_memory import (
    COUNTER_MASK,
    MOTOR_CLOSES,
    MOTOR_OFF,
    MOTOR_OPENS,
    TEST_DONE,
    TIMER_PAUSE,
    TIMER_SETTLE,
    TIMER_TRAVEL,
    BarrierMemory,
)
from firmware.control.timer import TimerBank
from protocols.compat import const
from protocols.registers import barrier as reg

_TRAVEL_TIMEOUT = 1 << reg.FAULTS_TRAVEL_TIMEOUT
_LIMIT_STUCK = 1 << reg.FAULTS_LIMIT_STUCK

# A boom coasts after the motor is off; a limit is believed to be the resting place only after this.
_SETTLE_MS = const(500)
# The position estimate moves in steps of this, so that scans in between change nothing.
_POSITION_STEP_MS = const(100)
# Directions never swap in the scan that ends one of them, whatever reverse_pause_ms says.
_PAUSE_MS_MIN = const(1)
_TRAVEL_MS_MAX = const(30000)
# A reversal that begins higher up may have coasted or been pulled the rest of the way.
_REVERSAL_PERMILLE_MAX = const(750)


class BarrierTravel:
    """Drives the motor for the state machine; step() is called once per scan, after the states."""

    def __init__(
        self,
        memory: BarrierMemory,
        timers: TimerBank,
        inputs: BarrierInputs,
        settings: list[int],
        faults: BarrierFaults,
    ) -> None:
        self.memory = memory
        self.timers = timers
        self.inputs = inputs
        self.settings = settings
        self.faults = faults

    def judge_limit(self) -> None:
        """First of all: LIMIT_OPEN counts unless it came before the boom can be there; then not until it has gone."""
        memory = self.memory
        is_up = self.inputs.values[reg.IN_LIMIT_OPEN]
        if not is_up:
            memory.limit_early = 0
        elif memory.motor == MOTOR_OPENS and self._elapsed_ms() < memory.travel_least_ms:
            memory.limit_early = 1
        self.inputs.is_up = 0 if memory.limit_early else is_up

    def watch(self) -> None:
        """Before the states: a travel that outlasted its budget without its limit is a fault, or gives up."""
        memory = self.memory
        if memory.motor == MOTOR_OFF:
            return
        if memory.motor == MOTOR_CLOSES and self.inputs.values[reg.IN_LIMIT_OPEN]:
            self._check_upper_limit()
        if not self.timers.is_done(TIMER_TRAVEL):
            return
        if memory.state == reg.STATE_FIRE_OPEN:
            memory.fire_gave_up = 1
        if self._is_at_target():
            return
        if memory.state == reg.STATE_POWER_FAIL:
            memory.power_opening = 0  # without mains a boom that does not move is no surprise
        elif memory.limit_early:
            self.faults.latch(_LIMIT_STUCK)
        else:
            self.faults.latch(_TRAVEL_TIMEOUT)

    def step(self, wanted: int, blocking: int) -> None:
        """Drive `wanted` (MOTOR_*) as far as the interlocks let it; `blocking` is the presence under the boom."""
        memory = self.memory
        motor = self._permit(wanted, blocking)
        # A travel whose time ends in the scan in which fire takes it over begins anew, with a time of its own.
        is_over = not self.timers.is_running(TIMER_TRAVEL)
        if memory.motor != MOTOR_OFF and (motor != memory.motor or is_over):
            self._switch_off()
            motor = MOTOR_OFF
        if motor != MOTOR_OFF and motor != memory.last_direction and self.timers.is_running(TIMER_PAUSE):
            motor = MOTOR_OFF
        if motor != MOTOR_OFF and memory.motor == MOTOR_OFF:
            self._switch_on(motor)
        self._estimate_position()

    def next_ms(self) -> int:
        """Time to the next step of the position estimate; -1 at rest."""
        if not self.timers.is_running(TIMER_TRAVEL):
            return -1
        return _POSITION_STEP_MS - self._elapsed_ms() % _POSITION_STEP_MS

    def _check_upper_limit(self) -> None:
        """A quarter of the way down the upper limit must have let go: it would stop a reversal at once."""
        elapsed_ms = self._elapsed_ms()
        if 4 * (elapsed_ms - elapsed_ms % _POSITION_STEP_MS) >= self._expected_ms(MOTOR_CLOSES):
            self.faults.latch(_LIMIT_STUCK)

    def _permit(self, wanted: int, blocking: int) -> int:
        """The interlocks; both directions need the stop chain, a coupled boom and a limit not reached."""
        values = self.inputs.values
        if not values[reg.IN_STOP_CHAIN_OK] or values[reg.IN_MANUAL_RELEASED]:
            return MOTOR_OFF
        if wanted == MOTOR_OPENS:
            if not self.inputs.is_up:
                return MOTOR_OPENS
            lies = self.memory.faults & FAULTS_OF_LIMITS and self.memory.state == reg.STATE_FIRE_OPEN
            return MOTOR_OPENS if lies else MOTOR_OFF
        if wanted != MOTOR_CLOSES or values[reg.IN_LIMIT_CLOSED]:
            return MOTOR_OFF
        if self.memory.test_phase != TEST_DONE:
            return MOTOR_OFF  # a device that was not tested may not see what is there, one under test does not
        if blocking or self.inputs.contact or values[reg.IN_FIRE] or not values[reg.IN_MAINS_OK]:
            return MOTOR_OFF
        forbidden = FAULTS_STOPPING if self.memory.hold_to_run else FAULTS_STOPPING | FAULTS_DEGRADING
        return MOTOR_OFF if self.memory.faults & forbidden else MOTOR_CLOSES

    def _switch_on(self, motor: int) -> None:
        memory = self.memory
        memory.motor = motor
        memory.last_direction = motor
        was_full = memory.full_travel
        is_at_start = self.inputs.values[reg.IN_LIMIT_CLOSED] if motor == MOTOR_OPENS else self.inputs.is_up
        memory.full_travel = 1 if is_at_start and not self._is_at_target() else 0
        memory.position_start_permille = memory.position_permille
        expected_ms = self._expected_ms(motor)
        memory.travel_budget_ms = expected_ms + expected_ms // 2
        self.timers.start(TIMER_TRAVEL, memory.travel_budget_ms)
        if motor == MOTOR_CLOSES:
            memory.closing_ran = 1
        else:
            memory.travel_least_ms = self._least_ms(expected_ms, was_full)

    def _least_ms(self, expected_ms: int, was_full: int) -> int:
        """How long an opening takes at the least; 0 where nobody knows how far it has to go.

        That is known from the lower limit, and in a reversal of a closing that began at the upper one.
        """
        memory = self.memory
        if memory.full_travel:
            to_go_permille = 1000
        elif memory.state == reg.STATE_REVERSING and was_full and memory.position_permille <= _REVERSAL_PERMILLE_MAX:
            to_go_permille = 1000 - memory.position_permille
        else:
            return 0
        least_ms = 2 * expected_ms // 3 if memory.learned_open_ms else expected_ms // 2
        return least_ms * to_go_permille // 1000

    def _switch_off(self) -> None:
        memory = self.memory
        elapsed_ms = self._elapsed_ms()
        self._count(elapsed_ms)
        if self._is_at_target():
            if memory.full_travel:
                self._learn(elapsed_ms)
        else:
            memory.position_permille = self._position_after(elapsed_ms)
        memory.motor = MOTOR_OFF
        pause_ms = self.settings[reg.SET_REVERSE_PAUSE_MS]
        self.timers.start(TIMER_PAUSE, pause_ms if pause_ms > _PAUSE_MS_MIN else _PAUSE_MS_MIN)
        self.timers.start(TIMER_SETTLE, _SETTLE_MS)
        self.timers.stop(TIMER_TRAVEL)

    def _count(self, elapsed_ms: int) -> None:
        memory = self.memory
        memory.motor_ms += elapsed_ms
        memory.motor_s = (memory.motor_s + memory.motor_ms // 1000) & COUNTER_MASK
        memory.motor_ms %= 1000
        if memory.motor == MOTOR_OPENS and self._is_at_target():
            memory.openings = (memory.openings + 1) & COUNTER_MASK

    def _learn(self, duration_ms: int) -> None:
        """Moves a quarter of the way, so one odd travel does not shift the time-out much."""
        memory = self.memory
        duration_ms = min(duration_ms, _TRAVEL_MS_MAX)
        memory.travel_last_ms = duration_ms
        if memory.motor == MOTOR_OPENS:
            old = memory.learned_open_ms or duration_ms
            memory.learned_open_ms = self._bound((3 * old + duration_ms) // 4, reg.SET_TRAVEL_OPEN_MS)
        else:
            old = memory.learned_close_ms or duration_ms
            memory.learned_close_ms = self._bound((3 * old + duration_ms) // 4, reg.SET_TRAVEL_CLOSE_MS)

    def _expected_ms(self, motor: int) -> int:
        setting = reg.SET_TRAVEL_OPEN_MS if motor == MOTOR_OPENS else reg.SET_TRAVEL_CLOSE_MS
        learned = self.memory.learned_open_ms if motor == MOTOR_OPENS else self.memory.learned_close_ms
        return self._bound(learned, setting) if learned else self.settings[setting]

    def _bound(self, duration_ms: int, setting: int) -> int:
        expected_ms = self.settings[setting]
        return max(expected_ms // 2, min(duration_ms, 2 * expected_ms))

    def _is_at_target(self) -> bool:
        if self.memory.motor == MOTOR_OPENS:
            return self.inputs.is_up != 0
        return self.inputs.values[reg.IN_LIMIT_CLOSED] != 0

    def _elapsed_ms(self) -> int:
        return self.memory.travel_budget_ms - self.timers.remaining_ms(TIMER_TRAVEL)

    def _estimate_position(self) -> None:
        memory = self.memory
        is_up = self.inputs.is_up
        if is_up != self.inputs.values[reg.IN_LIMIT_CLOSED]:
            memory.position_permille = 1000 if is_up else 0
        elif memory.motor != MOTOR_OFF:
            elapsed_ms = self._elapsed_ms()
            memory.position_permille = self._position_after(elapsed_ms - elapsed_ms % _POSITION_STEP_MS)

    def _position_after(self, elapsed_ms: int) -> int:
        """Between the limits the estimate stays off both ends: only a limit makes it exact."""
        memory = self.memory
        moved = 1000 * elapsed_ms // self._expected_ms(memory.motor)
        if memory.motor == MOTOR_CLOSES:
            moved = -moved
        return max(1, min(999, memory.position_start_permille + moved))
