"""Load cell and converter: rate, noise, and every failure as the firmware meets it."""

import statistics

import pytest

from sim_devices.sensors.load_cell import COUNTS_MAX, LoadCell


def conversions(cell: LoadCell, load_kg: float, count: int, step_s: float = 0.01) -> list[int]:
    found: list[int] = []
    sequence = cell.sequence
    while len(found) < count:
        cell.advance(step_s, load_kg)
        if cell.sequence != sequence:
            sequence = cell.sequence
            found.append(cell.counts)
    return found


@pytest.mark.parametrize(("rate_sps", "step_s"), [(10, 0.01), (10, 0.003), (80, 0.01), (80, 0.1)])
def test_conversions_come_at_the_rate_whatever_the_step(rate_sps: int, step_s: float) -> None:
    cell = LoadCell(1, rate_sps)
    for _ in range(round(6.0 / step_s)):
        cell.advance(step_s, 0.0)
    assert cell.sequence in (6 * rate_sps - 1, 6 * rate_sps)


def test_load_noise_and_offset_meet_in_the_counts() -> None:
    counts = conversions(LoadCell(7), 40000.0, 400)
    assert statistics.mean(counts) == pytest.approx(100_000 + 2_000_000, abs=10)
    assert statistics.stdev(counts) == pytest.approx(40.0, rel=0.15)


def test_one_seed_gives_one_history() -> None:
    assert conversions(LoadCell(3), 100.0, 50) == conversions(LoadCell(3), 100.0, 50)
    assert conversions(LoadCell(3), 100.0, 50) != conversions(LoadCell(4), 100.0, 50)


def test_a_conversion_is_the_mean_over_its_period() -> None:
    cell = LoadCell(1, noise_counts=0.0)
    cell.advance(0.05, 0.0)
    cell.advance(0.05, 1000.0)
    assert cell.counts == 100_000 + 25_000


def test_a_stuck_cell_converts_the_same_value() -> None:
    cell = LoadCell(1)
    held = conversions(cell, 0.0, 5)[-1]
    cell.fail("stuck")
    assert conversions(cell, 40000.0, 5) == [held] * 5


def test_a_broken_wire_saturates() -> None:
    cell = LoadCell(1)
    cell.fail("broken_wire")
    assert conversions(cell, 40000.0, 3) == [COUNTS_MAX] * 3


def test_a_silent_converter_keeps_its_number() -> None:
    cell = LoadCell(1)
    conversions(cell, 0.0, 5)
    cell.fail("silent")
    cell.advance(10.0, 0.0)
    assert cell.sequence == 5


def test_drift_runs_until_repair() -> None:
    cell = LoadCell(1, noise_counts=0.0, drift_kg_s=3.0)
    cell.fail("drift")
    assert conversions(cell, 0.0, 100)[-1] == pytest.approx(100_000 + 30 * 50, abs=3)
    cell.fail("")
    assert conversions(cell, 0.0, 1) == [100_000]


def test_counts_stay_within_24_bits() -> None:
    assert conversions(LoadCell(1), 1e9, 1) == [COUNTS_MAX]
    assert conversions(LoadCell(1), -1e9, 1) == [-0x800000]


def test_the_sequence_number_wraps() -> None:
    cell = LoadCell(1, 80)
    cell.advance(65536 / 80.0, 0.0)
    assert cell.sequence in (0, 0xFFFF)


def test_unknown_failures_and_rates_are_refused() -> None:
    with pytest.raises(ValueError, match="melted"):
        LoadCell(1).fail("melted")
    with pytest.raises(ValueError, match="11 SPS"):
        LoadCell(1, 11)
