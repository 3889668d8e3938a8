"""Tick arithmetic and scaling stay within the small integers of 32-bit MicroPython at every step.

The VM of the tests has 64-bit small integers and would not notice, so here an int that checks itself takes part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.bigendian import get_i32
from protocols.compat import TICKS_MASK, ticks_add, ticks_diff
from protocols.scaling import COUNTS_MAX, RESULT_MAX, scale_counts

ticks = st.integers(0, TICKS_MASK)
checks = settings(max_examples=200, derandomize=True)


class SmallInt(int):
    """An int whose arithmetic fails where a 31-bit small integer would become a heap object."""


def _checked(name: str) -> Callable[..., Any]:
    plain = getattr(int, name)

    def operation(self: int, *others: int) -> Any:
        result = plain(self, *others)
        assert -(2**30) <= result < 2**30, f"{name}({int(self)}, {others}) is {result}"
        return SmallInt(result)

    return operation


for _name in ("add", "sub", "mul", "floordiv", "and", "or", "lshift", "rshift"):
    setattr(SmallInt, f"__{_name}__", _checked(f"__{_name}__"))
    setattr(SmallInt, f"__r{_name}__", _checked(f"__r{_name}__"))
SmallInt.__neg__ = _checked("__neg__")  # type: ignore[method-assign]


@checks
@given(ticks, st.integers(-(2**29), 2**29 - 1))
def test_adding_ticks_stays_small(start: int, delta: int) -> None:
    assert ticks_add(SmallInt(start), SmallInt(delta)) == (start + delta) % 2**30


@checks
@given(ticks, ticks)
def test_ticks_difference_stays_small(later: int, earlier: int) -> None:
    distance = ticks_diff(SmallInt(later), SmallInt(earlier))
    assert -(2**29) <= distance < 2**29
    assert (earlier + int(distance)) % 2**30 == later


@checks
@given(st.integers(-COUNTS_MAX, COUNTS_MAX), st.integers(1, COUNTS_MAX), st.integers(0, RESULT_MAX))
def test_scaling_is_exact_and_stays_small(counts: int, span: int, full_scale: int) -> None:
    result = scale_counts(SmallInt(counts), SmallInt(span), SmallInt(full_scale))
    magnitude = min((2 * abs(counts) * full_scale + span) // (2 * span), RESULT_MAX)
    assert result == (-magnitude if counts < 0 else magnitude)


class SmallBytes(bytes):
    """Bytes whose entries are checked integers."""

    def __getitem__(self, at: Any) -> Any:
        return SmallInt(super().__getitem__(at))


@checks
@given(st.integers(-(2**30), 2**30 - 1))
def test_reading_a_value_of_31_bits_stays_small(value: int) -> None:
    assert get_i32(SmallBytes(value.to_bytes(4, "big", signed=True)), 0) == value
