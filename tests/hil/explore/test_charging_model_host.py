"""What the charging post's model leaves out or merges, held against the real core: no reduction rests on its words."""

from __future__ import annotations

import ast
import inspect
import random
import struct
import sys
import textwrap
from collections.abc import Iterator
from copy import deepcopy
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from firmware.control import charging_post_inputs as image
from firmware.control.charging_post import ChargingPost
from firmware.control.charging_post_faults import PostFaults
from firmware.control.charging_post_inputs import PostInputs
from firmware.control.charging_post_memory import COUNTERS
from firmware.control.charging_post_module import ModuleLine
from firmware.control.charging_post_power import PostPower
from firmware.control.charging_post_states import PostStates
from firmware.control.charging_post_watch import PostWatch
from firmware.proofs import charging_post as proof
from hil.command import main as hil_main
from hil.explore.bdd import FALSE
from hil.explore.bench_file import scenario_name
from hil.explore.claims import Alternative
from hil.explore.engine import Report, compile_system, verify
from hil.explore.liveness import states_without_way
from hil.explore.model import Model, SilentRing
from hil.explore.search import Search
from hil.explore.values import FREE, UNWATCHED
from hil.suite.result import EXIT_FAILED, EXIT_PASSED
from protocols.quality import BAD, GOOD, UNCERTAIN
from protocols.registers import charging_post as reg
from tests.firmware.control.charging_post_bench import TICKS_MASK, PostBench, PostField, default_settings, fill_healthy

VOLTS = (-300, -50, -49, 0, 49, 50, 51, 100, 455, 456, 457, 480, 504, 505, 506, 575, 576, 582, 583, 700, 20001)
AMPERES = (-700, -10, -9, 0, 9, 10, 11, 29, 30, 49, 50, 51, 300, 500, 560, 561, 700, 20001)
DEGREES = (-400, 0, 250, 449, 450, 451, 500, 549, 550, 551, 599, 600, 650, 700, 750, 800, 850, 900)
CLASSES = (0, 1, 2, 3, 4)
OPCODES = (reg.OP_START,) * 12 + (reg.OP_STOP, reg.OP_RELEASE, reg.OP_LOCK, *(reg.OP_UNLOCK, reg.OP_CLEAR_FAULTS) * 3)


def setting_limits() -> list[tuple[int, int, int]]:
    """Lowest, highest and delivered value of every setting."""
    size = struct.calcsize(">HBBiii")
    return [struct.unpack_from(">HBBiii", reg.SETTINGS_TABLE, n * size)[3:6] for n in range(reg.SETTING_COUNT)]


def fields_of(sensed: PostInputs, in_force: list[int]) -> dict[str, int]:
    """What PostInputs made of an image, under the names of the model's fields."""
    found = {f"in.{name}": int(bool(getattr(sensed, name))) for name in proof._FLAGS}
    found |= {f"in.{index}": int(bool(value)) for index, value in enumerate(sensed.values)}
    found |= {f"setting.{reg.SET_ARM_FITTED}": in_force[reg.SET_ARM_FITTED]}
    return found | {"in.limit_a_x10.0": int(sensed.limit_a_x10 != 0)}


def fitting(part: list[Alternative], fields: dict[str, int]) -> list[int]:
    return [n for n, each in enumerate(part) if all(fields[name] == value for name, value in each.sets.items())]


def any_image(rng: random.Random) -> tuple[list[int], list[int], list[int]]:
    """Inputs at and beside every limit, qualities, settings anywhere in their ranges."""
    values = [rng.randrange(2) for _ in range(reg.IN_COUNT)]
    values += [rng.choice(VOLTS), rng.choice(VOLTS), rng.choice(AMPERES), rng.choice(DEGREES), rng.choice(DEGREES)]
    values += [rng.randrange(4), rng.randrange(4), 7, rng.choice(CLASSES)]
    values += [rng.choice(VOLTS), rng.choice(VOLTS), rng.choice(AMPERES), rng.choice(DEGREES), 500]
    quality = [GOOD] * image.INPUT_COUNT
    for _ in range(rng.randrange(4)):
        quality[rng.randrange(image.INPUT_COUNT)] = rng.choice((UNCERTAIN, BAD))
    in_force = [rng.choice((low, usual, usual, usual, high)) for low, high, usual in setting_limits()]
    return values, quality, in_force


