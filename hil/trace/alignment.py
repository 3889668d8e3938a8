"""Which visits of a sampled level on one target are those of another: pairs, and what polling saw on one side alone.

Knows: visits. Must not know: bands, targets.

A visit that polling may have missed can be left out, and what it parted then is one visit. Of all ways to leave some
out so that both sides tell the same values, the one taken leaves out the least time and pairs what is near in time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hil.trace.logical import Visit

_Place = tuple[int, int, int | None]
"""How many visits of either side are behind, and the value both are at; None before the first."""


@dataclass(frozen=True, slots=True)
class _Way:
    """The best way to a place: what it cost, where it came from, and whether its last visits are a pair."""

    cost_us: int
    origin: _Place | None = None
    is_pair: bool = False


def aligned_visits(
    left: Sequence[Visit], right: Sequence[Visit], missable_us: int, last_us: int
) -> tuple[list[Visit], list[Visit]] | None:
    """The visits of both sides, pair by pair with equal values; None when no way of leaving some out leads there.

    What is shorter than `missable_us`, or begins after `last_us`, may be left out; of one visit no more in all.
    """
    ways: dict[_Place, _Way] = {(0, 0, None): _Way(0)}
    sides = (left, right)
    for total in range(len(left) + len(right)):
        for place in [place for place in ways if place[0] + place[1] == total]:
            for to, cost_us, is_pair in _steps(sides, place, missable_us, last_us):
                way = _Way(ways[place].cost_us + cost_us, place, is_pair)
                if to not in ways or way.cost_us < ways[to].cost_us:
                    ways[to] = way
    ends = [place for place in ways if place[:2] == (len(left), len(right))]
    if not ends:
        return None
    pairs = _pairs(sides, ways, min(ends, key=lambda place: ways[place].cost_us))
    is_whole = all(_left_out_us(*each, last_us) <= missable_us for each in zip(sides, pairs, strict=True))
    return pairs if is_whole else None


def lasting(left: Sequence[Visit], right: Sequence[Visit], least_us: int) -> tuple[list[Visit], list[Visit]]:
    """Of visits in pairs those that last so long on either side; what a shorter one parted is one visit first."""
    pairs = list(zip(left, right, strict=True))
    while pairs and _longer_us(shortest := min(pairs, key=_longer_us)) < least_us:
        at = pairs.index(shortest)
        is_gap = 0 < at < len(pairs) - 1 and pairs[at - 1][0].value == pairs[at + 1][0].value
        pairs[at : at + 1 + is_gap] = []
        if at:
            before = pairs[at - 1]
            ends = pairs[at] if at < len(pairs) else (_end(left), _end(right))
            pairs[at - 1] = (_until(before[0], ends[0].t_us), _until(before[1], ends[1].t_us))
    return [a for a, _ in pairs], [b for _, b in pairs]


def _longer_us(pair: tuple[Visit, Visit]) -> int:
    return max(visit.length_us for visit in pair)


def _until(visit: Visit, end_us: int) -> Visit:
    return replace(visit, length_us=end_us - visit.t_us)


def _end(side: Sequence[Visit]) -> Visit:
    """Where a side ends, as a visit that begins there."""
    return replace(side[-1], t_us=side[-1].t_us + side[-1].length_us, length_us=0)


def _steps(
    sides: tuple[Sequence[Visit], Sequence[Visit]], place: _Place, missable_us: int, last_us: int
) -> Iterator[tuple[_Place, int, bool]]:
    """Where to go from a place: on with the same value, past a visit left out, or to the next value on both sides."""
    i, j, value = place
    one = sides[0][i] if i < len(sides[0]) else None
    other = sides[1][j] if j < len(sides[1]) else None
    for visit, to in ((one, (i + 1, j, value)), (other, (i, j + 1, value))):
        if visit is not None and visit.value == value:
            yield to, 0, False
        elif visit is not None and (visit.length_us < missable_us or visit.t_us > last_us):
            yield to, visit.length_us, False
    if one is not None and other is not None and one.value == other.value != value:
        yield (i + 1, j + 1, one.value), abs(one.t_us - other.t_us), True


def _left_out_us(side: Sequence[Visit], kept: Sequence[Visit], last_us: int) -> int:
    """The most that was left out of one visit."""
    return max(
        (
            sum(visit.length_us for visit in side if each.t_us <= visit.t_us < end_us and visit.value != each.value)
            for each in kept
            if (end_us := min(each.t_us + each.length_us, last_us)) > each.t_us
        ),
        default=0,
    )


def _pairs(
    sides: tuple[Sequence[Visit], Sequence[Visit]], ways: dict[_Place, _Way], end: _Place
) -> tuple[list[Visit], list[Visit]]:
    pairs: list[tuple[Visit, Visit]] = []
    place: _Place | None = end
    while place is not None:
        if ways[place].is_pair:
            pairs.append((sides[0][place[0] - 1], sides[1][place[1] - 1]))
        place = ways[place].origin
    pairs.reverse()
    return _stretched(sides[0], [a for a, _ in pairs]), _stretched(sides[1], [b for _, b in pairs])


def _stretched(side: Sequence[Visit], kept: Sequence[Visit]) -> list[Visit]:
    """The kept visits, each as long as until the next of them."""
    ends = [*kept[1:], *(_end(side) for _ in kept[:1])]
    return [_until(visit, end.t_us) for visit, end in zip(kept, ends, strict=True)]
