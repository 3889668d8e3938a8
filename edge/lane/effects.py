"""What each event of the lane does: what is noted of the truck, and what is journalled.

Knows: the events of edge/lane/states.py. Must not know: how an event is recognised (edge/lane/handlers.py), devices.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from edge.lane import sight
from edge.lane.handlers import usable_plate
from edge.lane.policy import ALLOW, REFUSE
from edge.lane.transaction import BY_OPERATOR

if TYPE_CHECKING:
    from edge.lane.machine import LaneMachine


def identify(lane: LaneMachine) -> None:
    """Take the plate read that belongs to this truck, if there is one; no other truck gets it."""
    read = usable_plate(lane)
    if read is None:
        return
    truck = lane.transaction
    truck.plate, truck.confidence, truck.read_id = read.plate, read.confidence, read.read_id
    truck.registered_base = lane.facts.weighbridge.registered_count
    lane.last_read_id = read.read_id
    lane.record("identified", plate=read.plate, confidence=read.confidence, read_id=read.read_id)


def _weighed(lane: LaneMachine) -> None:
    bridge = lane.facts.weighbridge
    lane.transaction.gross_kg_x10 = bridge.registered_kg_x10
    lane.transaction.registered_base = bridge.registered_count
    lane.record(
        "weighed",
        gross_kg_x10=bridge.registered_kg_x10,
        registered_id=bridge.registered_id,
        registered_count=bridge.registered_count,
    )


def _decided(lane: LaneMachine) -> None:
    truck = lane.transaction
    lane.tracker.is_second_seen = False
    lane.record("decided", decision=truck.verdict, reason=truck.reason, by=truck.by)


def _operator_decided(verdict: str) -> Callable[[LaneMachine], None]:
    def effect(lane: LaneMachine) -> None:
        truck = lane.transaction
        truck.verdict, truck.reason, truck.by = verdict, "operator", BY_OPERATOR
        _decided(lane)

    return effect


def _passed(lane: LaneMachine) -> None:
    truck = lane.transaction
    truck.outcome = "passed"
    if truck.verdict != ALLOW:
        lane.attend("passed_without_decision")
    # A second vehicle that was close behind and is nowhere now may have gone through in the first one's shadow.
    is_second_lost = lane.tracker.is_second_seen and not sight.is_entry_occupied(lane.facts)
    if is_second_lost or sight.deck(lane.facts) == sight.DECK_OCCUPIED:
        lane.attend("tailgating")
    lane.tracker.count_off(lane.facts)
    lane.record("passed", evidence=truck.evidence)


def _turned_back(lane: LaneMachine) -> None:
    lane.transaction.outcome = "turned_back"
    lane.tracker.count_off(lane.facts)
    lane.record("turned_back", evidence=lane.transaction.evidence)


def _weight_changed(lane: LaneMachine) -> None:
    bridge = lane.facts.weighbridge
    lane.transaction.registered_base = bridge.registered_count
    lane.attend("weight_changed", gross_kg_x10=bridge.gross_kg_x10)


def _attend(cause: str) -> Callable[[LaneMachine], None]:
    return lambda lane: lane.attend(cause)


def _devices_unfit(lane: LaneMachine) -> None:
    lane.attend("devices_unfit", reason=sight.unfit_reason(lane.facts))


EFFECTS: dict[str, Callable[[LaneMachine], None]] = {
    "withheld": lambda lane: lane.record("out_of_service"),
    "returned": lambda lane: lane.record("in_service"),
    "arrived": lambda lane: lane.open_transaction("arrival"),
    "identified": identify,
    "unidentified": _attend("unidentified"),
    "weighed": _weighed,
    "weigh_timeout": _attend("weigh_timeout"),
    "allowed": _decided,
    "refused": _decided,
    "devices_unfit": _devices_unfit,
    "open_timeout": _attend("open_timeout"),
    "weight_changed": _weight_changed,
    "boom_closed": _attend("boom_closed"),
    "passed": _passed,
    "turned_back": _turned_back,
    "closed": lambda lane: lane.close_transaction(),
    "operator_open": _operator_decided(ALLOW),
    "operator_reject": _operator_decided(REFUSE),
}
