"""Which way a vehicle left, told from sensors and counter."""

from dataclasses import replace

from edge.lane.facts import BarrierFacts, LaneFacts, WeighbridgeFacts
from edge.lane.tracker import BACKED_OFF, BY_COUNTER, BY_SENSORS, Tracker
from protocols.registers import barrier as bar
from protocols.registers import weighbridge as wb
from tests.edge.lane.world import UNDER_BOOM

ENTRY = 1 << bar.PRESENCE_ENTRY_LOOP
EMPTY = WeighbridgeFacts(state=wb.STATE_EMPTY)
OCCUPIED = WeighbridgeFacts(state=wb.STATE_OCCUPIED)
OPEN = BarrierFacts(state=bar.STATE_OPEN, passes=7, boot=3)


def _facts(presence: int = 0, *, occupied: bool = False, **barrier: int) -> LaneFacts:
    return LaneFacts(replace(OPEN, presence=presence, **barrier), OCCUPIED if occupied else EMPTY)


def _tracker(*seen: LaneFacts) -> Tracker:
    tracker = Tracker()
    tracker.reset(_facts(occupied=True))
    for facts in seen:
        tracker.look(facts, True)
    return tracker


def test_vehicle_seen_under_the_boom_and_gone_from_the_deck_has_passed() -> None:
    tracker = _tracker(_facts(UNDER_BOOM))
    assert tracker.conclude(_facts(UNDER_BOOM)) == ""
    assert tracker.conclude(_facts(1 << bar.PRESENCE_BRIDGED)) == ""
    assert tracker.conclude(_facts()) == BY_SENSORS


def test_counter_that_is_later_than_the_sensors_does_not_count_twice() -> None:
    tracker = _tracker(_facts(UNDER_BOOM))
    tracker.count_off(_facts())
    tracker.look(_facts(passes=8), True)
    assert tracker.conclude(_facts(passes=8)) == ""
    tracker.look(_facts(passes=9), True)
    assert tracker.conclude(_facts(passes=9)) == BY_COUNTER


def test_counter_decides_over_what_was_not_seen() -> None:
    tracker = _tracker(_facts(passes=8))
    assert tracker.conclude(_facts(passes=8)) == BY_COUNTER


def test_backing_off_is_no_pass_whenever_it_is_counted() -> None:
    for counted in (7, 8):
        tracker = _tracker(_facts(UNDER_BOOM, occupied=True))
        assert tracker.conclude(_facts(occupied=True, passes=counted)) == BACKED_OFF
        tracker.look(_facts(occupied=True, passes=8), True)
        assert tracker.conclude(_facts(occupied=True, passes=8)) == ""


def test_presence_behind_a_shut_boom_is_nobody_of_ours() -> None:
    tracker = _tracker(_facts(UNDER_BOOM, state=bar.STATE_CLOSED))
    assert tracker.conclude(_facts(state=bar.STATE_CLOSED)) == ""


def test_entry_loop_and_boom_at_once_are_two_vehicles() -> None:
    tracker = _tracker(_facts(UNDER_BOOM | ENTRY, occupied=True))
    assert tracker.conclude(_facts(occupied=True)) == BY_SENSORS


def test_restarted_barrier_counts_from_zero() -> None:
    tracker = _tracker(_facts(passes=0, boot=4))
    assert tracker.conclude(_facts(passes=0, boot=4)) == ""
    tracker.look(_facts(passes=1, boot=4), True)
    assert tracker.conclude(_facts(passes=1, boot=4)) == BY_COUNTER
