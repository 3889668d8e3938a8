"""The weighbridge role through the whole device: analogue inputs, signed registers, the sealed counter."""

import pytest

from firmware.control.weighbridge_front import IN_ADC_COUNTS, IN_ADC_SEQUENCE
from protocols.registers import weighbridge as regs

ZERO_COUNTS = 100_000
ADC_PERIOD_US = 50_000
MAX_KG_ADDRESS = 64


def weigh(bench, duration_us, counts):
    """Let the converter deliver `counts` for a while."""
    for _ in range(duration_us // ADC_PERIOD_US):
        bench.inputs[IN_ADC_SEQUENCE] = (bench.inputs[IN_ADC_SEQUENCE] + 1) & 0xFFFF
        bench.inputs[IN_ADC_COUNTS] = counts
        bench.run(ADC_PERIOD_US)


@pytest.fixture(params=[0, 1], ids=["host", "vm"])
def scale(request, scales):
    bench = scales[request.param]
    bench.inputs = [1, 1, 1, 0, 0, 0, 0, 0, 0]
    return bench


def gross_kg_x10(bench):
    high, low = bench.read(67, 2)
    return (high << 16 | low) - ((high & 0x8000) << 17)


def test_load_is_weighed_on_both_targets(scale):
    weigh(scale, 5_000_000, ZERO_COUNTS)
    assert gross_kg_x10(scale) == 0
    weigh(scale, 5_000_000, ZERO_COUNTS + 1_000_000)  # a quarter of Max
    assert gross_kg_x10(scale) == 200_000
    weigh(scale, 3_000_000, ZERO_COUNTS - 10_000)
    assert gross_kg_x10(scale) == -2_000


def test_changed_calibration_is_counted_with_the_setting_and_survives_a_restart(scale):
    weigh(scale, 500_000, ZERO_COUNTS)
    assert scale.read(84) == [0]
    assert scale.command(regs.OP_SET, MAX_KG_ADDRESS, 60_000) == regs.COMMAND_RESULT_ACCEPTED
    assert scale.command(regs.OP_SET, 33, 1) == regs.COMMAND_RESULT_ACCEPTED  # not sealed
    assert scale.read(84) == [1]
    assert scale.command(regs.OP_SET, MAX_KG_ADDRESS, 60_000) == regs.COMMAND_RESULT_ACCEPTED  # no change
    assert scale.read(84) == [1]
    scale.restart()
    assert scale.read(84) == [1]
    assert scale.read(MAX_KG_ADDRESS, 2, 3) == [0, 60_000]


def test_same_load_gives_the_same_registers_on_host_board_and_vm(scales):
    for bench in scales:
        bench.inputs = [1, 1, 1, 0, 0, 0, 0, 0, 0]
        for step in range(20):
            weigh(bench, 500_000, ZERO_COUNTS + 37_001 * step)
            bench.read(0, 85)
        bench.read(256, 120)
    assert scales[0].trace == scales[1].trace
