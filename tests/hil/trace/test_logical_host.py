"""The logical trace holds what must be the same on every target, and nothing else."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.rig.bench_rig import BenchRig
from hil.scenarios.load import load_scenario
from hil.scenarios.model import BenchScenario
from hil.suite.choice import find_scenario
from hil.targets.host import HostDevice, HostTarget
from hil.targets.target import Device, Provision, SteppedTarget, StepResult
from hil.trace.bands import Bands
from hil.trace.classes import FLASH_US, OF_THE_TARGET, SETTLE_US, bits_of
from hil.trace.compare import compare
from hil.trace.event import Trace, TraceEvent
from hil.trace.logical import GUARD_US, channels_of, logical_digest, logical_text, settled
from hil.trace.outcome import Outcome
from tests.hil.trace.traces import END_US, INFORMATIVE_NAMES, opening, trace_of, traces


def test_the_text_has_a_line_for_every_channel_with_its_values() -> None:
    assert logical_text(opening()) == (
        "device.event.STATE_CHANGED: 3 4\n"
        "device.out.MOTOR_OPEN: 1 0\n"  # off before the device drives it
        "device.state: 4\n"  # polled: what it was in the end
    )


def test_lateness_does_not_change_the_digest_and_a_value_or_a_happening_does() -> None:
    assert logical_digest(opening()) == logical_digest(opening(40_000))
    for more in ((9_000_000, "device.out.MOTOR_OPEN", 1), (9_000_000, "device.event.PASSED", 1)):
        assert logical_digest(opening(0, more)) != logical_digest(opening())


@pytest.mark.parametrize(("stays_us", "values"), [(SETTLE_US - 1, [2, 4]), (SETTLE_US, [2, 3, 4])])
def test_a_level_that_does_not_stay_is_left_out(stays_us: int, values: list[int]) -> None:
    trace = trace_of((0, "device.state", 2), (5_000_000, "device.state", 3), (5_000_000 + stays_us, "device.state", 4))
    assert [visit.value for visit in settled(channels_of(trace)["device.state"])] == values


def test_what_is_left_when_a_short_visit_is_gone_is_one_visit() -> None:
    trace = trace_of((0, "device.state", 2), (5_000_000, "device.state", 3), (5_000_100, "device.state", 2))
    assert [visit.value for visit in settled(channels_of(trace)["device.state"])] == [2]


def test_the_digest_holds_what_a_level_was_half_a_second_before_the_end() -> None:
    closed, late = (0, "device.state", 2), (END_US - GUARD_US + 1, "device.state", 3)
    assert logical_text(trace_of(closed, late)) == "device.state: 2\n"
    assert logical_text(trace_of(closed, (late[0] - 1, *late[1:]))) == "device.state: 3\n"


def test_a_flashing_lamp_is_what_it_was_before_and_after() -> None:
    flashes = [(4_000_000 + n * (FLASH_US - 1), "device.out.WARNING_LAMP", 1 - n % 2) for n in range(7)]
    trace = trace_of((0, "device.out.WARNING_LAMP", 0), *flashes)
    assert logical_text(trace) == "device.out.WARNING_LAMP: 1\n"


def test_the_digest_holds_what_the_lamps_of_a_device_that_starts_again_are_in_the_end() -> None:
    lit, boot = (0, "device.out.LIGHT_RED", 1), (9_000_000, "device.event.BOOT", 1)
    dark = [(7_000_000, "device.out.LIGHT_RED", 0), (8_580_000, "device.out.LIGHT_RED", 1)]
    at_first = (50_000, "device.event.BOOT", 1)
    assert logical_digest(trace_of(lit, boot)) == logical_digest(trace_of(lit, *dark, boot))
    assert logical_digest(trace_of(lit, at_first)) != logical_digest(trace_of(lit, at_first, *dark))
    assert logical_digest(trace_of(lit, boot)) != logical_digest(trace_of(lit, dark[0], boot))
    out = (7_000_000, "device.out.MOTOR_OPEN", 1), (8_580_000, "device.out.MOTOR_OPEN", 0)
    assert logical_digest(trace_of(boot)) != logical_digest(trace_of(*out, boot))


def test_each_bit_is_a_channel_so_that_it_does_not_matter_which_came_in_which_poll() -> None:
    at_once = trace_of((0, "device.faults", 0), (5_000_000, "device.faults", 0b101))
    one_by_one = trace_of((0, "device.faults", 0), (5_000_000, "device.faults", 1), (5_126_000, "device.faults", 0b101))
    assert logical_digest(at_once) == logical_digest(one_by_one)
    assert "device.faults.TRAVEL_TIMEOUT: 1\n" in logical_text(at_once)


def test_a_bit_stays_while_others_come_and_go() -> None:
    changes = [(n * 1_000_000, "device.faults", 1 | (n % 2) << 1) for n in range(1, 9)]
    trace = trace_of(*changes, (9_000_000, "device.faults", 0))
    assert [visit.value for visit in settled(channels_of(trace)["device.faults.TRAVEL_TIMEOUT"])] == [1, 0]


def test_that_the_target_is_slow_is_no_decision() -> None:
    slow = trace_of((0, "device.reasons", 0), (5_000_000, "device.reasons", 1 << 5))
    assert logical_text(slow) == logical_text(trace_of((0, "device.reasons", 0)))
    assert "SCAN_OVERRUN" not in logical_text(slow)


def test_events_that_name_a_bit_have_no_order_among_each_other() -> None:
    one, other = (5_000_000, "device.event.FAULT_RAISED", 1), (5_000_000, "device.event.FAULT_RAISED", 3)
    assert logical_digest(trace_of(one, other)) == logical_digest(trace_of(other, one))
    assert logical_digest(trace_of(one, other)) != logical_digest(trace_of(one))


def test_what_begins_just_before_the_end_is_left_out() -> None:
    last_us = END_US - GUARD_US
    assert logical_text(trace_of((last_us, "device.out.MOTOR_OPEN", 1))) == "device.out.MOTOR_OPEN: 1\n"
    assert logical_text(trace_of((last_us + 1, "device.out.MOTOR_OPEN", 1))) == ""


def test_a_quantity_counts_as_a_happening() -> None:
    assert logical_text(trace_of((5_000_000, "device.event.HUB_BACK", 3012))) == "device.event.HUB_BACK: ~\n"


@settings(derandomize=True)
@given(traces(), st.data())
def test_informative_events_do_not_change_the_digest(trace: Trace, data: st.DataObject) -> None:
    more = Trace(trace.roles)
    more.end_us = trace.end_us
    for event in trace:
        if data.draw(st.booleans()):
            source, channel = data.draw(st.sampled_from(INFORMATIVE_NAMES)).split(".", 1)
            more.add(TraceEvent(event.t_us, source, channel, data.draw(st.integers(0, 99))))
        more.add(event)
    assert logical_digest(more) == logical_digest(trace)


@settings(derandomize=True)
@given(traces())
def test_the_order_of_channels_at_one_instant_does_not_change_the_digest(trace: Trace) -> None:
    order = sorted(range(len(trace)), key=lambda n: (trace.events[n].t_us, trace.events[n].name, n))
    other = Trace(trace.roles)
    other.end_us = trace.end_us
    for index in order:
        other.add(replace(trace.events[index], cause=-1))
    assert logical_digest(other) == logical_digest(trace)


class _Late(HostDevice):
    """Firmware that comes late to every scan, and unevenly so, as on a chip."""

    _steps = 0

    def step(
        self,
        now_us: int,
        inputs: Sequence[int],
        qualities: Sequence[int],
        received: bytes,
        field_received: bytes = b"",
    ) -> StepResult:
        self._steps += 1
        result = super().step(now_us, inputs, qualities, received, field_received)
        return replace(result, wait_us=max(1, result.wait_us) + 1500 + self._steps * 7919 % 2500)


class _LateTarget(HostTarget):
    def start(self, provision: Provision, directory: Path) -> Device:
        return _Late(provision, directory)


@pytest.mark.parametrize(
    "name",
    [
        "barrier_reverses_on_contact",
        "charging_vehicle_falls_silent",
        "rfid_reader_falls_silent",
        "weighbridge_registers_from_an_indicator",
    ],
)
def test_firmware_that_is_late_by_a_few_milliseconds_has_the_same_logical_trace(name: str, tmp_path: Path) -> None:
    traces = [_run(name, target, tmp_path / str(n)) for n, target in enumerate((HostTarget(), _LateTarget()))]
    assert traces[0].digest() != traces[1].digest()
    assert logical_text(traces[0]) == logical_text(traces[1])
    assert compare(*traces, Bands()).outcome is Outcome.WITHIN_BAND


def _run(name: str, target: SteppedTarget, directory: Path) -> Trace:
    scenario = load_scenario(find_scenario(name))
    assert isinstance(scenario, BenchScenario)
    rig = BenchRig(scenario, target, directory)
    rig.run()
    return rig.trace


def test_a_health_that_the_target_alone_is_the_reason_of_is_normal_elsewhere() -> None:
    def run(*levels: tuple[int, int]) -> Trace:
        rows = [
            (at * 3_000_000, f"device.{name}", value)
            for at, level in enumerate(levels)
            for name, value in zip(("health", "reasons"), level, strict=True)
        ]
        return trace_of(*rows)

    tag = bits_of("barrier", "reasons")
    assert tag is not None
    slow = next(1 << bit for symbol, bit in tag.symbols if symbol == OF_THE_TARGET)
    assert logical_text(run((0, 0), (4, slow))) == logical_text(run((0, 0), (0, 0)))
    assert logical_text(run((0, 0), (4, slow | 1))) != logical_text(run((0, 0), (0, 1)))
