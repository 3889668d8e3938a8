"""Long random lives of the charging post against its safety properties, and its arithmetic in 31 bits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.control.charging_post import ChargingPost
from firmware.control.charging_post_inputs import IN_CURRENT_A, IN_PLATE_V, IN_VEHICLE_MAX_A, INPUT_COUNT
from firmware.control.charging_post_memory import SAVE_SIZE, PostMemory
from firmware.control.charging_post_meter import GAP_MAX_MS, PostMeter
from firmware.control.events import EventRing
from protocols.events import SLOT_SIZE
from protocols.registers import charging_post as reg
from tests.firmware.control.charging_post_bench import default_settings, fill_healthy
from tests.firmware.control.charging_post_script import Life, record

SEEDS = range(30)
CHANGES_PER_LIFE = 600
CHARGING = range(reg.STATE_RAMP, reg.STATE_TAPER_END + 1)
ORDER = range(reg.STATE_HANDSHAKE, reg.STATE_RAMP + 1)


class Watcher:
    """Checks the properties of docs/roles/charging_post.md after every scan of a life."""

    def __init__(self, core: ChargingPost) -> None:
        self.core = core
        self.states: set[int] = set()
        self.outputs = list(core.outputs)
        self.state = core.memory.state
        self.set_a_x10 = 0
        self.raised_ms = -1000
        self.came_through: list[int] = []
        self.closings = 0

    def check(self, elapsed_ms: int) -> None:
        core = self.core
        outputs = core.outputs
        self.states.add(core.memory.state)
        self._check_contactor(outputs)
        self._check_power(outputs, elapsed_ms)
        self._check_arm(outputs)
        self._check_order()
        self.outputs = list(outputs)
        self.state = core.memory.state
        self.set_a_x10 = core.memory.set_a_x10

    def _check_contactor(self, outputs: list[int]) -> None:
        seen = bool(self.core.status[reg.ST_PROOFS] & 1 << reg.PROOFS_BATTERY_SEEN)
        closed = outputs[reg.OUT_CONTACTOR]
        zero = self.core.quality[IN_CURRENT_A] < 2 and abs(self.core.inputs[IN_CURRENT_A]) < 10
        if closed != self.outputs[reg.OUT_CONTACTOR]:
            assert zero or (not closed and self.core.memory.state == reg.STATE_ESTOP)
        if closed and not self.outputs[reg.OUT_CONTACTOR]:
            self.closings += 1
            assert seen
            assert self.outputs[reg.OUT_PRECHARGE]
            bus, plate = self.core.status[reg.ST_BUS_V_X10], self.core.status[reg.ST_PLATE_V_X10]
            assert bus * 100 >= plate * 95
        if outputs[reg.OUT_PRECHARGE] or outputs[reg.OUT_MODULE_ENABLE]:
            assert seen

    def _check_power(self, outputs: list[int], elapsed_ms: int) -> None:
        core = self.core
        inputs = core.inputs
        raised = core.memory.set_a_x10 - self.set_a_x10
        if core.memory.set_a_x10:
            assert core.memory.state in CHARGING
            assert core.memory.set_a_x10 <= core.settings[reg.SET_MAX_A_X10]
            assert core.memory.set_a_x10 <= inputs[IN_VEHICLE_MAX_A]
            assert core.memory.set_a_x10 <= core.status[reg.ST_LIMIT_A_X10]
        if raised > 0:
            assert raised <= core.settings[reg.SET_RAMP_A_PER_S_X10] // 10
            assert elapsed_ms - self.raised_ms >= 100
            self.raised_ms = elapsed_ms
        if outputs[reg.OUT_MODULE_ENABLE]:
            assert not core.status[reg.ST_FAULTS]
            assert outputs[reg.OUT_CONTACTOR]
            assert core.memory.state in CHARGING
            for name in ("IMD_OK", "IMD_READY", "CONTACTOR_AUX", "STOP_CHAIN_OK", "STOP_BUTTON_OK", "PANEL_CLOSED"):
                assert self._is_on(getattr(reg, f"IN_{name}")), name
        if not self._is_on(reg.IN_STOP_CHAIN_OK):
            assert not any(outputs[: reg.OUT_LAMP_FAULT])

    def _check_arm(self, outputs: list[int]) -> None:
        core = self.core
        moves = outputs[reg.OUT_ARM_EXTEND] + outputs[reg.OUT_ARM_RETRACT]
        assert moves <= 1
        if moves or outputs[reg.OUT_VEHICLE_RELEASE]:
            assert not outputs[reg.OUT_CONTACTOR]
            assert core.inputs[reg.IN_CONTACTOR_AUX] == 0
            assert core.quality[reg.IN_CONTACTOR_AUX] < 2
            assert core.quality[IN_PLATE_V] < 2
            assert abs(core.inputs[IN_PLATE_V]) < 50
            assert abs(core.inputs[IN_CURRENT_A]) < 10

    def _check_order(self) -> None:
        state = self.core.memory.state
        if state != self.state:
            if state == reg.STATE_RETRACT:
                assert self.state == reg.STATE_WELD_CHECK
            if state == reg.STATE_HANDSHAKE:
                self.came_through = []
            if state in ORDER:
                self.came_through.append(state)
            if state == reg.STATE_RAMP:
                assert self.came_through == list(ORDER)

    def _is_on(self, index: int) -> bool:
        return self.core.inputs[index] != 0 and self.core.quality[index] < 2


def explore(seed: int) -> Watcher:
    life = Life(seed)
    watcher = Watcher(life.core)
    elapsed_ms = 0
    for _ in range(CHANGES_PER_LIFE):
        wait_ms = life.script.change(life.core)
        while True:
            life.scan()
            watcher.check(elapsed_ms)
            left_ms = life.wait(wait_ms)
            elapsed_ms += wait_ms - left_ms
            wait_ms = left_ms
            if wait_ms <= 0:
                break
    return watcher


def test_no_random_life_breaks_a_safety_property_and_together_they_meet_every_state() -> None:
    states: set[int] = set()
    closings = 0
    for seed in SEEDS:
        watcher = explore(seed)
        states |= watcher.states
        closings += watcher.closings
    assert closings > 100
    assert states == set(range(21)), f"not met: {sorted(set(range(21)) - states)}"


@settings(max_examples=15)
@given(seed=st.integers(0, 2**20), extra_ms=st.integers(1, 50))
def test_extra_scans_show_nothing(seed: int, extra_ms: int) -> None:
    assert record(Life(seed), 60) == record(Life(seed, 0, extra_ms), 60)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**20), start_ms=st.integers(2**30 - 20000, 2**30 - 1))
def test_reloading_and_the_wrap_show_nothing(seed: int, start_ms: int) -> None:
    assert record(Life(seed), 60) == record(Life(seed, start_ms, 0, 987654321), 60)


class Small(int):
    """An integer that fails the test when a result leaves MicroPython's small integers of 31 bits."""


