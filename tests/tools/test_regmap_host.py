"""The register map generator refuses faulty maps with file, entry, reason and remedy, and knows stale files."""

import shutil
from pathlib import Path

import pytest

from tools.regmap.__main__ import EXIT_REFUSED, EXIT_STALE, main

ROOT = Path(__file__).parents[2]
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
        "point 'extra': unknown units 'furlong'; use one of: A, A/s, V, Wh, degC, mAh, count, kg, ms, permille, s, us",
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
    (
        a_point(type="bits", rest="size = 2\nsymbols = { A = 0 }"),
        "point 'extra': type bits cannot stand in table input_register; change the type or the table",
    ),
    (
        a_point(type="enum16", rest='symbols = { A = "1" }'),
        "point 'extra': symbol A = '1' is not a whole number; give the symbol its number",
    ),
    (
        a_setting("size = 2\n" + LIMITS, "block"),
        "point 'extra': type block cannot be a setting; use an integer type",
    ),
    (
        a_setting('write = "wire"\n' + LIMITS),
        "point 'extra': write = 'wire' is for a block without limits; use write = 'command'",
    ),
    ("[[points]]\nx = 1", "file: unknown section 'points'; use one of: map, point, opcode, event, ring, update_window"),
    (
        '[ring]\ntable = "input_register"\naddress = 600\ncapacity = 2\ndescription = "x"',
        "ring: a role has no ring of its own; remove it; the header's serves every role",
    ),
    (
        '[update_window]\ntable = "holding_register"\naddress = 2000\nsize = 100\ndescription = "x"',
        "update_window: a role has no update window of its own; remove it; the header's serves every role",
    ),
    (
        a_point(table="holding_register", address=1025),
        f"point 'extra': holding_register 1025..1025 overlaps update_window at 1024..1143 of {HEADER}; "
        "move one of them",
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
    (BARRIER, "version = 3\n", "version = 0\n", "map: version = 0 is not 1..65535; give the role map a version"),
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
    (
        HEADER,
        "[update_window]",
        "[door]",
        "update_window: section [update_window] is missing; add it; every device can",
    ),
    (HEADER, "size = 120", "size = 124", "update_window: is not a row of holding registers that one request can write"),
    (HEADER, "size = 120", "size = 2", "update_window: is not a row of holding registers that one request can write"),
    (HEADER, "address = 1024", "address = 65500", "update_window: addresses 65500..65619 leave 0..65535; move it"),
    (HEADER, "[ring]", "[belt]", "ring: section [ring] is missing; add it; every device keeps events"),
    (HEADER, "capacity = 32", "capacity = 0", "ring: is not a row of input registers; use table input_register and"),
    (HEADER, "[map]", "ring = 5\n[map]", "file: is not TOML: "),
    (BARRIER, "[map]", "ring = 5\n[map]", "ring: is not a table; write it under [ring]"),
    (BARRIER, "[[point]]", "[[event]]", "event 'state': unknown key 'table'; use one of: name, code, description, arg"),
    (BARRIER, '"State of the boom control"', '""', "point 'state': description is empty; say what the customer reads"),
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


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("point = 1", "file: 'point' is not a list; write each one under [[point]]"),
        ("event = [1]", "event number 1: is not a table; write it under [[event]]"),
    ],
)
def test_entries_in_a_wrong_form_are_told(
    root: Path, capsys: pytest.CaptureFixture[str], line: str, expected: str
) -> None:
    (root / BARRIER).write_text(f'{line}\n[map]\nname = "barrier"\nid = 1\nversion = 1\ndescription = "x"\n')
    assert complaints(root, capsys) == [f"{BARRIER}: {expected}"]


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
