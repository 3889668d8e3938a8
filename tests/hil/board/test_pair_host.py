"""The rig's deployed set on an emulated RP2040, alone and wired to a second one that runs a device's deployed set."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware.roles.rig import wiring
from hil.board.files import firmware_hash, rig_files
from hil.board.link import Entry, RigLink
from hil.board.pair import LoopbackPlug, PairTable, RigChip
from hil.board.rig import BoardRig
from hil.board.selftest import run_selftest
from hil.chip.bench import REACTION_MAX_US
from hil.rig.bench_rig import BenchRig
from hil.rig.verdict import Verdict
from hil.scenarios.load import load_scenario
from hil.scenarios.model import BenchScenario
from hil.suite.choice import find_scenario
from hil.targets.board import BoardTarget
from hil.targets.host import HostTarget
from hil.targets.target import Options
from hil.trace.event import Trace
from hil.trace.logical import logical_text
from protocols.rig.messages import SENSE_AT


def test_the_emulated_rig_passes_its_own_test(uf2: Path, tmp_path: Path) -> None:
    files = rig_files(tmp_path)
    rig = RigChip(uf2, files)
    LoopbackPlug(rig)
    report = run_selftest(PairTable(uf2, rig), firmware_hash(files), clock_s=1)
    assert report.problems == ()
    assert "0 faults" in report.measured[2]


def test_a_chain_that_does_not_come_back_is_found(uf2: Path, tmp_path: Path) -> None:
    files = rig_files(tmp_path)
    rig = RigChip(uf2, files)
    LoopbackPlug(rig)
    rig.chip.on_spi(wiring.DRIVERS_SPI, lambda byte: rig._shift(byte) | 0x10)
    report = run_selftest(PairTable(uf2, rig), firmware_hash(files), clock_s=1)
    assert [problem for problem in report.problems if problem.startswith("the chain of drivers gave back")]


def test_frames_of_the_host_cost_a_stimulus_no_punctuality(uf2: Path, tmp_path: Path) -> None:
    rig = RigChip(uf2, rig_files(tmp_path))
    LoopbackPlug(rig)
    table = PairTable(uf2, rig)
    link = RigLink(table)
    link.clear()
    at = [30_000 + 11_117 * number for number in range(30)]
    link.queue([Entry(at_us, 4, number & 1 ^ 1) for number, at_us in enumerate(at)])
    link.start()
    noted: list[Entry] = []
    while table.now_us < 30_000_000 and len(noted) < 2 * len(at):
        noted += link.read().entries
        link.status()
    driven = [entry.at_us for entry in noted if entry.channel == 4]
    sensed = [entry.at_us for entry in noted if entry.channel == SENSE_AT + 4]
    assert max(late - due for due, late in zip(at, driven, strict=True)) < 100
    assert max(late - due for due, late in zip(at, sensed, strict=True)) < 200
    assert link.status().late == 0


def run_on_pair(scenario: BenchScenario, uf2: Path, directory: Path) -> tuple[Trace, Verdict]:
    target = BoardTarget(Options(uf2=uf2))
    target.prepare([scenario.role], directory / "deploy")
    rig = BoardRig(scenario, target, directory / "board")
    return rig.trace, rig.run()


@pytest.mark.parametrize(
    "name",
    [
        "barrier_curtain_reverses",
        pytest.param("barrier_opens_and_closes", marks=pytest.mark.long),
        pytest.param("barrier_power_cut_while_closing", marks=pytest.mark.long),
        pytest.param("barrier_mains_fail_and_return", marks=pytest.mark.long),
        pytest.param("barrier_fire_opens", marks=pytest.mark.long),
    ],
)
def test_two_chips_show_the_logical_trace_of_the_host(name: str, uf2: Path, tmp_path: Path) -> None:
    scenario = load_scenario(find_scenario(name))
    assert isinstance(scenario, BenchScenario)
    host = BenchRig(scenario, HostTarget(), tmp_path / "host")
    host.run()
    trace, verdict = run_on_pair(scenario, uf2, tmp_path)
    assert verdict.problems == ()
    assert logical_text(trace) == logical_text(host.trace)


@pytest.mark.long
def test_a_reaction_is_measured_by_the_rig_s_clock_and_is_the_same_twice(uf2: Path, tmp_path: Path) -> None:
    scenario = load_scenario(find_scenario("barrier_stop_chain_opens_while_moving"))
    assert isinstance(scenario, BenchScenario)
    first, verdict = run_on_pair(scenario, uf2, tmp_path / "first")
    again, _ = run_on_pair(scenario, uf2, tmp_path / "again")
    assert first.digest() == again.digest()
    (stop,) = verdict.measured
    assert stop.raw is not None
    assert 0 < stop.raw <= REACTION_MAX_US
