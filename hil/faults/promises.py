"""What a device must still have after whatever happened to it: judged by asking it, as a hub would.

Knows: the promises (docs/power-cuts.md). Must not know: what happened, how the firmware is run.
"""

from __future__ import annotations

from hil.faults.life import EMPTY_COUNTS, EMPTY_SPREAD, Facts
from hil.faults.stand import Stand
from protocols.command import NO_EPOCH
from protocols.registers.barrier import COUNTERS_SOURCE_LOST, REASONS_SETTINGS_DEFAULTED


def broken_promises(stand: Stand, role: str, facts: Facts) -> list[str]:
    """A sentence for each promise that was not kept. Raises SilentError when it does not even answer."""
    broken = [*_settings(stand, facts), *_health(stand, facts)]
    if role == "weighbridge":
        broken += _records(stand, facts)
    if role == "barrier":
        broken += _counters(stand, facts)
    return broken + _nonces(stand)


def _settings(stand: Stand, facts: Facts) -> list[str]:
    broken = []
    for name, value in facts.settings.items():
        found = stand.point(name)
        if found not in (value, facts.offered.get(name, value)):
            broken.append(f"{name} is {found}, acknowledged was {value}")
    return broken


def _health(stand: Stand, facts: Facts) -> list[str]:
    is_lost = stand.point("reasons") >> REASONS_SETTINGS_DEFAULTED & 1  # of the header, the same in every role
    return ["its settings were lost and replaced by defaults"] if is_lost and facts.is_set else []


def _records(stand: Stand, facts: Facts) -> list[str]:
    return [*_calibration(stand, facts), *_alibi(stand, facts)]


def _calibration(stand: Stand, facts: Facts) -> list[str]:
    """The zero and the count that seals it are stored together."""
    if facts.calibration is None:
        return []
    found = stand.point("zero_counts"), stand.point("calibration_count")
    is_old = found == facts.calibration
    is_new = abs(found[0] - EMPTY_COUNTS) <= EMPTY_SPREAD and found[1] == facts.calibration[1] + 1
    return [] if is_old or (facts.calibrating and is_new) else [f"zero and seal are {found}, not {facts.calibration}"]


def _alibi(stand: Stand, facts: Facts) -> list[str]:
    stand.set_input("LOCAL_MODE", 0)  # whoever was at the scale has gone
    stand.run(100_000)
    newest = stand.point("alibi_newest")
    counts = {len(facts.records), len(facts.records) + (facts.registering is not None)}
    if newest not in counts:
        return [f"{newest} weights are in the alibi memory, {len(facts.records)} were registered"]
    expected = [*facts.records, *([facts.registering] if facts.registering else [])][:newest]
    return [text for number, record in enumerate(expected, 1) if (text := _record(stand, number, record))]


def _record(stand: Stand, number: int, expected: tuple[int, int]) -> str:
    stand.command("READ_ALIBI", 0, number)
    found = stand.point("alibi_sequence"), stand.point("alibi_register_id"), stand.point("alibi_gross_kg_x10")
    return "" if found == (number, *expected) else f"alibi record {number} is {found}, registered was {expected}"


def _counters(stand: Stand, facts: Facts) -> list[str]:
    openings = stand.point("openings")
    broken = [] if openings in facts.openings else [f"openings are {openings}, kept were {facts.openings}"]
    if facts.is_kept and stand.point("counters_source") == COUNTERS_SOURCE_LOST:
        broken.append("the counters were lost")
    return broken


def _nonces(stand: Stand) -> list[str]:
    offered = stand.point("nonce_epoch"), stand.point("nonce_counter")
    used = max(stand.nonces, default=(0, 0))
    return [] if offered[0] == NO_EPOCH or offered > used else [f"the nonce {offered} is offered after {used} was used"]
