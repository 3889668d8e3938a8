"""A forked copy of this process, which is a snapshot of everything in it for free: of an emulated chip too.

Knows: processes. Must not know: what is done in a copy.
"""

from __future__ import annotations

import os
import pickle
import signal
import traceback
from collections.abc import Callable
from typing import TypeVar

from hil.targets.target import TargetError

_Result = TypeVar("_Result")


def in_child(work: Callable[[], _Result]) -> _Result:
    """What `work` returns in a forked copy of this process; raises what it raises there.

    Raises TargetError when the copy is killed, or tells what cannot be passed on.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # an interrupted copy ends without a word; this process tells
            told = _told(work)
            with os.fdopen(writer, "wb") as stream:
                stream.write(told)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        told = stream.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code < 0:
        name = signal.Signals(-code).name
        raise TargetError(f"a process that ran a copy of the emulated chip was killed by {name}")
    result = pickle.loads(told)
    if isinstance(result, BaseException):
        raise result
    return result  # type: ignore[no-any-return]  # what `work` returned, unpickled


def _told(work: Callable[[], object]) -> bytes:
    """What it returned or raised, whatever that is: nothing but a signal ends a copy without a word."""
    try:
        result = work()
    except BaseException as error:
        error.add_note(traceback.format_exc())  # where in the copy: a traceback itself is not passed on
        result = error
    try:
        told = pickle.dumps(result)
        pickle.loads(told)
    except Exception as error:
        told_instead = TargetError(f"a copy of the emulated chip told {result!r}, which cannot be passed on: {error}")
        for note in getattr(result, "__notes__", ()):
            told_instead.add_note(note)
        return pickle.dumps(told_instead)
    return told
