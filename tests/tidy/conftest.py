"""Shared by the tidy tests: the repository's texts, read once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.tidy.files import Source, read_sources

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def sources() -> list[Source]:
    """Every text file of the repository."""
    return read_sources(ROOT)


@pytest.fixture
def expect_none() -> Callable[[list[str]], None]:
    """Fail with the findings themselves, one per line: they say what to do, a stack trace does not."""

    def check(findings: list[str]) -> None:
        if findings:
            pytest.fail("\n".join(findings), pytrace=False)

    return check
