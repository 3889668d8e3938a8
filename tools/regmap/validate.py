"""Compares map entries with each other and with the device's limits.

Knows the rules of a map. Must not know TOML or any output. Reports every problem, never stops at the first.
"""

from tools.regmap.model import MapFile, Problems


def validate(header: MapFile, roles: list[MapFile], problems: Problems) -> None:
    """Check the header and each role with it."""
