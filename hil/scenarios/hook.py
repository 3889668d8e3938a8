"""Python beside a scenario, where lines are not enough: a function that writes steps, one that judges a run.

Knows: how a function is named and called. Must not know: what it does, rigs.

`hook = "loads:staircase"` names the function `staircase` of `loads.py` in the scenario's own directory.
"""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from edge.words import later, tr
from hil.scenarios.units import Mistake, close_to

PYTHON_KEYS = ("hook", "check")
BREAKS = later("{hook} broke down with {error}")
GIVES_OTHER = later("{hook} gave something else than lines of text")
NO_START = later("{hook} cannot be run: {error}")
NO_FUNCTION = later("{file} has no function '{name}'")
_FORM = re.compile(r"([a-z_][a-z0-9_]*):([a-z_][a-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Hook:
    """A function of a file; it can be sent to another process, and is read anew there."""

    path: Path
    function: str

    def lines(self, argument: object) -> list[str]:
        """Call it; raises Mistake when it cannot be had, breaks down or gives something else than lines of text."""
        function = self._function()
        with _foreign(BREAKS, self):
            given = function(argument)
            lines = [] if isinstance(given, str) else list(given)
        if isinstance(given, str) or not all(isinstance(line, str) for line in lines):
            raise Mistake(tr(GIVES_OTHER, hook=self))
        return lines

    def _function(self) -> Callable[[object], Iterable[str]]:
        with _foreign(NO_START, self.path):
            names = runpy.run_path(str(self.path))
        if not callable(names.get(self.function)):
            known = [name for name, value in names.items() if callable(value)]
            said = tr(NO_FUNCTION, file=self.path, name=self.function)
            raise Mistake(said + close_to(self.function, known))
        function: Callable[[object], Iterable[str]] = names[self.function]
        return function

    def __str__(self) -> str:
        return f"{self.path.stem}:{self.function}"


@contextmanager
def _foreign(sentence: str, hook: object) -> Iterator[None]:
    """Around a user's Python: whatever it does wrong is told, never thrown, and what it prints is no report of ours."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (Exception, SystemExit) as error:
        raise Mistake(tr(sentence, hook=hook, error=f"{type(error).__name__}: {error}")) from error


def read_hook(directory: Path, text: object) -> Hook:
    """The function that `text` names, not called yet; raises Mistake, also when its file is not there."""
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        said = tr('{text!r} names no function; write "file:function" for a function of file.py beside it', text=text)
        raise Mistake(said)
    hook = Hook(directory / f"{found[1]}.py", found[2])
    if not hook.path.is_file():
        raise Mistake(tr("there is no file {file} for {hook}", file=hook.path, hook=hook))
    return hook
