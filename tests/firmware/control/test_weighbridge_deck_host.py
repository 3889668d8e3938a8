"""The weighbridge core on a swinging deck with a noisy load cell, the closed loop of the simulated lane."""

import pytest

from firmware.control.weighbridge_front import IN_ADC_COUNTS, IN_ADC_SEQUENCE
from protocols.compat import ticks_add
from protocols.registers import weighbridge as regs
from sim_devices.plants.deck import Deck
from sim_devices.sensors.load_cell import LoadCell
from tests.firmware.control.weighbridge_bench import Bench

AXLES = (
    (1.4, 0.16),
    (4.6, 0.24),
    (11.0, 0.20),
    (12.3, 0.20),
    (13.6, 0.20),
)  # metres behind the front, part of the load


class Loop:
    """One deck, one cell, one core, scanned every 10 ms."""

    def __init__(self, seed: int, rate_sps: int) -> None:
        self.deck = Deck(18.0)
        self.cell = LoadCell(seed, rate_sps)
        self.bench = Bench()
        self.now_ms = 0

    def run(self, seconds: float) -> None:
        core = self.bench.core
        for _ in range(round(seconds * 100)):
            self.deck.advance(0.01)
            self.cell.advance(0.01, self.deck.indicated_kg)
            core.inputs[IN_ADC_COUNTS] = self.cell.counts
            core.inputs[IN_ADC_SEQUENCE] = self.cell.sequence
            core.step(self.now_ms)
            self.bench.store()
            self.now_ms = ticks_add(self.now_ms, 10)

    def drive_on(self, gross_kg: float, speed_m_s: float = 1.5, stop_m: float = 17.0) -> None:
        front_m = 0.0
        while front_m < stop_m:
            self.deck.set_axles([(front_m - behind_m, gross_kg * part) for behind_m, part in AXLES])
            self.bench.set_contacts(1, int(front_m > 15.5), 1)
            self.run(0.05)
            front_m += speed_m_s * 0.05
        self.bench.set_contacts(1, 1, 1)


@pytest.mark.parametrize("rate_sps", [10, 80])
@pytest.mark.parametrize(("seed", "gross_kg"), [(1, 14980.0), (2, 42560.0), (3, 69990.0)])
def test_a_truck_is_weighed_within_an_interval_some_seconds_after_it_stands(
    seed: int, gross_kg: float, rate_sps: int
) -> None:
    loop = Loop(seed, rate_sps)
    loop.run(4.0)
    assert loop.bench.state() == regs.STATE_EMPTY
    loop.drive_on(gross_kg)
    assert loop.bench.state() == regs.STATE_OCCUPIED, "a rolling truck is not at rest"
    waited_s = 0.0
    while loop.bench.state() != regs.STATE_STABLE:
        loop.run(0.1)
        waited_s += 0.1
        assert waited_s < 8.0
    assert waited_s > 1.0
    loop.bench.core.request_opcode = regs.OP_REGISTER
    loop.bench.core.request_argument = 4711
    loop.run(0.01)
    assert loop.bench.core.request_result == regs.COMMAND_RESULT_ACCEPTED
    assert abs(loop.bench.status(regs.ST_REGISTERED_KG_X10) - gross_kg * 10) <= 200


@pytest.mark.parametrize(
    ("failure", "fault"), [("broken_wire", regs.FAULTS_ADC_SATURATED), ("silent", regs.FAULTS_ADC_SILENT)]
)
def test_a_broken_cell_under_a_truck_is_a_fault(failure: str, fault: int) -> None:
    loop = Loop(5, 10)
    loop.run(4.0)
    loop.drive_on(30000.0)
    loop.run(6.0)
    assert loop.bench.state() == regs.STATE_STABLE
    loop.cell.fail(failure)
    loop.run(1.5)
    assert loop.bench.has_fault(fault)
    assert loop.bench.state() == regs.STATE_FAULT
    loop.cell.fail("")
    loop.run(4.0)
    assert loop.bench.state() == regs.STATE_STABLE


def test_a_running_drift_of_the_empty_cell_becomes_zero_drift() -> None:
    loop = Loop(6, 10)
    loop.run(4.0)
    loop.cell.drift_kg_s = 20.0  # a whole interval per second, twice what tracking may follow
    loop.cell.fail("drift")
    loop.run(3.0)
    loop.cell.drift_kg_s = 0.0
    loop.run(8.0)
    assert loop.bench.has_fault(regs.FAULTS_ZERO_DRIFT)
