"""Steps and judgement of weighbridge_staircase.toml: loads drawn from the seed, each registered."""

from __future__ import annotations

import random
from collections.abc import Iterator

from hil.rig.history import History

_STAIRS = 6
_E_KG = 20
_SMALLEST_KG, _LARGEST_KG = 400, 9_000


def climb(rng: random.Random) -> Iterator[str]:
    """Lay one load after the other on the deck and register each sum."""
    load_kg = 0
    for number in range(1, _STAIRS + 1):
        load_kg += rng.randrange(_SMALLEST_KG, _LARGEST_KG, _E_KG)
        yield f"set load {load_kg} kg"
        yield "wait 1 s"
        yield "wait until state = STABLE within 8 s"
        yield f"command REGISTER {number}"
        yield f"expect event.WEIGHT_REGISTERED = {load_kg} kg +/- {_E_KG // 2} kg within 1 s"
        yield f"expect event.REGISTERED_FOR = {number} within 500 ms"


def judge(history: History) -> Iterator[str]:
    """Weights rise, and ids come in order."""
    weights = [value for _, value in history.values("event.WEIGHT_REGISTERED")]
    if weights != sorted(weights, key=float):
        yield f"the weights registered do not rise with the loads: {weights}"
    ids = [value for _, value in history.values("event.REGISTERED_FOR")]
    if ids != [float(number) for number in range(1, _STAIRS + 1)]:
        yield f"ids are {ids}, not 1 to {_STAIRS} in order"
