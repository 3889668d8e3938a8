"""Every truck accounted for: what the simulated field knows against what the platform was told.

Knows: the truth of the field and transactions as the platform has them. Must not know: where either came from.

A truck that entered a lane must be the subject of exactly one transaction of that lane, in the order of entering, with
the outcome the field saw. A truck still in the lane must have an open transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

IN_LANE = "in_lane"
PASSED = "passed"
TURNED_BACK = "turned_back"
CLOSED = "closed without an outcome"


@dataclass(frozen=True, slots=True)
class TruckTruth:
    """A truck as the field saw it; `outcome` is one of the words above."""

    truck_id: int
    lane: str
    plate: str
    outcome: str


@dataclass(slots=True)
class Transaction:
    """A transaction as its records tell it; `outcome` is a truck's, or CLOSED."""

    number: str
    lane: str
    plate: str = ""
    outcome: str = IN_LANE


def transactions_of(records: Iterable[Mapping[str, Any]]) -> dict[str, list[Transaction]]:
    """Transactions by lane in the order of opening, from record messages in the order of their sequence numbers."""
    lanes: dict[str, list[Transaction]] = {}
    for record in records:
        lane, kind, data = record["lane"], record["kind"], record["data"]
        if kind == "transaction_opened":
            lanes.setdefault(lane, []).append(Transaction(data["transaction"], lane))
            continue
        current = _find(lanes.get(lane, ()), data.get("transaction"))
        if current is None:
            continue
        if kind == "identified":
            current.plate = data.get("plate", "")
        elif kind in (PASSED, TURNED_BACK):
            current.outcome = kind
        elif kind == "transaction_closed" and current.outcome == IN_LANE:
            current.outcome = CLOSED
    return lanes


def _find(transactions: Sequence[Transaction], number: object) -> Transaction | None:
    return next((item for item in reversed(transactions) if item.number == number), None)


def discrepancies(trucks: Sequence[TruckTruth], lanes: Mapping[str, Sequence[Transaction]]) -> list[str]:
    """One sentence for each truck or transaction that does not match; empty when all are accounted for."""
    problems: list[str] = []
    for lane in sorted({truck.lane for truck in trucks} | set(lanes)):
        mine = [truck for truck in trucks if truck.lane == lane]
        problems += _lane_discrepancies(lane, mine, lanes.get(lane, ()))
    return problems


def _lane_discrepancies(lane: str, trucks: Sequence[TruckTruth], transactions: Sequence[Transaction]) -> list[str]:
    problems = [
        f"{lane}: truck {truck.truck_id} ({truck.plate}) has no transaction" for truck in trucks[len(transactions) :]
    ]
    problems += [f"{lane}: transaction {item.number} belongs to no truck" for item in transactions[len(trucks) :]]
    for truck, item in zip(trucks, transactions, strict=False):
        problems += _pair_discrepancies(truck, item)
    return problems


def _pair_discrepancies(truck: TruckTruth, item: Transaction) -> list[str]:
    problems = []
    if truck.outcome != item.outcome:
        problems.append(
            f"{item.number}: the field saw truck {truck.truck_id} {truck.outcome}, the records say {item.outcome}"
        )
    if item.plate and item.plate != truck.plate:
        problems.append(f"{item.number}: the field saw plate {truck.plate}, the records say {item.plate}")
    return problems
