"""The weighbridge's search: what it finds in a core with a seeded fault, and whether its abstraction hides anything."""

from __future__ import annotations

import inspect
import random
import sys
import textwrap
from typing import Any

import pytest

from firmware.control import calibration, scale, zero
from firmware.control.registration import Registration
from firmware.control.weighbridge import Weighbridge
from firmware.control.weighbridge_commands import WeighbridgeCommands
from firmware.control.weighbridge_drafts import Drafts
from firmware.proofs import weighbridge as proof
from firmware.proofs import weighbridge_classes as classes
from firmware.proofs.weighbridge_classes import (
    D_COUNTS,
    E_KG,
    LIMIT_KG_X10,
    MIN_KG_X10,
    NARROW,
    TRUCK,
    WEIGHTS,
    ZERO,
    Asked,
    Seen,
)
from firmware.proofs.weighbridge_subject import KEPT_NAMES, WeighbridgeSubject, concrete, decisive
from hil.command import main as hil_main
from hil.explore.bench_file import scenario_name
from hil.explore.engine import Report
from hil.explore.explicit import verify_explicit
from hil.explore.halves import halves
from hil.suite.result import EXIT_FAILED, EXIT_PASSED
from protocols.registers import weighbridge as regs
from tests.firmware.control.weighbridge_bench import Bench, started


def run(scans: int, *ids: str) -> Report:
    model = proof.build()[0]
    if ids:
        model.checks = [each for each in model.checks if each.id in ids]
    return verify_explicit(model, lambda text: None, scans)


def seed(monkeypatch: pytest.MonkeyPatch, owner: type, method: str, old: str, new: str) -> None:
    """Change one place in the source of a method of the real core."""
    source = textwrap.dedent(inspect.getsource(getattr(owner, method)))
    assert source.count(old) == 1
    found: dict[str, Any] = {}
    exec(source.replace(old, new), sys.modules[owner.__module__].__dict__, found)
    monkeypatch.setattr(owner, method, found[method])


def test_a_bounded_search_refutes_nothing_and_claims_nothing() -> None:
    report = run(3)
    assert not report.complete
    assert report.states > 100
    assert {each["holds"] for each in report.properties} == {None}


COMMITS = "self.registration.commit(self.ring)"
MODE = "(ok and not memory.second_vehicle)"
# Property, scans of a shortest way, the change.
FAULTS = (
    ("rest", 3, (Registration, "find_refusal", "not scale.is_at_rest()", "False")),
    ("limits", 3, (Registration, "prepare", "not self.is_registrable(weight_kg_x10)", "False")),
    ("limits", 3, (Drafts, "take", "not self.registration.is_registrable(weight_kg_x10)", "False")),
    ("stored-first", 3, (WeighbridgeCommands, "_register", "self.pending = PENDING_RECORD", COMMITS)),
    ("stored-counts", 3, (WeighbridgeCommands, "finish", "if not is_done:", "if False:")),
    ("sound-zero", 2, (Registration, "find_refusal", "faults & ~_HARMLESS or not scale.has_weight()", "False")),
    ("sound-zero", 4, (scale.Scale, "_note_entry", "memory.entry_error = memory.rest_error", "pass")),
    ("sound-zero", 4, (scale.Scale, "has_entry_drift", "memory.is_entered != 0", "False")),
    ("one-vehicle", 4, (Registration, "watch", "memory.beam_broken = 1", "pass")),
    ("one-vehicle", 4, (Registration, "watch", "memory.second_vehicle = 1", "pass")),
    ("legal", 3, (Registration, "prepare", "faults == 0 and scale.front.is_verified", "faults == 0")),
    ("lamp", 1, (Weighbridge, "_publish", "memory.state == regs.STATE_STABLE", "memory.state >= regs.STATE_EMPTY")),
    ("zero-frozen", 3, (scale.Scale, "set_zero", "memory.on_deck", "False")),
    ("zero-frozen", 3, (zero.Zero, "track", "step_max = d_counts // _TRACK_STEP_DIVISOR", "step_max = d_counts")),
    ("zero-frozen", 2, (scale.Scale, "_take_initial_zero", "is_empty and", "")),
)  # fmt: skip


@pytest.mark.parametrize(("name", "scans", "change"), FAULTS)
def test_a_seeded_fault_is_found_by_a_shortest_way(
    monkeypatch: pytest.MonkeyPatch, name: str, scans: int, change: tuple[type, str, str, str]
) -> None:
    seed(monkeypatch, *change)
    report = run(scans, name)
    found = {each["id"]: each for each in report.violations}
    assert found[name]["scans"] == scans
    assert found[name]["path"][-1]["request"]


