"""What each state of the lane looks for, and what an operator may ask of it.

Knows: how an event is recognised from fresh facts. Must not know: where it leads (edge/lane/states.py), clocks,
devices. A handler returns the event it recognised or "". Both devices are fresh whenever a handler runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from edge.lane import sight, states
from edge.lane.actions import ROLE_BARRIER, ROLE_WEIGHBRIDGE
from edge.lane.facts import (
    OPERATOR_CLOSE,
    OPERATOR_OPEN,
    OPERATOR_REJECT,
    OPERATOR_RELEASE,
    PlateFact,
)
from edge.lane.policy import ALLOW, OVERLOADED, REFUSE, decide
from edge.lane.settings import UNIDENTIFIED_REFUSE
from edge.lane.tracker import BACKED_OFF, BY_SENSORS
from edge.lane.transaction import BY_OPERATOR, BY_POLICY

if TYPE_CHECKING:
    from edge.lane.machine import LaneMachine

# A truck whose weight differs by more than this from the registered one is not the truck that was weighed; a driver
# getting in or out stays below it.
_WEIGHT_SLACK_KG_X10 = 2_000
# A truck that brakes on the deck swings it; an overload that lasts longer is the truck's weight.
_OVERLOAD_SETTLE_MS = 2_000


def on_idle(lane: LaneMachine) -> str:
    if sight.is_open(lane.facts):
        lane.attend("boom_open")
    else:
        lane.forget("boom_open")
    if lane.facts.is_withheld and sight.is_at_rest(lane.facts) and lane.commander.pending is None:
        return "withheld"  # before a truck that waits at the entry gets its turn
    return "vehicle_seen" if sight.is_vehicle_seen(lane.facts) else ""


def on_arriving(lane: LaneMachine) -> str:
    debounce_ms = lane.settings.arrive_debounce_ms
    if lane.seen_ms() >= debounce_ms:
        return "arrived"
    return "vehicle_gone" if lane.clear_ms() >= max(1, debounce_ms) else ""


def on_identifying(lane: LaneMachine) -> str:
    event = departure(lane)
    return event or ("identified" if usable_plate(lane) else "")


def on_weighing(lane: LaneMachine) -> str:
    event = departure(lane)
    if event:
        return event
    bridge = lane.facts.weighbridge
    truck = lane.transaction
    if bridge.registered_id == truck.register_id and bridge.registered_count != truck.registered_base:
        return "weighed"
    if lane.overload_ms() >= _OVERLOAD_SETTLE_MS:
        truck.verdict, truck.reason, truck.by = REFUSE, OVERLOADED, BY_POLICY
        return "refused"
    if sight.is_deck_stable(lane.facts) and lane.commander.can_send(lane.now_ms):
        truck.register_attempts += 1
        lane.command(ROLE_WEIGHBRIDGE, "REGISTER", truck.register_id)
    return ""


def on_deciding(lane: LaneMachine) -> str:
    event = departure(lane)
    if event or sight.unfit_reason(lane.facts):
        return event
    truck = lane.transaction
    decision = decide(lane.settings, truck.plate, truck.gross_kg_x10)
    truck.verdict, truck.reason, truck.by = decision.verdict, decision.reason, BY_POLICY
    return "allowed" if decision.verdict == ALLOW else "refused"


def on_opening(lane: LaneMachine) -> str:
    event = departure(lane)
    if event:
        return event
    if sight.is_driver_called(lane.facts):
        return "open"
    if lane.transaction.by == BY_POLICY:
        if not sight.is_deck_stable(lane.facts):
            return ""
        if abs(lane.facts.weighbridge.gross_kg_x10 - lane.transaction.gross_kg_x10) > _WEIGHT_SLACK_KG_X10:
            return "weight_changed"
    if sight.may_send_open(lane.facts) and sight.is_vehicle_seen(lane.facts):
        lane.command(ROLE_BARRIER, "OPEN", by=lane.transaction.by)
    return ""


def on_passing(lane: LaneMachine) -> str:
    event = departure(lane)
    if event or sight.is_driver_called(lane.facts):
        return event
    if sight.is_open(lane.facts):
        # Nosed under the boom and backed off, or the barrier restarted: the truck is still wanted through.
        return "light_red" if sight.may_send_open(lane.facts) and sight.is_vehicle_seen(lane.facts) else ""
    if lane.is_barrier_restarted and sight.may_send_open(lane.facts):
        return "barrier_restarted"
    return "boom_closed" if sight.is_shut(lane.facts) else ""


def on_closing(lane: LaneMachine) -> str:
    evidence = _conclude(lane)
    if evidence:
        lane.account_tailgater(evidence)
    if sight.is_shut(lane.facts):
        return "closed" if lane.commander.pending is None else ""
    if sight.deck(lane.facts) == sight.DECK_OCCUPIED:
        lane.attend("tailgating")
    if sight.is_boom_lost(lane.facts) and lane.transaction.verdict == ALLOW and sight.is_clear(lane.facts):
        lane.command(ROLE_BARRIER, "OPEN", by=lane.transaction.by)
    close_if_clear(lane)
    return ""


def on_refused(lane: LaneMachine) -> str:
    close_if_clear(lane)
    return departure(lane) or ("backing" if sight.is_entry_occupied(lane.facts) else "")


def on_backing_out(lane: LaneMachine) -> str:
    close_if_clear(lane)
    event = departure(lane)
    if event:
        return event
    is_forward = not sight.is_entry_occupied(lane.facts) and sight.deck(lane.facts) == sight.DECK_OCCUPIED
    return "forward_again" if is_forward else ""


def on_attention(lane: LaneMachine) -> str:
    event = departure(lane)
    if event:
        return event
    is_resolved = _RESOLVED.get(lane.cause)
    return "resolved" if is_resolved is not None and is_resolved(lane) else ""


def on_out_of_service(lane: LaneMachine) -> str:
    if not lane.facts.is_withheld:
        lane.forget("waits_out_of_service")
        return "returned"
    if sight.is_vehicle_seen(lane.facts):
        lane.attend("waits_out_of_service")
    else:
        lane.forget("waits_out_of_service")
    return ""


def on_recovering(lane: LaneMachine) -> str:
    seen_ms = min(lane.facts.barrier.seen_ms, lane.facts.weighbridge.seen_ms)
    return "devices_seen" if seen_ms > lane.loaded_ms else ""


HANDLERS: dict[str, Callable[[LaneMachine], str]] = {
    states.IDLE: on_idle,
    states.ARRIVING: on_arriving,
    states.IDENTIFYING: on_identifying,
    states.WEIGHING: on_weighing,
    states.DECIDING: on_deciding,
    states.OPENING: on_opening,
    states.PASSING: on_passing,
    states.CLOSING: on_closing,
    states.REFUSED: on_refused,
    states.BACKING_OUT: on_backing_out,
    states.ATTENTION: on_attention,
    states.RECOVERING: on_recovering,
    states.OUT_OF_SERVICE: on_out_of_service,
}


def departure(lane: LaneMachine) -> str:
    """ "passed" or "turned_back" once the truck is gone, else ""."""
    evidence = _conclude(lane)
    if evidence:
        lane.transaction.evidence = evidence
        return "passed"
    if lane.clear_ms() >= max(1, lane.settings.arrive_debounce_ms):
        lane.transaction.evidence = BY_SENSORS
        return "turned_back"
    return ""


def _conclude(lane: LaneMachine) -> str:
    """How a vehicle is known to have gone through, else "". Backing off is journalled, which also saves the tracker:
    a hub killed afterwards must not take the barrier's count for a pass."""
    evidence = lane.tracker.conclude(lane.facts)
    if evidence != BACKED_OFF:
        return evidence
    lane.record("attention", cause=BACKED_OFF, state=lane.state)
    return ""


