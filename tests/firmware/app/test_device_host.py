"""The scan as a whole: safe first, watchdog only with proof of life, hub watch, lateness, program errors."""

import pytest

from firmware.app.identity import Identity, ProvisionError
from protocols.registers import barrier as regs

SAFE = (0, 0, 1, 0, 0, 0, 0, 0, 0)  # red, everything else off


def codes(bench):
    return [code for code, _ in bench.events()]


def stop_scanning(monkeypatch, target):
    monkeypatch.setattr(target.device.schedule, "is_due", lambda now_ms: False)
    monkeypatch.setattr(target.device.schedule, "wait_us", lambda now_ms: 10_000)


def test_outputs_are_safe_before_the_first_scan(host):
    _, target = host
    assert tuple(target.board.outputs) == SAFE
    assert target.board.dog.feeds == 0


def test_identity_and_header_are_served(bench):
    bench.run(1_500_000)
    values = bench.read(0, 29)
    assert values[regs.AT_MAP_ID] == regs.MAP_ID
    assert values[regs.AT_MAP_VERSION] == regs.MAP_VERSION
    assert values[regs.AT_SERIAL_NUMBER : regs.AT_SERIAL_NUMBER + 2] == [0, 4711]
    assert values[regs.AT_BOOT_COUNT] == 1
    assert values[regs.AT_UPTIME_S + 1] == 1
    assert values[regs.AT_RESET_CAUSE] == regs.RESET_CAUSE_POWER_ON
    assert values[regs.AT_EVENT_CAPACITY] == regs.RING_CAPACITY
    assert values[regs.AT_SETTINGS_SOURCE] == regs.SETTINGS_SOURCE_DEFAULTS
    assert bench.events()[0] == (regs.EV_BOOT, regs.RESET_CAUSE_POWER_ON)


