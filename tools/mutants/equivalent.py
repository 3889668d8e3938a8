"""The list of mutants that do the same as the original, each with its reason.

Knows equivalent.toml. Must not know who asks.
"""

import tomllib
from functools import cache
from pathlib import Path

EQUIVALENT = Path(__file__).with_name("equivalent.toml")


@cache
def load_equivalent() -> dict[str, str]:
    """Name of a mutant, "FILE: KEY" -> why it is equivalent."""
    data = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))
    return {entry["mutant"]: entry["reason"] for entry in data.get("equivalent", [])}
