"""The barrier's model against the barrier: what it leaves out or merges is held against the real core."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.control.barrier_inputs import BarrierInputs
from firmware.control.barrier_memory import MOTOR_CLOSES, MOTOR_OFF, MOTOR_OPENS, TIMER_PAUSE, TIMER_SETTLE
from firmware.proofs import barrier, barrier_model
from hil.command import main as hil_main
from hil.explore.engine import Report, verify
from hil.explore.model import Model
from hil.explore.relation import System
from hil.suite.result import EXIT_FAILED, EXIT_PASSED
from protocols.quality import BAD, GOOD, UNCERTAIN
from protocols.registers import barrier as reg
from tests.firmware.control.barrier_bench import IDLE_INPUTS, BarrierBench
from tests.hil.explore.barrier_mutants import seed

QUALITIES = (GOOD, UNCERTAIN, BAD)
CAUSES = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from(QUALITIES)), min_size=reg.IN_COUNT, max_size=reg.IN_COUNT
)


def quiet(text: str) -> None:
    """Progress nobody reads."""


def only(model: Model, *ids: str) -> Model:
    model.properties = [each for each in model.properties if each.id in ids]
    model.liveness = []
    assert len(model.properties) == len(ids)
    return model


def held(report: Report) -> dict[str, Any]:
    return {each["id"]: each["holds"] for each in report.properties}


@given(CAUSES, st.integers(0, 1), st.integers(0, 2))
def test_each_input_is_judged_by_itself(causes: list[tuple[int, int]], fitted: int, edge: int) -> None:
    settings = [0] * reg.SETTING_COUNT
    settings[reg.SET_EXIT_LOOP_FITTED], settings[reg.SET_EDGE_MONITORING] = fitted, edge
    together = BarrierInputs()
    together.read([value for value, _ in causes], [quality for _, quality in causes], settings)
    wanted: dict[str, int] = {}
    flags: set[str] = set()
    for index, (value, quality) in enumerate(causes):
        alternative = barrier_model._judge(index, value, quality, fitted, edge)
        wanted |= alternative.sets
        flags |= alternative.flags
        known = [(each.sets, each.flags) for each in barrier_model._alternatives(index)]
        assert (alternative.sets, alternative.flags) in known
    for index in range(reg.IN_COUNT):
        assert wanted[f"in.{index}"] == together.values[index]
    for bit in range(4):
        assert wanted[f"in.sensors.{bit}"] == together.sensors >> bit & 1
        assert wanted[f"in.sensors_seen.{bit}"] == together.sensors_seen >> bit & 1
    for name in ("contact", "edge_good", "edge_bad"):
        assert wanted[f"in.{name}"] == getattr(together, name)
    assert flags == {f"in.{name}" for name in ("bad", "uncertain") if getattr(together, name)}


def disturb(bench: BarrierBench, chance: random.Random) -> None:
    """One of the things that happen at a gate."""
    inputs = bench.core.inputs
    index = chance.choice((reg.IN_FIRE, reg.IN_MAINS_OK, reg.IN_LOCAL_MODE, reg.IN_LOCAL_OPEN, reg.IN_LOCAL_CLOSE,
                           reg.IN_STOP_CHAIN_OK, reg.IN_MANUAL_RELEASED, reg.IN_ENTRY_LOOP))  # fmt: skip
    kind = chance.randrange(5)
    if kind < 2:
        bench.core.request_opcode = chance.choice(barrier_model._OPCODES)
    elif kind == 2:
        inputs[index] ^= 1
    elif kind == 3:
        bench.loop_occupied = not bench.loop_occupied
        inputs[reg.IN_SAFETY_LOOP] = int(bench.loop_occupied)
    else:
        bench.edge_pressed = not bench.edge_pressed
        inputs[reg.IN_EDGE_OK] = int(not bench.edge_pressed)


def put_right(bench: BarrierBench) -> None:
    """Everything is well again, and somebody says so."""
    for index in range(reg.IN_COUNT):
        bench.core.inputs[index] = int(index in IDLE_INPUTS)
    bench.loop_occupied = bench.edge_pressed = False
    bench.core.request_opcode = reg.OP_CLEAR_FAULTS


def told_by(bench: BarrierBench) -> tuple[Any, ...]:
    core = bench.core
    faults = core.status[reg.ST_FAULTS]
    return (list(core.outputs), core.health, core.reasons, core.request_result, bench.state(), faults)


def perturb(core: Any, chance: random.Random) -> None:
    """Give every field that the model says nobody asks for in this state another value."""
    memory, deadlines = core.memory, core.timers.deadlines
    memory.presence ^= chance.choice((0, 1 << reg.PRESENCE_ENTRY_LOOP, 1 << reg.PRESENCE_BRIDGED))
    under = (reg.PRESENCE_SAFETY_LOOP, reg.PRESENCE_EXIT_LOOP, reg.PRESENCE_LIGHT_CURTAIN)
    if any(memory.presence >> bit & 1 for bit in under):
        memory.presence = memory.presence & ~sum(1 << bit for bit in under) | 1 << chance.choice(under)
    if memory.state != reg.STATE_CLOSING:
        memory.closing_ran ^= 1
    if memory.state in barrier_model._NO_BUTTON_ASKED:
        memory.hold_to_run ^= 1
    if memory.state != reg.STATE_FIRE_OPEN:
        memory.fire_gave_up ^= 1
    if memory.mains_before and memory.state not in barrier_model._AFTER_OVERRIDES:
        memory.power_opening ^= 1
    if memory.motor == MOTOR_OFF and deadlines[TIMER_PAUSE] < 0:
        memory.last_direction = chance.choice((MOTOR_OFF, MOTOR_OPENS, MOTOR_CLOSES))
    for timer in (TIMER_PAUSE, TIMER_SETTLE):
        if memory.motor != MOTOR_OFF:
            deadlines[timer] = chance.choice((-1, -2, (core.timers.now_ms + 5000) & 0x3FFFFFFF))
        elif deadlines[timer] < 0:
            deadlines[timer] = chance.choice((-1, -2))


@pytest.mark.parametrize("number", range(6))
def test_fields_nobody_asks_for_change_nothing(number: int) -> None:
    """Two cores see the same; one has such fields changed after every scan. What leaves them stays the same."""
    chance, other = random.Random(number), random.Random(number + 100)
    bench, twin = BarrierBench(), BarrierBench()
    states = set()
    for _ in range(6000):
        if chance.random() < 0.02:
            disturb(bench, chance)
        bench.now_ms += 10
        bench.follow(10)
        twin.core.inputs[:] = bench.core.inputs
        twin.core.request_opcode, twin.now_ms = bench.core.request_opcode, bench.now_ms
        bench.scan()
        twin.scan()
        assert told_by(twin) == told_by(bench)
        states.add(bench.state())
        perturb(twin.core, other)
        if chance.random() < 0.01:
            put_right(bench)
    assert len(states) >= 6


def test_the_model_follows_the_core_on_every_way_through_its_code() -> None:
    """An attribute that no field stands for, or a write that the model says cannot be, is told here."""
    model = barrier.build()
    system = System(model)
    system.find_paths([each.holds for each in model.properties])
    assert all(stage.paths for stage in system.stages)
    assert sum(len(stage.paths) for stage in system.stages) > 10_000


def test_a_bounded_search_claims_nothing() -> None:
    report = verify(only(barrier.build(), "one-motor", "stop-chain-wins"), quiet, 2)
    assert not report.complete
    assert report.scans == 2
    assert held(report) == {"one-motor": None, "stop-chain-wins": None}


@pytest.mark.long
def test_every_reachable_state_keeps_every_property() -> None:
    report = verify(barrier.build(), quiet)
    assert report.complete
    assert {each: holds for each, holds in held(report).items() if not holds} == {}
    assert len(report.properties) == 20


@pytest.mark.long
def test_a_green_without_limit_is_found_and_its_way_replayed(tmp_path: Any) -> None:
    file = tmp_path / "barrier_green_means_clear.toml"
    with seed("green ignores the limit"):
        report = verify(only(barrier.build(), "green-means-clear"), quiet, 3)
        assert held(report) == {"green-means-clear": False}
        file.write_text(report.violations[0]["scenario"], encoding="utf-8")
        assert hil_main(["run", str(file), "--target", "host"]) == EXIT_FAILED
    assert hil_main(["run", str(file), "--target", "host"]) == EXIT_PASSED


@pytest.mark.long
def test_a_travel_that_outlasts_its_time_is_found() -> None:
    with seed("a travel ends with its state"):
        report = verify(only(barrier.build(), "travel-is-timed"), quiet, 3)
    assert held(report) == {"travel-is-timed": False}
    assert report.violations[0]["scans"] == 2


@pytest.mark.long
def test_an_early_limit_taken_for_open_is_found() -> None:
    with seed("an early limit is believed"):
        report = verify(only(barrier.build(), "early-limit-is-not-open"), quiet, 3)
    assert held(report) == {"early-limit-is-not-open": False}
