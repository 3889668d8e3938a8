"""The page on faults names tests that exist."""

import re
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_test_the_fault_page_names_exists() -> None:
    named = _NAMED.findall((_ROOT / "docs" / "fault-behaviour.md").read_text(encoding="utf-8"))
    assert named
    missing = [f"{path}::{name}" for path, name in named if f"def {name}(" not in _text(path)]
    assert missing == []


def _text(path: str) -> str:
    file = _ROOT / path
    return file.read_text(encoding="utf-8") if file.exists() else ""
