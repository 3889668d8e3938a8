"""Whether a truck may pass: a pure function of what is known of it and the lane's settings.

Knows: the rules. Must not know: how the plate or weight came about, or what follows.
"""

from dataclasses import dataclass

from edge.lane.settings import LaneSettings

ALLOW = "allow"
REFUSE = "refuse"
OVERLOADED = "overloaded"  # beyond what the weighbridge can weigh, so there is no weight to decide on


@dataclass(frozen=True, slots=True)
class Decision:
    """`verdict` is ALLOW or REFUSE; `reason` is one word for the journal."""

    verdict: str
    reason: str


def decide(settings: LaneSettings, plate: str, gross_kg_x10: int) -> Decision:
    """The decision on a truck of registered weight `gross_kg_x10` (0.1 kg); the first rule broken counts."""
    if not plate:
        return Decision(REFUSE, "unidentified")
    if plate in settings.deny_plates:
        return Decision(REFUSE, "plate_denied")
    if gross_kg_x10 > settings.max_gross_kg * 10:
        return Decision(REFUSE, "too_heavy")
    return Decision(ALLOW, "within_limits")
