"""The closing account of a run: the numbers of `gate run --json`, and whether every truck was accounted for.

Knows: the world's truth, the hub's status, the platform's records. Must not know: how they are gathered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edge.words import tr
from hil.run.account import TruckTruth, discrepancies, transactions_of
from hil.run.tally import CRC_ERRORS, POLL_CYCLES, SCAN_OVERRUNS


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of one run. `trucks` entered a lane; each has passed, turned back, or is still `in_lane`.

    `records_*` count this run's records only; `poll_cycles` and the errors are those of all the hub's and the devices'
    lives in this run, as far as they were seen. `problems` says what does not add up, in sentences.
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
    records: Sequence[Mapping[str, Any]],
    status: Mapping[str, Any],
    counters: Mapping[str, int],
    hits: int,
    restarts: int,
) -> Summary:
    """Hold the field's truth against the platform's records.

    `records` are those the platform has of this run, from its first hub_started on; `status` is the hub's last one, {}
    if it is away; `counters` are the totals of a Tally.
    """
    last_seq = status.get("journal", {}).get("last_seq", 0)
    seq_before = records[0]["seq"] - 1 if records else last_seq
    journalled = max(0, last_seq - seq_before)
    acknowledged = max(0, status.get("uplink", {}).get("acked", 0) - seq_before)
    problems = discrepancies(trucks, transactions_of(records))
    problems += _record_problems(status, len(records), journalled, acknowledged)
    if hits:
        problems.append(tr("the boom touched a truck {count} times", count=hits))
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
        poll_cycles=counters.get(POLL_CYCLES, 0),
        crc_errors=sum(counters.get(name, 0) for name in CRC_ERRORS),
        scan_overruns=counters.get(SCAN_OVERRUNS, 0),
        restarts=restarts,
        problems=tuple(problems),
    )


def _record_problems(status: Mapping[str, Any], received: int, journalled: int, acknowledged: int) -> list[str]:
    """What the hub says of its records, held against what the platform has `received`."""
    if not status:
        return [tr("the hub did not tell its status at the end")]
    problems = []
    if not received:
        problems.append(tr("the platform has no record of this run, not even that the hub started"))
    if acknowledged < journalled:
        told = {"missing": journalled - acknowledged, "count": journalled}
        problems.append(tr("{missing} of {count} records are not acknowledged yet", **told))
    if received < acknowledged:
        told = {"acked": acknowledged, "received": received}
        problems.append(tr("the hub takes {acked} records for acknowledged, the platform has {received}", **told))
    lost = status["journal"]["records_lost"]
    if lost:
        problems.append(tr("{count} records were lost because the journal could not be written", count=lost))
    return problems
