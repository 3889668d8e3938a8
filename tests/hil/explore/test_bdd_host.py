"""Decision diagrams against brute force over all vectors of a few variables."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from hil.explore.bdd import FALSE, TRUE, Bdd

LEVELS = (0, 2, 4, 6)
VECTORS = [dict(zip(LEVELS, bits, strict=True)) for bits in product((0, 1), repeat=len(LEVELS))]
SETS = st.sets(st.integers(0, len(VECTORS) - 1))


def diagram(bdd: Bdd, numbers: set[int]) -> int:
    return bdd.disj_all([bdd.cube(VECTORS[number]) for number in numbers])


def members(bdd: Bdd, node: int) -> set[int]:
    found = set()
    for number, vector in enumerate(VECTORS):
        at = node
        while at > TRUE:
            at = bdd.highs[at] if vector[bdd.levels[at]] else bdd.lows[at]
        if at == TRUE:
            found.add(number)
    return found


@given(SETS, SETS)
def test_operations_are_those_of_sets(left: set[int], right: set[int]) -> None:
    bdd = Bdd()
    a, b = diagram(bdd, left), diagram(bdd, right)
    assert members(bdd, bdd.conj(a, b)) == left & right
    assert members(bdd, bdd.disj(a, b)) == left | right
    assert members(bdd, bdd.minus(a, b)) == left - right
    assert (a == b) == (left == right)
    assert bdd.count(a, LEVELS) == len(left)


@given(SETS, SETS, st.sets(st.sampled_from(LEVELS)))
def test_joined_quantification_is_conjunction_then_quantification(
    left: set[int], right: set[int], gone: set[int]
) -> None:
    bdd = Bdd()
    a, b = diagram(bdd, left), diagram(bdd, right)
    levels = frozenset(gone)
    assert bdd.conj_exists(a, b, levels) == bdd.exists(bdd.conj(a, b), levels)
    wanted = {
        number
        for number, vector in enumerate(VECTORS)
        if any(all(VECTORS[m][k] == vector[k] for k in LEVELS if k not in gone) for m in left & right)
    }
    assert members(bdd, bdd.exists(bdd.conj(a, b), levels)) == wanted


@given(SETS)
def test_renaming_keeps_the_set(numbers: set[int]) -> None:
    bdd = Bdd()
    node = diagram(bdd, numbers)
    moved = bdd.rename(node, {level: level + 1 for level in LEVELS})
    assert bdd.rename(moved, {level + 1: level for level in LEVELS}) == node
    assert bdd.count(moved, [level + 1 for level in LEVELS]) == len(numbers)


@given(SETS.filter(bool))
def test_a_picked_vector_is_a_member(numbers: set[int]) -> None:
    bdd = Bdd()
    picked = bdd.pick(diagram(bdd, numbers))
    assert any(all(VECTORS[number][level] == value for level, value in picked.items()) for number in numbers)
    assert diagram(bdd, set()) == FALSE
