"""`gate provision` and `gate swap` at an emulated RP2040, over its USB console and then on its line.

What the flash holds afterwards is read by another file system library, and by mpremote itself.
"""

from __future__ import annotations

import hashlib
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.boards.board import Board
from edge.boards.entry import enter
from edge.boards.file_sets import compiled_set
from edge.boards.provision_file import read_text
from edge.cli import main
from edge.provision.book import read_book
from edge.southbound.role_map import ROLE_MAPS
from edge.southbound.settings_copy import SettingsCopy, settings_of
from hil.bench.chip_wire import ChipWire
from hil.chip.carrier import BOARD, Carrier
from hil.chip.client import ChipClient
from hil.chip.emulator import Chip, build_image, read_files
from hil.chip.field import ConverterField, wire_idle
from hil.targets.target import Provision
from protocols.modbus import pdu
from protocols.registers import weighbridge as registers
from tests.edge.provision.bench import UPDATE_KEY, place_at
from tests.edge.provision.test_swap_host import back_up
from tests.hil.chip.chip_port import ChipPort

BAUD, UNIT, SERIAL = 19200, 2, 1002
SITE = f"""[site]
name = "north"
data_dir = "data"
update_key_file = "update.pub"
[[line]]
name = "bus"
kind = "rtu"
port = "bus"
baud = {BAUD}
[[device]]
name = "scale"
line = "bus"
unit_id = {UNIT}
map = "weighbridge"
map_version = {registers.MAP_VERSION}
serial = {SERIAL}
key_file = "keys/scale.key"
wiring = "pico-hx711"
line_protocol = "converter"
"""
PROMPT_US = 1_000_000
START_US = 4_000_000
SCANS = 10  # so many, and everything is published
ROLE = ROLE_MAPS["weighbridge"]
POINTS = ("map_id", "serial_number", "key_id", "calibration_count", "settings_generation", "faults")
Gate = Callable[..., tuple[int, str]]


class Desk:
    """A flashed chip on its card, nobody yet. Emulated chips all have one number: `number` stands for another."""

    def __init__(self, uf2: Path, files: dict[str, bytes], number: str) -> None:
        self.number = number
        self.chip = Chip(uf2, build_image(files))
        self.carrier = Carrier(self.chip, Provision(ROLE.name, SERIAL, UNIT, BAUD, bytes(32)))
        wire_idle(self.carrier)
        self._converter = ConverterField(self.carrier)
        self._client = ChipClient(self.carrier)
        self.chip.advance(PROMPT_US)

    def open(self, port: str) -> Board:
        """In the place of `open_board`: the console is a wire in the chip's own time."""
        board = Board(enter(lambda: ChipWire(self.chip), lambda s: self.chip.advance(int(s * 1_000_000))))
        board.unique_id = lambda: self.number  # type: ignore[method-assign]
        return board

    def files(self) -> dict[str, bytes]:
        """What the flash holds, as another file system library reads it."""
        return read_files(self.chip.file_system())

    def starts(self) -> bool:
        """Whether its control runs, once it had the time."""
        del self.carrier.scans[:]
        until_us = self.chip.now_us + START_US
        while len(self.carrier.scans) < SCANS and self.chip.now_us < until_us:
            self.chip.advance(10_000)
        return len(self.carrier.scans) >= SCANS

    def says(self) -> dict[str, int]:
        """What it tells on its line, of POINTS and settings."""
        told = {}
        for name in POINTS:
            tag = ROLE.tag(name)
            words = self._client.read(tag.address, tag.count)
            told |= {name: ROLE.decode(tag.address, struct.pack(f">{tag.count}H", *words))[name]}
        for setting in settings_of(ROLE):
            request = struct.pack(">BHH", pdu.READ_HOLDING_REGISTERS, setting.address, setting.width)
            told[setting.name] = int.from_bytes(self._client.ask(request)[2:], "big", signed=setting.is_signed)
        return told


