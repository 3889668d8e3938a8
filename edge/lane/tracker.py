"""Which way the truck left: forward under the boom, or back out over the entry loop.

Knows: what the sensors and the barrier's pass counter showed since the transaction began. Must not know: states,
commands. The counter alone is not proof: a truck that noses under the boom and backs off is counted too. What was seen
decides; the counter decides only over what was not seen (a short outage, a restart of the hub).
"""

from dataclasses import asdict, dataclass
from typing import Any

from edge.lane import sight
from edge.lane.facts import LaneFacts

BY_SENSORS = "sensors"
BY_COUNTER = "counter"
BACKED_OFF = "backed_off"


@dataclass
class Tracker:
    """`passes_base` and `boot` say from where passes count; `is_second_seen` that another vehicle is close behind.

    `is_count_due` means the sensors were faster than the counter, so its next step belongs to a pass already known.
    """

    passes_base: int = 0
    boot: int = 0
    is_boom_seen: bool = False
    is_second_seen: bool = False
    was_entry_occupied: bool = False
    is_count_due: bool = False

    def save(self) -> dict[str, Any]:
        """The tracker as a JSON object."""
        return asdict(self)

    def reset(self, facts: LaneFacts) -> None:
        """Begin anew from what the barrier counts now."""
        self.passes_base = facts.barrier.passes
        self.boot = facts.barrier.boot
        self.is_boom_seen = self.is_second_seen = self.is_count_due = False
        self.was_entry_occupied = sight.is_entry_occupied(facts)

    def look(self, facts: LaneFacts, is_released: bool) -> None:
        """Take in one set of fresh facts. `is_released`: the truck stood whole on the deck and may drive on."""
        self._follow_counter(facts)
        entry = sight.is_entry_occupied(facts)
        under_boom = sight.is_under_boom(facts) and not sight.is_shut(facts)
        if under_boom:
            self.is_second_seen |= entry
            self.is_boom_seen = True
        elif is_released and entry and not self.was_entry_occupied and not self.is_boom_seen:
            # Until the truck has moved, whatever rolls onto the entry loop behind an occupied deck is another one.
            self.is_second_seen |= sight.deck(facts) == sight.DECK_OCCUPIED
        self.was_entry_occupied = entry

    def conclude(self, facts: LaneFacts) -> str:
        """BY_SENSORS or BY_COUNTER once a vehicle has gone through, BACKED_OFF once it has not, else ""."""
        deck = sight.deck(facts)
        if sight.is_path_occupied(facts) or deck == sight.DECK_UNKNOWN:
            return ""
        if self.is_boom_seen:
            if deck == sight.DECK_EMPTY or self.is_second_seen:
                return BY_SENSORS
            # Nosed under the boom and backed off: still here, and the counter's step means nothing.
            self._settle(facts)
            return BACKED_OFF
        return BY_COUNTER if facts.barrier.passes != self.passes_base else ""

    def count_off(self, facts: LaneFacts) -> None:
        """The pass just concluded is dealt with; watch for the next one."""
        self._settle(facts)
        self.is_second_seen = False

    def _settle(self, facts: LaneFacts) -> None:
        self.is_count_due = facts.barrier.passes == self.passes_base
        self.passes_base = facts.barrier.passes
        self.is_boom_seen = False

    def _follow_counter(self, facts: LaneFacts) -> None:
        if facts.barrier.boot != self.boot:
            # The barrier counts from zero since it started, so any count now is a pass since then.
            self.boot = facts.barrier.boot
            self.passes_base = 0
            self.is_count_due = False
        elif self.is_count_due and facts.barrier.passes != self.passes_base:
            self.passes_base += 1
            self.is_count_due = False
