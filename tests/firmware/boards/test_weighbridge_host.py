"""The weighbridge role through the whole device: analogue inputs, signed registers, the sealed counter."""

import pytest

from firmware.app.alibi import HEAD_NAMES
from firmware.control.weighbridge_front import IN_ADC_COUNTS, IN_ADC_SEQUENCE
from protocols.registers import weighbridge as regs

ZERO_COUNTS = 100_000
ADC_PERIOD_US = 50_000
MAX_KG_ADDRESS = 64
SPAN_ADDRESS = 69
REGISTERED_COUNT_ADDRESS = 78
NEWEST_ADDRESS = 96
ALIBI_ADDRESS = 98


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


def drive_on(bench, counts):
    """A truck comes between the photocells and stands."""
    bench.inputs[regs.IN_FRONT_CLEAR] = 0
    weigh(bench, 500_000, ZERO_COUNTS)
    bench.inputs[regs.IN_FRONT_CLEAR] = 1
    weigh(bench, 3_000_000, counts)


def alibi(bench):
    """(sequence, id, gross, boot_count) of the record that is shown."""
    values = bench.read(ALIBI_ADDRESS, 14)
    pairs = [values[index] << 16 | values[index + 1] for index in (0, 2, 4)]
    return (*pairs, values[9])


def test_a_registered_weight_is_read_back_after_a_restart(scale):
    weigh(scale, 5_000_000, ZERO_COUNTS)
    drive_on(scale, ZERO_COUNTS + 1_000_000)
    assert scale.command(regs.OP_REGISTER, 0, 4711) == regs.COMMAND_RESULT_ACCEPTED
    assert scale.command(regs.OP_READ_ALIBI, 0, 0) == regs.COMMAND_RESULT_ACCEPTED
    assert alibi(scale) == (1, 4711, 200_000, 1)
    assert scale.command(regs.OP_READ_ALIBI, 0, 2) == regs.COMMAND_RESULT_OUT_OF_LIMITS
    scale.restart()
    weigh(scale, 100_000, ZERO_COUNTS + 1_000_000)
    assert scale.read(NEWEST_ADDRESS, 2) == [0, 1]
    assert alibi(scale)[0] == 0
    assert scale.command(regs.OP_READ_ALIBI, 0, 1) == regs.COMMAND_RESULT_ACCEPTED
    assert alibi(scale) == (1, 4711, 200_000, 1)


def test_a_span_is_calibrated_stored_and_counted(scale):
    weigh(scale, 5_000_000, ZERO_COUNTS)
    scale.inputs[regs.IN_LOCAL_MODE] = 1
    drive_on(scale, ZERO_COUNTS + 2_000_000)
    assert scale.command(regs.OP_CALIBRATE_SPAN, 0, 50_000) == regs.COMMAND_RESULT_ACCEPTED
    scale.run(100_000)
    assert scale.read(84) == [1]
    assert scale.read(SPAN_ADDRESS, 2, 3) == [3_200_000 >> 16, 3_200_000 & 0xFFFF]
    scale.restart()
    assert scale.read(84) == [1]
    assert scale.read(SPAN_ADDRESS, 2, 3) == [3_200_000 >> 16, 3_200_000 & 0xFFFF]


def test_a_weight_that_cannot_be_stored_is_not_registered(tmp_path, scales):
    bench = scales[0]
    bench.inputs = [1, 1, 1, 0, 0, 0, 0, 0, 0]
    weigh(bench, 5_000_000, ZERO_COUNTS)
    drive_on(bench, ZERO_COUNTS + 1_000_000)
    for name in HEAD_NAMES:  # a directory in its place: the file cannot be written
        (tmp_path / name).mkdir()
    assert bench.command(regs.OP_REGISTER, 0, 4711) == regs.COMMAND_RESULT_STORE_FAILED
    assert bench.read(REGISTERED_COUNT_ADDRESS) == [0]
    assert bench.read(regs.AT_REASONS)[0] >> regs.REASONS_STORE_FAULT & 1
    for name in HEAD_NAMES:
        (tmp_path / name).rmdir()
    weigh(bench, 3_000_000, ZERO_COUNTS + 1_000_000)
    assert bench.command(regs.OP_REGISTER, 0, 4711) == regs.COMMAND_RESULT_ACCEPTED
    assert bench.read(REGISTERED_COUNT_ADDRESS) == [1]
    assert not bench.read(regs.AT_REASONS)[0] >> regs.REASONS_STORE_FAULT & 1
