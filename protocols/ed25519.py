"""Checks an Ed25519 signature (RFC 8032, 5.1.7) in slices of about a millisecond on an RP2040.

Knows integers of 256 bits, which allocate; runs outside of locked scans only. Only public values come in, so nothing
here takes care to last the same time whatever they are. Makes no signatures.

Stricter than the RFC asks, so that of two checkers none takes what the other refuses: s below the group's order, points
in their one canonical form, no public key of small order, and the equation without the cofactor. R is not decoded: the
R that s and the key lead to is encoded and compared, byte by byte.

A point is (X, Y, Z, T) with x = X/Z, y = Y/Z, x*y = T/Z on -x^2 + y^2 = 1 + d*x^2*y^2. Formulas: RFC 8032, 5.1.4.
"""

from protocols.compat import const
from protocols.sha512 import Sha512

KEY_SIZE = const(32)
SIGNATURE_SIZE = const(64)

PENDING = const(0)
GOOD = const(1)
BAD = const(2)

_P = (1 << 255) - 19
_ORDER = (1 << 252) + 27742317777372353535851937790883648493
_D = 37095705934669439343138083508754565189542113879843219016388785533085940283555
_ROOT = 19681161376707505956807079304988542015446066515923890162744021073123829784752  # of -1
_BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
_BASE_Y = 46316835694926478169428394003475163141307993866256225615783033603165251855960
_LOW_BITS = (1 << 255) - 1

_SQUARINGS_A_STEP = const(8)
_TABLE_SIZE = const(16)
_WINDOWS = const(127)  # of 2 bits each: every scalar is below 2**253
# z^(2^250 - 1) from z^(2^5 - 1): how often the last value is squared, and by which of those before it is multiplied.
_CHAIN = ((5, 0), (10, 1), (20, 2), (10, 1), (50, 4), (100, 5), (50, 4))

_HASHING = const(0)
_ROOT_CHAIN = const(1)
_TABLE = const(2)
_LADDER = const(3)
_INVERSE_CHAIN = const(4)


