"""Why a device did not do a command, as a sentence with what to do next.

Knows: the words of command_result and of the command exchange. Must not know: how they come about.
"""

from __future__ import annotations

from edge.southbound.command_exchange import NOT_SENT, OUTCOME_UNKNOWN
from edge.words import later, tr

_REFUSALS = {
    "BAD_TAG": later("the key does not fit this device; use the key file of its site, or provision it anew"),
    "STALE_NONCE": later("another command came in between; look at the gate and try again"),
    "UNKNOWN_OPCODE": later("this firmware does not know the command"),
    "REFUSED_INTERLOCK": later("a safety condition forbids it now; read faults, presence and digital_inputs"),
    "OUT_OF_LIMITS": later("the value lies outside of what the device allows"),
    "REFUSED_LOCAL": later("somebody works at the device: it is in local mode"),
    "REFUSED_STATE": later("it does not do this in its present state, or while something moves"),
    "STORE_FAILED": later("its memory did not take it; the old value holds (gate help STORE_FAULT)"),
    NOT_SENT: later("the device stopped answering before anything was sent"),
    OUTCOME_UNKNOWN: later("no answer came: it may have been done or not; look at the gate before trying again"),
}


def refusal_of(reason: str) -> str:
    """The sentence for a reason; one that is not known is named."""
    if reason in _REFUSALS:
        return tr(_REFUSALS[reason])
    return tr("the device says {word}", word=reason)