NO_ZERO = (Registration, "find_refusal", "faults & ~_HARMLESS or not scale.has_weight()", "False")
REPLAYED = (
    ("rest", 3, (Registration, "find_refusal", "not scale.is_at_rest()", "False")),
    ("sound-zero", 2, NO_ZERO),
    ("sound-zero", 4, (scale.Scale, "_note_entry", "memory.entry_error = memory.rest_error", "pass")),
    ("lamp", 1, (Weighbridge, "_publish", "memory.state == regs.STATE_STABLE", "memory.state >= regs.STATE_EMPTY")),
)


@pytest.mark.long
@pytest.mark.parametrize(("name", "scans", "change"), REPLAYED)
def test_a_way_replays_on_the_bench_and_fails_on_the_broken_core_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, name: str, scans: int, change: tuple[type, str, str, str]
) -> None:
    file = tmp_path / f"{scenario_name('weighbridge', name)}.toml"
    with monkeypatch.context() as broken:
        seed(broken, *change)
        file.write_text(run(scans, name).violations[0]["scenario"], encoding="utf-8")
        assert hil_main(["run", str(file), "--target", "host"]) == EXIT_FAILED
    assert hil_main(["run", str(file), "--target", "host"]) == EXIT_PASSED


def test_the_subject_weighs_two_trucks_as_the_core_does() -> None:
    """The first sample after power-up is not at rest; then zero, truck, empty, truck."""
    subject = WeighbridgeSubject()
    state = subject.start()
    counted = 0
    for weight, opcode in ((ZERO, 0), (ZERO, 0), (TRUCK, regs.OP_REGISTER), (ZERO, 0), (TRUCK, regs.OP_REGISTER)):
        state = subject.finish(subject.read(state, Seen(weight, NARROW, weight)), Asked(opcode, 1))
        counted += proof._registers(subject)
    assert counted == 2


