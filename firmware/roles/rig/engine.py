"""The rig's heart: moves the device's inputs at their times, notes what the device's outputs do, lets rows react.

Knows channels, levels and the time since the start of a run. Must not know a pin, a frame or a role. Each instant is
one step of the card: what is due at the same microsecond changes together. Nothing allocates after `__init__`.

The card is handed in: `drive(levels, at_us)` waits for that clock, puts the first DRIVERS levels onto the terminals and
returns the clock of that instant; `power(level, at_us)` gives the device its supply, or cuts it; `faults` counts the
steps after which the card did not give back what it held. Working out a step takes most of a millisecond, so `poll`
begins it LEAD_US before its time.
"""

from firmware.roles.rig.axis import Axis
from firmware.roles.rig.follow import Follow
from firmware.roles.rig.log import Log
from firmware.roles.rig.schedule import Schedule
from protocols.compat import const, ticks_add, ticks_diff
from protocols.rig.messages import (
    AXIS_STEP_US,
    CHANNELS,
    DRIVERS,
    FREE,
    NONE,
    ON,
    POWER,
    SENSE_AT,
    SENSES,
    TIME_MAX_US,
)

# An entry that comes this long after its time is told as late.
LATE_US = const(1000)
LEAD_US = const(1500)


class Engine:
    """`clear`, lay down rows, `start`; then `poll` until nothing is due, `on_senses` for every change of the senses.

    `late` counts entries that came too late, `latest_us` is the worst of them; `glitches` counts changes of the senses
    that were gone before they could be read, `chain_faults` reads of the card that did not give back what was written;
    counts wrap at 2**16.
    """

    def __init__(self, card) -> None:  # type: ignore[no-untyped-def]  # a card of the shell, or of a test
        self.schedule = Schedule()
        self.follow = Follow()
        self.axis = Axis()
        self.log = Log()
        self.is_running = False
        self.late = 0
        self.latest_us = 0
        self.glitches = 0
        self.longest_pass_us = 0
        self._card = card
        self._old_faults = 0
        self._levels = bytearray(CHANNELS)
        self._driven = bytearray(DRIVERS)  # as the card shows them
        self._forced = bytearray(DRIVERS)
        self._rows = bytearray(DRIVERS)  # what a row wants, NONE where there is none
        self._start_us = 0
        self._axis_us = -1
        self.clear(0, 0)

    def clear(self, now_us: int, senses: int) -> None:
        """End the run: every driver off, supply on, everything forgotten. `senses` are the levels as they are."""
        self._start_us = now_us  # what is done now must not wait for a clock of an old run
        self.is_running = False
        self.schedule.clear()
        self.follow.clear()
        self.axis.clear()
        self.log.clear()
        self.late = self.latest_us = self.glitches = self.longest_pass_us = 0
        self._old_faults = self._card.faults
        for channel in range(CHANNELS):
            self._levels[channel] = 0
        for index in range(DRIVERS):
            self._forced[index] = FREE
            self._rows[index] = NONE
        for index in range(SENSES):
            self._levels[SENSE_AT + index] = senses >> index & 1
        self._card.power(ON, now_us)
        self._levels[POWER] = ON
        self._show(0)

    def start(self, now_us: int) -> None:
        """Begin the run at this instant: rows show their first levels, senses and drivers that are on are told."""
        self._start_us = now_us
        self.is_running = True
        self.longest_pass_us = 0
        self._axis_us = -1
        for index in range(self.follow.count):
            self._move(self.follow.target(index), self.follow.shown(index))
        self._move_limits()
        for index in range(SENSES):
            if self._levels[SENSE_AT + index]:
                self.log.add(0, SENSE_AT + index, ON)
        self._show(0)
        self._on_sources(0)

    @property
    def chain_faults(self) -> int:
        """Of this run."""
        faults: int = self._card.faults
        return (faults - self._old_faults) & 0xFFFF

    def elapsed_us(self, now_us: int) -> int:
        """The time of the run at a clock, at most TIME_MAX_US."""
        elapsed_us = ticks_diff(now_us, self._start_us)
        return elapsed_us if elapsed_us >= 0 else TIME_MAX_US

    def on_senses(self, now_us: int, senses: int) -> None:
        """Take the levels of all senses at a clock, one bit each."""
        at_us = self.elapsed_us(now_us) if self.is_running else 0
        is_new = False
        for index in range(SENSES):
            level = senses >> index & 1
            if level != self._levels[SENSE_AT + index]:
                self._levels[SENSE_AT + index] = level
                is_new = True
                if self.is_running:
                    self.log.add(at_us, SENSE_AT + index, level)
        if not is_new:
            self.glitches = (self.glitches + 1) & 0xFFFF
        elif self.is_running:
            self._on_sources(at_us)

    def poll(self, now_us: int) -> None:
        """Do what is due, or will be within LEAD_US. A run that reaches TIME_MAX_US ends by itself."""
        if not self.is_running:
            return
        elapsed_us = self.elapsed_us(now_us)
        if elapsed_us >= TIME_MAX_US - 1:
            self.clear(now_us, 0)
            return
        due_us = self.next_us()
        while 0 <= due_us <= elapsed_us + LEAD_US:
            self._perform(due_us, elapsed_us)
            due_us = self.next_us()

    def next_us(self) -> int:
        """When something is due next in the run, -1 when nothing is or no run is under way."""
        first = self.next_exact_us()
        if self._axis_us < 0 or not self.is_running:
            return first
        return self._axis_us if first < 0 else min(first, self._axis_us)

    def next_exact_us(self) -> int:
        """The same without the steps of the axis, which may come a little late: its way does not depend on it."""
        if not self.is_running:
            return -1
        first = self.schedule.next_us()
        row = self.follow.first_due()
        if row < 0:
            return first
        due_us = self.follow.due_us(row)
        return due_us if first < 0 else min(first, due_us)

    def _perform(self, due_us: int, elapsed_us: int) -> None:
        """Everything that is due at one time, then one step of the card."""
        row = self.follow.first_due()
        while row >= 0 and self.follow.due_us(row) == due_us:
            self.follow.move(row)
            self._move(self.follow.target(row), self.follow.shown(row))
            row = self.follow.first_due()
        if self._axis_us == due_us:
            self._step_axis()
        while self.schedule.next_us() == due_us:
            self._note_lateness(elapsed_us - due_us)
            self._apply(self.schedule.channel, self.schedule.value, due_us)
            self.schedule.drop()
        self._show(due_us)

    def _note_lateness(self, late_us: int) -> None:
        if late_us > LATE_US:
            self.late = (self.late + 1) & 0xFFFF
            self.latest_us = max(self.latest_us, late_us)

    def _apply(self, channel: int, value: int, at_us: int) -> None:
        if channel < DRIVERS:
            self._force(channel, value)
        elif self._levels[channel] != value:
            self._levels[channel] = value
            self.log.add(at_us, channel, value)
            if channel == POWER:
                self._card.power(value, self._clock_us(at_us))
            else:
                self._on_sources(at_us)

    def _force(self, index: int, value: int) -> None:
        self._forced[index] = value
        level = self._rows[index] if value == FREE else value
        if level != NONE:
            self._levels[index] = level

    def _move(self, index: int, level: int) -> None:
        """A row moves its target, unless it is forced."""
        self._rows[index] = level
        if self._forced[index] == FREE:
            self._levels[index] = level

    def _on_sources(self, at_us: int) -> None:
        """Levels that rows look at have changed."""
        self.follow.update(self._levels, at_us)
        if self._axis_us < 0 and not self.axis.is_resting(self._levels):
            self._axis_us = at_us + AXIS_STEP_US - at_us % AXIS_STEP_US

    def _step_axis(self) -> None:
        self.axis.step(self._levels)
        self._move_limits()
        self._axis_us = -1 if self.axis.is_resting(self._levels) else self._axis_us + AXIS_STEP_US

    def _move_limits(self) -> None:
        for index in range(self.axis.limits):
            self._move(self.axis.targets[index], self.axis.closed[index])

    def _clock_us(self, at_us: int) -> int:
        return ticks_add(self._start_us, at_us)

    def _show(self, due_us: int) -> None:
        """One step of the card, if a driver changed; what changed is told with the instant it did."""
        levels = self._levels
        driven = self._driven
        is_new = False
        for index in range(DRIVERS):
            if levels[index] != driven[index]:
                is_new = True
                break
        if not is_new:
            return
        at_us = self._card.drive(levels, self._clock_us(due_us))
        for index in range(DRIVERS):
            if levels[index] != driven[index]:
                driven[index] = levels[index]
                if self.is_running:
                    self.log.add(self.elapsed_us(at_us), index, levels[index])
