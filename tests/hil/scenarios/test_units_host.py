"""Quantities are exact, and a unit of another kind is refused with the one that is needed."""

from fractions import Fraction

import pytest

from hil.scenarios.meaning import Meaning
from hil.scenarios.units import Mistake, read_quantity, read_time_us, tell_quantity

KG = Meaning(units="kg", sf=-1)


@pytest.mark.parametrize(
    ("text", "units", "sf", "raw"),
    [
        ("24 t", "kg", -1, 240_000),
        ("24.05t", "kg", -1, 240_500),
        ("-500 g", "kg", -1, -5),
        ("5 s", "ms", 0, 5_000),
        ("1.5 min", "s", 0, 90),
        ("250 mA", "A", -1, Fraction(5, 2)),
        ("48.5 V", "V", -1, 485),
        ("-7 °C", "degC", -1, -70),
        ("50 %", "permille", 0, 500),
        ("12", "count", 0, 12),
        ("2 kWh", "Wh", 0, 2_000),
    ],
)
def test_a_quantity_becomes_steps_of_its_register(text: str, units: str, sf: int, raw: Fraction) -> None:
    assert read_quantity(text, units, sf) == raw


@pytest.mark.parametrize(
    ("text", "units", "told"),
    [
        ("5 kg", "ms", "'5 kg' is a mass, but a time is needed, such as 5 ms"),
        ("5", "ms", "'5' has no unit; write one of us, ms, s, min, h, such as 5 ms"),
        ("5 sec", "ms", "'sec' in '5 sec' is no unit of a time; expected one of us, ms, s, min, h"),
        ("5 ms", "count", "'5 ms' has the unit ms, but a plain number is needed"),
        ("five", "ms", "'five' is no number with a unit, such as 5 ms"),
        ("\u0665 ms", "ms", "is no number with a unit"),
        ("1e3 ms", "ms", "is no unit of a time"),
    ],
)
def test_a_wrong_quantity_is_told(text: str, units: str, told: str) -> None:
    with pytest.raises(Mistake) as caught:
        read_quantity(text, units)
    assert told in str(caught.value)


def test_what_lies_between_two_steps_is_refused_with_the_step() -> None:
    with pytest.raises(Mistake, match=r"finer than its step of 0\.1 kg"):
        KG.read("24.05 kg")
    with pytest.raises(Mistake, match="finer than its step of 1 us"):
        read_time_us("0.5 us")


@pytest.mark.parametrize(("raw", "sf", "told"), [(240_000, -1, "24000 kg"), (5, -1, "0.5 kg"), (-3, 0, "-3 kg")])
def test_a_raw_value_is_told_as_a_person_writes_it(raw: int, sf: int, told: str) -> None:
    assert tell_quantity(raw, "kg", sf) == told
    assert Meaning(units="kg", sf=sf).read(told) == raw


def test_bits_and_symbols_are_told_by_their_names() -> None:
    bits = Meaning((("A", 0), ("B", 3)), is_bits=True)
    assert [bits.tell(raw) for raw in (0, 8, 9)] == ["none", "B", "A, B"]
    assert Meaning((("OPEN", 4),)).tell(4) == "OPEN"
    assert Meaning((("OPEN", 4),)).tell(5) == "5"