def usable_plate(lane: LaneMachine) -> PlateFact | None:
    """The last read, if it is this truck's and good enough.

    A camera may read the truck before once more on its way out: a read of the same plate that came before the last
    transaction closed is not this truck's.
    """
    read = lane.facts.plate
    if read is None or not read.plate or read.read_id == lane.last_read_id:
        return None
    if read.confidence < lane.settings.min_confidence:
        return None
    if read.seen_ms < lane.transaction.arrival_ms - lane.settings.read_before_ms:
        return None
    if read.plate == lane.last_plate and lane.closed_ms is not None and read.seen_ms <= lane.closed_ms:
        return None
    return read


def close_if_clear(lane: LaneMachine) -> None:
    """Bring an open boom down, once nothing is in its path."""
    if sight.may_send_close(lane.facts):
        lane.command(ROLE_BARRIER, "CLOSE")


# The attentions that end by themselves; the others wait for the operator or for the truck to leave. A weight that was
# at rest all the time and could not be registered needs a person: trying again would end the same way.
_RESOLVED: dict[str, Callable[[LaneMachine], bool]] = {
    "unidentified": lambda lane: usable_plate(lane) is not None,
    "weigh_timeout": lambda lane: lane.is_deck_newly_stable() or lane.overload_ms() >= _OVERLOAD_SETTLE_MS,
    "devices_unfit": lambda lane: not sight.unfit_reason(lane.facts),
    "open_timeout": lambda lane: sight.is_open(lane.facts),
}


