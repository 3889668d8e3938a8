"""The pages on faults and on answers to known pains name tests that exist."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@pytest.mark.parametrize("page", ["fault-behaviour.md", "answers-to-pains.md"])
def test_every_test_the_page_names_exists(page: str) -> None:
    named = _NAMED.findall((_ROOT / "docs" / page).read_text(encoding="utf-8"))
    assert named
    missing = [f"{path}::{name}" for path, name in named if f"def {name}(" not in _text(path)]
    assert missing == []


def _text(path: str) -> str:
    file = _ROOT / path
    return file.read_text(encoding="utf-8") if file.exists() else ""
