"""Boolean functions of the bits of word fields as they are when a stage begins.

Knows which level of the one diagram stands for which bit. Must not know what a field means.
"""

from __future__ import annotations

import functools
from typing import Any

from hil.explore.bdd import Bdd

FUNCTIONS = Bdd()
_places: list[tuple[Any, int]] = []
_place_of: dict[tuple[Any, int], int] = {}


def bit_of(item: Any, bit: int) -> int:
    """The function that is this bit of a word field."""
    key = (item, bit)
    place = _place_of.get(key)
    if place is None:
        place = _place_of[key] = len(_places)
        _places.append(key)
    return FUNCTIONS.literal(place, 1)


def place_of(level: int) -> tuple[Any, int]:
    """The field and bit that a level of FUNCTIONS stands for."""
    return _places[level]


@functools.cache
def fields_in(node: int) -> frozenset[Any]:
    """The fields that a function depends on; thousands of ways have the same few functions."""
    return frozenset(place_of(level)[0] for level in FUNCTIONS.support(node))
