"""The table of the lane: states, what leads from one to another, and what bounds the stay in each.

Knows: names only. Must not know: how an event is recognised (edge/lane/handlers.py). The diagram and the time-out
list of docs/lane.md are drawn from here, and the machine takes every transition from here.
"""

IDLE = "IDLE"
ARRIVING = "ARRIVING"
IDENTIFYING = "IDENTIFYING"
WEIGHING = "WEIGHING"
DECIDING = "DECIDING"
OPENING = "OPENING"
PASSING = "PASSING"
CLOSING = "CLOSING"
REFUSED = "REFUSED"
BACKING_OUT = "BACKING_OUT"
ATTENTION = "ATTENTION"
RECOVERING = "RECOVERING"
OUT_OF_SERVICE = "OUT_OF_SERVICE"

STATES = (
    IDLE,
    ARRIVING,
    IDENTIFYING,
    WEIGHING,
    DECIDING,
    OPENING,
    PASSING,
    CLOSING,
    REFUSED,
    BACKING_OUT,
    ATTENTION,
    RECOVERING,
    OUT_OF_SERVICE,
)
# In these the truck may still go either way.
UNDECIDED_STATES = (IDENTIFYING, WEIGHING, DECIDING, OPENING, PASSING, REFUSED, BACKING_OUT, ATTENTION)

# Target of a transition out of ATTENTION or RECOVERING: back to where it came from.
REMEMBERED = "remembered"

_REJECTABLE = (IDENTIFYING, WEIGHING, DECIDING, OPENING, PASSING, ATTENTION)
_OPENABLE = (IDENTIFYING, WEIGHING, DECIDING, REFUSED, BACKING_OUT, ATTENTION)

TRANSITIONS: dict[tuple[str, str], str] = {
    (IDLE, "vehicle_seen"): ARRIVING,
    (IDLE, "withheld"): OUT_OF_SERVICE,
    (OUT_OF_SERVICE, "returned"): IDLE,
    (ARRIVING, "vehicle_gone"): IDLE,
    (ARRIVING, "arrived"): IDENTIFYING,
    (IDENTIFYING, "identified"): WEIGHING,
    (IDENTIFYING, "unidentified"): ATTENTION,
    (IDENTIFYING, "refused"): REFUSED,
    (WEIGHING, "weighed"): DECIDING,
    (WEIGHING, "refused"): REFUSED,
    (WEIGHING, "weigh_timeout"): ATTENTION,
    (DECIDING, "allowed"): OPENING,
    (DECIDING, "refused"): REFUSED,
    (DECIDING, "devices_unfit"): ATTENTION,
    (OPENING, "open"): PASSING,
    (OPENING, "open_timeout"): ATTENTION,
    (OPENING, "weight_changed"): ATTENTION,
    (PASSING, "barrier_restarted"): OPENING,
    (PASSING, "light_red"): OPENING,
    (PASSING, "boom_closed"): ATTENTION,
    (REFUSED, "backing"): BACKING_OUT,
    (BACKING_OUT, "forward_again"): REFUSED,
    (CLOSING, "closed"): IDLE,
    (ATTENTION, "resolved"): REMEMBERED,
    (ATTENTION, "operator_release"): REMEMBERED,
    (RECOVERING, "devices_seen"): REMEMBERED,
    **{(state, "passed"): CLOSING for state in UNDECIDED_STATES},
    **{(state, "turned_back"): CLOSING for state in UNDECIDED_STATES},
    **{(state, "operator_reject"): REFUSED for state in _REJECTABLE},
    **{(state, "operator_open"): OPENING for state in _OPENABLE},
}

# state -> (setting that bounds it, event when the time is up, or "" when the lane stays and raises attention once)
TIMEOUTS: dict[str, tuple[str, str]] = {
    ARRIVING: ("arrive_timeout_ms", "arrived"),
    IDENTIFYING: ("identify_timeout_ms", "unidentified"),
    WEIGHING: ("weigh_timeout_ms", "weigh_timeout"),
    DECIDING: ("decide_timeout_ms", "devices_unfit"),
    OPENING: ("open_timeout_ms", "open_timeout"),
    PASSING: ("pass_timeout_ms", ""),
    CLOSING: ("close_timeout_ms", ""),
    REFUSED: ("back_out_timeout_ms", ""),
    BACKING_OUT: ("back_out_timeout_ms", ""),
    ATTENTION: ("back_out_timeout_ms", ""),
    RECOVERING: ("recover_timeout_ms", ""),
}
