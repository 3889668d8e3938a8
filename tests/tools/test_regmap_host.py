"""The register map generator: what it refuses, with which words, and that its outputs say what the TOML says."""

import importlib
import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tools.regmap.__main__ import EXIT_REFUSED, EXIT_STALE, main
from tools.regmap.generate import generate, load_maps
from tools.regmap.model import Problems, RoleMap

ROOT = Path(__file__).parents[2]
MICROPYTHON = Path(sys.executable).with_name("micropython")
HEADER = "protocols/registers/header.toml"
BARRIER = "protocols/registers/barrier.toml"
WEIGHBRIDGE = "protocols/registers/weighbridge.toml"

POINT = """
[[point]]
name = "{name}"
table = "{table}"
address = {address}
type = "{type}"
description = "Something"
{rest}
"""
LIMITS = "min = 0\nmax = 10\ndefault = 5"


def a_point(
    name: str = "extra", table: str = "input_register", address: int = 90, type: str = "uint16", rest: str = ""
) -> str:
    return POINT.format(name=name, table=table, address=address, type=type, rest=rest)


def a_setting(rest: str, type: str = "uint16") -> str:
    return a_point(table="holding_register", type=type, rest=f'access = "RW"\n{rest}')


# What is appended to barrier.toml, and the line it must give.
APPENDED = (
    (
        a_point(address=65),
        "point 'extra': input_register 65..65 overlaps point 'mode' at 65..65; move one of them",
    ),
    (
        a_point(address=73, type="uint32"),
        "point 'passes': input_register 74..75 overlaps point 'extra' at 73..74; move one of them",
    ),
    (
        a_point(address=510, type="uint32"),
        f"point 'extra': input_register 510..511 overlaps ring at 256..511 of {HEADER}; move one of them",
    ),
    (
        a_point(table="holding_register", address=9),
        f"point 'extra': holding_register 9..9 overlaps point 'command_block' at 0..9 of {HEADER}; move one of them",
    ),
    (
        a_point(address=63),
        "point 'extra': input_register 63 is in the header's address space; use 64 or more",
    ),
    (
        a_point(address=65535, type="uint32"),
        "point 'extra': addresses 65535..65536 leave 0..65535; move it",
    ),
    (a_point(address=-1), "point 'extra': addresses -1..-1 leave 0..65535; move it"),
    (
        a_point(rest='units = "furlong"'),
        "point 'extra': unknown units 'furlong'; use one of: count, kg, ms, permille, s, us",
    ),
    (
        a_point(type="float32"),
        "point 'extra': unknown type 'float32'; "
        "use one of: uint16, int16, enum16, bitfield16, uint32, int32, bits, block",
    ),
    (
        a_point(table="register"),
        "point 'extra': unknown table 'register'; use one of: discrete_input, coil, input_register, holding_register",
    ),
    (a_point(rest='access = "W"'), "point 'extra': unknown access 'W'; use one of: R, RW"),
    (a_point(rest='write = "mail"'), "point 'extra': unknown write 'mail'; use one of: command, wire"),
    (
        a_point(rest='colour = "red"'),
        "point 'extra': unknown key 'colour'; use one of: name, table, address, type, size, units, sf, access, "
        "write, min, max, default, mandatory, description, symbols",
    ),
    (a_point(rest="sf = 11"), "point 'extra': sf = 11 is outside -10..10; use SunSpec's scale factors"),
    (a_point(rest="size = 2"), "point 'extra': type uint16 has a fixed size; remove size"),
    (
        a_point(table="coil"),
        "point 'extra': type uint16 cannot stand in table coil; change the type or the table",
    ),
    (
        a_point(table="discrete_input", type="bits", rest="symbols = { A = 0 }"),
        "point 'extra': type bits needs a size of 1 or more; add size = the number of bits or registers",
    ),
    (a_setting("min = 0\nmax = 10"), "point 'extra': writable without default; add default = a raw value"),
    (a_setting("max = 10\ndefault = 1"), "point 'extra': writable without min; add min = a raw value"),
    (a_setting("min = 0\ndefault = 1"), "point 'extra': writable without max; add max = a raw value"),
    (
        a_setting("min = 0\nmax = 10\ndefault = 11"),
        "point 'extra': default 11 is outside 0..10; choose one between the limits",
    ),
    (
        a_setting("min = 0\nmax = 65536\ndefault = 1"),
        "point 'extra': max 65536 is outside 0..65535, what the device holds of uint16; "
        "narrow the limit or widen the type",
    ),
    (
        a_setting("min = 0\nmax = 1073741824\ndefault = 1", "uint32"),
        "point 'extra': max 1073741824 is outside 0..1073741823, what the device holds of uint32; "
        "narrow the limit or widen the type",
    ),
    (a_setting("min = 9\nmax = 1\ndefault = 5"), "point 'extra': min 9 is above max 1; exchange them"),
    (
        a_setting("min = 0\nmax = 2\ndefault = 0\nsymbols = { NO = 0, YES = 1 }", "enum16"),
        "point 'extra': min, max or default is not a symbol's value; use the symbols' values",
    ),
    (
        a_point(table="coil", type="bits", rest='size = 1\nsymbols = { A = 0 }\naccess = "RW"'),
        "point 'extra': table coil cannot be RW; settings are holding registers; drive outputs by opcode",
    ),
    (
        a_point(rest=LIMITS),
        "point 'extra': a read-only point has limits or a way to write; remove them or set access = 'RW'",
    ),
    (
        a_setting('write = "wire"\n' + LIMITS),
        "point 'extra': write = 'wire' would change the device without a tag; use write = 'command'",
    ),
    (a_point(name="mode"), "point 'mode': name 'mode' is already taken by point 'mode'; rename one of them"),
    (
        a_point(name="health"),
        f"point 'health': name 'health' is already taken by point 'health' of {HEADER}; rename one of them",
    ),
    (a_point(name="Extra"), "point 'Extra': name 'Extra' does not match [a-z][a-z0-9_]*; rename it"),
    (
        a_point(type="enum16", rest="symbols = { A = 1, B = 1 }"),
        "point 'extra': symbols A and B both have value 1; give each its own value",
    ),
    (
        a_point(type="bitfield16", rest="symbols = { A = 16 }"),
        "point 'extra': symbol A has bit 16, outside 0..15; choose a bit of the bitfield16",
    ),
    (a_point(type="enum16"), "point 'extra': type enum16 needs symbols; add symbols = { NAME = number }"),
    (a_point(rest="symbols = { A = 1 }"), "point 'extra': type uint16 has no symbols; remove them"),
    (
        a_point(name="hub_loss", type="enum16", rest="symbols = { ACTION_HOLD = 1 }"),
        f"point 'hub_loss': constant HUB_LOSS_ACTION_HOLD is also made by point 'hub_loss_action' of {BARRIER}; "
        "rename the point or the symbol",
    ),
    (
        '[[opcode]]\nname = "JUMP"\nvalue = 17\ndescription = "x"',
        "opcode 'JUMP': value 17 is already taken by opcode 'OPEN'; choose a free value",
    ),
    (
        '[[opcode]]\nname = "SET"\nvalue = 40\ndescription = "x"',
        f"opcode 'SET': name is already taken by opcode 'SET' of {HEADER}; rename one of them",
    ),
    (
        '[[opcode]]\nname = "JUMP"\nvalue = 256\ndescription = "x"',
        "opcode 'JUMP': value 256 is outside 1..255; choose a free number there",
    ),
    (
        '[[event]]\nname = "JUMPED"\ncode = 1\ndescription = "x"',
        f"event 'JUMPED': code 1 is already taken by event 'BOOT' of {HEADER}; choose a free code",
    ),
    (
        '[[event]]\nname = "JUMPED"\ncode = 65536\ndescription = "x"',
        "event 'JUMPED': code 65536 is outside 1..65535; choose a free number there",
    ),
    (
        '[[event]]\nname = "JUMPED"\ncode = "x"\ndescription = "x"',
        "event 'JUMPED': code = 'x' has the wrong type; write a whole number",
    ),
    ("[[points]]\nx = 1", "file: unknown section 'points'; use one of: map, point, opcode, event, ring"),
    (
        '[ring]\ntable = "input_register"\naddress = 600\ncapacity = 2\ndescription = "x"',
        "ring: a role has no ring of its own; remove it; the header's serves every role",
    ),
)

