"""A row of integers of fixed length: what the loops of a scan run over.

Knows nothing else. A microcontroller's file set has firmware/boards/fast/rows.py in this place, whose rows are machine
words that Viper reaches.
"""


def make_row(count: int, value: int) -> list[int]:
    """Return `count` integers of at most 31 bits, all `value`."""
    return [value] * count
