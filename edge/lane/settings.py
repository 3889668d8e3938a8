"""What one lane is told by its site file: limits, time-outs and the policy for trucks it cannot identify.

Knows: meanings, units and defaults. Must not know: where the values come from (edge/config.py) or what runs the lane.
"""

from dataclasses import dataclass

UNIDENTIFIED_REFUSE = "refuse"
UNIDENTIFIED_ATTENTION = "attention"


@dataclass(frozen=True, slots=True)
class LaneSettings:
    """Settings of one lane. All times in milliseconds."""

    name: str
    max_gross_kg: int
    min_confidence: int = 70
    on_unidentified: str = UNIDENTIFIED_ATTENTION
    deny_plates: tuple[str, ...] = ()
    arrive_debounce_ms: int = 300
    read_before_ms: int = 10_000
    arrive_timeout_ms: int = 60_000
    identify_timeout_ms: int = 20_000
    weigh_timeout_ms: int = 60_000
    decide_timeout_ms: int = 30_000
    open_timeout_ms: int = 15_000
    pass_timeout_ms: int = 120_000
    close_timeout_ms: int = 30_000
    back_out_timeout_ms: int = 120_000
    recover_timeout_ms: int = 30_000
    command_timeout_ms: int = 2_000
    facts_max_age_ms: int = 2_000
