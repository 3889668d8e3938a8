"""What a command or a setting sets going at the gate, so that nobody is surprised under a boom.

Knows: opcodes and settings of each role by name. Must not know: devices, arguments.
Every opcode of every role stands in exactly one of the two tables; a test holds it.
"""

from __future__ import annotations

from edge.words import later

_BOOM = later("the boom moves")
_BOOM_LATER = later("the boom may begin to move by itself")
_POWER = later("voltage may come onto the contacts of the post, and its arm may move")
_ARM = later("the arm of the post moves")

# By (role, opcode or setting): what will move. CLEAR_FAULTS lets a barrier look for its limits again.
MOVES: dict[tuple[str, str], str] = {
    ("barrier", "OPEN"): _BOOM,
    ("barrier", "CLOSE"): _BOOM,
    ("barrier", "HOLD_OPEN"): _BOOM,
    ("barrier", "LOCK_CLOSED"): _BOOM,
    ("barrier", "STOP"): later("a boom that moves stops where it is"),
    ("barrier", "RELEASE"): _BOOM_LATER,
    ("barrier", "CLEAR_FAULTS"): _BOOM_LATER,
    ("barrier", "auto_close_ms"): _BOOM_LATER,
    ("barrier", "anti_tailgate"): _BOOM_LATER,
    ("barrier", "hub_loss_action"): _BOOM_LATER,
    ("barrier", "power_loss_action"): _BOOM_LATER,
    ("barrier", "power_return_action"): _BOOM_LATER,
    ("charging_post", "START"): _POWER,
    ("charging_post", "STOP"): later("a running charge ends"),
    ("charging_post", "RELEASE"): _ARM,
    ("charging_post", "LOCK"): _ARM,
    ("charging_post", "UNLOCK"): _POWER,
    ("charging_post", "CLEAR_FAULTS"): _POWER,
    ("charging_post", "auto_start"): _POWER,
    ("charging_post", "hub_loss_action"): _POWER,
    ("charging_post", "arm_fitted"): _ARM,
}
# Opcodes that move and switch nothing. SET is judged by its setting.
STILL: dict[str, frozenset[str]] = {
    "barrier": frozenset(),
    "charging_post": frozenset(),
    "weighbridge": frozenset(
        (
            *("ZERO", "TARE", "CLEAR_TARE", "PRESET_TARE", "REGISTER", "READ_ALIBI", "CLEAR_FAULTS"),
            *("DRAFT", "DRAFT_GROUP", "FINISH_DRAFTS", "CANCEL_DRAFTS", "CALIBRATE_ZERO", "CALIBRATE_SPAN"),
        )
    ),
    "rfid": frozenset(("STOP", "START", "TRIGGER", "RESTART_READER", "CLEAR_FAULTS")),
}
# Nothing moves, and yet it is to be known before.
WARNINGS: dict[str, str] = {
    "command_auth": later("while it is OFF, anybody on the line can command this device without a key"),
}
# What a change of a point is seen by, first; a role that has none shows nothing beside the result.
SHOWN = "state"


def moves(role: str, name: str) -> str:
    """What `name`, an opcode or a setting, sets going, in English for `tr`; "" for nothing."""
    return MOVES.get((role, name), "")
