"""The weighbridge's search: what it finds in a core with a seeded fault, and what its abstraction leaves out."""

from __future__ import annotations

import inspect
import sys
import textwrap
from typing import Any

import pytest

from firmware.control import calibration, scale
from firmware.control.registration import Registration
from firmware.control.weighbridge import Weighbridge
from firmware.control.weighbridge_commands import WeighbridgeCommands
from firmware.proofs import weighbridge as proof
from firmware.proofs.weighbridge_subject import (
    D_COUNTS,
    E_KG,
    LIMIT_KG_X10,
    MIN_KG_X10,
    QUIET,
    TRUCK,
    WEIGHTS,
    ZERO,
    Asked,
    Seen,
    WeighbridgeSubject,
)
from hil.explore.engine import Report
from hil.explore.explicit import verify_explicit
from protocols.registers import weighbridge as regs
from tests.firmware.control.weighbridge_bench import started


def run(mode: int, scans: int) -> Report:
    return verify_explicit(proof.build()[mode], lambda text: None, scans)


def seed(monkeypatch: pytest.MonkeyPatch, owner: type, method: str, old: str, new: str) -> None:
    """Change one place in the source of a method of the real core."""
    source = textwrap.dedent(inspect.getsource(getattr(owner, method)))
    assert source.count(old) == 1
    found: dict[str, Any] = {}
    exec(source.replace(old, new), sys.modules[owner.__module__].__dict__, found)
    monkeypatch.setattr(owner, method, found[method])


@pytest.mark.parametrize("mode", [0, 1])
def test_a_bounded_search_refutes_nothing_and_claims_nothing(mode: int) -> None:
    report = run(mode, 3)
    assert not report.complete
    assert report.states > 100
    assert {each["holds"] for each in report.properties} == {None}


COMMITS = "self.registration.commit(self.ring)"
# Property, scans of a shortest way, the change.
FAULTS = (
    ("rest", 3, (Registration, "find_refusal", "not scale.is_at_rest()", "False")),
    ("limits", 3, (Registration, "prepare", "not self.is_registrable(weight_kg_x10)", "False")),
    ("stored-first", 3, (WeighbridgeCommands, "_register", "self.pending = PENDING_RECORD", COMMITS)),
    ("sound-zero", 2, (Registration, "find_refusal", "faults & ~_HARMLESS or not scale.has_weight()", "False")),
    ("legal", 3, (Registration, "prepare", "faults == 0 and scale.front.is_verified", "faults == 0")),
    ("lamp", 1, (Weighbridge, "_publish", "memory.state == regs.STATE_STABLE", "memory.state >= regs.STATE_EMPTY")),
    ("zero-frozen", 3, (scale.Scale, "set_zero", "memory.on_deck", "False")),
)  # fmt: skip


@pytest.mark.parametrize(("name", "scans", "change"), FAULTS)
def test_a_seeded_fault_is_found_by_a_shortest_way(
    monkeypatch: pytest.MonkeyPatch, name: str, scans: int, change: tuple[type, str, str, str]
) -> None:
    seed(monkeypatch, *change)
    report = run(0, 3)
    found = {each["id"]: each for each in report.violations}
    assert found[name]["scans"] == scans
    assert found[name]["path"][-1]["request"]


def test_the_subject_weighs_two_trucks_as_the_core_does() -> None:
    """The first sample after power-up is not at rest; then zero, truck, empty, truck."""
    subject = WeighbridgeSubject(0)
    state = subject.start()
    counted = 0
    for weight, opcode in ((ZERO, 0), (ZERO, 0), (TRUCK, regs.OP_REGISTER), (ZERO, 0), (TRUCK, regs.OP_REGISTER)):
        state = subject.finish(subject.read(state, Seen(weight, QUIET)), Asked(opcode, 1))
        counted += proof._registers(subject)
    assert counted == 2


def test_every_limit_the_core_compares_with_has_a_class_on_both_sides() -> None:
    kg_x10 = [weight * E_KG * 10 // D_COUNTS for weight in WEIGHTS]
    for limit in (-20 * E_KG * 10 - 1, 0, MIN_KG_X10 - 1, LIMIT_KG_X10):
        assert any(weight <= limit for weight in kg_x10)
        assert any(weight > limit for weight in kg_x10)
    assert any(0 < 4 * weight <= 2 * D_COUNTS and 4 * weight > D_COUNTS for weight in WEIGHTS)  # drift that is tracked
    assert calibration.is_class_iii(80000, E_KG, 100000, 4000000)


def test_no_condition_of_registering_reads_a_tare() -> None:
    for tare, opcode in ((0, 0), (425600, regs.OP_TARE), (2000, regs.OP_PRESET_TARE)):
        bench = started()
        bench.drive_on(425670)
        if opcode:
            assert bench.request(opcode, tare) == regs.COMMAND_RESULT_ACCEPTED
        assert bench.request(regs.OP_REGISTER, 1) == regs.COMMAND_RESULT_ACCEPTED
        assert bench.status(regs.ST_REGISTERED_KG_X10) == 425600


@pytest.mark.long
@pytest.mark.parametrize("mode", [0, 1])
def test_everything_reachable_has_every_property(mode: int) -> None:
    report = run(mode, 1000)
    assert report.complete
    assert {each["id"]: each["holds"] for each in report.properties} == dict.fromkeys(
        [each["id"] for each in report.properties], True
    )