def _checked(name: str) -> object:
    def operate(self: int, other: int) -> object:
        value = getattr(int, name)(int(self), int(other))
        if value is NotImplemented or isinstance(value, bool):
            return value
        assert -(2**30) <= value < 2**30, (name, int(self), int(other), value)
        return Small(value)

    return operate


for _operator in ("add", "sub", "mul", "floordiv", "mod", "lshift", "and", "or"):
    for _side in ("__{}__", "__r{}__"):
        setattr(Small, _side.format(_operator), _checked(_side.format(_operator)))


@pytest.mark.parametrize("extreme", [2**30 - 1, -(2**30) + 1, 20000, -20000])
@pytest.mark.parametrize("limit", [3, 4])  # place of min and max in a settings row
def test_arithmetic_of_a_scan_stays_within_31_bits_at_every_extreme(extreme: int, limit: int) -> None:
    import struct

    rows = list(struct.iter_unpack(">HBBiii", reg.SETTINGS_TABLE))
    core = ChargingPost([Small(row[limit]) for row in rows], EventRing(bytearray(SLOT_SIZE), 1))
    for state in range(21):
        for index in range(INPUT_COUNT):
            core.inputs[index] = Small(extreme)
            core.quality[index] = 0
        core.memory.state = state
        core.step(state * 100)
        core.save(bytearray(SAVE_SIZE))


@given(
    voltage=st.sampled_from([1, 9999, 10000, 20000]),
    current=st.sampled_from([1, 7999, 8000, 20000]),
    gaps=st.lists(st.sampled_from([1, 999, 1000, 9999, GAP_MAX_MS, 10**8]), min_size=1, max_size=12),
)
def test_meter_stays_within_31_bits(voltage: int, current: int, gaps: list[int]) -> None:
    meter = PostMeter(PostMemory(reg.STATE_CC, 0), EventRing(bytearray(SLOT_SIZE), 1))
    meter.begin(1)
    for gap in gaps:
        meter.hold(1, Small(voltage), Small(current))
        meter.advance(Small(gap))


@given(st.lists(st.integers(-(2**30), 2**30 - 1), min_size=INPUT_COUNT, max_size=INPUT_COUNT))
def test_no_input_image_raises_or_drives_power_from_rest(values: list[int]) -> None:
    core = ChargingPost(default_settings(), EventRing(bytearray(SLOT_SIZE), 1))
    fill_healthy(core)
    for now_ms in range(0, 500, 10):
        core.step(now_ms)
    core.inputs[:] = values
    for now_ms in range(500, 550, 10):
        core.step(now_ms)
        assert not any(core.outputs[: reg.OUT_MODULE_POWER + 1])
