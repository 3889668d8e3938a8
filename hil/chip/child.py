"""A forked copy of this process, which is a snapshot of everything in it for free: of an emulated chip too.

Knows: processes. Must not know: what is done in a copy.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from typing import TypeVar

_Result = TypeVar("_Result")


def in_child(work: Callable[[], _Result]) -> _Result:
    """What `work` returns in a forked copy of this process; raises what it raises there."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            result: object = work()
        except Exception as error:
            result = error
        with os.fdopen(writer, "wb") as stream:
            pickle.dump(result, stream)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        result = pickle.load(stream)
    os.waitpid(child, 0)
    if isinstance(result, Exception):
        raise result
    return result  # type: ignore[return-value]  # what `work` returned, unpickled
