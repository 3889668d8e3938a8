"""Physical quantities of scenarios: numbers with their unit, exact.

Knows: units and how they convert. Must not know: registers, scenario files.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from fractions import Fraction

_QUANTITY = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*([^\s\d].*)?", re.ASCII)

# unit: (what it measures, how many of the first unit of its kind it is)
UNITS: dict[str, tuple[str, Fraction]] = {
    "us": ("time", Fraction(1)),
    "ms": ("time", Fraction(1_000)),
    "s": ("time", Fraction(1_000_000)),
    "min": ("time", Fraction(60_000_000)),
    "h": ("time", Fraction(3_600_000_000)),
    "g": ("mass", Fraction(1)),
    "kg": ("mass", Fraction(1_000)),
    "t": ("mass", Fraction(1_000_000)),
    "mV": ("voltage", Fraction(1)),
    "V": ("voltage", Fraction(1_000)),
    "mA": ("current", Fraction(1)),
    "A": ("current", Fraction(1_000)),
    "A/s": ("current per time", Fraction(1)),
    "°C": ("temperature", Fraction(1)),
    "degC": ("temperature", Fraction(1)),  # as register maps write it
    "Wh": ("energy", Fraction(1)),
    "kWh": ("energy", Fraction(1_000)),
    "mAh": ("charge", Fraction(1)),
    "Ah": ("charge", Fraction(1_000)),
    "permille": ("share", Fraction(1)),
    "%": ("share", Fraction(10)),
}
_COUNTED = ("", "count")  # register units that are written as a bare number


class Mistake(Exception):
    """What is wrong with a piece of a scenario, in one sentence without its place."""


def close_to(word: str, known: Iterable[str]) -> str:
    """`; did you mean X`, or `; expected one of ...` when nothing comes close."""
    names = list(known)
    close = difflib.get_close_matches(word, names, n=2)
    if close:
        return f"; did you mean {' or '.join(close)}"
    return f"; expected one of {', '.join(names)}" if len(names) <= 30 else ""


def read_quantity(text: str, units: str, sf: int = 0) -> Fraction:
    """What `text` says in steps of 10**sf of `units`; raises Mistake when it has no or another kind of unit."""
    found = _QUANTITY.fullmatch(text.strip())
    if found is None:
        raise Mistake(f"'{text}' is no number{'' if units in _COUNTED else f' with a unit, such as 5 {_shown(units)}'}")
    number, unit = Fraction(found[1]), found[2] or ""
    step = Fraction(10) ** sf
    if units in _COUNTED:
        if unit:
            raise Mistake(f"'{text}' has the unit {unit}, but a plain number is needed")
        return number / step
    kind, size = UNITS[units]
    if unit not in UNITS:
        raise Mistake(_unknown_unit(text, unit, kind, units))
    if UNITS[unit][0] != kind:
        raise Mistake(f"'{text}' is a {UNITS[unit][0]}, but a {kind} is needed, such as 5 {_shown(units)}")
    return number * UNITS[unit][1] / size / step


def read_time_us(text: str) -> int:
    """A time in whole microseconds; raises Mistake."""
    return whole(read_quantity(text, "us"), text, "1 us")


def whole(value: Fraction, text: str, step: str) -> int:
    """`value` as an integer; raises Mistake when it lies between two."""
    if value.denominator != 1:
        raise Mistake(f"'{text}' is finer than its step of {step}")
    return int(value)


def tell_quantity(raw: int, units: str, sf: int) -> str:
    """A raw value as a person writes it: `24000 kg`."""
    digits = tell_number(raw, sf)
    return digits if units in _COUNTED else f"{digits} {_shown(units)}"


def tell_number(raw: int, sf: int) -> str:
    """raw * 10**sf in decimal digits, exact."""
    if sf >= 0:
        return str(raw * 10**sf)
    whole_part, rest = divmod(abs(raw), 10**-sf)
    digits = f"{whole_part}.{rest:0{-sf}d}".rstrip("0").rstrip(".")
    return f"-{digits}" if raw < 0 else digits


def tell_time(time_us: int) -> str:
    """An instant of a run in seconds: `4.2 s`."""
    return tell_quantity(time_us, "s", -6)


def _unknown_unit(text: str, unit: str, kind: str, units: str) -> str:
    fitting = [name for name, (measured, _) in UNITS.items() if measured == kind and name != "degC"]
    if not unit:
        return f"'{text}' has no unit; write one of {', '.join(fitting)}, such as {text} {_shown(units)}"
    return f"'{unit}' in '{text}' is no unit of a {kind}; expected one of {', '.join(fitting)}"


def _shown(units: str) -> str:
    return "°C" if units == "degC" else units
