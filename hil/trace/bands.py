"""How far apart the same event may be on two targets, per kind of channel. The one place of the default bands.

Knows: kinds of channels, names of targets. Must not know: traces, how a target works.

`host` and `vm` run the same steps at the same instants, so between them nothing may differ. The chip takes time to
think, and so the rig's polls fall elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from hil.trace.classes import Kind

STEPPED = frozenset({"host", "vm"})  # targets on which a step takes no time
DETERMINISTIC = STEPPED | {"rp2040"}

REACTION_US = 25_000  # an output that follows an input or a command within two scans answers it
APART_US = 500_000  # what on the other target follows that much later does not; there it was chance

# Microseconds. A reaction takes one scan (10 ms), and two when the input came too late for the first; a scan on the
# chip takes up to 5 ms, a command's frame and the silence behind it 9. An output that follows from samples or polls
# (ten a second) is up to one of them late. What is polled follows from samples too, and is seen up to one poll of
# 126 ms late, of 150 on a line with two devices; a command and an event one more, since the one waits for its nonce
# and the other for the ring's head.
TIMES_US: Mapping[Kind, int] = MappingProxyType(
    {
        Kind.REACTION: 35_000,
        Kind.OUTPUT: 150_000,
        Kind.LAMP: 150_000,
        Kind.LEVEL: 400_000,
        Kind.EVENT: 400_000,
        Kind.COMMAND: 400_000,
        Kind.FIELD: 100_000,
    }
)
# What a command has a post do, it does once the vehicle's next word allows it, and that speaks ten times a second.
SPOKEN_US: Mapping[str, int] = MappingProxyType({"charging_post": 130_000})
POLLED = frozenset({Kind.LEVEL, Kind.EVENT, Kind.COMMAND})
NOISY_US = 2_000_000  # the band of what is polled while a fault of the bus eats requests and answers
# The band of everything but reactions for so long after a device has started: a converter on the chip settles for
# 0.45 s before its first sample, the host's has one at once; its start takes longer than the 1.3 s a rig allows for
# one; and a device that was silent is asked at the pace of time-outs, so it is heard up to 0.3 s later.
STARTING_US, STARTING_FOR_US = 1_200_000, 2_000_000
# A lamp is dark while its device starts, for as long as that takes: as long a visit of it may be left out after that.
STARTING_LAMP_US = 2_000_000
# A device's registers are read before its ring is, so its first values come so long before its start is told.
TOLD_AFTER_US = TIMES_US[Kind.EVENT]

# By unit: a scan more or less changes a mean, a duration or an energy by little. A silence begins with the last poll
# before it (126 ms) and ends with the first question after the time-out in which it ended (200 ms and a poll).
QUANTITIES: Mapping[str, float] = MappingProxyType({"kg": 20, "ms": 460, "counts": 200, "Wh": 2, "A": 1})
RELATIVE = 0.01  # of a quantity, where that is more


@dataclass(frozen=True, slots=True)
class Bands:
    """What may differ: instants by `times_us` of their kind, quantities by `quantities` of their unit or 1 %."""

    times_us: Mapping[Kind, int] = field(default_factory=lambda: TIMES_US)
    quantities: Mapping[str, float] = field(default_factory=lambda: QUANTITIES)

    def with_times(self, times_us: Mapping[str, int]) -> Bands:
        """With a scenario's own bands, by the name of the kind."""
        own = {Kind(name): each_us for name, each_us in times_us.items()}
        return Bands({**self.times_us, **own}, self.quantities)

    def allows(self, left: int, right: int, units: str, sf: int) -> bool:
        """Whether two quantities are near enough."""
        apart = abs(left - right) * 10.0**sf
        largest = max(abs(left), abs(right)) * 10.0**sf
        return apart <= max(self.quantities.get(units, 0), RELATIVE * largest)


def bands_between(left: str, right: str, own_us: Mapping[str, int] = MappingProxyType({})) -> Bands | None:
    """The bands for two targets, `own_us` those of the scenario; None where everything must be exactly equal."""
    exact = {left, right} <= STEPPED or (left == right and left in DETERMINISTIC)
    return None if exact else Bands().with_times(own_us)
