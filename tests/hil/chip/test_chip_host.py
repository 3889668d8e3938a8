"""The deployed set on an emulated RP2040: it starts, answers, obeys, reverses, resets safe, and repeats itself."""

import functools
import struct
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from edge.boards.images import UF2_SHA256
from firmware.boards.rp2 import wiring
from hil.chip import emulator
from hil.chip.bench import REACTION_MAX_US, SCAN_MAX_US, RoleBench, provision
from hil.chip.carrier import Carrier, deployed_files, extended_start
from hil.chip.child import in_child
from hil.chip.command import main
from hil.chip.emulator import HIGH, LOW, Chip, build_image, find_uf2
from hil.chip.field import HAPPENINGS, IDLE
from hil.targets.target import BlockedError, UsageError
from protocols.indicators import yaohua
from protocols.indicators.reading import Reading
from protocols.modbus import pdu, rtu

# For a start that takes the deployed one's place: where the program lies.
IN_SLOT = b"import sys\nsys.path[:] = ['/a', '.frozen']\n"


@pytest.fixture(scope="module")
def running(uf2: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], RoleBench]:
    """The device of a role, just started: each is started once, and what a test does happens to a copy of it."""

    @functools.cache
    def start(role: str) -> RoleBench:
        bench = RoleBench(uf2, role, tmp_path_factory.mktemp(role))
        bench.start()
        bench.carrier.advance(20_000)
        return bench

    return start


def header_of(bench: RoleBench) -> tuple[int, ...]:
    return bench.client.read(0, 29)


def shown(bench: RoleBench, point: int) -> int:
    """A value of the status, by its place in STATUS_TABLE."""
    address, count = struct.unpack_from(">HB", bench.regmap.STATUS_TABLE, 4 * point)
    return int.from_bytes(struct.pack(f">{count}H", *bench.client.read(address, count)), "big")


def test_a_watchdog_that_has_reset_the_chip_counts_no_further(uf2: Path) -> None:
    """A start may take longer than was left when the rig had it bite."""
    once = b"import machine, time\nif machine.reset_cause() != machine.WDT_RESET:\n    machine.WDT(timeout=2000)\n"
    chip = Chip(uf2, build_image({"main.py": once + b"time.sleep(9)\n"}))
    chip.advance(1_500_000)
    chip.reset_by_watchdog()
    chip.advance(5_000_000)
    assert len(chip.resets) == 1


@pytest.mark.parametrize("role", sorted(IDLE))
def test_the_deployed_set_starts_and_says_who_it_is(running: Callable[[str], RoleBench], role: str) -> None:
    bench = running(role)
    header = in_child(lambda: header_of(bench))
    assert header[bench.regmap.AT_MAP_ID] == bench.regmap.MAP_ID
    assert header[bench.regmap.AT_BOOT_COUNT] == 1
    assert header[bench.regmap.AT_RESET_CAUSE] == bench.regmap.RESET_CAUSE_POWER_ON
    assert bench.carrier.chip.resets == []


