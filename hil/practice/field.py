"""What stands around a practice board that is not of a lane: a reader with a tag before it, or an empty charging bay.

Knows: the rig's plants, and which inputs are on at rest. Must not know: how a board is run.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from hil.chip.field import IDLE
from hil.rig.plants import PLANTS, STEP_US, USUAL_PLANT
from hil.scenarios.vocabulary import input_names, safe_outputs
from protocols.quality import GOOD

_AT_START = {"rfid": ("tag", 1), "charging_post": ("vehicle", 0)}
PLANT_ROLES = tuple(_AT_START)


class PlantField:
    """The field of one board of a role of PLANT_ROLES, and the other end of its field line."""

    def __init__(self, role: str, protocol: str) -> None:
        self._role = role
        self._plant = PLANTS[USUAL_PLANT[role]](random.Random(0), protocol)
        self._plant.turn(*_AT_START[role])
        self._resting = {name: int(name in IDLE[role]) for name in input_names(role)}
        self._outputs: Sequence[int] = safe_outputs(role)
        self._now_us = 0

    def advance_to(self, now_us: int) -> None:
        """Move the plant up to `now_us` in whole steps."""
        while self._now_us + STEP_US <= now_us:
            self._now_us += STEP_US
            self._plant.advance(self._outputs)

    def inputs_of(self, role: str) -> tuple[list[int], list[int]]:
        """Input values and qualities, in map order."""
        values = list((self._resting | self._plant.inputs()).values())
        return values, [GOOD] * len(values)

    def apply_outputs(self, role: str, outputs: Sequence[int]) -> None:
        """Let the board drive it."""
        self._outputs = tuple(outputs)

    def drop_outputs(self, role: str) -> None:
        """The board is gone: its relays fall off."""
        self._outputs = safe_outputs(self._role)

    def receive(self, data: bytes) -> None:
        """Take what the board said on its field line."""
        self._plant.receive(data)

    def take(self) -> bytes:
        """What is said to it there since the last call."""
        return self._plant.take()