# File, text to replace, replacement, and the line it must give.
REPLACED = (
    (BARRIER, 'name = "barrier"', 'name = "gate"', "map: name 'gate' is not the file's name; write name = 'barrier'"),
    (
        BARRIER,
        "id = 1\n",
        "id = 9\n",
        f"map: id 9 is not the symbol BARRIER of the header's point 'map_id'; add it to {HEADER}",
    ),
    (BARRIER, "version = 1\n", "version = 0\n", "map: version = 0 is not 1..65535; give the role map a version"),
    (BARRIER, "[map]", "[card]", "map: section [map] is missing; add it with name, id, version and description"),
    (
        WEIGHBRIDGE,
        "id = 2\n",
        "id = 1\n",
        f"map: id 1 is already taken by map of {BARRIER}; give each role its own id",
    ),
    (HEADER, "size = 10", "size = 9", "point 'command_block': is not the one point with write = 'wire' and size 10;"),
    (HEADER, "address = 28\n", "address = 64\n", "point 'command_nonce_done': input_register 64..64 is the role's"),
    (HEADER, "capacity = 32", "capacity = 8161", "ring: addresses 256..65543 leave 0..65535; move it"),
    (HEADER, "[map]", "[map", "file: is not TOML: "),
    (BARRIER, 'description = "State of the boom control"', "", "point 'state': key 'description' is missing; add"),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory with the project's maps, to be broken."""
    shutil.copytree(ROOT / "protocols/registers", tmp_path / "protocols/registers")
    return tmp_path


def complaints(root: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert main(["--root", str(root)]) == EXIT_REFUSED
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


@pytest.mark.parametrize(("text", "expected"), APPENDED, ids=[expected[:60] for _, expected in APPENDED])
def test_a_faulty_entry_is_refused_with_file_entry_and_remedy(
    root: Path, capsys: pytest.CaptureFixture[str], text: str, expected: str
) -> None:
    with (root / BARRIER).open("a", encoding="utf-8") as file:
        file.write(text)
    assert f"{BARRIER}: {expected}" in complaints(root, capsys)


@pytest.mark.parametrize(("name", "old", "new", "expected"), REPLACED, ids=[case[3][:60] for case in REPLACED])
def test_a_faulty_map_is_refused_with_file_entry_and_remedy(
    root: Path, capsys: pytest.CaptureFixture[str], name: str, old: str, new: str, expected: str
) -> None:
    text = (root / name).read_text(encoding="utf-8")
    assert old in text
    (root / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    assert any(line.startswith(f"{name}: {expected}") for line in complaints(root, capsys))


def test_all_problems_of_all_files_are_reported_at_once(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (HEADER, BARRIER, WEIGHBRIDGE):
        with (root / name).open("a", encoding="utf-8") as file:
            file.write(a_point(name=f"extra_{name[20:23]}", address=80, rest='units = "inch"\naccess = "W"'))
    lines = complaints(root, capsys)
    assert len(lines) == 6
    assert {line.partition(":")[0] for line in lines} == {HEADER, BARRIER, WEIGHBRIDGE}


def test_an_overlap_is_reported_once(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (root / HEADER).open("a", encoding="utf-8") as file:
        file.write(a_point(address=28))
    assert len([line for line in complaints(root, capsys) if "overlaps" in line]) == 1


def test_a_missing_header_is_one_sentence(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / HEADER).unlink()
    assert complaints(root, capsys) == [f"{HEADER}: file: does not exist; restore it from the repository"]


def test_check_names_stale_missing_and_orphaned_files(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(root)]) == 0
    assert main(["--root", str(root), "--check"]) == 0
    device = root / "protocols/registers/barrier.py"
    orphan = root / "docs/registers/gone.md"
    device.write_text(device.read_text().replace("const(1)", "const(2)"))
    shutil.copy(root / "docs/registers/barrier.md", orphan)
    (root / "sim_devices/images/weighbridge.json").unlink()
    capsys.readouterr()
    assert main(["--root", str(root), "--check"]) == EXIT_STALE
    names = [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert names == [
        "docs/registers/gone.md",
        "protocols/registers/barrier.py",
        "sim_devices/images/weighbridge.json",
    ]
    assert main(["--root", str(root)]) == 0
    assert not orphan.exists()
    assert main(["--root", str(root), "--check"]) == 0


def test_output_is_deterministic_and_says_where_it_comes_from() -> None:
    files = generate(ROOT, Problems())
    assert files == generate(ROOT, Problems())
    for path, text in files.items():
        role = Path(path).stem.removesuffix("_tags")
        assert f"tools/regmap from protocols/registers/{{header,{role}}}.toml" in text.partition("\n")[0]


ROLE_MAPS = load_maps(ROOT, Problems())
ROLES = pytest.mark.parametrize("role_map", ROLE_MAPS, ids=[role_map.role.name for role_map in ROLE_MAPS])


@ROLES
def test_packed_tables_decode_to_the_map(role_map: RoleMap) -> None:
    device = importlib.import_module(f"protocols.registers.{role_map.role.name}")
    status = list(struct.iter_unpack(">HBB", device.STATUS_TABLE))
    assert status == [(p.address, p.count, int(p.type == "int32")) for p in role_map.status]
    settings = list(struct.iter_unpack(">HBBiii", device.SETTINGS_TABLE))
    assert settings == [
        (p.address, p.count, int(p.type == "int32"), p.min, p.max, p.default) for p in role_map.settings
    ]
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
    assert device.INPUT_COUNT == device.RING_ADDRESS + 8 * device.RING_CAPACITY == 512


@ROLES
def test_tags_say_what_the_map_says(role_map: RoleMap) -> None:
    tags = importlib.import_module(f"protocols.registers.{role_map.role.name}_tags")
    assert (role_map.role.id, role_map.role.version, role_map.role.name) == (tags.MAP_ID, tags.MAP_VERSION, tags.NAME)
    assert len(tags.TAGS) == len(role_map.points)
    for tag, point in zip(tags.TAGS, role_map.points, strict=True):
        for name in vars(tag):
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
    result = subprocess.run([MICROPYTHON, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.stdout.splitlines() == [f"{key} {getattr(device, key)}" for key in constants], result.stderr
