"""The simulated indicator: what it shows, how its bytes leave, what each failure does to them."""

from __future__ import annotations

import pytest

from firmware.control.weighbridge_front import MOTION_YES, UNFIT_NET, UNFIT_UNIT, ZERO_DONE, ZERO_REFUSED
from firmware.control.weighbridge_line import PROTOCOLS as LINE_PROTOCOLS
from firmware.control.weighbridge_line import IndicatorLine
from sim_devices.devices.indicator import FAILURES, PROTOCOLS, Indicator

STEP_MS = 5
each_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)


class Pair:
    """An indicator and the front end that listens to it, in steps of 5 ms."""

    def __init__(self, protocol: str, load_kg: float = 0.0) -> None:
        self.indicator = Indicator(protocol, seed=1)
        self.line = IndicatorLine(protocol)
        self.line.e_kg_x10 = 200
        self.load_kg = load_kg
        self.now_ms = 0
        self.heard = b""

    def run(self, duration_ms: int) -> None:
        data = bytearray(128)
        for _ in range(duration_ms // STEP_MS):
            self.now_ms += STEP_MS
            self.indicator.advance(STEP_MS / 1000, self.load_kg)
            heard = self.indicator.take()
            self.heard += heard
            self.line.receive(bytearray(heard), len(heard), self.now_ms)
            self.line.step(self.now_ms, [], [])
            self.indicator.receive(bytes(data[: self.line.transmit(data)]))


def test_every_line_protocol_has_its_indicator() -> None:
    assert sorted(PROTOCOLS) == sorted(LINE_PROTOCOLS[1:])


@each_protocol
def test_the_weight_on_the_deck_arrives_rounded_to_e(protocol: str) -> None:
    pair = Pair(protocol, load_kg=23_466.0)
    pair.run(2000)
    sample = pair.line.sample
    assert (sample.value, sample.unfit, sample.motion == MOTION_YES) == (234_600, 0, False)
    assert pair.line.decoder.garbage == 0
    assert sample.sequence >= 10, "the core needs five samples a second"


@each_protocol
def test_bytes_leave_at_the_pace_of_the_line(protocol: str) -> None:
    pair = Pair(protocol)
    pair.run(5000)
    assert 0 < len(pair.heard) <= 5 * 960
    assert pair.line.decoder.frames == pair.line.sample.sequence


@pytest.mark.parametrize("protocol", ["toledo", "cas", "sma", "mt_sics"])
def test_a_moving_load_is_said_to_move(protocol: str) -> None:
    pair = Pair(protocol)
    for _ in range(20):
        pair.load_kg += 500.0
        pair.run(100)
    assert pair.line.sample.motion == MOTION_YES


@each_protocol
@pytest.mark.parametrize("kind", ["silent", "garbage", "wrong_checksum"])
def test_a_failure_of_the_line_stops_the_samples_and_repair_brings_them_back(protocol: str, kind: str) -> None:
    pair = Pair(protocol, load_kg=23_460.0)
    pair.run(1000)
    pair.indicator.fail(kind)
    pair.run(200)  # what is under way
    before = pair.line.sample.sequence, pair.line.decoder.garbage
    pair.run(3000)
    assert pair.line.sample.sequence == before[0]
    assert (pair.line.decoder.garbage > before[1]) == (kind != "silent")
    pair.indicator.fail("")
    pair.run(2000)
    assert pair.line.sample.sequence >= before[0] + 8


@each_protocol
def test_noise_costs_frames_and_not_the_weight(protocol: str) -> None:
    pair = Pair(protocol, load_kg=23_460.0)
    pair.indicator.fail("noise")
    pair.run(20_000)
    assert pair.line.decoder.garbage > 100
    assert pair.line.sample.sequence > 40, "a lost answer costs a polled indicator half a second"


@each_protocol
def test_a_stuck_indicator_sends_well_formed_frames_of_yesterday(protocol: str) -> None:
    pair = Pair(protocol, load_kg=10_000.0)
    pair.run(1000)
    pair.indicator.fail("stuck")
    pair.run(500)
    pair.load_kg = 40_000.0
    pair.run(3000)
    assert (pair.line.sample.value, pair.line.decoder.garbage) == (100_000, 0)


@pytest.mark.parametrize("protocol", ["yaohua_a12", "toledo", "toledo_checksum", "mt_sics", "sma", "cas"])
def test_overload_is_flagged_where_the_format_can(protocol: str) -> None:
    pair = Pair(protocol, load_kg=80_200.0)
    pair.run(1000)
    assert (pair.line.sample.overload, pair.line.sample.underload) == (1, 0)


@pytest.mark.parametrize("protocol", ["toledo", "mt_sics", "sma", "cas"])
def test_pounds_are_refused_where_the_format_names_the_unit(protocol: str) -> None:
    pair = Pair(protocol, load_kg=23_460.0)
    pair.indicator.fail("unit")
    pair.run(1000)
    assert pair.line.sample.unfit == UNFIT_UNIT


def test_a_tare_at_the_indicator_is_seen_or_undone() -> None:
    for protocol, unfit, value in (
        ("sma", UNFIT_NET, 0),
        ("cas", UNFIT_NET, 0),
        ("yaohua_a12", UNFIT_NET, 0),
        ("toledo", 0, 234_600),
        ("yaohua_tf1", 0, 234_600),
    ):
        pair = Pair(protocol, load_kg=23_460.0)
        pair.indicator.fail("net")
        pair.run(1000)
        assert (pair.line.sample.unfit, pair.line.sample.value) == (unfit, value), protocol


@pytest.mark.parametrize("protocol", ["mt_sics", "sma"])
def test_the_indicator_zeroes_itself_on_request(protocol: str) -> None:
    pair = Pair(protocol, load_kg=236.0)
    pair.run(2000)
    assert pair.line.sample.value == 2400
    assert pair.line.request_zero()
    pair.run(2000)
    assert (pair.line.take_zero_outcome(), pair.line.sample.value, pair.indicator.zeroed) == (ZERO_DONE, 0, 1)
    pair.load_kg = 9_000.0
    pair.run(2000)
    assert pair.line.request_zero()
    pair.run(2000)
    assert (pair.line.take_zero_outcome(), pair.indicator.zeroed) == (ZERO_REFUSED, 1)


def test_one_seed_gives_one_history() -> None:
    histories = []
    for _ in range(2):
        pair = Pair("toledo", load_kg=23_460.0)
        pair.indicator.fail("noise")
        pair.run(2000)
        histories.append(pair.heard)
    assert histories[0] == histories[1]


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="use one of"):
        Indicator("morse", seed=1)
    with pytest.raises(ValueError, match="use one of"):
        Indicator("sma", seed=1).fail("sad")
    for kind in FAILURES:
        Indicator("sma", seed=1).fail(kind)
