"""Every truck accounted for: what is a match and what is told when it is not."""

from hil.run.account import IN_LANE, PASSED, TURNED_BACK, TruckTruth, discrepancies, transactions_of


def _record(kind: str, number: str, **data: object) -> dict[str, object]:
    return {"kind": kind, "lane": "L1", "data": {"transaction": number, **data}}


RECORDS = [
    _record("transaction_opened", "L1-000001"),
    _record("identified", "L1-000001", plate="12C12345"),
    _record("passed", "L1-000001"),
    _record("transaction_closed", "L1-000001"),
    _record("transaction_opened", "L1-000002"),
    _record("turned_back", "L1-000002"),
    _record("transaction_opened", "L1-000003"),
]
TRUCKS = [
    TruckTruth(1, "L1", "12C12345", PASSED),
    TruckTruth(2, "L1", "15C99999", TURNED_BACK),
    TruckTruth(3, "L1", "29C00001", IN_LANE),
]


def test_trucks_that_match_their_transactions_leave_no_discrepancy() -> None:
    assert discrepancies(TRUCKS, transactions_of(RECORDS)) == []


def test_a_truck_without_a_transaction_is_told() -> None:
    problems = discrepancies(TRUCKS, transactions_of(RECORDS[:-1]))
    assert problems == ["L1: truck 3 (29C00001) has no transaction"]


def test_a_transaction_without_a_truck_is_told() -> None:
    assert discrepancies(TRUCKS[:2], transactions_of(RECORDS)) == ["L1: transaction L1-000003 belongs to no truck"]


def test_another_outcome_or_plate_is_told() -> None:
    swapped = [TruckTruth(1, "L1", "other", TURNED_BACK), *TRUCKS[1:]]
    problems = discrepancies(swapped, transactions_of(RECORDS))
    assert len(problems) == 2
    assert "turned_back" in problems[0]
    assert "other" in problems[1]


def test_a_record_of_an_unknown_transaction_changes_nothing() -> None:
    assert transactions_of([_record("passed", "L1-000009")]) == {}


def test_a_truck_in_the_lane_whose_transaction_is_closed_is_told() -> None:
    records = [*RECORDS, _record("transaction_closed", "L1-000003")]
    assert discrepancies(TRUCKS, transactions_of(records)) == [
        "L1-000003: the field saw truck 3 in_lane, the records say closed without an outcome"
    ]


def test_lanes_are_accounted_for_each_by_itself() -> None:
    other = {"kind": "transaction_opened", "lane": "L2", "data": {"transaction": "L2-000001"}}
    trucks = [TruckTruth(4, "L2", "14H00001", IN_LANE), *TRUCKS]
    assert discrepancies(trucks, transactions_of([other, *RECORDS])) == []
    assert discrepancies(trucks, transactions_of(RECORDS)) == ["L2: truck 4 (14H00001) has no transaction"]


def test_a_late_record_belongs_to_the_transaction_it_names() -> None:
    late = [RECORDS[0], RECORDS[4], RECORDS[2], RECORDS[5]]  # the first one passed after the second was opened
    first, second = transactions_of(late)["L1"]
    assert (first.outcome, second.outcome) == (PASSED, TURNED_BACK)
