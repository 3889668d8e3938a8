"""firmware/control/rows.py for microcontrollers: machine words instead of a list, written and read in the same way."""

from array import array


def make_row(count: int, value: int):
    """Return `count` integers of at most 31 bits, all `value`."""
    return array("i", [value] * count)
