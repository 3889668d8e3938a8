"""A forked copy of this process, which is a snapshot of everything in it for free: of an emulated chip too.

Knows: processes. Must not know: what is done in a copy.
"""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable
from typing import IO, TypeVar

from hil.targets.target import TargetError

_Result = TypeVar("_Result")


def in_child(work: Callable[[], _Result]) -> _Result:
    """What `work` returns in a forked copy of this process; raises what it raises there.

    Raises TargetError when the copy is killed.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # an interrupted copy ends without a word; this process tells
            with os.fdopen(writer, "wb") as stream:
                _tell(work, stream)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        told = stream.read()
    os.waitpid(child, 0)
    if not told:
        raise TargetError("a process that ran a copy of the emulated chip was killed")
    result = pickle.loads(told)
    if isinstance(result, Exception):
        raise result
    return result  # type: ignore[no-any-return]  # what `work` returned, unpickled


def _tell(work: Callable[[], object], stream: IO[bytes]) -> None:
    try:
        result = work()
    except Exception as error:
        result = error
    pickle.dump(result, stream)
