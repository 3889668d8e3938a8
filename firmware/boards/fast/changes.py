"""firmware/app/changes.py for microcontrollers: the same function in Viper, over rows of machine words.

Knows machine words, and so checks no bounds: the table and the registers are those of one generated map.
"""

import micropython


@micropython.viper
def put_changes(values, seen, table, registers):
    """Write every value that is not the one seen, and note it as seen."""
    value = ptr32(values)  # noqa: F821  # Viper's own
    known = ptr32(seen)  # noqa: F821
    entry = ptr8(table)  # noqa: F821
    data = ptr8(registers)  # noqa: F821
    at = 0
    for index in range(int(len(seen))):  # noqa: RUF046  # an object to Viper
        word = value[index]
        if word != known[index]:
            known[index] = word
            to = (entry[at] << 8 | entry[at + 1]) << 1
            if entry[at + 2] != 1:
                data[to] = word >> 24
                data[to + 1] = word >> 16
                to += 2
            data[to] = word >> 8
            data[to + 1] = word
        at += 4
