"""A step() cut in two, so that what comes before the cut can be tried once for all that may come after it.

Knows source text. Must not know roles.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from hil.explore.values import ModelError


def halves(step: Callable[..., None], cut: str) -> tuple[Callable[[Any, int], None], Callable[[Any], None]]:
    """The statements of a step() before the one that begins with `cut`, and those from it on.

    Raises ModelError if no statement begins so.
    """
    function = ast.parse(textwrap.dedent(inspect.getsource(step))).body[0]
    assert isinstance(function, ast.FunctionDef)
    places = [n for n, each in enumerate(function.body) if ast.unparse(each).startswith(cut)]
    if not places:
        raise ModelError(f"no statement of step() begins with '{cut}', where the model cuts it")
    found: list[Any] = []
    for header, body in (("(self, now_ms)", function.body[: places[0]]), ("(self)", function.body[places[0] :])):
        piece = ast.parse(f"def half{header}: pass").body[0]
        assert isinstance(piece, ast.FunctionDef)
        piece.body = body
        names: dict[str, Any] = {}
        exec(compile(ast.fix_missing_locations(ast.Module([piece], [])), "<half>", "exec"), step.__globals__, names)
        found.append(names["half"])
    return found[0], found[1]
