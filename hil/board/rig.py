"""One device on the bench with a rig board: bursts of stimuli scheduled ahead, the rest done from the host.

Knows: in which order steps are taken, what was seen is told, and the two boards are asked. Must not know: ports, what
an input means.

The rig board does what is exact: stimuli whose time is known (a `set` behind a `wait`), the plant's reactions, the
stamp of every change. The host does what is coarse: it polls the device, sends commands, and follows the steps that
wait for something seen as soon as it knows of it. What was seen is told in the order of its times, once the board has
said that it has no more of them; so the host is always a question behind.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from pathlib import Path

from hil.board.clock import RunClock
from hil.board.device import await_device
from hil.board.levels import SUPPLY
from hil.board.link import Entry, RigLink
from hil.board.plan import Plan
from hil.board.port import Port
from hil.rig.bus_master import BusMaster
from hil.rig.stage import Stage, bench_event
from hil.rig.verdict import Verdict
from hil.scenarios.content import watched_points
from hil.scenarios.model import Action, BenchScenario, Do
from hil.scenarios.vocabulary import DEVICE
from hil.targets.board import BoardTarget
from hil.targets.board_rows import rows_of
from protocols.rig.messages import DRIVERS, OFF, ON

SUPPLY_OFF_US = 300_000  # what a supply takes to fall, with room
_CUT_US, _FIRST_US = 20_000, 100_000
_READ_EVERY_US = 40_000
_LEAD_US = 60_000  # an entry is on the board well before its time
_AHEAD_US = 1_000_000
_SETTLED_US = 10_000  # a change this old is in the board's log when the board answers

Told = Callable[[int], None]
"""Records something at a time and shows it to the script."""


class BoardRig(Stage):
    """Runs one bench scenario on the boards of a table, which it opens and closes."""

    def __init__(self, scenario: BenchScenario, target: BoardTarget, directory: Path) -> None:
        super().__init__(scenario, {DEVICE: scenario.role})
        self._plan = Plan(scenario, rows_of(scenario.plant))
        self._provision = target.device(scenario.role, scenario.settings)
        self._table = table = target.open(self._provision, directory)
        assert table.device is not None
        self._device: Port = table.device
        self._link = RigLink(table)
        self._clock = RunClock(0)
        self._is_up = False
        self._is_cut = False
        self._entries: list[Entry] = []
        self._seen: list[tuple[int, int, Told]] = []  # a heap of what is to be told, by its time
        self._order = 0
        self._known_us = 0  # all that happened until then has been told
        self._read_us = 0
        self.master = BusMaster([self._provision], self._hear, [watched_points(scenario, DEVICE)])

    def run(self) -> Verdict:
        """Run the scenario to its end and judge its trace; what the board could not do in time is a problem too."""
        try:
            self._start()
            while (end_us := self._script.end_us) is None or self._known_us < end_us:
                self._act()
            self.trace.end_us = end_us
            status = self._link.status()
            self._link.clear()
        finally:
            self._table.close()
        told = [
            "" if status.is_running else "the rig board ended the run: its clock turns over after nine minutes",
            f"{status.late} stimuli came late, by up to {status.latest_us} us" if status.late else "",
            f"the rig board lost {status.lost} changes, its log was full" if status.lost else "",
            f"the chain of drivers gave back something else {status.chain_faults} times" if status.chain_faults else "",
        ]
        return self._script.verdict((*self.master.unanswered, *self._checked(), *filter(None, told)))

    def _start(self) -> None:
        """Rows, the inputs of scenario time 0, then power: the device starts into a field that is as it should be."""
        supply = self._plan.levels.channels[SUPPLY]
        self._link.clear()
        self._plan.lay_down(self._link)
        self._entries.append(Entry(_CUT_US, supply, OFF))
        knobs = [self._plan.levels.channels[f"knob.{name}"] for name in sorted(self._plan.rows.on)]
        self._entries += [Entry(_FIRST_US, knob, ON) for knob in knobs]
        while self._script.next_us == 0 and isinstance(act := self._script.next_act, Do) and self._plan.is_exact(act):
            self._script.run_one(0)
        self._entries.append(Entry(SUPPLY_OFF_US, supply, ON))
        self._hand_over()
        self._clock = RunClock(self._link.start())
        self._link.status()
        await_device(self._table, self._device, self._provision)
        self._begin(self._read())

    def _begin(self, entries: list[Entry]) -> None:
        """Scenario time begins: the levels as they are now were so from the start."""
        self._clock.zero_us = self._clock.scenario_us(self._table.now_us)
        self._is_up = True
        now = {entry.channel: entry.value for entry in entries}
        for channel in self._plan.levels.events:
            self._push(0, self._teller(channel, now.get(channel, OFF)))
        self._tell_until(0)

    def _act(self) -> None:
        """One turn of the host: steps, entries, the line, what the board has noted; then it rests."""
        now_us = self._clock.scenario_us(self._table.now_us)
        self._take_steps(now_us)
        self._hand_over()
        self._speak(now_us)
        if now_us >= self._read_us:
            for entry in self._read():
                if entry.channel in self._plan.levels.events:
                    self._push(entry.at_us - self._clock.zero_us, self._teller(entry.channel, entry.value))
            self._tell_until(self._known_us)
            self._read_us = now_us + _READ_EVERY_US
        self._table.wait(self._clock.host_us(max(min(self._read_us, self.master.wake_us), now_us + 1)))

    def _take_steps(self, now_us: int) -> None:
        while self._may_take(now_us):
            assert self._script.next_us is not None
            self._script.run_one(self._script.next_us)

    def _may_take(self, now_us: int) -> bool:
        """What is exact is taken ahead of its time, what is not when it is due, what asks once the answer is known."""
        script, act = self._script, self._script.next_act
        if script.next_us is None:
            return False
        if act is None:
            return script.next_us <= self._known_us
        is_exact = not isinstance(act, Do) or self._plan.is_exact(act)
        if script.next_us > (now_us + _AHEAD_US if is_exact else now_us):
            return False
        if isinstance(act, Do):
            script.postpone(now_us + _LEAD_US if is_exact else now_us)
        return True

    def _carry_out(self, now_us: int, action: Action, cause: int) -> None:
        self._push(now_us, lambda at_us: self._record_action(at_us, action, cause))
        self._perform(now_us, action)

    def _perform(self, now_us: int, action: Action) -> None:
        if action.verb == "command":
            self.master.command(self._provision.role, action)
        elif self._plan.is_line(action):
            self._is_cut = bool(action.argument)
        else:
            changes = self._plan.changes(action)
            self._entries += [Entry(self._run_us(now_us) + later, channel, value) for later, channel, value in changes]

    def _run_us(self, now_us: int) -> int:
        """When the board is to do what the script does now: not before it can know of it."""
        if not self._is_up:
            return _FIRST_US
        soonest_us = self._clock.scenario_us(self._table.now_us) + _LEAD_US
        return max(now_us, soonest_us) + self._clock.zero_us

    def _hand_over(self) -> None:
        """Give the board what it is to do."""
        if self._entries:
            self._link.queue(self._entries)
            self._entries.clear()

    def _speak(self, now_us: int) -> None:
        """The rig's client on the device's line, unless the line is cut."""
        heard = self._device.take()
        if heard and not self._is_cut:
            self.master.on_bytes(now_us, heard)
        request = self.master.poll(now_us)
        if request and not self._is_cut:
            self._device.send(request)

    def _read(self) -> list[Entry]:
        """All that the board has noted; then everything is known up to a little before its answer."""
        entries: list[Entry] = []
        while True:
            noted = self._link.read()
            self._clock.look(self._table.now_us, self._link.round_trip_us, noted.clock_us)
            entries += noted.entries
            if noted.is_all:
                self._known_us = self._clock.run_us(noted.clock_us) - self._clock.zero_us - _SETTLED_US
                return entries

    def _push(self, at_us: int, told: Told) -> None:
        self._order += 1
        heapq.heappush(self._seen, (at_us, self._order, told))

    def _tell_until(self, known_us: int) -> None:
        """Record all that happened until then, in the order of its times."""
        while self._seen and self._seen[0][0] <= known_us:
            at_us, _, told = heapq.heappop(self._seen)
            self._now_us = max(self._now_us, at_us)
            told(self._now_us)

    def _teller(self, channel: int, value: int) -> Told:
        name = self._plan.levels.events[channel]
        record = self._record_input if channel < DRIVERS else self._record_output
        return lambda at_us: record(at_us, DEVICE, name, value)

    def _hear(self, now_us: int, source: str, channel: str, value: int) -> None:
        """Something the rig's client read: it is told when all that came before it is."""
        told = bench_event(self._provision.role, source, channel)
        self._push(now_us, lambda at_us: self._observe(at_us, *told, value))

    def _speaker(self, source: str, channel: str) -> str:
        return DEVICE
