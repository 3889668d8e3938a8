"""How the rp2 board waits: whatever a line brings ends the sleep, and the next scan does; never later than it must.

Every device here scans each 100 ms only, so what happens before a scan was not waited for by one.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from firmware.boards.host import store_settings
from firmware.boards.rp2 import wiring
from hil.chip.bench import RoleBench, provision
from hil.chip.carrier import Carrier, deployed_files, extended_start
from hil.chip.converter import Converter
from hil.chip.emulator import HIGH, LOW, Chip, build_image
from hil.targets.target import Provision
from protocols.crc import crc16

_SLOW = {"scan_period_ms": 100}
_START_LIMIT_US = 5_000_000
# A reader of pulses says what it lost.
_TELLING = """
from firmware.boards import chip
Plain = chip.Loop
class Telling(Plain):
    def _tend(self):
        if self._board.instrument.lost:
            print("lost", self._board.instrument.lost)
chip.Loop = Telling
"""


def slow_device(uf2: Path, out: Path, identity: Provision, more: str = "") -> Carrier:
    """Right behind a scan, the start all over; `more` is added to the start."""
    files = deployed_files(identity, out)
    files["main.py"] = extended_start(files, more)
    settings = out / "settings"
    settings.mkdir()
    store_settings(identity.role, _SLOW, settings)
    files |= {path.name: path.read_bytes() for path in settings.iterdir()}
    carrier = Carrier(Chip(uf2, build_image(files)), identity)
    while len(carrier.scans) < 4:
        carrier.advance(1_000)
        if carrier.chip.now_us > _START_LIMIT_US:
            carrier.chip.check_alive()
            pytest.fail("it does not scan")
    carrier.advance(10_000)
    carrier.scans.clear()
    return carrier


def test_a_byte_on_the_bus_ends_the_sleep(uf2: Path, tmp_path: Path) -> None:
    bench = RoleBench(uf2, "barrier", tmp_path)
    bench.carrier = slow_device(uf2, tmp_path, provision("barrier"))
    bench.client = type(bench.client)(bench.carrier)
    assert bench.client.read(0, 29)[bench.regmap.AT_MAP_ID] == bench.regmap.MAP_ID
    assert bench.carrier.scans == []


def test_a_conversion_ends_the_sleep(uf2: Path, tmp_path: Path) -> None:
    carrier = slow_device(uf2, tmp_path, provision("weighbridge"))
    converter = Converter(carrier.chip)
    for number in range(1, 4):
        converter.offer(1000)
        carrier.advance(5_000)
        assert converter.reads == number
    assert carrier.scans == []


def test_the_pulses_of_a_card_are_caught_asleep(uf2: Path, tmp_path: Path) -> None:
    identity = replace(provision("rfid"), line_protocol="wiegand")
    carrier = slow_device(uf2, tmp_path, identity, _TELLING)
    for _ in range(200):  # more bits than the catcher holds: they must be fetched meanwhile
        for pin in (wiring.LINE_RX, wiring.LINE_TX):
            carrier.chip.drive(pin, LOW)
            carrier.advance(50)
            carrier.chip.drive(pin, HIGH)
            carrier.advance(150)
    assert carrier.scans == []
    carrier.advance(100_000)
    assert bytes(carrier.chip.console) == b""


def foreign_frame(size: int) -> bytes:
    """What another device of the line answers."""
    body = bytes([77, 4, size - 5]) + bytes(size - 5)
    return body + crc16(body, 0, len(body)).to_bytes(2, "little")


def test_a_frame_of_another_device_costs_few_turns_and_no_scan_its_time(uf2: Path, tmp_path: Path) -> None:
    carrier = slow_device(uf2, tmp_path, provision("barrier"))
    begun, frame = carrier.chip.cycles, foreign_frame(253)
    for _ in range(10):
        carrier.bus.put(frame)
        carrier.advance(100_000)
    assert carrier.chip.cycles - begun < carrier.chip.clock_hz // 12
    gaps_us = [later - sooner for sooner, later in zip(carrier.scans, carrier.scans[1:], strict=False)]
    assert len(carrier.scans) == 10
    assert max(abs(gap - 100_000) for gap in gaps_us) < 2_000


def test_a_request_behind_a_frame_of_another_device_is_answered(uf2: Path, tmp_path: Path) -> None:
    bench = RoleBench(uf2, "barrier", tmp_path)
    bench.carrier = slow_device(uf2, tmp_path, provision("barrier"))
    bench.client = type(bench.client)(bench.carrier)
    for pause_us in (1_800, 2_300, 3_100):
        frame = foreign_frame(105)
        bench.carrier.bus.put(frame)
        bench.carrier.advance(len(frame) * bench.carrier.bus.character_us + pause_us)
        assert bench.client.read(0, 29)[bench.regmap.AT_MAP_ID] == bench.regmap.MAP_ID


def test_scans_keep_their_period_and_the_processor_sleeps_between_them(uf2: Path, tmp_path: Path) -> None:
    carrier = slow_device(uf2, tmp_path, provision("barrier"))
    begun = carrier.chip.cycles
    carrier.advance(1_000_000)
    assert len(carrier.scans) == 1_000 // _SLOW["scan_period_ms"]
    assert carrier.chip.cycles - begun < carrier.chip.clock_hz // 20
