"""The page that says of every assertion of Sparkplug 3.0 which test shows it, or why none does.

Knows: where the tests stand whose docstrings begin with ids, and the file with the reasons. Must not know: the
assertions themselves; their text is the specification's.
"""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = "tests/edge/northbound/sparkplug"
REASONS = f"{TESTS}/not_shown.toml"
_ID = re.compile(r"tck-id-[A-Za-z0-9-]+")
_HEAD = """# The assertions of Sparkplug 3.0

Generated from the tests' docstrings and from `{reasons}`; `make gen` writes it.
Ids are those of the specification (eclipse-sparkplug, 3.0.0), whose text says what each asserts; where its anchor and
its text spell an id differently, both stand here. {count} in all: {shown} are shown by a test in `{tests}`,
{others} are not, each for the reason below. What the gate does: [sparkplug.md](sparkplug.md).

## Shown by a test
| assertion | test |
|---|---|
"""


def assertions_page() -> str:
    """The whole page; raises ValueError when an assertion has both a test and a reason, or one of them twice."""
    tests, reasons = shown_by(), _reasons()
    if both := tests.keys() & reasons.keys():
        raise ValueError(f"{REASONS}: {', '.join(sorted(both))} has a test; take it out of the reasons")
    head = _HEAD.format(
        reasons=REASONS, tests=TESTS, count=len(tests) + len(reasons), shown=len(tests), others=len(reasons)
    )
    rows = [f"| `{name}` | {', '.join(f'`{test}`' for test in tests[name])} |" for name in sorted(tests)]
    others = [f"| `{name}` | {reasons[name]} |" for name in sorted(reasons)]
    return "\n".join([head + "\n".join(rows), "", "## Not shown", "| assertion | why |", "|---|---|", *others, ""])


def shown_by() -> dict[str, list[str]]:
    """By id: the tests whose docstring names it, as file and function."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / TESTS).glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for name in _ID.findall(ast.get_docstring(node) or ""):
                    found.setdefault(name, []).append(f"{path.name}::{node.name}")
    return found


def _reasons() -> dict[str, str]:
    groups = tomllib.loads((ROOT / REASONS).read_text(encoding="utf-8"))["group"]
    reasons = [(name, group["why"]) for group in groups for name in group["ids"]]
    if len(dict(reasons)) != len(reasons):
        raise ValueError(f"{REASONS}: an assertion is listed twice; keep one of them")
    return dict(reasons)