def test_inputs_and_outputs_are_served_as_bits(bench):
    bench.run(100_000)
    answer = bench.request(bytes([2, 0, 0, 0, regs.IN_COUNT]))
    bits = [answer[2 + index // 8] >> index % 8 & 1 for index in range(regs.IN_COUNT)]
    assert bits == bench.inputs
    answer = bench.request(bytes([2, 0, regs.OUT_ADDRESS, 0, regs.OUT_COUNT]))
    assert tuple(answer[2] >> index & 1 for index in range(regs.OUT_COUNT)) == bench.outputs


def test_settings_are_served_with_their_defaults(bench):
    assert bench.read(32, 4, 3) == [3000, 1, 10, 0]
    assert bench.read(64, 10, 3) == [3000, 3000, 2000, 0, 500, 100, 100, 0, 0, 0]


def test_hub_is_lost_and_comes_back_with_the_length_of_the_silence(bench):
    bench.read(0)
    bench.run(5_000_000)
    bench.read(0)
    events = bench.events()
    assert (regs.EV_HUB_LOST, 0) in events
    silence = dict(events)[regs.EV_HUB_BACK]
    assert 4900 < silence < 5200
    assert bench.read(regs.AT_REASONS)[0] >> regs.REASONS_HUB_LOST & 1 == 0


def test_lost_hub_is_a_reason(host):
    bench, target = host
    bench.run(4_000_000)
    assert target.device.health.reasons >> regs.REASONS_HUB_LOST & 1


def test_watchdog_is_fed_every_scan_while_all_goes_well(host):
    bench, target = host
    bench.run(1_000_000)
    assert target.board.dog.feeds == 101


def test_watchdog_is_withheld_when_the_scan_stops(host, monkeypatch):
    bench, target = host
    bench.run(100_000)
    fed = target.board.dog.feeds
    stop_scanning(monkeypatch, target)
    bench.run(100_000)
    assert target.board.dog.feeds == fed


def test_watchdog_is_withheld_when_outputs_are_not_taken(host, monkeypatch):
    bench, target = host
    bench.run(100_000)
    fed = target.board.dog.feeds
    monkeypatch.setattr(target.board.latch, "write", lambda values, now_ms: False)
    bench.run(100_000)
    assert target.board.dog.feeds == fed


def test_outputs_go_safe_when_no_scan_refreshes_them(host, monkeypatch):
    bench, target = host
    bench.run(3_000_000)
    assert bench.command(regs.OP_OPEN) == regs.COMMAND_RESULT_ACCEPTED
    bench.run(1_000_000)
    assert bench.outputs[regs.OUT_MOTOR_OPEN] == 1
    stop_scanning(monkeypatch, target)
    bench.run(290_000)
    assert bench.outputs[regs.OUT_MOTOR_OPEN] == 1
    bench.run(30_000)
    assert bench.outputs == SAFE


def test_program_error_drives_outputs_safe_and_is_not_swallowed(host, monkeypatch):
    bench, target = host
    bench.run(3_000_000)
    bench.command(regs.OP_OPEN)
    bench.run(1_000_000)
    assert tuple(target.board.outputs) != SAFE

    def broken(now_ms):
        raise KeyError(now_ms)

    monkeypatch.setattr(target.device.core, "step", broken)
    with pytest.raises(KeyError):
        bench.run(20_000)
    assert tuple(target.board.outputs) == SAFE


def overrun(bench, times, apart_us):
    """So many scans that come 25 ms late."""
    for _ in range(times):
        bench.now_us += 25_000
        bench.run(apart_us - 25_000)


def is_slow(target):
    return target.device.health.reasons >> regs.REASONS_SCAN_OVERRUN & 1


def test_late_scan_is_an_overrun_news_once_a_minute_and_many_in_a_row_a_reason_for_a_minute(host):
    bench, target = host
    bench.run(100_000)
    overrun(bench, 4, 75_000)
    assert bench.read(regs.AT_SCAN_OVERRUNS) == [4]
    assert codes(bench).count(regs.EV_SCAN_OVERRUN) == 1
    assert not is_slow(target)
    overrun(bench, 1, 75_000)
    assert is_slow(target)
    bench.run(59_000_000)
    assert is_slow(target)
    bench.run(2_000_000)
    assert not is_slow(target)
    assert codes(bench).count(regs.EV_SCAN_OVERRUN) == 1


def test_overruns_that_a_handful_of_commands_cost_are_no_reason(host):
    bench, target = host
    bench.run(100_000)
    for _ in range(12):
        overrun(bench, 1, 600_000)
        assert not is_slow(target)
    assert bench.read(regs.AT_SCAN_OVERRUNS) == [12]


def test_overrun_is_dated_by_the_late_scan(host):
    bench, _ = host
    bench.run(100_000)
    bench.now_us += 5_000_000
    bench.run(10_000)
    slots = [bench.read(regs.RING_ADDRESS + 8 * index, 8) for index in range(bench.read(regs.AT_EVENT_HEAD, 2)[1])]
    assert [slot[3] for slot in slots if slot[5] == regs.EV_SCAN_OVERRUN] == [5]


def test_scans_keep_their_grid_in_time_across_the_tick_wrap(host):
    bench, target = host
    bench.now_us = (2**30 - 500) * 1000
    bench.run(1_000_000)
    assert target.device.schedule.count == 101
    assert target.device.schedule.overruns == 0
    assert target.device.schedule.uptime_s == 1


def test_change_of_health_is_an_event(host):
    bench, target = host
    bench.run(100_000)
    bench.inputs[regs.IN_DRIVE_OK] = 0
    bench.run(100_000)
    _, argument = [event for event in bench.events() if event[0] == regs.EV_HEALTH_CHANGED][-1]
    assert argument == target.device.health.value << 16 | target.device.health.reasons
    assert argument >> 16 == regs.HEALTH_FAILURE


GOOD = {"role": "barrier", "serial": "1", "unit_id": "1", "baud": "19200", "key": "00" * 32}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("role", "gate", "expected one of barrier, weighbridge"),
        ("serial", "0", "expected a number from 1 to 1073741823"),
        ("unit_id", "248", "expected a number from 1 to 247"),
        ("unit_id", "three", "'three'"),
        ("baud", "", "baud is missing"),
        ("key", "00" * 31, "expected 64 hexadecimal digits"),
        ("key", "zz" * 32, "expected 64 hexadecimal digits"),
        *[("key", slip + "00" * 31, "63 of them hexadecimal digits: expected 64") for slip in ("_a", "a_", " a", "+a")],
        *[("serial", slip, "expected a number") for slip in ("1_0", "+5", "5 1", "-0", "\u0665", "0" * 13)],
    ],
)
def test_wrong_provisioning_is_refused_with_one_sentence(key, value, said):
    with pytest.raises(ProvisionError, match=said):
        Identity({**GOOD, key: value})


def test_what_is_too_large_for_its_register_saturates(host):
    bench, target = host
    bench.run(66_000_000)
    target.device.schedule.end(70_000)
    bench.run(10_000)
    assert bench.read(regs.AT_HUB_AGE_MS) == [65535]
    assert bench.read(regs.AT_SCAN_MAX_US) == [65535]
