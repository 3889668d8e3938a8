"""Every way through a piece of the core's code, found by running it once per way.

Knows: models and paths. Must not know: diagrams, roles, the search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from hil.explore.model import Model
from hil.explore.values import Field, ModelError, Path, Unknown

PATHS_MAX = 400_000


def every_path(model: Model, run: Callable[[], Any], label: str) -> Iterator[tuple[Path, Any]]:
    """Run `run` once per way through it; yields the path and what `run` returned."""
    prefix: list[int] | None = []
    count = 0
    while prefix is not None:
        path = model.recorder.path = Path(prefix)
        result = run()
        if count % 16 == 0:
            model.check_untouched()
        yield path, result
        count += 1
        if count > PATHS_MAX:
            raise ModelError(f"more than {PATHS_MAX} ways through '{label}': leave more of what it reads unknown")
        prefix = path.next_prefix()


def stage_paths(model: Model, label: str, run: Callable[[Any], None]) -> list[Path]:
    """All ways through one stage of the scan, with the time unknown."""
    return [path for path, _ in every_path(model, lambda: run(Unknown(model.recorder, 0)), label)]


def written_fields(paths: list[Path]) -> list[Field]:
    """Every field that any of the paths writes."""
    return list(dict.fromkeys(item for path in paths for item in path.writes))
