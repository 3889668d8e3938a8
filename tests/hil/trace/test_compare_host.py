"""Traces are compared event by event, or channel by channel within bands; the first difference is told in words."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.trace.bands import TIMES_US, Bands, bands_between
from hil.trace.classes import Kind
from hil.trace.compare import compare
from hil.trace.event import Trace, TraceEvent
from hil.trace.outcome import ALL, Comparison, Outcome, not_comparable
from tests.hil.trace.traces import Row, opening, trace_of, traces

ONE = (10, "device.state", 2)
TWO = (20, "device.state", 3)
BANDS = Bands()


def _differs_on(result: Comparison) -> str:
    assert result.outcome is Outcome.DIVERGED
    assert result.divergence is not None
    return result.divergence.channel


def test_equal_traces_compare_equal_and_have_equal_digests() -> None:
    assert compare(trace_of(ONE, TWO), trace_of(ONE, TWO)).equal
    assert trace_of(ONE, TWO).digest() == trace_of(ONE, TWO).digest()


@pytest.mark.parametrize(
    "other",
    [(20, "device.state", 4), (21, "device.state", 3), (20, "field.state", 3), (20, "device.state", 3, 0)],
    ids=["value", "time", "source", "cause"],
)
def test_without_bands_every_field_must_be_equal(other: tuple[int, str, int]) -> None:
    result = compare(trace_of(ONE, TWO), trace_of(ONE, other))
    assert result.outcome is Outcome.DIVERGED
    assert result.divergence is not None
    assert (result.divergence.left, result.divergence.right) == (1, 1)
    assert trace_of(ONE, TWO).digest() != trace_of(ONE, other).digest()


def test_a_trace_that_ends_early_diverges_where_it_ends() -> None:
    told = compare(trace_of(ONE, TWO), trace_of(ONE)).describe("host", "vm")
    assert told.startswith("DIVERGED at 0.000 s on device.state:")
    assert "vm    nothing more until the end at 20.000 s; last CLOSED at 0.000 s" in told
    assert not compare(trace_of(ONE), trace_of(ONE, TWO)).equal


def test_a_level_is_recorded_only_when_it_changes() -> None:
    trace = Trace()
    assert trace.change(1, "barrier", "state", 2) is not None
    assert trace.change(2, "barrier", "state", 2) is None
    assert trace.change(3, "barrier", "state", 3) is not None
    assert [event.t_us for event in trace] == [1, 3]
    assert trace.last("barrier.state") == 3


def test_a_difference_is_told_with_what_came_instead_when_and_why() -> None:
    events = opening().events
    dead = trace_of(*((e.t_us, e.name, e.value, e.cause) for e in events[:8]))  # the motor is never switched off
    assert compare(opening(), dead, BANDS).describe("host", "rp2040").splitlines() == [
        "DIVERGED at 6.010 s on device.out.MOTOR_OPEN:",
        "    host    off at 6.010 s, after device.in.LIMIT_OPEN on at 6.000 s, after device.out.MOTOR_OPEN on at "
        "3.055 s, after bus.command.OPEN 0 at 3.050 s",
        "    rp2040  nothing more until the end at 20.000 s; last on at 3.055 s",
        "  before that on host:",
        "       3.150 s  device.state OPENING",
        "       3.160 s  device.event.STATE_CHANGED OPENING",
        "       6.000 s  device.in.LIMIT_OPEN on",
        "  before that on rp2040:",
        "       3.150 s  device.state OPENING",
        "       3.160 s  device.event.STATE_CHANGED OPENING",
        "       6.000 s  device.in.LIMIT_OPEN on",
    ]


def test_the_earliest_difference_is_told_whatever_its_channel() -> None:
    late, early = (9_000_000, "device.out.LOOP_TEST", 1), (8_000_000, "device.event.PASSED", 1)
    assert _differs_on(compare(opening(), opening(0, early, late), BANDS)) == "device.event.PASSED"


def test_a_bit_and_a_kind_of_fault_are_told_by_the_event_that_has_them() -> None:
    left = trace_of((0, "device.faults", 0), (5_000_000, "device.faults", 4))
    told = compare(left, trace_of((0, "device.faults", 0)), BANDS).describe("host", "rp2040")
    assert told.startswith("DIVERGED at 5.000 s on device.faults.LIMIT_LOST:")
    assert "host    LIMIT_LOST at 5.000 s" in told
    assert "rp2040  nothing more until the end at 20.000 s; last none at 0.000 s" in told


def test_lateness_within_the_bands_is_counted_by_kind() -> None:
    result = compare(opening(), opening(20_000), BANDS)
    assert result.outcome is Outcome.WITHIN_BAND
    assert result.agrees
    rows = {item.kind: (item.count, item.max_us, item.p99_us) for item in result.deviations}
    assert rows == {
        Kind.EVENT: (2, 20_000, 20_000),
        Kind.LEVEL: (3, 20_000, 20_000),
        Kind.REACTION: (2, 20_000, 20_000),
        ALL: (7, 20_000, 20_000),
    }
    assert "reaction    2 events, max 20.000 ms, p99 20.000 ms, 35.000 ms allowed" in result.describe("a", "b")


def test_p99_leaves_the_worst_of_a_hundred_out() -> None:
    events = [(1_000_000 * n, "device.event.PASSED", n) for n in range(1, 101)]
    late = [(t_us + (200_000 if value == 50 else 1000), name, value) for t_us, name, value in events]
    end_us = 200_000_000
    result = compare(trace_of(*events, end_us=end_us), trace_of(*late, end_us=end_us), BANDS)
    assert (result.deviations[-1].max_us, result.deviations[-1].p99_us) == (200_000, 1000)


def test_a_reaction_that_is_late_diverges_though_an_output_might_be() -> None:
    assert _differs_on(compare(opening(), opening(36_000), BANDS)) == "device.out.MOTOR_OPEN"
    told = compare(opening(), opening(36_000), BANDS).describe("host", "rp2040")
    assert "36.000 ms apart, 35.000 ms allowed" in told
    timer = (9_000_000, "device.out.LOOP_TEST", 1)
    assert compare(opening(0, timer), opening(0, (9_036_000, *timer[1:])), BANDS).agrees


def test_what_is_late_because_the_script_came_late_is_no_deviation() -> None:
    def run(script_us: int) -> Trace:
        return trace_of((script_us, "script.set.FIRE", 1), (script_us + 400_000, "device.event.MODE_CHANGED", 1))

    result = compare(run(3_000_000), run(3_900_000), BANDS)
    assert (result.outcome, result.deviations[-1].max_us) == (Outcome.WITHIN_BAND, 0)


def test_what_comes_at_its_own_time_is_no_deviation_when_the_script_is_late() -> None:
    def run(script_us: int) -> Trace:
        return trace_of((script_us, "script.set.FIRE", 1), (5_000_000, "field.passed", 1))

    assert compare(run(3_000_000), run(3_900_000), BANDS).deviations[-1].max_us == 0


def test_what_is_late_because_its_cause_came_late_is_no_deviation() -> None:
    def run(input_us: int) -> Trace:
        edge = (input_us, "device.in.LIMIT_OPEN", 1)
        return trace_of((1_000_000, "script.set.FIRE", 0), edge, (input_us + 9_000, "device.out.MOTOR_OPEN", 1, 1))

    result = compare(run(5_000_000), run(5_100_000), BANDS)
    assert [(item.kind, item.max_us) for item in result.deviations] == [(Kind.REACTION, 0), (ALL, 0)]


def test_what_is_polled_over_a_noisy_bus_may_come_later() -> None:
    def run(state_us: int, *more: Row) -> Trace:
        return trace_of((4_000_000, "fault.bus_loss", 50), *more, (state_us, "device.event.PASSED", 1))

    assert compare(run(5_000_000), run(6_900_000), BANDS).agrees
    assert not compare(run(5_000_000), run(7_100_000), BANDS).agrees
    repaired = (4_500_000, "fault.bus_loss", 0)
    assert not compare(run(5_000_000, repaired), run(6_900_000, repaired), BANDS).agrees


def test_a_device_that_has_just_started_may_be_later() -> None:
    def run(ready_us: int, *more: Row) -> Trace:
        return trace_of(*more, (ready_us, "device.out.WARNING_LAMP", 1))

    assert compare(run(900_000), run(1_800_000), BANDS).agrees
    assert not compare(run(5_000_000), run(5_400_000), BANDS).agrees
    boot = (4_500_000, "device.event.BOOT", 1)
    assert compare(run(5_000_000, boot), run(5_400_000, boot), BANDS).agrees
    assert not compare(run(6_600_000, boot), run(7_000_000, boot), BANDS).agrees


def test_what_a_device_shows_before_its_start_is_told_may_be_later_too() -> None:
    def run(seen_us: int, told_us: int) -> Trace:
        return trace_of((seen_us, "device.state", 0), (seen_us + told_us, "device.event.BOOT", 1))

    assert compare(run(5_000_000, 200_000), run(5_700_000, 200_000), BANDS).agrees
    assert not compare(run(5_000_000, 700_000), run(5_700_000, 700_000), BANDS).agrees


def test_an_output_that_follows_an_input_by_chance_is_no_reaction() -> None:
    pressed = (3_000_000, "device.in.LOCAL_OPEN", 1)
    left = trace_of(pressed, (7_000_000, "device.in.LOCAL_OPEN", 1), (7_010_000, "device.out.LOOP_TEST", 1, 1))
    right = trace_of(pressed, (7_060_000, "device.out.LOOP_TEST", 1, 0), (7_100_000, "device.in.LOCAL_OPEN", 1))
    assert [item.kind for item in compare(left, right, BANDS).deviations] == [Kind.OUTPUT, ALL]


def test_a_quantity_may_differ_by_its_band_and_no_more() -> None:
    def run(silence_ms: int) -> Trace:
        return trace_of((5_000_000, "device.event.HUB_BACK", silence_ms))

    assert compare(run(3000), run(3460), BANDS).agrees
    assert _differs_on(compare(run(3000), run(3461), BANDS)) == "device.event.HUB_BACK"
    assert compare(run(60_000), run(60_600), BANDS).agrees  # 1 % of a long one


def test_what_one_target_came_to_and_the_other_only_after_the_end_is_no_difference() -> None:
    last = (19_600_000, "device.out.LOOP_TEST", 1)
    assert compare(opening(0, last), opening(), BANDS).agrees
    assert not compare(opening(0, (19_400_000, *last[1:])), opening(), BANDS).agrees


def test_a_visit_near_the_settle_time_may_count_on_one_side_and_not_on_the_other() -> None:
    def run(stays_us: int) -> Trace:
        return trace_of(
            (0, "device.lights", 1), (5_000_000, "device.lights", 3), (5_000_000 + stays_us, "device.lights", 1)
        )

    assert compare(run(1_450_000), run(1_550_000), BANDS).agrees
    assert not compare(run(1_450_000), run(2_500_000), BANDS).agrees


def test_a_lamp_may_be_dark_while_its_device_starts() -> None:
    red: tuple[Row, ...] = ((0, "device.out.LIGHT_RED", 1),)
    dark = (*red, (9_000_000, "device.out.LIGHT_RED", 0), (10_300_000, "device.out.LIGHT_RED", 1))
    boot = (10_320_000, "device.event.BOOT", 1)
    assert compare(trace_of(*red, boot), trace_of(*dark, boot), BANDS).agrees
    assert not compare(trace_of(*red), trace_of(*dark), BANDS).agrees


def test_what_a_vehicle_has_a_say_in_may_wait_for_its_next_word() -> None:
    def start(late_us: int) -> Trace:
        trace = Trace({"device": "charging_post"})
        trace.end_us = 20_000_000
        trace.add(TraceEvent(3_000_000, "bus", "command.START", 0))
        trace.add(TraceEvent(3_017_000 + late_us, "device", "out.ARM_EXTEND", 1, 0))
        return trace

    within = compare(start(0), start(100_000), BANDS)
    assert [(each.kind, each.max_us, each.allowed_us) for each in within.deviations[:1]] == [
        ("reaction", 100_000, 130_000)
    ]
    assert _differs_on(compare(start(0), start(131_000), BANDS)) == "device.out.ARM_EXTEND"


def test_a_post_that_is_stopped_asks_no_vehicle() -> None:
    def stop(late_us: int) -> Trace:
        trace = Trace({"device": "charging_post"})
        trace.end_us = 20_000_000
        trace.add(TraceEvent(1_000_000, "device", "out.MODULE_ENABLE", 1))
        trace.add(TraceEvent(9_000_000, "device", "in.EMERGENCY_STOP_OK", 0))
        trace.add(TraceEvent(9_010_000 + late_us, "device", "out.MODULE_ENABLE", 0, 1))
        return trace

    assert compare(stop(0), stop(15_000), BANDS).agrees
    assert _differs_on(compare(stop(0), stop(125_000), BANDS)) == "device.out.MODULE_ENABLE"


def test_what_polling_saw_on_one_side_alone_parts_no_visit() -> None:
    whole = [(1_000_000, "device.presence", 1), (3_900_000, "device.presence", 0)]
    parted = [*whole[:1], (2_300_000, "device.presence", 0), (2_500_000, "device.presence", 1), *whole[1:]]
    again = [(9_000_000, "device.presence", 1), (12_000_000, "device.presence", 0)]
    start: Row = (0, "device.presence", 0)
    for one, other in ((whole, parted), ([*whole, *again], [*parted, *again])):
        assert compare(trace_of(start, *one), trace_of(start, *other), BANDS).agrees
        assert compare(trace_of(start, *other), trace_of(start, *one), BANDS).agrees
    assert not compare(trace_of(start, *whole, *again), trace_of(start, *parted), BANDS).agrees
    late = [(at_us + 500_000, name, value) for at_us, name, value in again]
    assert not compare(trace_of(start, *whole, *again), trace_of(start, *parted, *late), BANDS).agrees


@pytest.mark.parametrize(("on_us", "off_us"), [(1_000_000, 1_000_000), (2_600_000, 2_200_000)])
def test_a_level_that_comes_and_goes_is_none_that_stays(on_us: int, off_us: int) -> None:
    steady = [(5_000_000, "device.presence", 1), (20_000_000, "device.presence", 0)]
    starts = range(5_000_000, 20_000_000 - off_us, on_us + off_us)
    comes = [(at, "device.presence", 1) for at in starts]
    goes = [(at + on_us, "device.presence", 0) for at in starts]
    flickers = trace_of((0, "device.presence", 0), *sorted(comes + goes), end_us=30_000_000)
    assert _differs_on(compare(trace_of((0, "device.presence", 0), *steady, end_us=30_000_000), flickers, BANDS))


def test_a_gap_that_leaves_a_part_too_short_on_one_side_parts_no_visit() -> None:
    def run(first_us: int) -> Trace:
        begun_us = 24_200_000 - first_us
        rows = [(begun_us, 1), (24_200_000, 0), (24_600_000, 1), (28_000_000, 0)]
        return trace_of((0, "device.presence", 0), *((at, "device.presence", on) for at, on in rows), end_us=40_000_000)

    assert compare(run(1_503_000), run(1_424_000), BANDS).agrees
    assert not compare(run(1_503_000), run(1_100_000), BANDS).agrees


def test_host_and_vm_are_exact_and_so_is_a_target_with_itself_unless_it_is_a_board() -> None:
    assert bands_between("host", "vm") is None
    assert bands_between("rp2040", "rp2040") is None
    assert bands_between("host", "rp2040") == Bands()
    assert bands_between("board", "board") is not None


def test_a_scenario_may_have_bands_of_its_own() -> None:
    bands = bands_between("host", "rp2040", {"reaction": 10_000})
    assert bands is not None
    assert bands.times_us == {**TIMES_US, Kind.REACTION: 10_000}
    assert not compare(opening(), opening(11_000), bands).agrees


def test_what_cannot_be_compared_says_why() -> None:
    assert not_comparable("another seed").describe("a", "b") == "NOT COMPARABLE: another seed"
    assert not not_comparable("another seed").agrees


def test_a_comparison_for_machines_has_the_events_and_the_distances() -> None:
    told = compare(opening(), opening(36_000), BANDS).as_dict("host", "rp2040")
    assert told["outcome"] == "DIVERGED"
    assert told["divergence"]["channel"] == "device.out.MOTOR_OPEN"
    assert told["divergence"]["left"]["text"] == "on"
    assert told["divergence"]["right"]["t_us"] == 3_091_000
    assert told["divergence"]["apart_us"] == 36_000


@settings(derandomize=True)
@given(traces())
def test_a_trace_is_equal_to_itself_and_within_any_band_of_itself(trace: Trace) -> None:
    assert compare(trace, trace).equal
    result = compare(trace, trace, BANDS)
    assert result.outcome is Outcome.WITHIN_BAND
    assert all(item.max_us == 0 for item in result.deviations)


@settings(derandomize=True)
@given(traces(), traces())
def test_a_comparison_comes_to_the_same_from_either_side(left: Trace, right: Trace) -> None:
    assert compare(left, right, BANDS).agrees == compare(right, left, BANDS).agrees


@settings(derandomize=True)
@given(traces(names=("device.out.MOTOR_OPEN", "device.event.PASSED", "field.passed")), st.data())
def test_channels_may_change_places_within_the_band(trace: Trace, data: st.DataObject) -> None:
    shift = {name: data.draw(st.integers(-15_000, 15_000)) for name in {event.name for event in trace}}
    moved = [replace(event, t_us=event.t_us + shift[event.name], cause=-1) for event in trace]
    other = Trace(trace.roles)
    other.end_us = trace.end_us
    for event in sorted(moved, key=_instant):
        other.add(event)
    assert compare(trace, other, BANDS).agrees


def _instant(event: TraceEvent) -> int:
    return event.t_us
