"""Names of a role's signals and of a plant's knobs as channels of a rig board, both ways.

Knows: the terminals of the device's card. Must not know: a run.
"""

from __future__ import annotations

from firmware.boards import terminals
from hil.scenarios.vocabulary import names_of
from hil.targets.board_rows import Rows
from protocols.rig.messages import DRIVER_AT, KNOB_AT, POWER, SENSE_AT

SUPPLY = "supply"


class Levels:
    """`channels` by name (`in.NAME`, `out.NAME`, `knob.NAME`, SUPPLY); `events`: signals by channel, inputs first."""

    def __init__(self, role: str, rows: Rows) -> None:
        wired_in, wired_out = terminals.INPUTS[role].split(), terminals.OUTPUTS[role].split()
        driven = {name: DRIVER_AT + wired_in.index(name) for name in names_of(role, "digital_inputs")}
        sensed = {name: SENSE_AT + wired_out.index(name) for name in names_of(role, "digital_outputs")}
        self.channels = {
            **{f"in.{name}": channel for name, channel in driven.items()},
            **{f"out.{name}": channel for name, channel in sensed.items()},
            **{f"knob.{name}": KNOB_AT + place for place, name in enumerate(rows.knobs)},
            SUPPLY: POWER,
        }
        self.events = {channel: name for name, channel in (*driven.items(), *sensed.items())}
