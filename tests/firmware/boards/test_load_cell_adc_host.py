"""The converters' drivers against chips that watch every edge: bits, settling, stalls, saturation, calibration."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.boards.ads1232 import Ads1232
from firmware.boards.hx711 import CHANNEL_A_64, CHANNEL_A_128, CHANNEL_B_32, Hx711
from firmware.boards.load_cell_adc import LoadCellAdc
from protocols import quality
from sim_devices.devices.load_cell_adc import ACCESS_US, Ads1232Chip, Hx711Chip

SCAN_US = 5_000


def wire(chip):
    return LoadCellAdc(chip.pin("dout"), chip.pin("sck"), chip.disable_irq, chip.enable_irq, chip.clock_us)


def run(chip, driver, duration_us):
    """Scan for a while; every new conversion as (sequence, counts)."""
    end_us = chip.now_us + duration_us
    found = []
    while chip.now_us < end_us:
        if driver.poll():
            found.append((driver.adc.sequence, driver.adc.counts))
        chip.now_us += SCAN_US
    return found


def hx711(level=0, pulses=CHANNEL_A_128, rate_sps=10):
    chip = Hx711Chip(rate_sps)
    chip.level = level
    return chip, Hx711(wire(chip), pulses)


def ads1232(level=0, rate_sps=10, offset=0, switched=True):
    chip = Ads1232Chip(rate_sps, offset)
    chip.level = level
    return chip, Ads1232(wire(chip), chip.pin("power_down") if switched else None)


@given(level=st.integers(-0x800000, 0x7FFFFF), rate_sps=st.sampled_from((10, 80)), kind=st.sampled_from("ha"))
@settings(max_examples=60)
def test_every_level_is_read_bit_by_bit_and_nothing_forbidden_is_done(level, rate_sps, kind):
    chip, driver = hx711(level, rate_sps=rate_sps) if kind == "h" else ads1232(level, rate_sps)
    found = run(chip, driver, 1_500_000)
    assert found
    assert {counts for _, counts in found} == {level}
    assert [sequence for sequence, _ in found] == list(range(1, len(found) + 1))
    assert chip.violations == []
    assert driver.adc.quality == quality.GOOD
    assert (driver.adc.resets, driver.adc.torn) == (0, 0)


@pytest.mark.parametrize(("pulses", "divisor"), [(CHANNEL_A_128, 1), (CHANNEL_A_64, 2), (CHANNEL_B_32, 4)])
def test_the_channel_is_chosen_by_the_pulses_and_nothing_of_another_is_shown(pulses, divisor):
    chip, driver = hx711(1_000_000, pulses)
    found = run(chip, driver, 2_000_000)
    assert {counts for _, counts in found} == {1_000_000 // divisor}
    assert chip.pulses == pulses
    assert chip.violations == []


def test_channels_the_chip_does_not_have_are_refused():
    for pulses in (24, 28):
        with pytest.raises(ValueError, match="25, 26 or 27"):
            Hx711(wire(Hx711Chip()), pulses)


@pytest.mark.parametrize("pulses", [CHANNEL_A_128, CHANNEL_A_64])
@pytest.mark.parametrize("rise", range(1, 26))
@pytest.mark.parametrize("stall_us", [55, 200, 5000])
def test_a_stalled_pulse_never_shows_a_wrong_conversion(rise, stall_us, pulses):
    chip, driver = hx711(777_777, pulses)
    run(chip, driver, 1_000_000)
    before = driver.adc.sequence
    chip.stall(rise, stall_us)
    found = run(chip, driver, 400_000)
    assert driver.adc.resets == 1
    assert driver.adc.quality == quality.BAD
    assert found == []
    found = run(chip, driver, 1_200_000)
    assert {counts for _, counts in found} == {777_777 // (1 if pulses == CHANNEL_A_128 else 2)}
    assert found[0][0] == before + 1
    assert driver.adc.quality == quality.GOOD
    assert driver.adc.torn == 0


@pytest.mark.parametrize("stall_us", [10, 40])
def test_a_pulse_that_is_long_and_allowed_changes_nothing(stall_us):
    chip, driver = hx711(-5)
    run(chip, driver, 1_000_000)
    chip.stall(7, stall_us - 2 * ACCESS_US)
    assert {counts for _, counts in run(chip, driver, 500_000)} == {-5}
    assert driver.adc.resets == 0
    assert chip.violations == []


def test_the_first_conversions_after_power_up_are_not_shown():
    chip, driver = hx711(400_000)
    assert run(chip, driver, 540_000) == []
    assert driver.adc.quality == quality.BAD
    assert [counts for _, counts in run(chip, driver, 100_000)] == [400_000]


def test_a_saturated_converter_is_shown_as_it_is():
    for level in (0x7FFFFF, -0x800000):
        for chip, driver in (hx711(level), ads1232(level)):
            assert run(chip, driver, 1_500_000)[-1][1] == level


def test_interrupts_are_only_off_while_the_clock_is_high():
    chip, driver = hx711(1)
    run(chip, driver, 700_000)
    assert not chip.is_guarded
    assert "SCK high with interrupts on" not in chip.violations


def test_a_chip_that_is_not_there_never_blocks_and_stays_bad():
    chip, driver = hx711()
    chip._ready_us = 1 << 60
    assert run(chip, driver, 1_000_000) == []
    assert driver.adc.quality == quality.BAD
    assert chip.now_us < 1_200_000


def test_dout_stuck_low_is_no_weight():
    chip, driver = hx711(123)

    driver.adc._dout_value = lambda: 0
    assert run(chip, driver, 1_000_000) == []
    assert driver.adc.torn > 0
    assert driver.adc.quality == quality.BAD


@pytest.mark.parametrize("switched", [True, False])
def test_the_ads1232_shows_nothing_before_it_has_settled(switched):
    chip, driver = ads1232(99, switched=switched)
    assert run(chip, driver, 395_000) == []
    found = run(chip, driver, 300_000)
    assert len(found) >= 2
    assert {counts for _, counts in found} == {99}


def test_the_inputs_show_counts_and_sequence_with_their_quality():
    chip, driver = hx711(-4321)
    values, qualities = [7, 0, 0], [quality.GOOD] * 3
    driver.adc.show(values, qualities, 1)
    assert (values, qualities) == ([7, 0, 0], [quality.GOOD, quality.BAD, quality.BAD])
    run(chip, driver, 640_000)
    driver.adc.show(values, qualities, 1)
    assert (values, qualities) == ([7, -4321, 1], [quality.GOOD] * 3)


def test_offset_calibration_is_the_26th_pulse_and_settles_anew():
    chip, driver = ads1232(5000, offset=321)
    assert run(chip, driver, 1_000_000)[-1][1] == 5321
    driver.calibrate_offset()
    assert run(chip, driver, 800_000) == []
    assert chip.calibrations == 1
    assert driver.adc.quality == quality.BAD
    assert {counts for _, counts in run(chip, driver, 800_000)} == {5000}
    assert chip.calibrations == 1
    assert chip.violations == []


def test_a_silent_ads1232_can_be_started_again():
    chip, driver = ads1232(42)
    run(chip, driver, 1_000_000)
    driver.restart()
    assert run(chip, driver, 395_000) == []
    assert run(chip, driver, 300_000)[-1][1] == 42