def test_the_clock_is_raised_with_the_voltage_its_maker_wants_and_back_after_a_reset(uf2: Path, tmp_path: Path) -> None:
    bench = RoleBench(uf2, "barrier", tmp_path)
    chip = bench.carrier.chip
    asked: list[tuple[int, int]] = []
    while not bench.carrier.scans:
        bench.carrier.advance(10_000)
        asked.append((chip.core_voltage_bits, chip.clock_hz // 1_000_000))
    assert asked[0] == (0b1011, 125)
    assert asked[-1] == (0b1100, 200)
    assert (0b1011, 200) not in asked
    bench.reset()
    assert (chip.core_voltage_bits, chip.clock_hz // 1_000_000) == (0b1100, 200)


def test_with_a_radio_the_clock_stays(uf2: Path, tmp_path: Path) -> None:
    start = IN_SLOT + b"from firmware.boards import chip\nfrom firmware.boards.rp2 import clock, wiring\n"
    start += b"with open('provision.txt', 'a') as file:\n    file.write('wifi_ssid=gate\\n')\n"
    start += b"chip._start_network = lambda board, provision: None\nchip.run(wiring, 'a', clock.speed_up)\n"
    carrier = Carrier.deployed(uf2, provision("barrier"), tmp_path, start)
    while not carrier.scans:
        carrier.advance(10_000)
    assert carrier.chip.clock_hz == 125_000_000


@pytest.mark.parametrize("role", sorted(IDLE))
def test_what_the_heap_has_left_is_one_piece_and_not_scattered(uf2: Path, tmp_path: Path, role: str) -> None:
    """Otherwise a command finds no room for a file's buffer, or a start for its registers, with 100 KB free."""
    more = "from firmware.boards import chip\nclass Roomy(chip.Loop):\n    def __init__(self, *both):\n"
    more += "        chip_loop.__init__(self, *both)\n        bytearray(40 * 1024)\n"
    more += "chip_loop = chip.Loop\nchip.Loop = Roomy\n"
    start = extended_start(deployed_files(provision(role), tmp_path), more)
    carrier = Carrier.deployed(uf2, provision(role), tmp_path, start)
    carrier.advance(4_000_000)  # at the clock it begins with a weighbridge needs 2.6 s to its first scan
    carrier.chip.check_alive()
    assert len(carrier.scans) > 1


def test_what_storing_the_counters_leaves_on_the_heap_is_collected(uf2: Path, tmp_path: Path) -> None:
    start = (
        IN_SLOT
        + b"""
import gc
from firmware.boards import chip
from firmware.boards.rp2 import wiring
Plain = chip.Loop
class Telling(Plain):
    told = False
    def __init__(self, *both):
        Plain.__init__(self, *both)
        self._device.core.memory.asked_s -= 3600
        self.before = gc.mem_alloc()
    def _tend(self):
        Plain._tend(self)
        if self._device.schedule.count > 20 and not self.told:
            self.told = True
            print("more", gc.mem_alloc() - self.before)
chip.Loop = Telling
chip.run(wiring, "a")
"""
    )
    carrier = Carrier.deployed(uf2, provision("barrier"), tmp_path, start)
    carrier.advance(3_000_000)
    assert carrier.chip.read_file("retained_b.bin") is not None
    (line,) = bytes(carrier.chip.console).splitlines()
    assert int(line.removeprefix(b"more ")) <= 256


def test_an_authenticated_command_opens_the_barrier_and_an_obstacle_stops_it_closing(
    running: Callable[[str], RoleBench],
) -> None:
    bench = running("barrier")

    def body() -> None:
        assert bench.command("OPEN") == bench.regmap.COMMAND_RESULT_ACCEPTED
        assert bench.carrier.output("MOTOR_OPEN") == HIGH
        times = bench.reactions(3)
        assert 0 < times["max"] <= REACTION_MAX_US

    in_child(body)


def test_a_command_with_another_key_moves_nothing(running: Callable[[str], RoleBench]) -> None:
    bench = running("barrier")

    def body() -> None:
        header = header_of(bench)
        nonce = header[bench.regmap.AT_NONCE_EPOCH], header[bench.regmap.AT_NONCE_COUNTER] + 1
        bench.client.command(bench.regmap.MAP_ID, bench.regmap.OP_OPEN, 0, 0, nonce)
        bench.carrier.advance(100_000)
        assert bench.carrier.output("MOTOR_OPEN") == LOW
        assert bench.client.read(0, 29)[bench.regmap.AT_COMMANDS_REJECTED] == 1

    in_child(body)


def test_after_a_watchdog_reset_every_output_floats_shortly_and_is_safe_again(
    running: Callable[[str], RoleBench],
) -> None:
    bench = running("barrier")

    def body() -> None:
        report = bench.reset()
        assert report["floating_until_then"]
        assert report["cause_is_watchdog"]
        assert max(report["undriven_ms"].values()) < 40  # reset, mount and the compiling of main.py
        assert bench.carrier.output("LIGHT_RED") == HIGH
        assert bench.carrier.output("MOTOR_OPEN") == bench.carrier.output("MOTOR_CLOSE") == LOW

    in_child(body)


def test_the_line_driver_is_off_within_the_silence_a_client_keeps(running: Callable[[str], RoleBench]) -> None:
    bench = running("weighbridge")

    def body() -> None:
        for count in (1, 29, 125):
            del bench.carrier.direction[:]
            bench.carrier.answer_us.clear()
            bench.client.read(256, count)
            (on_us, on), (off_us, off) = bench.carrier.direction
            assert (on, off) == (HIGH, LOW)
            assert on_us <= bench.carrier.answer_us[0]
            assert 0 <= off_us - bench.carrier.answer_us[-1] < rtu.t35_us(115_200)

    in_child(body)


def test_a_loose_input_card_is_told(running: Callable[[str], RoleBench]) -> None:
    bench = running("barrier")

    def body() -> None:
        bench.carrier.set_plugged(False)
        bench.carrier.advance(100_000)
        header = bench.client.read(0, 29)
        assert header[bench.regmap.AT_REASONS] & 1 << bench.regmap.REASONS_INPUT_BAD

    in_child(body)


def test_a_hanging_control_is_reset_by_the_watchdog(uf2: Path, tmp_path: Path) -> None:
    more = "from firmware.boards import chip\nclass Hanging(chip.Loop):\n    def _tend(self):\n"
    more += "        while True:\n            pass\nchip.Loop = Hanging\n"
    start = extended_start(deployed_files(provision("weighbridge"), tmp_path), more)
    carrier = Carrier.deployed(uf2, provision("weighbridge"), tmp_path, start)
    while not carrier.chip.resets and carrier.chip.now_us < 6_000_000:
        carrier.advance(100_000)
    assert carrier.chip.resets
    carrier.advance(100_000)  # it starts anew
    assert carrier.output("READY_LAMP") == LOW


def test_the_maintenance_file_keeps_control_and_watchdog_off(uf2: Path, tmp_path: Path) -> None:
    start = IN_SLOT + b"import machine\nmachine.Pin(6, machine.Pin.OUT, value=0)\nopen('maintenance', 'w').close()\n"
    start += b"from firmware.boards.chip import run\nfrom firmware.boards.rp2 import wiring\nrun(wiring, 'a')\n"
    carrier = Carrier.deployed(uf2, provision("weighbridge"), tmp_path, start)
    carrier.advance(12_000_000)
    assert carrier.chip.resets == []
    assert carrier.scans == []
    assert b"smartgate: maintenance, because the file maintenance is there" in carrier.chip.console


def test_the_bridged_maintenance_terminal_keeps_control_and_watchdog_off(uf2: Path, tmp_path: Path) -> None:
    bench = RoleBench(uf2, "barrier", tmp_path)
    bench.carrier.chip.drive(wiring.MAINTENANCE, LOW)
    bench.carrier.advance(12_000_000)
    assert bench.carrier.chip.resets == []
    assert bench.carrier.scans == []
    assert {bench.carrier.output(name) for name in bench.carrier.output_names} == {LOW}
    assert b"smartgate: maintenance, because the maintenance terminal is bridged" in bench.carrier.chip.console


# What is added to the provision file, and what the device says instead of starting.
REFUSED = (
    (b"watchdog_ms=999", b"watchdog_ms is '999': expected a number from 1000 to 8000"),
    (b"watchdog_ms=8001", b"watchdog_ms is '8001': expected a number from 1000 to 8000"),
    (b"wifi_ssid=gate", b"wifi_ssid is set, but this file set has no Wi-Fi: copy the one whose name ends in -wifi"),
)


@pytest.mark.parametrize(("line", "sentence"), REFUSED, ids=[case[0].decode() for case in REFUSED])
def test_a_provision_file_that_cannot_be_kept_starts_nothing_and_says_why(
    uf2: Path, tmp_path: Path, line: bytes, sentence: bytes
) -> None:
    start = IN_SLOT + b"with open('provision.txt', 'a') as file:\n    file.write('" + line + b"\\n')\n"
    start += b"from firmware.boards.chip import run\nfrom firmware.boards.rp2 import wiring\nrun(wiring, 'a')\n"
    carrier = Carrier.deployed(uf2, provision("weighbridge"), tmp_path, start)
    carrier.advance(3_000_000)
    assert carrier.scans == []
    assert b"smartgate: maintenance, because " + sentence in carrier.chip.console


@pytest.mark.parametrize(("asked_ms", "kept_ms"), [(1, 1000), (3000, 3000), (60_000, 8000)])
def test_the_watchdog_is_held_between_one_and_eight_seconds(
    uf2: Path, tmp_path: Path, asked_ms: int, kept_ms: int
) -> None:
    start = IN_SLOT + b"import time\nfrom firmware.boards.chip import Watchdog\nfrom machine import Pin\n"
    start += b"Watchdog(%d)\nPin(6, Pin.OUT, value=1)\nwhile True:\n    time.sleep_ms(100)\n" % asked_ms
    carrier = Carrier.deployed(uf2, provision("weighbridge"), tmp_path, start)
    while not carrier.chip.resets and carrier.chip.now_us < 12_000_000:
        carrier.advance(100_000)
    (begun_us,) = [us for us, name, level in carrier.output_changes if level == HIGH][:1]
    assert 0 <= begun_us + kept_ms * 1000 - carrier.chip.resets[0] < 5000


def test_nothing_is_printed_while_the_control_runs(running: Callable[[str], RoleBench]) -> None:
    bench = running("barrier")

    def body() -> None:
        bench.command("OPEN")
        bench.command("CLOSE", argument=7)
        bench.carrier.bus.put(bytes(range(256)))
        bench.carrier.set_plugged(False)
        bench.keep_busy(3_000_000)
        assert bench.carrier.scans
        assert bytes(bench.carrier.chip.console) == b""

    in_child(body)


def test_a_reader_that_answers_makes_no_scan_late_and_its_tag_is_read(running: Callable[[str], RoleBench]) -> None:
    bench = running("rfid")

    def body() -> None:
        bench.keep_busy(3_000_000)
        header = bench.client.read(0, 29)
        assert header[bench.regmap.AT_SCAN_OVERRUNS] == 0
        assert any(bench.client.read(bench.regmap.AT_READ_LIST, 2))

    in_child(body)


def test_an_indicator_that_talks_all_the_time_makes_no_scan_late(uf2: Path, tmp_path: Path) -> None:
    frame = bytearray(yaohua.TF0_SIZE)
    yaohua.encode_tf0(frame, Reading())
    indicated = replace(provision("weighbridge"), line_protocol="yaohua_tf0", line_baud=9600)
    carrier = Carrier.deployed(uf2, indicated, tmp_path)
    while len(carrier.scans) < 3:
        carrier.advance(10_000)
    del carrier.scans[:]
    for _ in range(10):
        carrier.line.put(bytes(frame))
        carrier.advance(100_000)
    gaps = [after - before for before, after in pairwise(carrier.scans)]
    assert len(gaps) > 80
    assert max(gaps) < 20_000


def test_a_conversion_of_the_converter_reaches_the_registers(running: Callable[[str], RoleBench]) -> None:
    bench = running("weighbridge")

    def body() -> None:
        bench.keep_busy(2_000_000)
        samples = shown(bench, bench.regmap.ST_ADC_SAMPLES)
        assert samples > 0
        bench.carrier.advance(1_000_000)
        assert shown(bench, bench.regmap.ST_ADC_SAMPLES) - samples in (9, 10, 11)

    in_child(body)


@pytest.mark.long
def test_a_charging_post_lives_a_whole_session_within_its_scan_time(uf2: Path, tmp_path: Path) -> None:
    bench = RoleBench(uf2, "charging_post", tmp_path)
    bench.start()
    bench.keep_busy(20_000_000, HAPPENINGS["charging_post"])
    reg = bench.regmap
    wanted = {
        reg.ST_STATE: reg.STATE_IDLE,
        reg.ST_FAULTS: 0,
        reg.ST_END_REASON: reg.END_REASON_COMMAND,
        reg.ST_SESSIONS: 1,
    }
    assert {point: shown(bench, point) for point in wanted} == wanted
    assert shown(bench, reg.ST_SESSION_PEAK_A_X10) > 100
    assert bench.client.read(reg.AT_SCAN_MAX_US, 1)[0] <= SCAN_MAX_US


def test_the_same_run_twice_gives_the_same_instants(uf2: Path, tmp_path: Path) -> None:
    runs = []
    for _ in range(2):
        bench = RoleBench(uf2, "barrier", tmp_path)
        bench.start()
        bench.client.repeat([struct.pack(">BHH", pdu.READ_INPUT_REGISTERS, 0, 60)], lambda request, answer: None)
        bench.carrier.advance(500_000)
        runs.append((bench.carrier.scans, bench.carrier.answer_us, bench.carrier.output_changes))
    assert len(runs[0][0]) > 20
    assert runs[0] == runs[1]


def test_the_cache_of_the_flash_takes_no_part_in_what_a_program_sees_of_time(
    uf2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def live(cache: int) -> tuple[int, list[int], list[int]]:
        monkeypatch.setattr(emulator, "_CACHE_OFF", cache)
        bench = RoleBench(uf2, "barrier", tmp_path)
        bench.start()
        bench.keep_busy(100_000)
        return bench.carrier.chip.cycles, bench.carrier.scans, bench.carrier.answer_us

    assert live(emulator._CACHE_OFF) == live(3)  # 3 is its CTRL after a reset


def test_an_unknown_image_is_refused_with_its_digest(tmp_path: Path) -> None:
    image = tmp_path / "other.uf2"
    image.write_bytes(b"UF2")
    with pytest.raises(UsageError, match=r"other.uf2: SHA-256 .* is no image this was tried with; take one of: Micro"):
        find_uf2(image)


def test_a_missing_image_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be read .* name a UF2 image with --uf2"):
        find_uf2(tmp_path / "none.uf2")
    assert main(["chip", "--uf2", str(tmp_path / "none.uf2")]) == 2


def test_a_cache_without_a_known_image_is_blocked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "UF2_CACHE", tmp_path)
    (tmp_path / "other.uf2").write_bytes(b"UF2")
    (tmp_path / "folder.uf2").mkdir()
    (tmp_path / "gone.uf2").symlink_to(tmp_path / "nothing")
    with pytest.raises(BlockedError, match="no known UF2 image in"):
        find_uf2(None)


def test_every_known_image_is_named_by_a_whole_digest() -> None:
    assert all(len(digest) == 64 for digest in UF2_SHA256)
