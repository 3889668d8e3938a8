"""Which link carries the data: dead ones are left at once, bad ones after a while, preferred ones taken back later."""

from hypothesis import given
from hypothesis import strategies as st

from edge.northbound.link_choice import START_S, Health, LinkChoice

_UP, _BAD, _DOWN = Health(True), Health(True, is_good=False), Health(False)


def _choice(count: int = 2) -> LinkChoice:
    return LinkChoice(count, fail_over_after_s=10.0, fail_back_after_s=60.0)


def _active(choice: LinkChoice, now_s: float, *links: Health) -> int:
    choice.look(now_s, links)
    return choice.active


def test_a_dead_link_is_left_at_once_and_only_for_a_live_one() -> None:
    choice = _choice()
    assert _active(choice, 0.0, _DOWN, _DOWN) == 0
    assert choice.switches == 0
    assert _active(choice, 1.0, _DOWN, _UP) == 1
    assert (choice.switches, choice.why) == (1, "the other link is dead")
    assert _active(choice, 2.0, _DOWN, _DOWN) == 1
    assert _active(choice, 3.0, _BAD, _DOWN) == 0


def test_after_a_start_the_preferred_link_has_a_moment_to_come_up_before_it_counts_as_dead() -> None:
    late = _choice()
    assert _active(late, 5.0, _DOWN, _DOWN) == 0
    assert _active(late, 5.02, _DOWN, _UP) == 0
    assert _active(late, 5.05, _UP, _UP) == 0
    assert late.switches == 0
    assert _active(late, 5.5, _DOWN, _UP) == 1, "a link that was up and died is left at once"
    dead = _choice()
    assert _active(dead, 5.0, _DOWN, _UP) == 0
    assert _active(dead, 5.0 + START_S, _DOWN, _UP) == 1


def test_the_preferred_link_is_taken_back_only_after_good_health_without_a_break() -> None:
    choice = _choice()
    assert _active(choice, 0.0, _UP, _UP) == 0
    assert _active(choice, 0.5, _DOWN, _UP) == 1
    assert _active(choice, 10.0, _UP, _UP) == 1
    assert _active(choice, 69.0, _UP, _UP) == 1
    assert _active(choice, 69.5, _BAD, _UP) == 1
    assert _active(choice, 70.0, _UP, _UP) == 1
    assert _active(choice, 129.0, _UP, _UP) == 1
    assert _active(choice, 130.0, _UP, _UP) == 0
    assert choice.why == "preferred, and well again"


def test_a_bad_link_is_left_after_a_while_and_only_for_a_good_one() -> None:
    choice = _choice()
    assert _active(choice, 0.0, _BAD, _UP) == 0
    assert _active(choice, 9.0, _BAD, _UP) == 0
    assert _active(choice, 9.5, _UP, _UP) == 0
    assert _active(choice, 10.0, _BAD, _BAD) == 0
    assert _active(choice, 25.0, _BAD, _BAD) == 0
    assert _active(choice, 26.0, _BAD, _UP) == 1


def test_a_link_alone_is_never_left() -> None:
    choice = _choice(1)
    for health in (_DOWN, _BAD, _UP):
        assert _active(choice, 100.0, health) == 0
    assert choice.switches == 0


@given(st.lists(st.tuples(st.floats(0.0, 30.0), *[st.sampled_from([_UP, _BAD, _DOWN])] * 2), max_size=60))
def test_the_data_never_moves_to_a_dead_link_nor_away_from_a_good_one_it_prefers(
    looks: list[tuple[float, Health, Health]],
) -> None:
    choice, now_s = _choice(), 0.0
    for pause_s, *links in looks:
        now_s += pause_s
        before = choice.active
        has_moved = choice.look(now_s, links)
        assert has_moved == (choice.active != before)
        if has_moved:
            assert links[choice.active].is_up
            assert before != 0 or links[0] != _UP
