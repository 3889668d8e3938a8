"""What may be under way: windows, classes and the history's cap, and what they do to a transaction on a thin link."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.northbound.link_watch import LinkRecord
from edge.northbound.mqtt_client import MqttSession
from edge.northbound.pacer import (
    BASE_LIFE_S,
    HISTORY_BURST_S,
    WINDOW_FIRST,
    WINDOW_MAX,
    WINDOW_MIN,
    Pacer,
    TrafficClass,
)
from tests.edge.northbound.simulated_link import Broker, SimulatedLink, connect
from tests.edge.northbound.virtual_loop import run_virtual

_HISTORY, _LIVE, _TRANSACTION = TrafficClass.HISTORY, TrafficClass.LIVE, TrafficClass.TRANSACTION


class _Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def _full_round(pacer: Pacer, clock: _Clock, round_trip_s: float) -> None:
    """Send as much live data as there is room for, and have it all arrive after `round_trip_s`."""
    size = pacer.room(_LIVE)
    pacer.sent(_LIVE, size)
    assert pacer.room(_LIVE) == 0
    clock.now_s += round_trip_s
    pacer.acked(size)
    pacer.on_round_trip(round_trip_s)


def test_a_window_that_is_filled_grows_to_its_limit_on_a_fast_link() -> None:
    pacer = Pacer(clock=(clock := _Clock()))
    _full_round(pacer, clock, 0.01)
    assert pacer.window == 2 * WINDOW_FIRST
    for _ in range(20):
        _full_round(pacer, clock, 0.01)
    assert pacer.window == WINDOW_MAX


def test_a_window_that_is_not_filled_stays() -> None:
    pacer = Pacer(clock=(clock := _Clock()))
    for _ in range(20):
        pacer.sent(_LIVE, 100)
        clock.now_s += 0.01
        pacer.acked(100)
        pacer.on_round_trip(0.01)
    assert pacer.window == WINDOW_FIRST


def test_a_window_is_twice_what_is_used_of_it() -> None:
    pacer = Pacer(clock=(clock := _Clock()))
    for _ in range(50):
        pacer.sent(_LIVE, 30_000)
        clock.now_s += 0.01
        pacer.acked(30_000)
        pacer.on_round_trip(0.01)
    assert 60_000 <= pacer.window <= 120_000


def test_a_window_shrinks_once_per_round_trip_while_the_queue_is_long() -> None:
    pacer = Pacer(clock=(clock := _Clock()))
    for _ in range(20):
        _full_round(pacer, clock, 0.01)
    clock.now_s += 2.0
    pacer.on_round_trip(2.0)
    once = pacer.window
    assert once < 0.6 * WINDOW_MAX
    pacer.on_round_trip(2.0)
    assert pacer.window == once
    for _ in range(20):
        clock.now_s += 2.0
        pacer.on_round_trip(2.0)
    assert pacer.window == WINDOW_MIN


def test_lower_classes_leave_room_for_higher_ones() -> None:
    pacer = Pacer()
    pacer.sent(_HISTORY, pacer.room(_HISTORY))
    rooms = [pacer.room(cls) for cls in (_HISTORY, TrafficClass.EVENT, _LIVE, _TRANSACTION)]
    assert rooms == [0, WINDOW_FIRST // 4, WINDOW_FIRST // 2, WINDOW_FIRST]


def test_history_keeps_to_its_rate_and_saves_up_a_burst_only() -> None:
    pacer = Pacer(1000, clock=(clock := _Clock()))
    sent = 0
    for _ in range(1000):
        if room := pacer.room(_HISTORY):
            pacer.sent(_HISTORY, room)
            pacer.acked(room)
            sent += room
        clock.now_s += 0.01
    assert sent == pytest.approx(10 * 1000, rel=0.05)
    clock.now_s += 3600.0
    assert pacer.room(_HISTORY) == 1000 * HISTORY_BURST_S
    assert pacer.room(_LIVE) == WINDOW_FIRST


def test_a_standing_queue_is_not_taken_for_distance() -> None:
    """After BASE_LIFE_S without a shorter one the link is run empty; the echo that travels alone is the new base."""
    pacer = Pacer(clock=(clock := _Clock()))
    _full_round(pacer, clock, 0.01)
    clock.now_s += BASE_LIFE_S
    pacer.sent(_LIVE, 2000)
    pacer.on_round_trip(0.25)
    assert pacer.base_s == 0.01
    assert (pacer.room(_LIVE), pacer.room(_HISTORY)) == (0, 0)
    assert pacer.room(_TRANSACTION) > 0
    pacer.acked(2000)
    assert pacer.room(_LIVE) > 0
    pacer.on_round_trip(0.05)
    assert pacer.base_s == 0.05


def test_a_new_connection_owes_nothing() -> None:
    pacer = Pacer()
    pacer.sent(_LIVE, 10**6)
    pacer.reset()
    assert (pacer.under_way, pacer.room(_LIVE)) == (0, WINDOW_FIRST)


_Act = st.tuples(
    st.sampled_from(["send", "arrive", "wait"]), st.sampled_from(list(TrafficClass)), st.integers(1, 20_000)
)


@given(st.lists(_Act, max_size=80), st.sampled_from([0, 1000, 10**6]))
def test_whatever_happens_the_window_is_within_its_limits_and_nobody_is_stuck(
    acts: list[tuple[str, TrafficClass, int]], history_rate: int
) -> None:
    pacer = Pacer(history_rate, clock=(clock := _Clock()))
    for act, cls, number in acts:
        if act == "send" and pacer.room(cls):
            pacer.sent(cls, number)
        elif act == "arrive":
            pacer.acked(number)
            pacer.on_round_trip(number / 5000)
        else:
            clock.now_s += number / 1000
        assert WINDOW_MIN <= pacer.window <= WINDOW_MAX
        assert pacer.under_way >= 0
        assert all(pacer.room(each) >= 0 for each in TrafficClass)
    clock.now_s += 60.0
    pacer.acked(pacer.under_way)
    pacer.on_round_trip(0.01)
    assert all(pacer.room(each) > 0 for each in TrafficClass)


async def _send_all(session: MqttSession, pacer: Pacer, cls: TrafficClass, size: int) -> None:
    while True:
        await pacer.wait_room(cls)
        pacer.sent(cls, size)
        session.publish_nowait(cls.name, bytes(size))


async def _transactions(session: MqttSession, pacer: Pacer, count: int) -> list[float]:
    """How long each took to the broker's acknowledgement, one every 1.7 s."""
    loop, took_s = asyncio.get_running_loop(), []
    for _ in range(count):
        await asyncio.sleep(1.7)
        since_s = loop.time()
        await pacer.wait_room(_TRANSACTION)
        pacer.sent(_TRANSACTION, 600)
        await session.publish_acked("TRANSACTION", bytes(600))
        took_s.append(loop.time() - since_s)
    return took_s