class Verifier:
    """Checks `signature` of `message` under `key`: call `step` until it is no longer PENDING."""

    def __init__(self, key: bytes, message: bytes, signature: bytes) -> None:
        self.result = PENDING
        self._key = key
        self._signature = signature
        if len(key) != KEY_SIZE or len(signature) != SIGNATURE_SIZE:
            self.result = BAD
            return
        self._s = int.from_bytes(signature[32:], "little")
        word = int.from_bytes(key, "little")
        self._sign = word >> 255
        self._y = word & _LOW_BITS
        if self._s >= _ORDER or self._y >= _P:
            self.result = BAD
            return
        self._h = 0
        self._hash = Sha512(signature[:32] + key + message)
        self._phase = _HASHING
        self._chain = _Chain(1)
        self._u = 0
        self._v = 0
        self._x = 0
        self._table: list[tuple[int, int, int, int]] = []
        self._point = _NEUTRAL
        self._row = _NEUTRAL
        self._negated = _NEUTRAL
        self._base = _NEUTRAL
        self._window = _WINDOWS
        self._is_doubled = False

    def step(self) -> int:
        """Do the next slice; return PENDING, GOOD or BAD."""
        if self.result:
            return self.result
        if self._phase == _HASHING:
            if self._hash.step():
                self._h = int.from_bytes(self._hash.digest, "little") % _ORDER
                self._begin_root()
        elif self._phase == _ROOT_CHAIN:
            if self._chain.step():
                self._end_root()
        elif self._phase == _TABLE:
            self._fill_table()
        elif self._phase == _LADDER:
            self._climb()
        elif self._chain.step():
            self._compare()
        return self.result

    def _begin_root(self) -> None:
        """x^2 = u / v; its root is u v^3 (u v^7)^((p - 5) / 8), if there is one."""
        square = self._y * self._y % _P
        self._u, self._v = square - 1, (_D * square + 1) % _P
        v3 = self._v * self._v % _P * self._v % _P
        self._x = self._u * v3 % _P
        self._chain = _Chain(self._x * v3 % _P * self._v % _P)
        self._phase = _ROOT_CHAIN

    def _end_root(self) -> None:
        chain = self._chain
        power = chain.value  # z^(2^250 - 1)
        x = self._x * (_square(power, 2) * chain.base % _P) % _P
        found = self._v * x * x % _P
        if found != self._u % _P:
            x = x * _ROOT % _P
            if found != -self._u % _P:
                self.result = BAD  # no point of the curve
                return
        if not x and self._sign:
            self.result = BAD  # -0 is no canonical form
            return
        if x & 1 == self._sign:  # the ladder wants -A
            x = _P - x if x else 0
        self._begin_table((x, self._y, 1, x * self._y % _P))

    def _begin_table(self, key: tuple[int, int, int, int]) -> None:
        """i B - j A for i, j of 0..3 stands at 4 i + j, each in the form that `_add` wants."""
        point = _double(_double(_double(key)))
        if not point[0] % _P:  # (0, 1) or (0, -1), whose double it is
            self.result = BAD
            return
        self._negated = _prepare(key)
        self._base = _prepare((_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P))
        self._table = [_prepare(_NEUTRAL)]
        self._phase = _TABLE

    def _fill_table(self) -> None:
        """The next entry: one more B than the row above where a row begins, one more -A than the entry before else."""
        if len(self._table) & 3:
            self._point = _add(self._point, self._negated)
        else:
            self._point = self._row = _add(self._row, self._base)
        self._table.append(_prepare(self._point))
        if len(self._table) == _TABLE_SIZE:
            self._phase = _LADDER
            self._point = _NEUTRAL

    def _climb(self) -> None:
        """Twice double, then add what stands in the next two bits of s and h: a slice each."""
        if not self._is_doubled:
            self._is_doubled = True
            self._point = _double(_double(self._point))
            return
        self._is_doubled = False
        self._window -= 1
        at = self._window * 2
        index = (self._s >> at & 3) * 4 + (self._h >> at & 3)
        if index:
            self._point = _add(self._point, self._table[index])
        if not self._window:
            self._chain = _Chain(self._point[2])
            self._phase = _INVERSE_CHAIN

    def _compare(self) -> None:
        chain = self._chain
        inverse = _square(chain.value, 5) * chain.eleventh % _P
        x, y = self._point[0] * inverse % _P, self._point[1] * inverse % _P
        encoded = (y | (x & 1) << 255).to_bytes(32, "little")
        self.result = GOOD if encoded == self._signature[:32] else BAD


class _Chain:
    """`value` becomes `base`^(2^250 - 1), `eleventh` is its 11th power."""

    def __init__(self, base: int) -> None:
        second = base * base % _P
        ninth = _square(second, 2) * base % _P
        self.base = base
        self.eleventh = ninth * second % _P
        self.value = self.eleventh * self.eleventh % _P * ninth % _P
        self._values = [self.value]
        self._squared = 0

    def step(self) -> bool:
        """A few squarings; True when the value is there."""
        values = self._values
        squarings, other = _CHAIN[len(values) - 1]
        count = min(_SQUARINGS_A_STEP, squarings - self._squared)
        self.value = _square(self.value, count)
        self._squared += count
        if self._squared == squarings:
            self.value = self.value * values[other] % _P
            values.append(self.value)
            self._squared = 0
        return len(values) > len(_CHAIN)


_NEUTRAL = (0, 1, 1, 0)


def _square(value: int, times: int) -> int:
    for _ in range(times):
        value = value * value % _P
    return value


def _double(point: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    x, y, z, _ = point
    a = x * x % _P
    b = y * y % _P
    h = a + b
    e = h - (x + y) * (x + y)
    g = a - b
    f = 2 * z * z + g
    e %= _P
    f %= _P
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _prepare(point: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """The form in which a point is added: Y - X, Y + X, 2 Z, 2 d T."""
    x, y, z, t = point
    return y - x, y + x, 2 * z, 2 * _D * t % _P


def _add(point: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    x, y, z, t = point
    a = (y - x) * other[0] % _P
    b = (y + x) * other[1] % _P
    c = t * other[3] % _P
    d = z * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P
