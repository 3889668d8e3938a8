"""One scenario as it is carried out and told: script, trace, causes, what the bus master heard.

Knows: how an action, an input, an output and an observation are recorded. Must not know: what time is made of, targets,
what surrounds a device.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from edge.words.language import in_english
from hil.rig.bus_master import BusMaster
from hil.rig.history import History
from hil.rig.script import Script
from hil.rig.verdict import Verdict
from hil.scenarios.model import Action, Scenario
from hil.scenarios.units import Mistake
from hil.scenarios.vocabulary import DEVICE
from hil.scenarios.words import words_for
from hil.trace.causes import FIELD, Causes
from hil.trace.event import Trace, TraceEvent

# Actions that a device learns of through its inputs alone.
_TO_FIELD = ("set", "free", "knob", "switch", "truck", "turn back")


class Stage(ABC):
    """Runs one scenario; `run` gives the trace and the verdict. `_now_us` is the instant that is being told."""

    def __init__(self, scenario: Scenario, roles: Mapping[str, str]) -> None:
        self.trace = Trace(roles, dict(scenario.bands))
        self._scenario = scenario
        self._now_us = 0
        self._causes = Causes()
        self._script = Script(scenario, self._carry_out)
        self.master: BusMaster

    @abstractmethod
    def run(self) -> Verdict:
        """Run the scenario to its end and judge its trace."""

    @abstractmethod
    def _perform(self, now_us: int, action: Action) -> None:
        """Do what an action says."""

    def _checked(self) -> list[str]:
        """What the scenario's own function finds wrong."""
        check = self._scenario.check
        try:
            with in_english():
                return check.lines(History(self.trace, words_for(self._scenario))) if check else []
        except Mistake as mistake:
            return [f"check: {mistake}"]

    def _carry_out(self, now_us: int, action: Action, cause: int) -> None:
        """Record an action of the script as the stimulus it is, and carry it out."""
        self._record_action(now_us, action, cause)
        self._perform(now_us, action)

    def _record_action(self, at_us: int, action: Action, cause: int) -> None:
        self.trace.add(TraceEvent(at_us, "fault" if action.is_fault else "script", action.label, action.number, cause))
        for party in self._concerned(action):
            self._causes.hand(party, self.trace.newest)

    def _concerned(self, action: Action) -> Sequence[str]:
        if action.verb in _TO_FIELD:
            return (FIELD,)
        return (action.role,) if action.role else (FIELD, *self.trace.roles)

    def _observe(self, now_us: int, source: str, channel: str, value: int) -> None:
        """Record what the master read and sent: happenings always, levels when they change."""
        party = self._speaker(source, channel)
        cause = self._causes.of_report(party)
        if channel.startswith("event."):
            self._note(self.trace.add(TraceEvent(now_us, source, channel, value, cause)))
            self._causes.do(party, self.trace.newest)
        elif source == "bus":
            self.trace.add(TraceEvent(now_us, source, channel, value, self._causes.of_deed(party)))
            self._causes.hand(party, self.trace.newest)
        elif source in ("command", "rig"):
            self._note(self.trace.add(TraceEvent(now_us, source, channel, value, cause)))
        else:
            self._note(self.trace.change(now_us, source, channel, value, cause))

    def _speaker(self, source: str, channel: str) -> str:
        """Which party an observation of the master comes from."""
        if source == "bus":
            return channel.split(".")[1]
        return channel.split(".")[0] if source == "command" else source

    def _record_input(self, at_us: int, party: str, name: str, value: int) -> None:
        """Record an input if it changed: a deed of the field, a stimulus to the device."""
        event = self.trace.change(at_us, party, f"in.{name}", value, self._causes.of_deed(FIELD))
        if event is not None:
            self._causes.hand(party, self.trace.newest)
            self._note(event)

    def _record_output(self, at_us: int, party: str, name: str, value: int) -> None:
        """Record an output if it changed: a deed of the device, a stimulus to the field."""
        event = self.trace.change(at_us, party, f"out.{name}", value, self._causes.of_deed(party))
        if event is not None:
            self._causes.do(party, self.trace.newest)
            self._causes.hand(FIELD, self.trace.newest)
            self._note(event)

    def _note(self, event: TraceEvent | None) -> None:
        if event is not None:
            self._script.on_event(self._now_us, event, self.trace.newest)


def bench_event(role: str, source: str, channel: str) -> tuple[str, str]:
    """Source and channel of a master's observation on a bench, where the one device is called DEVICE."""
    if source == "bus":
        return source, channel.replace(f".{role}.", ".")
    if source == "command":
        return source, channel.split(".")[1]
    return (DEVICE if source == role else source), channel
