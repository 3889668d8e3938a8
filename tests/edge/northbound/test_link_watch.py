"""When an echo is due, when its absence means death, and what a link's record says of it."""

import pytest

from edge.northbound.link_watch import ECHO_BUSY_S, ECHO_IDLE_S, ECHO_MAX_S, EchoTrack, LinkRecord


def test_a_link_that_swallows_everything_is_dead_within_ten_seconds() -> None:
    assert ECHO_IDLE_S + ECHO_MAX_S < 10.0


def test_an_idle_link_is_asked_regularly_and_a_busy_one_at_once() -> None:
    echo = EchoTrack(100.0)
    assert echo.due_s() == 100.0 + ECHO_IDLE_S
    echo.on_data(100.5)
    echo.on_data(100.52)
    assert echo.due_s() == 100.5 + ECHO_BUSY_S
    echo.on_echo(100.6, 10)
    assert echo.due_s() == 100.6 + ECHO_IDLE_S


def test_answers_belong_to_the_oldest_echo_and_say_what_arrived() -> None:
    echo = EchoTrack(0.0, 1000)
    echo.on_echo(1.0, 1300)
    echo.on_echo(2.0, 1900)
    assert echo.on_answer(2.5) == (1.5, 300)
    assert echo.dead_s() == 2.0 + ECHO_MAX_S
    assert echo.on_answer(2.6) == (pytest.approx(0.6), 600)
    assert echo.dead_s() is None
    assert echo.on_answer(2.7) is None


def test_other_echoes_do_not_excuse_the_one_that_is_missing() -> None:
    echo = EchoTrack(0.0)
    for second in range(4):
        echo.on_echo(float(second), 0)
    assert echo.dead_s() == ECHO_MAX_S
    assert echo.count() == 4


def test_outages_are_counted_and_timed_from_the_loss_to_the_return() -> None:
    record = LinkRecord(0.0)
    record.on_down(1.0, "nobody there yet")
    record.on_up(5.0)
    assert (record.outages, record.status(6.0)["outage_s"]) == (0, 0.0)
    record.on_down(10.0, "gone")
    record.on_down(11.0, "still gone")
    assert record.status(14.0) | {"connected": False, "reason": "still gone", "outage_s": 4.0} == record.status(14.0)
    record.on_up(20.0)
    record.on_down(30.0, "gone")
    record.on_up(31.0)
    status = record.status(40.0)
    assert (status["outages"], status["outage_s"], status["longest_outage_s"]) == (2, 11.0, 10.0)
    assert (status["connects"], status["reason"], status["state_s"]) == (3, "", 9.0)


def test_round_trips_are_kept_by_their_worst_of_each_half_second() -> None:
    record = LinkRecord(0.0)
    for index in range(1000):
        record.on_round_trip(index * 0.1, 0.5 if index == 503 else 0.01)
    assert record.round_trip_percentile_s(50) == 0.01
    assert record.status(100.0)["round_trip_p99_ms"] == 10.0
    assert record.round_trip_percentile_s(100) == 0.5
    for second in (101.0, 102.0, 103.0):
        record.on_round_trip(second, 0.7)
    assert record.status(104.0) | {"round_trip_ms": 700.0, "round_trip_p99_ms": 700.0} == record.status(104.0)


def test_loss_is_what_had_to_be_sent_again() -> None:
    record = LinkRecord(0.0)
    assert record.loss_percent() is None
    record.on_segments(100, 3)
    record.on_segments(105, 4)
    assert record.loss_percent() is None
    record.on_segments(120, 8)
    assert record.loss_percent() == 25.0
    record.on_up(1.0)
    assert record.loss_percent() is None
