"""Values that decide themselves only when the core's code asks: how one run of real code stands for many states.

Knows fields, paths and Python's number protocol. Must not know roles, diagrams or the order of a scan.

The core's code runs unchanged, but what it reads from its memory, timers and inputs are objects of this module. As long
as the code only carries a value around, nothing is decided. When it compares one, or takes one as a truth value, the
path branches: the run goes on with the first possibility and is repeated for every other one (`paths.py`). So each run
is one way through the code, and stands for all states that agree in the fields this way has asked for.

`Unknown` is a number of which at most a lower bound is known: every comparison that the bound does not decide goes both
ways. It may not reach a tracked field, so leaving a number unknown can only add behaviour, never hide one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hil.explore.bdd import FALSE, TRUE
from hil.explore.functions import FUNCTIONS, bit_of

STATE = "state"  # remembered from scan to scan
INPUT = "input"  # any allowed value in every scan
SCAN = "scan"  # written and read within one scan

NUMBER = "number"  # one of a list of values
WORD = "word"  # bits that are asked for one by one
FREE = "free"  # any of a list of values at every reading, writes are not followed
UNWATCHED = "unwatched"  # Unknown at every reading, writes are not followed


class ModelError(Exception):
    """The model of a role does not fit its core; the message names the field and what to do."""


@dataclass(eq=False, slots=True)
class Field:
    """One remembered or exchanged value. `values` are those a NUMBER or FREE field can have, in coding order."""

    name: str
    scope: str
    kind: str
    values: list[Any] = field(default_factory=list)
    bits: int = 0
    codes: dict[Any, int] = field(default_factory=dict)

    def code_of(self, value: Any) -> int:
        """The place of `value` in `values`, added there if it is new."""
        key = "unknown" if isinstance(value, Unknown) else int(value)
        code = self.codes.get(key)
        if code is None:
            if len(self.values) >= 64:
                raise ModelError(
                    f"{self.name} takes more than 64 values ({value} is one more): declare it unwatched if it never "
                    "decides anything, or give it an abstraction"
                )
            code = self.codes[key] = len(self.values)
            self.values.append(value)
        return code


@dataclass(frozen=True, slots=True)
class Asked:
    """The question whether a Boolean function of word bits is 1."""

    function: int


class Path:
    """One run: the choices made so far, and what was written. `prefix` are the choices to repeat."""

    def __init__(self, prefix: list[int]) -> None:
        self.prefix = prefix
        self.trail: list[tuple[Any, int, int]] = []
        self.known: dict[Any, int] = {}
        self.condition = TRUE  # what the answers so far say about word bits
        self.writes: dict[Field, Any] = {}

    def choose(self, key: Any, count: int) -> int:
        """The choice for `key` on this path; None as key is a choice of its own every time."""
        if key is not None:
            known = self.known.get(key)
            if known is not None:
                return known
        place = len(self.trail)
        option = self.prefix[place] if place < len(self.prefix) else 0
        self.trail.append((key, option, count))
        if key is not None:
            self.known[key] = option
        return option

    def ask(self, function: int) -> int:
        """Decide a Boolean function of word bits, unless the answers so far decide it."""
        yes = FUNCTIONS.conj(self.condition, function)
        if yes == FALSE or yes == self.condition:
            return int(yes != FALSE)
        option = self.choose(Asked(function), 2)
        self.condition = yes if option else FUNCTIONS.conj(self.condition, FUNCTIONS.negate(function))
        return option

    def next_prefix(self) -> list[int] | None:
        """The choices of the next path in depth-first order, None after the last."""
        trail = self.trail
        end = len(trail)
        while end and trail[end - 1][1] + 1 >= trail[end - 1][2]:
            end -= 1
        if not end:
            return None
        return [option for _, option, _ in trail[: end - 1]] + [trail[end - 1][1] + 1]


class Recorder:
    """Where instrumented objects send their readings and writings; `path` is the run going on."""

    def __init__(self) -> None:
        self.path = Path([])

    def read(self, item: Field) -> Any:
        """What the code gets for a field."""
        if item.kind == UNWATCHED:
            return Unknown(self)
        if item.kind == FREE:
            return item.values[self.path.choose(None, len(item.values))]
        written = self.path.writes.get(item)
        if item.kind == WORD:
            return Word(self, list(written) if written is not None else _start_bits(item), 0)
        if written is not None:
            return item.values[written]
        known = self.path.known.get(item)
        if known is not None:
            return item.values[known]
        return Lazy(self, item)

    def write(self, item: Field, value: Any) -> None:
        """Note what the code puts into a field."""
        if item.kind in (UNWATCHED, FREE):
            return
        if item.kind == WORD:
            self.path.writes[item] = self._bits_of(item, value)
            return
        if isinstance(value, Lazy):
            value = value.force()
        if isinstance(value, Unknown) and "unknown" not in item.codes:
            raise ModelError(
                f"an unknown number reaches {item.name}, which decides: give what it is computed from real values"
            )
        plain = value if isinstance(value, Unknown) else int(value)
        self.path.writes[item] = item.code_of(plain)

    def _bits_of(self, item: Field, value: Any) -> tuple[int, ...]:
        value = _plain(value) if isinstance(value, Lazy) else value
        if not isinstance(value, Word):
            number = int(value)
            if number < 0 or number >> item.bits:
                raise ModelError(f"{item.name} gets {number}, which has more than its {item.bits} bits: widen it")
            return tuple(number >> bit & 1 for bit in range(item.bits))
        above = [FUNCTIONS.conj(self.path.condition, bit) for bit in value.bits[item.bits :]]
        if value.fill or any(above):
            raise ModelError(f"{item.name} gets a value with more than its {item.bits} bits: widen it")
        return tuple(value.bit(bit) for bit in range(item.bits))

    def either(self) -> bool:
        """A decision about which nothing is known."""
        return bool(self.path.choose(None, 2))


def _start_bits(item: Field) -> list[int]:
    return [bit_of(item, bit) for bit in range(item.bits)]


class Lazy:
    """The value of a NUMBER field, not asked for yet; behaves as an int and decides when it must."""

    __slots__ = ("item", "recorder")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, recorder: Recorder, item: Field) -> None:
        self.recorder = recorder
        self.item = item

    def force(self) -> Any:
        """Decide; an int, or an Unknown if that is what the field holds."""
        item = self.item
        if not item.values:
            raise ModelError(
                f"{item.name} is read before anything was written to it: it is remembered, not a scan value"
            )
        return item.values[self.recorder.path.choose(item, len(item.values))]

    def __index__(self) -> int:
        return int(self.force())

    __int__ = __index__

    def __bool__(self) -> bool:
        return bool(self.force())


class Word:
    """Bits as Boolean functions of what they were when the stage began; `fill` stands for all bits above."""

    __slots__ = ("bits", "fill", "recorder")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, recorder: Recorder, bits: list[int], fill: int) -> None:
        self.recorder = recorder
        self.bits = bits
        self.fill = fill

    def bit(self, index: int) -> int:
        """The function of one bit."""
        return self.bits[index] if index < len(self.bits) else self.fill

    def __index__(self) -> int:
        number = sum(self.recorder.path.ask(bit) << place for place, bit in enumerate(self.bits))
        return number - (1 << len(self.bits)) if self.fill else number

    __int__ = __index__

    def __bool__(self) -> bool:
        """Whether any bit is set: one decision, not one for each bit."""
        return bool(self.fill) or bool(self.recorder.path.ask(FUNCTIONS.disj_all(self.bits)))

    def __invert__(self) -> Word:
        return Word(self.recorder, [FUNCTIONS.negate(bit) for bit in self.bits], 1 - self.fill)

    def __and__(self, other: Any) -> Any:
        return self._join(other, FUNCTIONS.conj)

    __rand__ = __and__

    def __or__(self, other: Any) -> Any:
        return self._join(other, FUNCTIONS.disj)

    __ror__ = __or__

    def __xor__(self, other: Any) -> Any:
        return self._join(other, _differ)

    __rxor__ = __xor__

    def __lshift__(self, count: int) -> Word:
        return Word(self.recorder, [0] * int(count) + self.bits, self.fill)

    def __rshift__(self, count: int) -> Word:
        return Word(self.recorder, self.bits[int(count) :], self.fill)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Unknown):
            return self.recorder.either()
        return not self ^ other

    def __ne__(self, other: object) -> bool:
        return not self == other

    def _join(self, other: Any, function: Callable[[int, int], int]) -> Any:
        if isinstance(other, Unknown):
            return Unknown(self.recorder)
        word = _as_word(self.recorder, other)
        size = max(len(self.bits), len(word.bits))
        bits = [function(self.bit(index), word.bit(index)) for index in range(size)]
        return Word(self.recorder, bits, function(self.fill, word.fill))


def _differ(left: int, right: int) -> int:
    only_left = FUNCTIONS.conj(left, FUNCTIONS.negate(right))
    return FUNCTIONS.disj(only_left, FUNCTIONS.conj(FUNCTIONS.negate(left), right))


def _as_word(recorder: Recorder, value: Any) -> Word:
    if isinstance(value, Word):
        return value
    number = int(value)
    fill = 1 if number < 0 else 0
    return Word(recorder, [number >> bit & 1 for bit in range(number.bit_length())], fill)


class Unknown:
    """Any number, or any from `minimum` on."""

    __slots__ = ("minimum", "recorder")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, recorder: Recorder, minimum: int | None = None) -> None:
        self.recorder = recorder
        self.minimum = minimum

    def __bool__(self) -> bool:
        return True if self.minimum is not None and self.minimum > 0 else self.recorder.either()

    def __eq__(self, other: object) -> bool:
        other = _plain(other)
        if isinstance(other, int) and self.minimum is not None and other < self.minimum:
            return False
        return self.recorder.either()

    def __ge__(self, other: Any) -> bool:
        other = _plain(other)
        if isinstance(other, int) and self.minimum is not None and other <= self.minimum:
            return True
        return self.recorder.either()

    def __lt__(self, other: Any) -> bool:
        return not self >= other

    def __gt__(self, other: Any) -> bool:
        other = _plain(other)
        if isinstance(other, int) and self.minimum is not None and other < self.minimum:
            return True
        return self.recorder.either()

    def __le__(self, other: Any) -> bool:
        return not self > other

    def __add__(self, other: Any) -> Unknown:
        low = _low(_plain(other))
        return Unknown(self.recorder, None if low is None or self.minimum is None else self.minimum + low)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Unknown:
        low = _low(_plain(other))
        known = low is not None and low >= 0 and self.minimum is not None and self.minimum >= 0
        return Unknown(self.recorder, low * self.minimum if known else None)  # type: ignore[operator]

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Unknown:
        other = _plain(other)
        known = isinstance(other, int) and other > 0 and self.minimum is not None and self.minimum >= 0
        return Unknown(self.recorder, self.minimum // other if known else None)

    def _any(self, other: Any = None) -> Unknown:
        return Unknown(self.recorder)

    __sub__ = __rsub__ = __rfloordiv__ = __mod__ = __rmod__ = __and__ = __rand__ = __or__ = __ror__ = _any
    __xor__ = __rxor__ = __lshift__ = __rlshift__ = __rshift__ = __rrshift__ = _any

    def __neg__(self) -> Unknown:
        return Unknown(self.recorder)

    __invert__ = __pos__ = __abs__ = __neg__

    def __index__(self) -> int:
        raise ModelError("an unknown number is used as an index or in a format: give its field real values")

    __int__ = __index__


def _plain(value: Any) -> Any:
    return value.force() if isinstance(value, Lazy) else int(value) if isinstance(value, Word) else value


def _low(value: Any) -> int | None:
    return value.minimum if isinstance(value, Unknown) else int(value)


def _lend_number_protocol() -> None:
    """Every operator of int on Lazy decides and goes on with the value."""

    def forced(name: str) -> Any:
        def method(self: Any, *others: Any) -> Any:
            value = self.force() if isinstance(self, Lazy) else int(self)
            plain = [other.force() if isinstance(other, Lazy) else other for other in others]
            found = getattr(value, name)(*plain)
            if found is NotImplemented and plain:
                reflected = _REFLECTED.get(name)
                return getattr(plain[0], reflected)(value) if reflected else found
            return found

        return method

    for name in (*_REFLECTED, "__neg__", "__invert__", "__abs__", "__pos__"):
        for kind in (Lazy, Word):
            if name not in kind.__dict__:
                setattr(kind, name, forced(name))


_REFLECTED = {
    "__eq__": "__eq__", "__ne__": "__ne__", "__lt__": "__gt__", "__le__": "__ge__", "__gt__": "__lt__",
    "__ge__": "__le__", "__add__": "__radd__", "__radd__": "__add__", "__sub__": "__rsub__", "__rsub__": "__sub__",
    "__mul__": "__rmul__", "__rmul__": "__mul__", "__floordiv__": "__rfloordiv__", "__rfloordiv__": "__floordiv__",
    "__mod__": "__rmod__", "__rmod__": "__mod__", "__and__": "__rand__", "__rand__": "__and__", "__or__": "__ror__",
    "__ror__": "__or__", "__xor__": "__rxor__", "__rxor__": "__xor__", "__lshift__": "__rlshift__",
    "__rlshift__": "__lshift__", "__rshift__": "__rrshift__", "__rrshift__": "__rshift__",
}  # fmt: skip
_lend_number_protocol()
