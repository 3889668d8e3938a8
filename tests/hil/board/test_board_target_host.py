"""A scenario on a device and a rig board: the same logical trace as on the target host, and what is wrong is told.

Both boards run on CPython here, their own firmware, so that many scenarios are quick; `test_pair_host.py` has the
emulated chips.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from hil.board.plan import Plan
from hil.board.port import Table
from hil.board.rig import BoardRig
from hil.rig.bench_rig import BenchRig
from hil.scenarios.load import load_scenario
from hil.scenarios.model import BenchScenario
from hil.suite.choice import find_scenario, scenario_names
from hil.targets.board import BoardTarget
from hil.targets.board_rows import FAULTS, LEFT_OUT, rows_of
from hil.targets.host import HostTarget
from hil.targets.ledger import needs_of, unmet
from hil.targets.target import BlockedError, Options, Provision, TargetError, UsageError
from hil.trace.logical import logical_digest, logical_text
from tests.hil.board.tables import DeviceTable


class CoreTarget(BoardTarget):
    """The bench with both firmwares on CPython; `role` puts another device on it."""

    def __init__(self, role: str = "") -> None:
        super().__init__(Options())
        self._role = role
        self.table: DeviceTable | None = None

    def open(self, provision: Provision, directory: Path) -> Table:
        directory.mkdir(parents=True, exist_ok=True)
        self.table = DeviceTable(replace(provision, role=self._role or provision.role), directory)
        return self.table


def loaded(name: str) -> BenchScenario:
    scenario = load_scenario(find_scenario(name))
    assert isinstance(scenario, BenchScenario)
    return scenario


def is_blocked(scenario: BenchScenario, lacks: Mapping[str, str]) -> bool:
    if unmet(needs_of(scenario), lacks):
        return True
    try:
        Plan(scenario, rows_of(scenario.plant))
    except BlockedError:
        return True
    return False


SHOWN = ["barrier_curtain_reverses", "barrier_power_cut_while_closing", "barrier_mains_fail_and_return"]


@pytest.mark.parametrize("name", SHOWN)
def test_a_scenario_has_the_same_logical_trace_as_on_the_host(name: str, tmp_path: Path) -> None:
    scenario = loaded(name)
    host = BenchRig(scenario, HostTarget(), tmp_path / "host")
    board = BoardRig(scenario, CoreTarget(), tmp_path / "board")
    assert host.run().problems == ()
    assert board.run().problems == ()
    assert logical_text(board.trace) == logical_text(host.trace)
    assert logical_digest(board.trace) == logical_digest(host.trace)


def test_what_was_seen_stands_in_the_trace_in_the_order_of_its_times(tmp_path: Path) -> None:
    rig = BoardRig(loaded(SHOWN[0]), CoreTarget(), tmp_path)
    rig.run()
    times = [event.t_us for event in rig.trace]
    assert times == sorted(times)
    assert times[0] == 0


def test_most_barrier_scenarios_can_be_shown_and_no_other_plant() -> None:
    lacks = BoardTarget(Options()).lacks()
    every = [load_scenario(find_scenario(name)) for name in scenario_names()]
    bench = [scenario for scenario in every if isinstance(scenario, BenchScenario)]
    can = {scenario.name for scenario in bench if not is_blocked(scenario, lacks)}
    assert set(SHOWN) <= can
    assert not {scenario.name for scenario in bench if scenario.name in can and scenario.plant not in ("boom", "")}


def test_every_fault_of_the_boom_is_a_level_or_left_out_with_a_reason() -> None:
    from hil.faults.catalogue import BUS, NODE, faults_of

    own = [spec for spec in faults_of("barrier", "boom").values() if spec not in (*BUS, NODE)]
    wanted = {f"{spec.name} {kind}" for spec in own for kind in spec.kinds}
    assert wanted == {name for name in (*FAULTS, *LEFT_OUT) if " " in name}


def test_a_device_of_another_role_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        BoardRig(loaded(SHOWN[0]), CoreTarget("weighbridge"), tmp_path).run()
    assert str(caught.value) == (
        "/dev/dut: the device is a weighbridge, the scenario is for a barrier; connect that one, or copy its file set "
        "onto this board (docs/boards.md)"
    )


def test_a_device_that_answers_nothing_has_failed(tmp_path: Path) -> None:
    target = CoreTarget()
    rig = BoardRig(loaded(SHOWN[0]), target, tmp_path)
    assert target.table is not None
    target.table.device_port.send = lambda data: None  # type: ignore[method-assign]
    with pytest.raises(TargetError, match="unit 1 does not answer within 8 s of its supply; look at the supply relay"):
        rig.run()


def test_a_device_that_answers_rubbish_is_told(tmp_path: Path) -> None:
    target = CoreTarget()
    rig = BoardRig(loaded(SHOWN[0]), target, tmp_path)
    assert target.table is not None
    target.table.device_port.take = lambda: b"\xff\x00"  # type: ignore[method-assign]
    with pytest.raises(UsageError, match=r"/dev/dut: what is there sent 'ff 00 .*expected the answer of unit 1; look"):
        rig.run()


def test_real_boards_need_both_ports(tmp_path: Path) -> None:
    target = BoardTarget(Options(rig_port="/dev/rig"))
    with pytest.raises(UsageError, match="target board takes two ports: name the rig board's with --rig"):
        target.open(target.device("barrier", ()), tmp_path)


def test_runs_on_real_boards_come_one_after_the_other() -> None:
    assert BoardTarget(Options(rig_port="/dev/rig", dut_port="/dev/dut")).is_one_bench
    assert not BoardTarget(Options()).is_one_bench
