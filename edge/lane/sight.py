"""What the facts say of the lane: is the deck occupied, is something under the boom, may the devices be used.

Knows: the register maps' words and the geometry rule below. Must not know: transactions, time-outs, commands.
Geometry: no vehicle is long enough to stand on the entry loop and under the boom at once, so both together are two.
"""

from edge.lane.facts import BarrierFacts, LaneFacts, WeighbridgeFacts
from protocols.registers import barrier as bar
from protocols.registers import weighbridge as wb

_ENTRY = 1 << bar.PRESENCE_ENTRY_LOOP
_UNDER_BOOM = 1 << bar.PRESENCE_SAFETY_LOOP | 1 << bar.PRESENCE_EXIT_LOOP | 1 << bar.PRESENCE_LIGHT_CURTAIN
_PATH = _UNDER_BOOM | 1 << bar.PRESENCE_BRIDGED
_SHUT = (bar.STATE_CLOSED, bar.STATE_LOCKED_CLOSED)
_OPEN = (bar.STATE_OPEN, bar.STATE_HOLD_OPEN, bar.STATE_FIRE_OPEN)
# States out of which the lane may close: somebody else's HOLD_OPEN, fire or hand release is theirs to end.
_CLOSABLE = (bar.STATE_OPEN, bar.STATE_STOPPED_MID)
_OPENABLE = (bar.STATE_UNKNOWN, bar.STATE_CLOSED, bar.STATE_OPEN, bar.STATE_CLOSING, bar.STATE_STOPPED_MID)
_MOVING = (bar.STATE_HOMING, bar.STATE_OPENING, bar.STATE_REVERSING)
_WEIGHED = (wb.STATE_OCCUPIED, wb.STATE_STABLE, wb.STATE_OVERLOAD)

DECK_EMPTY = 0
DECK_OCCUPIED = 1
DECK_UNKNOWN = 2


def is_fresh(device: BarrierFacts | WeighbridgeFacts, now_ms: int, age_max_ms: int) -> bool:
    """Whether the device answers and was read no longer than `age_max_ms` ago."""
    return device.online and device.quality != "bad" and now_ms - device.seen_ms <= age_max_ms


def deck(facts: LaneFacts) -> int:
    """DECK_EMPTY, DECK_OCCUPIED, or DECK_UNKNOWN while the weighbridge starts, is faulty or reads below zero."""
    state = facts.weighbridge.state
    if state in _WEIGHED:
        return DECK_OCCUPIED
    if state == wb.STATE_EMPTY:
        return DECK_OCCUPIED if facts.weighbridge.flags >> wb.FLAGS_OCCUPIED & 1 else DECK_EMPTY
    return DECK_UNKNOWN


def is_deck_stable(facts: LaneFacts) -> bool:
    """Whether a weight may be registered."""
    return facts.weighbridge.state == wb.STATE_STABLE


def is_deck_overloaded(facts: LaneFacts) -> bool:
    """Whether the load is beyond what the weighbridge can weigh."""
    return facts.weighbridge.state == wb.STATE_OVERLOAD


def is_entry_occupied(facts: LaneFacts) -> bool:
    """Whether the entry loop reports a vehicle."""
    return bool(facts.barrier.presence & _ENTRY)


def is_under_boom(facts: LaneFacts) -> bool:
    """Whether a sensor sees something in the boom's path now; a bridged trailer gap does not count."""
    return bool(facts.barrier.presence & _UNDER_BOOM)


def is_path_occupied(facts: LaneFacts) -> bool:
    """Whether the boom must not come down: something in its path, or a trailer gap not yet timed out."""
    return bool(facts.barrier.presence & _PATH)


def is_vehicle_seen(facts: LaneFacts) -> bool:
    """Whether a vehicle stands on the lane, or its deck cannot say that none does."""
    return is_entry_occupied(facts) or deck(facts) == DECK_OCCUPIED


def is_clear(facts: LaneFacts) -> bool:
    """Whether the whole lane is known to be empty."""
    return not is_entry_occupied(facts) and not is_path_occupied(facts) and deck(facts) == DECK_EMPTY


def is_shut(facts: LaneFacts) -> bool:
    """Whether the boom is down."""
    return facts.barrier.state in _SHUT


def is_open(facts: LaneFacts) -> bool:
    """Whether the boom is up, whoever opened it."""
    return facts.barrier.state in _OPEN


def is_at_rest(facts: LaneFacts) -> bool:
    """Whether the boom is down and nothing stands under it or on the deck; a truck may wait at the entry."""
    return is_shut(facts) and not is_path_occupied(facts) and deck(facts) == DECK_EMPTY


def is_remote(facts: LaneFacts) -> bool:
    """Whether the barrier takes commands from the hub."""
    return facts.barrier.mode != bar.MODE_LOCAL


def is_driver_called(facts: LaneFacts) -> bool:
    """Whether the boom is up and the driver told to go, or already going: the green ends when the path is entered."""
    return is_open(facts) and (facts.barrier.lights == bar.LIGHTS_GREEN or is_path_occupied(facts))


def is_boom_lost(facts: LaneFacts) -> bool:
    """Whether the barrier does not know where its boom is (a restart in mid-travel); only an OPEN finds it again."""
    return facts.barrier.state == bar.STATE_UNKNOWN


def may_send_open(facts: LaneFacts) -> bool:
    """Whether an OPEN makes sense to the barrier now: to move the boom, or to turn an open boom's light green."""
    return is_remote(facts) and facts.barrier.state in _OPENABLE


def may_send_close(facts: LaneFacts) -> bool:
    """Whether a CLOSE makes sense to the barrier now; never with anything in the boom's path."""
    return is_remote(facts) and facts.barrier.state in _CLOSABLE and not is_path_occupied(facts)


def unfit_reason(facts: LaneFacts) -> str:
    """Why the devices are not fit for a decision, "" when they are."""
    if facts.barrier.health == bar.HEALTH_FAILURE:
        return "barrier_failure"
    if not is_remote(facts):
        return "barrier_local"
    if facts.barrier.state not in (*_OPENABLE, *_OPEN, *_MOVING):
        return "barrier_not_ready"
    if facts.weighbridge.health == wb.HEALTH_FAILURE:
        return "weighbridge_failure"
    return ""
