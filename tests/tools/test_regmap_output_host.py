"""Every file the register map generator writes says what the maps say, on both interpreters."""

import importlib
import json
import struct
import subprocess
from pathlib import Path

import pytest

from sim_devices.micropython import VM
from tools.regmap.generate import generate, load_maps
from tools.regmap.model import Problems, RoleMap

ROOT = Path(__file__).parents[2]


def test_output_is_deterministic_and_says_where_it_comes_from() -> None:
    files = generate(ROOT, Problems())
    assert files == generate(ROOT, Problems())
    for path, text in files.items():
        role = Path(path).stem.removesuffix("_tags")
        assert f"tools/regmap from protocols/registers/{{header,{role}}}.toml" in text.partition("\n")[0]


SIGNED = ("int16", "int32")
ROLE_MAPS = load_maps(ROOT, Problems())
ROLES = pytest.mark.parametrize("role_map", ROLE_MAPS, ids=[role_map.role.name for role_map in ROLE_MAPS])


@ROLES
def test_packed_tables_decode_to_the_map(role_map: RoleMap) -> None:
    device = importlib.import_module(f"protocols.registers.{role_map.role.name}")
    status = list(struct.iter_unpack(">HBB", device.STATUS_TABLE))
    assert status == [(p.address, p.count, int(p.type in SIGNED)) for p in role_map.status]
    settings = list(struct.iter_unpack(">HBBiii", device.SETTINGS_TABLE))
    assert settings == [(p.address, p.count, int(p.type in SIGNED), p.min, p.max, p.default) for p in role_map.settings]
    assert len(status) == device.STATUS_COUNT
    assert len(settings) == device.SETTING_COUNT
    assert list(struct.iter_unpack(">HH", device.WRITABLE)) == [(device.COMMAND_ADDRESS, device.COMMAND_SIZE)]


@ROLES
def test_constants_say_what_the_map_says(role_map: RoleMap) -> None:
    device = importlib.import_module(f"protocols.registers.{role_map.role.name}")
    for index, point in enumerate(role_map.settings):
        assert getattr(device, f"SET_{point.name.upper()}") == index
    for index, point in enumerate(role_map.status):
        assert getattr(device, f"ST_{point.name.upper()}") == index
    for point in role_map.header.points:
        if point.table == "input_register":
            assert getattr(device, f"AT_{point.name.upper()}") == point.address
    for point in role_map.points:
        prefix = {"digital_inputs": "IN", "digital_outputs": "OUT"}.get(point.name, point.name.upper())
        for name, value in point.symbols:
            assert getattr(device, f"{prefix}_{name}") == value
    assert device.RING_ADDRESS + 8 * device.RING_CAPACITY == 512
    for point in role_map.blocks:
        assert getattr(device, f"AT_{point.name.upper()}") == point.address
        assert not hasattr(device, f"ST_{point.name.upper()}")
    assert max([512, *(point.end for point in role_map.blocks)]) == device.INPUT_COUNT


@ROLES
def test_tags_say_what_the_map_says(role_map: RoleMap) -> None:
    tags = importlib.import_module(f"protocols.registers.{role_map.role.name}_tags")
    assert (role_map.role.id, role_map.role.version, role_map.role.name) == (tags.MAP_ID, tags.MAP_VERSION, tags.NAME)
    assert len(tags.TAGS) == len(role_map.points)
    for tag, point in zip(tags.TAGS, role_map.points, strict=True):
        for name in vars(tag).keys() & vars(point).keys():  # the rest is for devices of others
            assert getattr(tag, name) == getattr(point, name), (point.name, name)
    assert {code: event.name for code, event in tags.EVENTS.items()} == {e.code: e.name for e in role_map.events}
    assert {opcode.name: opcode.value for opcode in role_map.opcodes} == tags.OPCODES


@ROLES
def test_image_holds_identity_and_defaults(role_map: RoleMap) -> None:
    image = json.loads((ROOT / f"sim_devices/images/{role_map.role.name}.json").read_text(encoding="utf-8"))
    assert image["input_register"][:2] == [role_map.role.id, role_map.role.version]
    assert image["input_register"][18] == role_map.ring.capacity
    for point in role_map.settings:
        words = image["holding_register"][point.address : point.end]
        value = int.from_bytes(struct.pack(f">{len(words)}H", *words), "big", signed=(point.min or 0) < 0)
        assert value == point.default, point.name


@ROLES
def test_document_has_a_row_for_every_point_event_and_opcode(role_map: RoleMap) -> None:
    text = (ROOT / f"docs/registers/{role_map.role.name}.md").read_text(encoding="utf-8")
    names = [point.name for point in role_map.points]
    names += [event.name for event in role_map.events]
    names += [opcode.name for opcode in role_map.opcodes]
    for name in names:
        assert any(line.startswith("| ") and f"| `{name}` |" in line for line in text.splitlines()), name


@ROLES
def test_the_micropython_vm_imports_the_same_constants(role_map: RoleMap) -> None:
    name = f"protocols.registers.{role_map.role.name}"
    device = importlib.import_module(name)
    constants = sorted(key for key, value in vars(device).items() if type(value) in (int, bytes))
    script = f"import {name} as m\nfor n in {constants}: print(n, getattr(m, n))"
    result = subprocess.run([VM, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.stdout.splitlines() == [f"{key} {getattr(device, key)}" for key in constants], result.stderr
