"""For every test: the language does not depend on the machine's locale."""

import os

import pytest

os.environ["LC_ALL"] = "C.UTF-8"  # what a process started by a test sees


@pytest.fixture(autouse=True)
def english() -> None:
    """Each test begins in English, whatever the one before it chose."""
    from edge.words import choose  # not at import: the tests of tools need no product

    choose("en")
