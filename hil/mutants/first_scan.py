"""Whether a change of a core can be told apart from the unchanged one after its first scans, or ends it there.

Knows: the device on the host board, changed functions. Must not know: scenarios, how changes are chosen.

All that a core holds after a scan, and what it drives, decides what it does from then on. Where a change is in a
constructor, and the first scans leave the same behind with and without it whatever the inputs were, its first value was
written anew: nobody who meets the device later can tell.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import FunctionType
from typing import Any

from firmware.boards.host import build_device
from hil.mutants.limit import EndlessError, at_most
from hil.targets.target import Provision
from protocols.quality import BAD, GOOD
from tools.mutants.operators import Mutant
from tools.mutants.patch import changed_code, find_function

_LIMIT_S = 1.0  # of processor time; a scan takes a millisecond
_SCANS_MS = (1000, 1010)  # what the first one leaves to be said or waited for comes with the second
_DRAWN = 24  # images in which each input is on or off by chance: what two of them do together is seen too
# What hangs on the field line makes another core.
_PROTOCOLS = {"rfid": ("r200", "uhfreader18", "wiegand"), "weighbridge": ("converter", "yaohua_tf0", "mt_sics")}


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What all inputs read; `value` None for each by chance, the same for the same `seed`."""

    value: int | None
    quality: int
    seed: int = 0

    def values(self, count: int) -> list[int]:
        if self.value is not None:
            return [self.value] * count
        return random.Random(self.seed).choices((0, 1), k=count)


_ALIKE = (_Inputs(0, BAD), _Inputs(0, GOOD), _Inputs(1, GOOD))
_MIXED = tuple(_Inputs(None, GOOD, seed) for seed in range(_DRAWN))


def ends_at_once(role: str, module: Any, mutant: Mutant) -> bool:
    """Whether no core with this change outlives its first scans, whatever hangs on it: nothing can be stated of it."""
    _unchanged(role)  # what is wrong with the device itself is raised here, and is no change's doing
    return all(picture is None for picture in _pictures_with(role, module, mutant, _ALIKE))


def tells_nothing(role: str, module: Any, mutant: Mutant) -> bool:
    """Whether the change is of a first value that the first scans of every kind of device write anew."""
    pairs = zip(_pictures_with(role, module, mutant, (*_ALIKE, *_MIXED)), _unchanged(role), strict=True)
    return all(picture == plain for picture, plain in pairs)


def _pictures_with(role: str, module: Any, mutant: Mutant, inputs: tuple[_Inputs, ...]) -> Iterator[Any]:
    """Device by device while the change is in force; None for one that ends with an error or does not end."""
    function: FunctionType = find_function(module, mutant.scope)
    plain, changed = function.__code__, changed_code(module, mutant)
    for protocol, image in _devices(role, inputs):
        try:
            function.__code__ = changed  # refused where the call of super() is gone
            with at_most(_LIMIT_S):
                picture = _scanned(role, protocol, image)
        except (Exception, EndlessError):
            picture = None
        finally:
            function.__code__ = plain
        yield picture


@cache
def _unchanged(role: str) -> tuple[Any, ...]:
    return tuple(_scanned(role, protocol, image) for protocol, image in _devices(role, (*_ALIKE, *_MIXED)))


def _devices(role: str, inputs: tuple[_Inputs, ...]) -> Iterator[tuple[str, _Inputs]]:
    protocols = _PROTOCOLS.get(role, ("",))
    return ((protocol, image) for image in inputs for protocol in protocols)


def _scanned(role: str, protocol: str, inputs: _Inputs) -> Any:
    """The core of a new device with delivered settings after two scans, and what it drove after each."""
    provision = Provision(role, 1, 1, 19200, bytes(32), protocol)
    with tempfile.TemporaryDirectory(prefix="smartgate-first-") as folder:
        board, device = build_device(role, provision.settings(), folder)
        board.inputs[:] = inputs.values(len(board.inputs))
        board.quality[:] = [inputs.quality] * len(board.quality)
        driven = []
        for now_ms in _SCANS_MS:
            device.poll(now_ms, now_ms * 1000)
            driven.append(tuple(board.outputs))
        return driven, _picture(device.core, {})


def _picture(thing: Any, seen: dict[int, int]) -> Any:
    """Everything that hangs on `thing`, as values that can be compared."""
    if isinstance(thing, bytearray | memoryview):
        return bytes(thing)
    if isinstance(thing, list | tuple):
        return tuple(_picture(each, seen) for each in thing)
    if not hasattr(thing, "__dict__") or isinstance(thing, type) or callable(thing):
        return thing if isinstance(thing, int | str | bytes | None) else repr(type(thing))
    if id(thing) in seen:
        return ("as", seen[id(thing)])
    seen[id(thing)] = len(seen)
    return (type(thing).__name__, *((name, _picture(value, seen)) for name, value in sorted(vars(thing).items())))
