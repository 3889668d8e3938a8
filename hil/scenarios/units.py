"""Physical quantities of scenarios: numbers with their unit, exact.

Knows: units and how they convert. Must not know: registers, scenario files.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from fractions import Fraction

from edge.words import later, tr

_QUANTITY = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*([^\s\d].*)?", re.ASCII)

# unit: (what it measures, how many of the first unit of its kind it is)
UNITS: dict[str, tuple[str, Fraction]] = {
    "us": (later("time"), Fraction(1)),
    "ms": ("time", Fraction(1_000)),
    "s": ("time", Fraction(1_000_000)),
    "min": ("time", Fraction(60_000_000)),
    "h": ("time", Fraction(3_600_000_000)),
    "g": (later("mass"), Fraction(1)),
    "kg": ("mass", Fraction(1_000)),
    "t": ("mass", Fraction(1_000_000)),
    "mV": (later("voltage"), Fraction(1)),
    "V": ("voltage", Fraction(1_000)),
    "mA": (later("current"), Fraction(1)),
    "A": ("current", Fraction(1_000)),
    "A/s": (later("current per time"), Fraction(1)),
    "°C": (later("temperature"), Fraction(1)),
    "degC": ("temperature", Fraction(1)),  # as register maps write it
    "Wh": (later("energy"), Fraction(1)),
    "kWh": ("energy", Fraction(1_000)),
    "mAh": (later("charge"), Fraction(1)),
    "Ah": ("charge", Fraction(1_000)),
    "permille": (later("share"), Fraction(1)),
    "%": ("share", Fraction(10)),
}
_COUNTED = ("", "count")  # register units that are written as a bare number


class Mistake(Exception):
    """What is wrong with a piece of a scenario, in one sentence without its place."""


def close_to(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?`, or `; expected one of ...` when nothing comes close."""
    names = list(known)
    close = difflib.get_close_matches(word, names, n=2)
    if close:
        return "; " + tr("did you mean {names}?", names=", ".join(close))
    return "; " + tr("expected one of {names}", names=", ".join(names)) if len(names) <= 30 else ""


def read_quantity(text: str, units: str, sf: int = 0) -> Fraction:
    """What `text` says in steps of 10**sf of `units`; raises Mistake when it has no or another kind of unit."""
    found = _QUANTITY.fullmatch(text.strip())
    if found is None:
        raise Mistake(_no_number(text, units))
    number, unit = Fraction(found[1]), found[2] or ""
    step = Fraction(10) ** sf
    if units in _COUNTED:
        if unit:
            raise Mistake(tr("'{text}' has the unit {unit}, but a plain number is needed", text=text, unit=unit))
        return number / step
    kind, size = UNITS[units]
    if unit not in UNITS:
        raise Mistake(_unknown_unit(text, unit, kind, units))
    if UNITS[unit][0] != kind:
        kinds = {"found": tr(UNITS[unit][0]), "wanted": tr(kind)}
        said = tr(
            "'{text}' is a {found}, but a {wanted} is needed, such as 5 {unit}", **kinds, text=text, unit=_shown(units)
        )
        raise Mistake(said)
    return number * UNITS[unit][1] / size / step


def read_time_us(text: str) -> int:
    """A time in whole microseconds; raises Mistake."""
    return whole(read_quantity(text, "us"), text, "1 us")


def whole(value: Fraction, text: str, step: str) -> int:
    """`value` as an integer; raises Mistake when it lies between two."""
    if value.denominator != 1:
        raise Mistake(tr("'{text}' is finer than its step of {step}", text=text, step=step))
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


def _no_number(text: str, units: str) -> str:
    if units in _COUNTED:
        return tr("'{text}' is no number", text=text)
    return tr("'{text}' is no number with a unit, such as 5 {unit}", text=text, unit=_shown(units))


def _unknown_unit(text: str, unit: str, kind: str, units: str) -> str:
    names = ", ".join(name for name, (measured, _) in UNITS.items() if measured == kind and name != "degC")
    if not unit:
        example = f"{text} {_shown(units)}"
        return tr(
            "'{text}' has no unit; write one of {names}, such as {example}", text=text, names=names, example=example
        )
    said = {"unit": unit, "text": text, "kind": tr(kind), "names": names}
    return tr("'{unit}' in '{text}' is no unit of a {kind}; expected one of {names}", **said)


def _shown(units: str) -> str:
    return "°C" if units == "degC" else units
