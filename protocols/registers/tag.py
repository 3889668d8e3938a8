"""What a host knows of one point of a register map, and of one kind of event. Host only; the generated *_tags.py use it.

Knows the words of the register map files. Must not know a device, a line or a value.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tag:
    """One point of a register map.

    `address` is the 0-based wire address and `count` the registers (or bits) from there. Our own maps are big-endian,
    high word first; `byte_order` and `word_order` are "little" where another device differs. A value in `units` is
    raw * 10**sf; one that moved by less than `deadband` (in `units`) is not told. `symbols` are (name, value) of an enum16, (name, bit number) of a bitfield16 or
    bits. `min`, `max` and `default` stand on settings only, as raw values.
    """

    name: str
    table: str
    address: int
    type: str
    count: int
    units: str = ""
    sf: int = 0
    access: str = "R"
    description: str = ""
    symbols: tuple[tuple[str, int], ...] = ()
    min: int | None = None
    max: int | None = None
    default: int | None = None
    byte_order: str = "big"
    word_order: str = "big"
    deadband: float = 0.0


@dataclass(frozen=True)
class EventDef:
    """One kind of event record; `argument` says what the record's argument means, '' for nothing."""

    name: str
    description: str
    argument: str = ""