PARTS = (proof._arm(), proof._vehicle(), proof._supply(), proof._temperature())


def test_every_reading_of_the_real_inputs_is_one_the_model_searches() -> None:
    rng = random.Random(1)
    sensed = PostInputs()
    for _ in range(10000):
        values, quality, in_force = any_image(rng)
        sensed.read(values, quality, in_force)
        fields = fields_of(sensed, in_force)
        for part in PARTS:
            assert fitting(part, fields), {name: fields[name] for name in part[0].sets}
        assert sensed.limit_a_x10 >= 0  # the model says 0 or any number from 1 on


def read_once(fitted: int, bits: int, plate_v_x10: int, temp_c_x10: int, max_a_x10: int) -> dict[str, int]:
    """The flags of one image: bits are extended, retracted, vehicle, no frame, current."""
    in_force = default_settings()
    in_force[reg.SET_ARM_FITTED] = fitted
    core = ChargingPost(in_force, SilentRing())  # type: ignore[arg-type]
    fill_healthy(core)
    core.inputs[reg.IN_ARM_EXTENDED], core.inputs[reg.IN_ARM_RETRACTED] = bits & 1, bits >> 1 & 1
    core.inputs[reg.IN_VEHICLE_PRESENT] = bits >> 2 & 1
    core.quality[image.IN_VEHICLE_FLAGS] = BAD if bits & 8 else GOOD
    core.inputs[image.IN_PLATE_V], core.inputs[image.IN_POST_TEMP_C] = plate_v_x10, temp_c_x10
    core.inputs[image.IN_VEHICLE_MAX_A] = max_a_x10
    core.inputs[image.IN_CURRENT_A] = 30 if bits & 16 else 0
    sensed = PostInputs()
    sensed.read(core.inputs, core.quality, in_force)
    return fields_of(sensed, in_force)


def test_every_alternative_of_the_model_can_be_brought_about() -> None:
    stop = default_settings()[reg.SET_POST_TEMP_STOP_C_X10]
    seen: list[set[int]] = [set() for _ in PARTS]
    for case in product((0, 1), range(32), (0, 480, 300, 560), (250, stop - 60, stop - 1, stop), (11, 400)):
        fields = read_once(*case)
        for place, part in enumerate(PARTS):
            seen[place].update(fitting(part, fields))
    assert seen == [set(range(len(part))) for part in PARTS]


def walk(seed: int, scans: int) -> Iterator[ChargingPost]:
    """The core after each scan of a charge that is disturbed at random, its field following."""
    rng = random.Random(seed)
    bench = PostBench()
    bench.arrive()
    for number in range(scans):
        if number % 1500 == 0:
            recover(bench)
        if rng.random() < 0.0015:
            disturb(bench, rng)
        if rng.random() < 0.006:
            bench.core.request_opcode = rng.choice(OPCODES)
        if rng.random() < 0.002:
            bench.now_ms = (bench.now_ms + rng.choice((100, 500, 3000))) & TICKS_MASK
        bench.run(10)
        yield bench.core


def recover(bench: PostBench) -> None:
    """Everything is well again, the arm stays where it is."""
    arm_ms = bench.field.arm_ms
    bench.field = PostField()
    bench.field.vehicle, bench.field.arm_ms = True, arm_ms
    fill_healthy(bench.core)
    bench.core.request_opcode = reg.OP_CLEAR_FAULTS