def test_every_limit_the_core_compares_with_has_a_class_on_both_sides() -> None:
    kg_x10 = [weight * E_KG * 10 // D_COUNTS for weight in WEIGHTS]
    e_kg_x10 = E_KG * 10
    for limit in (
        -20 * e_kg_x10 - 1,
        -19 * e_kg_x10 - 1,
        18 * e_kg_x10 - 1,
        MIN_KG_X10 - 1,
        LIMIT_KG_X10 - e_kg_x10,
        LIMIT_KG_X10,
    ):
        below = [kg for kg in kg_x10 if kg <= limit]
        assert below
        assert len(below) < len(kg_x10)
    limits = sorted(
        {sum(kg > limit for limit in (-4001, -3801, 3599, 3999, LIMIT_KG_X10 - 200, LIMIT_KG_X10)) for kg in kg_x10}
    )
    assert limits == list(range(7))  # and one between each two
    for off in (
        0,
        1,
    ):  # at rest on the empty deck: drift by the limit or by half of it, followed by the tracking or not
        for step in (0, 100):
            ways = {(4 * (middle - step) > D_COUNTS, 8 * (middle - step) > D_COUNTS) for middle in classes.NEAR}
            assert len(ways) == 3, off
    assert calibration.is_class_iii(80000, E_KG, 100000, 4000000)


def test_the_key_switch_is_not_read_before_the_request() -> None:
    """The search sets it only half-way through a scan."""
    first, _ = halves(Weighbridge.step, "faults = self._find_faults()")
    results = []
    for local in (0, 1):
        bench = started()
        bench.core.inputs[regs.IN_LOCAL_MODE] = local
        first(bench.core, bench.now_ms)
        results.append({**vars(bench.core.memory), "local": 0})
    assert results[0] == results[1]


def test_no_condition_of_registering_reads_a_tare() -> None:
    for tare, opcode in ((0, 0), (425600, regs.OP_TARE), (2000, regs.OP_PRESET_TARE)):
        bench = started()
        bench.drive_on(425670)
        if opcode:
            assert bench.request(opcode, tare) == regs.COMMAND_RESULT_ACCEPTED
        assert bench.request(regs.OP_REGISTER, 1) == regs.COMMAND_RESULT_ACCEPTED
        assert bench.status(regs.ST_REGISTERED_KG_X10) == 425600


# The abstraction against the core: what a real scan does, with real samples, filter and window, the search does too.

LOADS = (0, 0, 60, 90, 2000, 3700, 3900, 4200, 425600, 801700, 801790, 802000, -3900, -4200)
REQUESTS = (
    regs.OP_ZERO,
    regs.OP_REGISTER,
    regs.OP_REGISTER,
    regs.OP_DRAFT,
    regs.OP_FINISH_DRAFTS,
    regs.OP_CANCEL_DRAFTS,
)


def happen(bench: Bench, chance: random.Random) -> None:
    """One of the things that happen at a scale."""
    inputs, settings = bench.core.inputs, bench.settings
    kind = chance.randrange(12)
    if kind < 4:
        bench.load_kg_x10 = chance.choice(LOADS)
    elif kind < 6:
        inputs[regs.IN_FRONT_CLEAR] = 1 - chance.randrange(2)
    elif kind == 6:
        inputs[regs.IN_LOCAL_MODE] ^= chance.randrange(2)
        inputs[chance.choice((regs.IN_LOCAL_ZERO, regs.IN_LOCAL_REGISTER))] ^= 1
    elif kind == 7:
        inputs[regs.IN_SEAL_CLOSED] ^= 1
    elif kind == 8:
        bench.converting = chance.random() < 0.7
    elif kind == 9:
        settings[regs.SET_WEIGHING_MODE] = chance.randrange(2)
    elif kind == 10 and chance.random() < 0.3:
        settings[regs.SET_ZERO_COUNTS] ^= 16
    else:
        bench.raw_counts = chance.choice((None, None, None, 0x7FFFFF))


def ask(bench: Bench, chance: random.Random) -> None:
    core = bench.core
    core.request_opcode, core.request_argument = chance.choice(REQUESTS), chance.choice((1, 1, 2))
    if core.request_opcode == regs.OP_CANCEL_DRAFTS:
        core.request_argument = 0
    bench.store_result = chance.choice((regs.COMMAND_RESULT_ACCEPTED, regs.COMMAND_RESULT_STORE_FAILED))


def witnessed(memory: Any) -> dict[str, int]:
    """The core's memory with witnesses that say what the core says."""
    held = dict(vars(memory))
    beyond = {name: int(4 * abs(held[name]) > D_COUNTS) for name in ("rest_error", "entry_error")}
    held["saw_off"], held["came_off"] = beyond["rest_error"], beyond["entry_error"] & held["is_entered"]
    held["rested"], held["parted"], held["two"] = (
        int(held["rest_kg_x10"] != 0),
        held["beam_broken"],
        held["second_vehicle"],
    )
    return held


class Followers:
    """Every state the search finds one scan after another one."""

    def __init__(self) -> None:
        self.subject = WeighbridgeSubject()
        self.known: dict[Any, set[Any]] = {}

    def of(self, state: Any) -> set[Any]:
        if state not in self.known:
            subject = self.subject
            subject._whole[state] = concrete(state, vars(subject.memory))
            halves = {subject.read(state, seen) for seen in subject.inputs_of(state)}
            self.known[state] = {
                subject.finish(half, asked)[:-5] for half in halves for asked in subject.requests_of(half)
            }
        return self.known[state]


def follow_a_walk(number: int, scans: int, followers: Followers) -> set[Any]:
    """A walk of the real core; fails with the first scan that the search does not know. Returns the states met."""
    chance = random.Random(number)
    bench = started(seed=number, noise_counts=chance.choice((0, 60, 300)))
    met = set()
    for _ in range(scans):
        if chance.random() < 0.004:
            happen(bench, chance)
        if chance.random() < 0.03:
            ask(bench, chance)
        before = decisive(witnessed(bench.core.memory))
        bench.run(10)
        after = decisive(witnessed(bench.core.memory))
        met.add(after)
        assert after[:-5] in followers.of(before), (KEPT_NAMES, before, after)
    return met


def test_each_scan_of_a_real_core_is_one_of_the_search() -> None:
    assert len(follow_a_walk(2, 30000, Followers())) > 20


@pytest.mark.long
def test_everything_reachable_has_every_property_and_holds_every_state_of_real_walks() -> None:
    model = proof.build()[0]
    subject = WeighbridgeSubject()
    model.make = lambda: subject
    report = verify_explicit(model, lambda text: None)
    assert report.complete
    assert {each["id"]: each["holds"] for each in report.properties} == dict.fromkeys(
        [each["id"] for each in report.properties], True
    )
    followers, met = Followers(), set()
    for number in range(2, 60):
        met |= follow_a_walk(number, 20000, followers)
    reached = {state[:-5] for state in subject._whole}
    assert len(met) > 150
    for name in ("overload", "underload", "zero_drift", "second_vehicle", "registered_here", "draft_count", "mode"):
        assert len({state[KEPT_NAMES.index(name)] for state in met}) > 1, name
    assert {state[:-5] for state in met} <= reached