_OPERATOR_EVENTS = {
    OPERATOR_OPEN: "operator_open",
    OPERATOR_CLOSE: "operator_reject",
    OPERATOR_REJECT: "operator_reject",
    OPERATOR_RELEASE: "operator_release",
}


def operator_event(lane: LaneMachine, request: str) -> tuple[str, str]:
    """The event of an operator's request, "" when it was carried out at once, and why it is refused, "" if it is not.

    With a truck on the lane, closing means it shall not pass; without one it is only the boom that moves.
    """
    event = _OPERATOR_EVENTS.get(request, "")
    if (lane.state, event) in states.TRANSITIONS:
        return event, ""
    refusal = _operator_refusal(lane, request)
    if not refusal:
        lane.commander.restart()  # a person does not wait for the pause after the last command
        lane.command(ROLE_BARRIER, "OPEN" if request == OPERATOR_OPEN else "CLOSE", by=BY_OPERATOR)
    return "", refusal


def _operator_refusal(lane: LaneMachine, request: str) -> str:
    """Why the boom is not moved for a person on a lane without a transaction; "" when it may be."""
    if lane.state == states.RECOVERING:
        return "the hub has just started and has not read both devices yet"
    if lane.state == states.OUT_OF_SERVICE:
        return "the lane is out of service while its devices are updated"
    if lane.state not in (states.IDLE, states.ARRIVING) or request not in (OPERATOR_OPEN, OPERATOR_CLOSE):
        return f"the lane is in state {lane.state}, where {request} changes nothing"
    if lane.commander.pending is not None:
        return "another command to the barrier is under way"
    if not sight.is_remote(lane.facts):
        return "the barrier is in local mode"
    if request == OPERATOR_CLOSE and sight.is_path_occupied(lane.facts):
        return "something is in the path of the boom"
    may_send = sight.may_send_open if request == OPERATOR_OPEN else sight.may_send_close
    return "" if may_send(lane.facts) else "the boom is not in a position for it"


def timeout_event(lane: LaneMachine, event: str) -> str:
    """What a time-out becomes: the site may want trucks without a plate refused instead of looked at."""
    if event == "unidentified" and lane.settings.on_unidentified == UNIDENTIFIED_REFUSE:
        lane.transaction.verdict, lane.transaction.reason = REFUSE, "unidentified"
        return "refused"
    return event