def disturb(bench: PostBench, rng: random.Random) -> None:
    core, field = bench.core, bench.field
    kind = rng.randrange(6)
    if kind == 0:
        core.quality[rng.randrange(image.INPUT_COUNT)] = rng.choice((GOOD, UNCERTAIN, BAD))
    elif kind == 1:
        index = rng.choice((reg.IN_STOP_CHAIN_OK, reg.IN_LOCAL_MODE, reg.IN_PANEL_CLOSED, reg.IN_LOCAL_EXTEND))
        core.inputs[index] = 1 - core.inputs[index]
    elif kind == 2:
        name = rng.choice(("vehicle", "welded", "module_fault", "insulation", "is_full", "vehicle_obeys"))
        setattr(field, name, not getattr(field, name))
    elif kind == 3:
        field.battery_v_x10 = rng.choice((480, 558, 700))
    elif kind == 4:
        core.inputs[rng.choice((image.IN_POST_TEMP_C, image.IN_PLATE_TEMP_C))] = rng.choice(DEGREES)
    else:
        core.hub_alive = 1 - core.hub_alive


def decisions(core: ChargingPost) -> tuple[Any, ...]:
    remembered = {name: value for name, value in vars(core.memory).items() if name not in COUNTERS}
    return remembered, list(core.timers.deadlines), list(core.outputs), core.health, core.reasons


def test_what_the_model_ignores_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the module's setpoints and with nonsense in `_is_settled` and the record every decision is the same."""
    plain = [deepcopy(decisions(core)) for core in walk(1, 9000)]
    assert len({found[0]["state"] for found in plain}) > 15
    monkeypatch.setattr(ModuleLine, "demand", lambda *_: None)
    for core, found in zip(walk(1, 9000), plain, strict=True):
        assert decisions(core) == found
        core._is_settled = core.memory.state % 2 == 0
        for name in COUNTERS:
            if name not in ("mode", "load_breaks"):  # what health shows of these two is searched both ways
                setattr(core.memory, name, core.memory.state * 3)


def test_the_ignored_names_of_a_scan_only_say_whether_it_settled() -> None:
    scan = ast.parse(textwrap.dedent(inspect.getsource(ChargingPost.step))).body[0]
    assert isinstance(scan, ast.FunctionDef)
    for statement in scan.body:
        loaded = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)} & {"state", "driven"}
        if loaded:
            assert isinstance(statement, ast.Assign)
            assert ast.unparse(statement.targets[0]) in ("state", "driven", "self._is_settled")


def seed(monkeypatch: pytest.MonkeyPatch, owner: type, method: str, old: str, new: str) -> None:
    """Change one place in the source of a method of the real core."""
    source = textwrap.dedent(inspect.getsource(getattr(owner, method)))
    assert source.count(old) == 1
    found: dict[str, Any] = {}
    exec(source.replace(old, new), sys.modules[owner.__module__].__dict__, found)
    monkeypatch.setattr(owner, method, found[method])


def verify_only(names: tuple[str, ...], scans: int) -> Report:
    model = proof.build()
    model.properties = [each for each in model.properties if each.id in names]
    model.liveness = []
    return verify(model, lambda text: None, scans)


