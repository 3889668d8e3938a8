"""A way to a violation of the weighbridge as a scenario of the bench: classes of samples become loads that stand or move.

Host only; never deployed. Knows the words of bench scenarios and what a class of sample is. Must not know the search.

The search's time is scans, the converter's tenths of a second: a load that is at rest in a scan stands here until the
window is full, one that moves has just come. What cannot be brought about this way is said in the file's head.
"""

from __future__ import annotations

from typing import Any

from firmware.proofs.weighbridge_classes import (
    D_COUNTS,
    E_KG,
    KEPT,
    MODE_CHANGED,
    SATURATED,
    SILENT,
    SMALL,
    ZERO,
    Asked,
    Seen,
)
from hil.explore.bench_file import command, file_text, set_input, wait
from protocols.quality import BAD, GOOD
from protocols.registers import weighbridge as regs

_REST_MS = 4000  # settling, filter and a window of 1 s
_MOVES_MS = 700  # filter and a new weight, too short for a window
_COMMAND_MS = 300
_MORE = 50 * D_COUNTS  # well beyond Min
_OPCODES = {value: name[3:] for name, value in vars(regs).items() if name.startswith("OP_")}
_BUTTONS = {regs.IN_LOCAL_ZERO: "LOCAL_ZERO", regs.IN_LOCAL_REGISTER: "LOCAL_REGISTER"}
_ROLE = "weighbridge"
_LOST = {SILENT: "fault load_cell silent", SATURATED: "fault load_cell broken_wire"}
# What must not be seen at the end of the way.
_NEVER = {"lamp": "out.READY_LAMP = on"}
_REGISTERED = "event.WEIGHT_REGISTERED"


def as_scenario(name: str, text: str, path: list[dict[str, Any]]) -> str:
    """The text of a scenario file; `path` has the inputs and the request of each scan from power-up."""
    doubts: list[str] = []
    steps: list[str] = []
    zero = stood = 0
    for number, each in enumerate(path):
        seen, asked = each["inputs"], each["request"]
        load = zero + _load(seen)
        load = max(load, stood + _MORE) if seen.more else load
        steps += _inputs(seen, number, load, doubts) + _request(asked, doubts)
        if seen.spread >= 0:
            stood = load
            if asked.opcode == regs.OP_ZERO or regs.IN_LOCAL_ZERO in asked.buttons:
                zero = load
    mode = int(any(each["inputs"].change == MODE_CHANGED for each in path))
    return file_text(
        [f"{name}: {text}", *dict.fromkeys(doubts)],
        name,
        _ROLE,
        ["set FRONT_CLEAR, REAR_CLEAR, SEAL_CLOSED on", *steps],
        [_NEVER.get(name, _REGISTERED)],
        {"weighing_mode": mode},
        "load_cell",
    )


def _load(seen: Seen) -> int:
    """In counts. What is off zero for a while lies beyond what tracking follows."""
    if seen.spread < 0:
        return seen.weight
    return SMALL if seen.weight == ZERO and 4 * seen.middle > D_COUNTS else seen.middle


def _inputs(seen: Seen, number: int, load: int, doubts: list[str]) -> list[str]:
    if seen.change not in (KEPT, MODE_CHANGED) or (seen.change == MODE_CHANGED and number):
        doubts.append("settings change on the way; here they keep their first values")
    if seen.far:
        doubts.append("the zero of the way lies where it must not move further; here it lies at the calibrated one")
    found = [set_input(_ROLE, "FRONT_CLEAR", 1 - seen.blocked), _LOST.get(seen.lost, "repair load_cell")]
    found.append(f"set load {load * E_KG // D_COUNTS} kg")
    is_moving = seen.spread < 0 and not seen.lost
    return [*found, wait(_MOVES_MS if is_moving else _REST_MS)]


def _request(asked: Asked, doubts: list[str]) -> list[str]:
    if not asked.verified or not asked.stores:
        doubts.append("a scenario has no unverified indicator and no failing medium here")
    found = [set_input(_ROLE, "SEAL_CLOSED", asked.sealed)]
    found.append(set_input(_ROLE, "LOCAL_TARE", 0, BAD if asked.bad else GOOD))
    found.append(set_input(_ROLE, "LOCAL_MODE", asked.local))
    for button in asked.buttons:
        found += [f"set {_BUTTONS[button]} on", wait(_COMMAND_MS), f"set {_BUTTONS[button]} off"]
    if asked.opcode:
        found.append(command(_OPCODES[asked.opcode], asked.argument))
    return [*found, wait(_COMMAND_MS)]
