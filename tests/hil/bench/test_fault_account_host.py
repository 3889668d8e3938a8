"""The fault table's account: every way in which the two ends can differ is counted, each by hand here."""

from typing import Any

from hil.bench.fault_account import ClassTruth, account, overtaken, unsorted_facts


def came(stream: str, *numbers: int) -> list[tuple[str, int]]:
    return [(stream, number) for number in numbers]


def truth(**changes: Any) -> ClassTruth:
    """Three numbers, the first without a fact; all is well."""
    facts = {1: None, 2: ("dev", 1), 3: ("dev", 2)}
    whole: dict[str, Any] = {"produced": 3, "arrived": came("a", 1, 2, 3), "facts": facts}
    return ClassTruth(**{**whole, "happened": [("dev", 1), ("dev", 2)], **changes})


def test_a_class_of_which_everything_came_is_clean() -> None:
    found = account(truth())
    assert found.is_clean
    assert (found.produced, found.delivered, found.facts, found.repeated, found.examples) == (3, 3, 2, 0, [])


def test_a_number_that_never_came_and_its_fact_are_lost() -> None:
    found = account(truth(facts={1: None, 3: ("dev", 2)}))
    assert (found.lost, found.is_clean) == (2, False)
    assert found.examples == ["number 2 is missing", "('dev', 1) was never told"]


def test_a_fact_the_hub_never_wrote_down_is_lost_although_no_number_is() -> None:
    assert account(truth(happened=[("dev", 1), ("dev", 2), ("dev", 3)])).lost == 1


def test_a_fact_under_two_numbers_is_a_duplicate_and_a_repeat_of_a_number_is_none() -> None:
    found = account(truth(facts={1: None, 2: ("dev", 1), 3: ("dev", 1)}, happened=[("dev", 1)]))
    assert found.duplicated == 1
    found = account(truth(arrived=came("a", 1, 2, 2, 3)))
    assert (found.repeated, found.is_clean) == (1, True)


def test_a_fact_nobody_knows_and_a_number_beyond_the_last_are_no_truth() -> None:
    found = account(truth(facts={1: None, 2: ("dev", 1), 3: ("dev", 2), 4: ("dev", 9)}))
    assert (found.duplicated, found.is_clean) == (2, False)


def test_what_is_doubtful_may_have_been_told_or_not() -> None:
    found = account(truth(happened=[("dev", 1)], doubtful=[("dev", 2), ("dev", 3)]))
    assert (found.is_clean, found.in_doubt) == (True, 1)


def test_order_is_that_of_first_arrivals_within_a_stream() -> None:
    assert overtaken(came("a", 1, 2, 4, 3, 4, 5)) == 1
    assert overtaken(came("a", 1, 2, 1, 2, 3)) == 0
    assert overtaken(came("live", 2, 3) + came("history", 1)) == 0
    # What was live before is no news when it comes again as history.
    assert overtaken(came("live", 1, 2) + came("history", 3, 1, 2, 4)) == 0
    assert overtaken(came("live", 1, 2) + came("history", 4, 1, 3)) == 1


def test_facts_of_a_source_that_go_backward_with_rising_numbers_are_out_of_order() -> None:
    assert unsorted_facts({1: ("a", 1), 2: ("b", 5), 3: ("a", 2), 4: None}) == 0
    assert unsorted_facts({1: ("a", 2), 2: ("a", 1)}) == 1