RETRACT = "self._enter(reg.STATE_RETRACT, self.settings[reg.SET_ARM_MS])"
WELD_CHECK = "self._enter(reg.STATE_WELD_CHECK, self.settings[reg.SET_WELD_CHECK_MS])"
# Property, scans of a shortest way, changes as (class, method, what is changed, into what). Plates without a battery
# take two faults at once: states and power path each ask for the battery. So does the heartbeat, whose way needs a
# vehicle's time-out that ends with the contactor's time.
FAULTS = (
    (
        "opens-without-current",
        13,
        ((PostPower, "_set_contactor", "RAMP_DOWN) and inputs.current_zero", "RAMP_DOWN)"),),
    ),
    (
        "plates-need-battery",
        10,
        (
            (PostPower, "is_battery_seen", "inputs.matches", "True"),
            (PostWatch, "_why_vehicle_ends", "not inputs.matches", "False"),
        ),
    ),
    (
        "insulation-stops",
        12,
        ((PostFaults, "_power_cause", "not values[reg.IN_IMD_OK] or not values[reg.IN_IMD_READY]", "False"),),
    ),
    (
        "heartbeat-stops",
        12,
        (
            (PostPower, "is_battery_seen", "self.timers.is_running(TIMER_VEHICLE)", "True"),
            (PostWatch, "_why_vehicle_ends", "not self.timers.is_running(TIMER_VEHICLE)", "False"),
        ),
    ),
    (
        "no-current-ends",
        14,
        ((PostFaults, "_power_cause", "self.timers.is_done(TIMER_SUPPLY)", "False"),),
    ),
    ("weld-checked", 2, ((PostStates, "_contactor_open", WELD_CHECK, RETRACT),)),
)


@pytest.mark.long
@pytest.mark.parametrize(("name", "scans", "changes"), FAULTS)
def test_a_fault_seeded_into_the_core_is_found_by_a_shortest_way_that_the_bench_replays(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    scans: int,
    changes: tuple[tuple[type, str, str, str], ...],
) -> None:
    file = tmp_path / f"{scenario_name('charging_post', name)}.toml"
    with monkeypatch.context() as broken:
        for change in changes:
            seed(broken, *change)
        report = verify_only((name,), scans)
        assert [each["holds"] for each in report.properties] == [False]
        way = report.violations[0]["path"]
        assert way[0]["memory.state"] == reg.STATE_RAMP_DOWN  # from power-up
        assert len(way) == scans
        file.write_text(report.violations[0]["scenario"], encoding="utf-8")
        assert hil_main(["run", str(file), "--target", "host"]) == EXIT_FAILED
        assert verify_only((name,), scans - 1).violations == []
    assert hil_main(["run", str(file), "--target", "host"]) == EXIT_PASSED


@pytest.mark.long
def test_a_search_that_is_cut_short_claims_nothing() -> None:
    model = proof.build()
    model.liveness = []
    report = verify(model, lambda text: None, scans_max=6)
    assert not report.complete
    assert {each["holds"] for each in report.properties} == {None}


@pytest.mark.long
def test_everything_reachable_has_every_property_and_holds_every_state_of_a_real_walk() -> None:
    """The whole search; then each state that walks of the plain core come to is one that was found."""
    plain = [
        vars(core.memory) | {"timers": list(core.timers.deadlines)} for s in range(2, 62) for core in walk(s, 12000)
    ]
    model = proof.build()
    system = compile_system(model, lambda text: None)
    search = Search(system, model.properties, lambda text: None)
    result = search.run()
    assert result.complete
    assert result.failed == {}
    assert [states_without_way(search, each) for each in model.liveness] == [0, 0]
    points = {state_of(model, found) for found in plain}
    assert len(points) > 200
    for point in points:
        literals: dict[int, int] = {}
        for name, code in point:
            literals |= system.literals(model.fields[name], code)
        assert system.bdd.conj(search.reached, system.bdd.cube(literals)) != FALSE, dict(point)


def remembered(core: ChargingPost) -> dict[str, Any]:
    return vars(core.memory) | {"timers": list(core.timers.deadlines)}


def state_of(model: Model, found: dict[str, Any]) -> frozenset[tuple[str, int]]:
    """A remembered state as the codes of the model's fields."""
    codes = []
    for name in model.initial:
        item = model.fields[name]
        if item.kind in (UNWATCHED, FREE):
            continue
        scope, _, attribute = name.partition(".")
        value = found["timers"][model.timer_names.index(attribute)] if scope == "timer" else found[attribute]
        codes.append((name, item.codes[value] if value in item.codes else item.codes["unknown"]))
    return frozenset(codes)