@pytest.fixture(scope="module")
def flashed() -> dict[str, bytes]:
    return dict(compiled_set(ROLE.name, BOARD, False))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "update.pub").write_text(UPDATE_KEY + "\n")
    (tmp_path / "site.toml").write_text(SITE)
    return tmp_path / "site.toml"


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], site: Path) -> Gate:
    def run(desk: Desk, *words: str) -> tuple[int, str]:
        monkeypatch.setattr("edge.provision.word.open_board", desk.open)
        monkeypatch.setattr("edge.provision.swap_word.open_board", desk.open)
        code = main([words[0], str(site), "scale", "chip", *words[1:]])
        said = capfd.readouterr()
        return code, said.out + said.err

    return run


def test_a_provisioned_chip_answers_as_who_it_is(uf2: Path, flashed: dict[str, bytes], site: Path, gate: Gate) -> None:
    desk = Desk(uf2, flashed | {"provision.txt": b"watchdog_ms=5000\n"}, "chip-1")
    code, said = gate(desk, "provision", "--json")
    key = place_at(site, "scale").keys.current()
    assert code == 0, said
    assert key is not None
    assert json.loads(said).items() >= {"key": "new", "serial": SERIAL, "chip": "chip-1", "updates": True}.items()
    held = desk.files()
    assert held.keys() == flashed.keys() | {"provision.txt"}
    assert {path: data for path, data in held.items() if path != "provision.txt"} == flashed
    assert read_text(held["provision.txt"]) == {
        **{"role": ROLE.name, "serial": str(SERIAL), "unit_id": str(UNIT), "baud": str(BAUD)},
        **{"wiring": "pico-hx711", "line_protocol": "converter", "watchdog_ms": "5000"},
        **{"key": key.secret.hex(), "site_key": UPDATE_KEY},
    }
    assert desk.starts()
    told = desk.says()
    assert (told["map_id"], told["serial_number"], told["key_id"]) == (ROLE.map_id, SERIAL, key.key_id)


def test_a_swapped_chip_answers_with_the_settings_of_the_broken_one(
    uf2: Path, flashed: dict[str, bytes], site: Path, gate: Gate
) -> None:
    first, second = Desk(uf2, flashed, "chip-1"), Desk(uf2, flashed, "chip-2")
    assert gate(first, "provision")[0] == 0
    old_key = place_at(site, "scale").keys.current()
    assert old_key is not None
    values = {setting.name: setting.default for setting in settings_of(ROLE)}
    values |= {"max_kg": 60000, "span_counts": 3_999_999}
    back_up(place_at(site, "scale"), SettingsCopy(41, 5, old_key.key_id, 256, 7, values))
    code, said = gate(second, "swap", "--json")
    assert code == 0, said
    assert json.loads(said).items() >= {"chip": "chip-2", "chip_before": "chip-1", "recalibrate": True}.items()
    new_key = place_at(site, "scale").keys.current()
    assert new_key is not None
    assert set(read_book(site.parent / "data").revoked) == {old_key.fingerprint}
    held = second.files()
    assert held.keys() == flashed.keys() | {"provision.txt", "settings_a.bin", "settings_b.bin"}
    assert read_text(held["provision.txt"])["key"] == new_key.secret.hex()
    assert second.starts()
    told = second.says()
    assert {name: told[name] for name in values} == values
    assert (told["serial_number"], told["key_id"]) == (SERIAL, new_key.key_id)
    assert (told["calibration_count"], told["settings_generation"]) == (7, 5)
    assert told["faults"] >> registers.FAULTS_RECALIBRATION_DUE & 1


def test_mpremote_itself_finds_the_provision_file(uf2: Path, flashed: dict[str, bytes], gate: Gate) -> None:
    desk = Desk(uf2, flashed | {"maintenance": b"somebody's"}, "chip-1")
    code, said = gate(desk, "provision")
    assert code == 0
    assert "the board stays in maintenance: remove its file maintenance" in said
    desk.chip.advance(PROMPT_US)
    mpremote = Path(sys.executable).with_name("mpremote")
    with ChipPort(desk.chip) as port:
        command = [str(mpremote), "connect", port.port, "sha256sum", ":provision.txt"]
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert hashlib.sha256(desk.files()["provision.txt"]).hexdigest() in told
