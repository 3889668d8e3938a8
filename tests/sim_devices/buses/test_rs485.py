"""Characters take their time on the wire, and two talkers garble each other."""

import random

import pytest

from sim_devices.buses.rs485 import Rs485Line, Station


def _line(baud: int = 19200, turnaround_us: int = 0) -> tuple[Rs485Line, Station, Station, Station]:
    line = Rs485Line(baud, random.Random(1), turnaround_us)
    return line, line.attach("hub"), line.attach("a"), line.attach("b")


@pytest.mark.parametrize(("baud", "char_us"), [(19200, 573), (115200, 95.5)])
def test_bytes_end_at_their_wire_times(baud: int, char_us: float) -> None:
    line, hub, a, _ = _line(baud)
    line.transmit(hub, bytes(range(8)), 1000)
    line.advance_to(1_000_000)
    heard = a.take_timed()
    assert bytes(value for _, value in heard) == bytes(range(8))
    for index, (time_us, _) in enumerate(heard):
        assert time_us == pytest.approx(1000 + (index + 1) * char_us, abs=2)


def test_a_byte_is_not_heard_before_its_last_bit() -> None:
    line, hub, a, _ = _line()
    line.transmit(hub, b"\x01", 0)
    line.advance_to(571)
    assert a.take() == b""
    line.advance_to(572)
    assert a.take() == b"\x01"


def test_a_station_does_not_hear_itself() -> None:
    line, hub, a, b = _line()
    line.transmit(hub, b"abc", 0)
    line.advance_to(100_000)
    assert (hub.take(), a.take(), b.take()) == (b"", b"abc", b"abc")


def test_two_talkers_at_once_yield_the_bitwise_and_and_are_counted() -> None:
    line, hub, a, b = _line()
    line.transmit(a, b"\x0f\xff\x55", 0)
    line.transmit(b, b"\xf1\x3c", 0)
    line.advance_to(100_000)
    assert hub.take() == b"\x01\x3c\x55"
    assert line.counters.collisions == 2


def test_late_talker_garbles_only_what_overlaps() -> None:
    line, hub, a, b = _line()
    line.transmit(a, b"\xff\xff\xff", 0)
    line.transmit(b, b"\x00", 700)
    line.advance_to(100_000)
    assert hub.take() == b"\xff\x00\xff"


def test_answer_waits_for_the_turnaround_but_a_running_burst_does_not() -> None:
    line, hub, a, _ = _line(turnaround_us=5000)
    end_us = line.transmit(hub, b"q", 0)
    line.advance_to(end_us)
    assert line.transmit(a, b"r", end_us) == end_us + 5000 + line.duration_us(1)
    assert line.transmit(hub, b"q", end_us) == end_us + line.duration_us(1)


def test_what_waits_to_begin_leaves_the_line_idle_until_then() -> None:
    line, hub, a, _ = _line()
    line.delay_us = 50_000
    first_us, second_us = line.transmit(hub, b"first", 0), line.transmit(hub, b"second", 20_000)
    assert line.is_idle(20_000)
    assert line.idle_at_us() == first_us
    line.advance_to(50_000)
    assert not line.is_idle(50_000)
    line.advance_to(first_us)
    assert line.is_idle(first_us)
    assert (a.take(), line.idle_at_us()) == (b"first", second_us)
    line.advance_to(second_us)
    assert (a.take(), line.idle_at_us()) == (b"second", -1)


def test_what_follows_without_a_pause_or_is_talked_into_ends_as_one() -> None:
    line, hub, a, b = _line()
    line.transmit(hub, b"12", 0)
    after_us = line.transmit(hub, b"34", 100)
    line.advance_to(600)
    assert line.idle_at_us() == after_us
    end_us = line.transmit(a, b"12345", 700)
    assert (line.idle_at_us(), line.is_idle(700)) == (end_us, False)
    line.advance_to(end_us)
    assert len(b.take()) > 3
    assert line.is_idle(end_us)


def test_cut_line_carries_nothing_and_counts_it() -> None:
    line, hub, a, _ = _line()
    line.cut()
    line.transmit(hub, b"abc", 0)
    line.advance_to(100_000)
    line.restore()
    line.transmit(hub, b"d", 100_000)
    line.advance_to(200_000)
    assert a.take() == b"d"
    assert line.counters.cut_off == 3


def test_one_station_cut_off_leaves_the_others_talking() -> None:
    line, hub, a, b = _line()
    line.cut(a)
    line.transmit(hub, b"x", 0)
    line.advance_to(100_000)
    assert (a.take(), b.take()) == (b"", b"x")


def test_noise_flips_bits_the_same_way_for_the_same_seed() -> None:
    def heard() -> bytes:
        line, hub, a, _ = _line()
        line.noise_permille = 300
        line.transmit(hub, bytes(100), 0)
        line.advance_to(1_000_000)
        assert line.counters.corrupted > 10
        return a.take()

    assert heard() == heard() != bytes(100)


def test_injected_noise_is_heard_by_all() -> None:
    line, hub, a, _ = _line()
    line.inject_noise(5, 0)
    line.advance_to(100_000)
    assert len(hub.take()) == 5
    assert len(a.take()) == 5


def test_stuck_talker_pulls_every_character_down() -> None:
    line, hub, a, b = _line()
    line.stick(b, 10_000)
    line.advance_to(20_000)
    a.take()
    line.transmit(hub, b"\xff\xff", 20_000)
    line.advance_to(40_000)
    assert set(a.take()) == {0}
    assert line.counters.collisions > 0


def test_stepping_often_or_seldom_makes_no_difference() -> None:
    def heard(step_us: int) -> list[tuple[int, int]]:
        line, hub, a, b = _line()
        line.transmit(a, b"\xaa\xbb\xcc", 0)
        line.transmit(b, b"\x77\x66", 300)
        for now_us in range(0, 12_001, step_us):
            line.advance_to(now_us)
        return hub.take_timed()

    assert heard(100) == heard(12_000)