async def _thin_link(bytes_per_s: float, delay_s: float, history_rate: int = 0) -> tuple[list[float], Broker, float]:
    broker = Broker()
    link = SimulatedLink(broker, bytes_per_s=bytes_per_s, delay_s=delay_s)
    loop = asyncio.get_running_loop()
    pacer = Pacer(history_rate, loop.time)
    session = await connect(link, LinkRecord(loop.time()), pacer)
    work = [loop.create_task(_send_all(session, pacer, cls, 300)) for cls in (_HISTORY, _LIVE)]
    if history_rate:
        work.pop().cancel()
    since_s = loop.time()
    took_s = await _transactions(session, pacer, 40)
    for task in work:
        task.cancel()
    assert not session.lost.done()
    return took_s, broker, loop.time() - since_s


@pytest.mark.parametrize("bytes_per_s", [5_000, 10_000, 50_000])
@pytest.mark.parametrize("delay_s", [0.001, 0.02, 0.15])
def test_a_transaction_never_waits_behind_a_backlog(bytes_per_s: int, delay_s: float) -> None:
    """Live data and history without end want the link; a transaction is there and confirmed 0.8 s later and its way."""
    took_s, broker, seconds = run_virtual(_thin_link(bytes_per_s, delay_s))
    assert max(took_s) <= 0.8 + 2 * delay_s
    assert sum(len(arrival.payload) for arrival in broker.arrivals) >= 0.6 * bytes_per_s * seconds


def test_history_alone_takes_no_more_than_its_cap() -> None:
    took_s, broker, seconds = run_virtual(_thin_link(100_000, 0.02, history_rate=20_000))
    history = sum(len(arrival.payload) for arrival in broker.arrivals if arrival.topic == "HISTORY")
    assert history == pytest.approx(20_000 * seconds, rel=0.05)
    assert max(took_s) < 0.5
