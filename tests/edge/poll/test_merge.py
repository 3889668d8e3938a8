"""Merging points into block reads."""

from hypothesis import given
from hypothesis import strategies as st

from edge.poll.merge import (
    COIL,
    GAP_REGISTERS_MAX,
    HOLDING_REGISTER,
    INPUT_REGISTER,
    READ_REGISTERS_MAX,
    Block,
    Point,
    merge_points,
)


def test_neighbours_share_a_read_and_a_small_gap_is_bridged() -> None:
    points = [Point(64, 1, 100), Point(65, 2, 100), Point(67 + GAP_REGISTERS_MAX, 1, 100)]
    assert merge_points(points) == [Block(64, 4 + GAP_REGISTERS_MAX, 100)]


def test_a_gap_above_the_limit_or_another_period_is_a_read_of_its_own() -> None:
    far = 65 + GAP_REGISTERS_MAX + 1
    assert merge_points([Point(64, 1, 100), Point(far, 1, 100)]) == [Block(64, 1, 100), Block(far, 1, 100)]
    assert merge_points([Point(0, 1, 100), Point(1, 1, 500)]) == [Block(0, 1, 100), Block(1, 1, 500)]


@given(st.lists(st.builds(Point, st.integers(0, 400), st.integers(1, 8), st.sampled_from([100, 1000])), max_size=40))
def test_every_point_is_covered_at_its_period_within_the_limit_of_a_read(points: list[Point]) -> None:
    blocks = merge_points(points)
    assert all(block.count <= READ_REGISTERS_MAX for block in blocks)
    for point in points:
        assert any(
            block.address <= point.address
            and point.address + point.count <= block.end
            and block.period_ms == point.period_ms
            for block in blocks
        )


def test_tables_are_read_apart_and_bits_reach_sixteen_times_as_far() -> None:
    points = [Point(0, 1, 100), Point(1, 1, 100, HOLDING_REGISTER), Point(2, 1, 100, COIL), Point(150, 1, 100, COIL)]
    assert merge_points(points) == [
        Block(2, 149, 100, COIL),
        Block(1, 1, 100, HOLDING_REGISTER),
        Block(0, 1, 100, INPUT_REGISTER),
    ]


def test_a_device_that_takes_few_registers_is_asked_for_few() -> None:
    points = [Point(address, 2, 100) for address in range(0, 20, 2)]
    assert merge_points(points, registers_max=8) == [Block(0, 8, 100), Block(8, 8, 100), Block(16, 4, 100)]


def test_a_device_that_refuses_gaps_is_asked_for_none() -> None:
    assert len(merge_points([Point(0, 2, 100), Point(3, 2, 100)], gap_max=0)) == 2
