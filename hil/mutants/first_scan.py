"""Whether a change of a core can be told apart from the unchanged one after its first scans, or ends it there.

Knows: the device on the host board, changed functions. Must not know: scenarios, how changes are chosen.

All that a core holds after a scan decides what it does from then on. Where a change is in a constructor, and the first
scans leave the same behind with and without it, its first value was written anew: nobody who meets the device later
can tell.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
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
_INPUTS = ((0, BAD), (0, GOOD), (1, GOOD))
# What hangs on the field line makes another core.
_PROTOCOLS = {"rfid": ("r200", "uhfreader18", "wiegand"), "weighbridge": ("converter", "yaohua_tf0", "mt_sics")}

Picture = tuple[Any, ...]


def ends_at_once(role: str, module: Any, mutant: Mutant) -> bool:
    """Whether a core with this change does not outlive its first scans: no device runs of which anything is stated."""
    return _with(module, mutant, lambda: _pictures(role)) is None


def tells_nothing(role: str, module: Any, mutant: Mutant) -> bool:
    """Whether the change is of a first value that the first scans of every kind of device write anew."""
    return _with(module, mutant, lambda: _pictures(role)) == _unchanged(role)


def _with(module: Any, mutant: Mutant, run: Callable[[], Picture]) -> Picture | None:
    """What `run` gives while the change is in force; None when it ends with an error or does not end."""
    function: FunctionType = find_function(module, mutant.scope)
    plain = function.__code__
    try:
        function.__code__ = changed_code(module, mutant)  # refused where the call of super() is gone
        with at_most(_LIMIT_S):
            return run()
    except (Exception, EndlessError):
        return None
    finally:
        function.__code__ = plain


@cache
def _unchanged(role: str) -> Picture:
    return _pictures(role)


def _pictures(role: str) -> Picture:
    protocols = _PROTOCOLS.get(role, ("",))
    return tuple(_scanned(role, protocol, value, quality) for protocol in protocols for value, quality in _INPUTS)


def _scanned(role: str, protocol: str, value: int, quality: int) -> Any:
    """The core of a new device with delivered settings, after two scans."""
    provision = Provision(role, 1, 1, 19200, bytes(32), protocol)
    with tempfile.TemporaryDirectory(prefix="smartgate-first-") as folder:
        board, device = build_device(role, provision.settings(), folder)
        board.inputs[:] = [value] * len(board.inputs)
        board.quality[:] = [quality] * len(board.quality)
        for now_ms in _SCANS_MS:
            device.poll(now_ms, now_ms * 1000)
        return _picture(device.core, {})


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
