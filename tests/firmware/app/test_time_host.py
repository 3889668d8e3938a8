"""Time of every role's device: the wrap of the ticks, a clock that leaps or goes back, a scan late by seconds."""

import random

import pytest

from firmware.app.identity import ROLES
from firmware.app.monotonic import MonotonicTicks
from firmware.app.roles import load_role
from firmware.boards.latch import OutputLatch
from firmware.ports import NullHeap
from protocols.compat import TICKS_MASK, ticks_add
from tests.firmware.fuzz.fuzzed import Inputs, make_device
from tests.firmware.role_rows import row_of

SCAN_MS = 10
HOUR_MS = 3_600_000
_each_role = pytest.mark.parametrize("role", ROLES)


class Clocked:
    """A device on a clock that the test may set; `ran_ms` is the time that truly passed."""

    def __init__(self, role: str, start_ms: int = 0) -> None:
        self.regmap = load_role(role).regmap
        self.row = row_of(role)
        self.inputs = Inputs()
        self.device = make_device(role, 1, self.inputs, NullHeap())
        self.row.quiet(self.regmap, self.inputs.values, self.inputs.quality)
        self.now_ms = start_ms
        self.ran_ms = 0
        self.feeds = 0
        self.device.board.watchdog.feed = self._feed

    @property
    def outputs(self) -> list[int]:
        return self.device.board.output_port.values

    @property
    def shown(self) -> list[object]:
        core = self.device.core
        return [list(self.outputs), list(core.status), core.health, self.device.hub.alive, self.device.ring.head]

    def run(self, duration_ms: int) -> list[list[object]]:
        trace = []
        for _ in range(duration_ms // SCAN_MS):
            self.poll()
            trace.append(self.shown)
            self.pass_time(SCAN_MS)
        return trace

    def poll(self) -> None:
        self.device.poll(self.now_ms, self.now_ms * 1000 & TICKS_MASK)

    def pass_time(self, duration_ms: int) -> None:
        self.ran_ms += duration_ms
        self.jump(duration_ms)
        self.row.feed(self.regmap, self.inputs.values, self.ran_ms)

    def jump(self, distance_ms: int) -> None:
        self.now_ms = ticks_add(self.now_ms, distance_ms)

    def _feed(self) -> None:
        self.feeds += 1


@_each_role
@pytest.mark.parametrize("before_ms", [5, 3000, 9000])
def test_the_wrap_of_the_ticks_changes_nothing(role: str, before_ms: int) -> None:
    assert Clocked(role, 2**30 - before_ms).run(12_000) == Clocked(role).run(12_000)


@_each_role
def test_a_clock_that_goes_back_counts_as_no_time_and_everything_goes_on(role: str) -> None:
    device, usual = Clocked(role, 2 * HOUR_MS), Clocked(role, 2 * HOUR_MS)
    device.run(6000)
    usual.run(6000)
    device.jump(-HOUR_MS - SCAN_MS)
    fed = device.feeds
    device.poll()
    device.jump(SCAN_MS)
    assert device.run(4000) == usual.run(4000)
    assert not device.device.hub.alive, "the hub's silence goes on to be counted"
    assert device.feeds - fed >= 4000 // SCAN_MS, "the scan goes on, and with it the watchdog is fed"


@_each_role
def test_a_clock_that_leaps_forward_ends_every_deadline_and_the_device_goes_on(role: str) -> None:
    device = Clocked(role)
    device.run(6000)
    calm = list(device.outputs)
    device.jump(HOUR_MS)
    device.poll()
    assert not device.device.hub.alive
    assert device.device.schedule.overruns == 1
    moving = load_role(role).moving
    assert [device.outputs[index] for index in moving] == [calm[index] for index in moving]
    fed = device.feeds
    device.run(2000)
    assert device.feeds - fed >= 2000 // SCAN_MS - 1
    assert device.device.schedule.overruns == 1, "the grid begins anew at the leap"


@_each_role
@pytest.mark.parametrize("late_ms", [400, 5000, 60_000])
def test_a_scan_that_is_late_finds_its_outputs_safe_and_says_so(role: str, late_ms: int) -> None:
    device = Clocked(role)
    device.run(6000)
    latch = device.device.board.output_port
    assert isinstance(latch, OutputLatch)
    device.pass_time(late_ms)
    assert latch.expire(device.now_ms), "whatever still turns drives the safe outputs"
    safe = [0] * device.regmap.OUT_COUNT
    device.device.core.safe_outputs(safe)
    assert latch.values == safe
    device.poll()
    assert device.device.schedule.overruns == 1
    assert device.device.hub.alive == (late_ms < 5000 and device.ran_ms < 3000)
    device.run(1000)
    assert device.device.schedule.overruns == 1


@_each_role
def test_no_clock_however_wild_raises_or_stops_the_scan(role: str) -> None:
    rng = random.Random(3)
    device = Clocked(role)
    for _ in range(2000):
        device.row.feed(device.regmap, device.inputs.values, device.ran_ms)
        device.device.poll(rng.randrange(2**30), rng.randrange(2**30))
    device.now_ms = 2**29
    scans = device.device.schedule.count
    device.run(1000)
    assert device.device.schedule.count - scans >= 1000 // SCAN_MS - 1


def test_outputs_written_in_the_future_are_safe_until_the_next_write() -> None:
    latch = OutputLatch()
    latch.define_safe([0, 1])
    latch.write([1, 0], 5000)
    assert not latch.expire(5000)
    assert latch.expire(4999)
    assert latch.values == [0, 1]
    latch.write([1, 0], 4999)
    assert not latch.expire(5000)


def test_ticks_go_on_from_where_they_were_set_back() -> None:
    ticks = MonotonicTicks()
    readings = [2**30 - 10, 5, 15, 2**30 - 100, 2**30 - 90, 0]
    assert [ticks.follow(now) for now in readings] == [2**30 - 10, 5, 15, 15, 25, 115]
    assert ticks.setbacks == 1
