"""The closing account of a run: the numbers of `gate run --json`, and whether every truck was accounted for.

Knows: the world's truth, the hub's status, the platform's records. Must not know: how they are gathered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hil.run.account import Transaction, TruckTruth, discrepancies


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of one run. `trucks` entered a lane; each has passed, turned back, or is still `in_lane`.

    `records_*` count this run's records only; `problems` says what does not add up, in sentences.
    """

    site: str
    seed: int
    seconds: float
    trucks: int
    passed: int
    turned_back: int
    in_lane: int
    records_journalled: int
    records_acknowledged: int
    poll_cycles: int
    crc_errors: int
    scan_overruns: int
    restarts: int
    problems: tuple[str, ...]

    @property
    def accounted(self) -> bool:
        """Whether every truck, and every record, was accounted for."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "problems": list(self.problems), "accounted": self.accounted}


def summarize(
    *,
    site: str,
    seed: int,
    seconds: float,
    trucks: Sequence[TruckTruth],
    transactions: Mapping[str, Sequence[Transaction]],
    status: Mapping[str, Any],
    seq_before: int,
    hits: int,
    restarts: int,
) -> Summary:
    """Hold the field's truth against the platform's records; `status` is the hub's last one, {} if it is away."""
    devices = list(status.get("devices", {}).values())
    journalled = status.get("journal", {}).get("last_seq", seq_before) - seq_before
    acknowledged = status.get("uplink", {}).get("acked_seq", seq_before) - seq_before
    problems = discrepancies(trucks, transactions)
    if not status:
        problems.append("the hub did not tell its status at the end")
    if acknowledged < journalled:
        problems.append(f"{journalled - acknowledged} of {journalled} records are not acknowledged yet")
    if hits:
        problems.append(f"the boom touched a truck {hits} times")
    return Summary(
        site=site,
        seed=seed,
        seconds=round(seconds, 1),
        trucks=len(trucks),
        passed=sum(truck.outcome == "passed" for truck in trucks),
        turned_back=sum(truck.outcome == "turned_back" for truck in trucks),
        in_lane=sum(truck.outcome == "in_lane" for truck in trucks),
        records_journalled=journalled,
        records_acknowledged=acknowledged,
        poll_cycles=sum(device["poll_cycles"] for device in devices),
        crc_errors=sum((device["crc_errors_device"] or 0) + device["crc_errors_hub"] for device in devices),
        scan_overruns=sum(device["scan_overruns"] or 0 for device in devices),
        restarts=restarts,
        problems=tuple(problems),
    )
