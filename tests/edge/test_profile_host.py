"""What a profile file may and may not say, and what reads it comes to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.config_load import load_site
from edge.poll.merge import COIL, HOLDING_REGISTER, INPUT_REGISTER, Block
from edge.profile_load import load_profile
from edge.profile_reference import EXAMPLE
from tests.edge.certificates import Authority

POINT = '[[point]]\nname = "a"\ntable = "input_register"\naddress = 0\ntype = "uint16"\n'
GOOD = '[profile]\nname = "meter"\n' + POINT

SITE = """[site]
name = "north"
data_dir = "data"
[[line]]
name = "net"
kind = "tcp"
host = "192.0.2.7"
[[device]]
name = "meter1"
line = "net"
unit_id = 1
profile = "meter.toml"
[[device]]
name = "meter2"
line = "net"
unit_id = 2
profile = "meter.toml"
"""


def _messages(folder: Path, text: str) -> list[str]:
    path = folder / "p.toml"
    path.write_text(text)
    return [problem.sentence("p.toml") for problem in load_profile(path)[1]]


def test_the_example_of_the_page_becomes_these_reads(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(EXAMPLE)
    profile, problems = load_profile(path)
    assert problems == []
    assert profile is not None
    assert [tag.name for tag in profile.tags] == [
        "voltage_l1",
        "current_l1",
        "energy_import",
        "serial_number",
        "relay_closed",
    ]
    assert {tag.word_order for tag in profile.tags} == {"little"}
    assert profile.blocks() == [
        Block(6, 2, 200, INPUT_REGISTER),
        Block(0, 1, 1000, COIL),
        Block(0, 2, 1000, INPUT_REGISTER),
        Block(72, 4, 10_000, INPUT_REGISTER),
        Block(100, 8, 60_000, HOLDING_REGISTER),
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[[point]]", "[[points]]", "p.toml:3: unknown table points (did you mean point?); expected [profile],"),
        ('name = "a"\n', "", "p.toml:3: [[point]] has no name; expected 1 to 40 letters"),
        ("address = 0", "adress = 0", "p.toml:6: unknown key adress = 0 in [[point]] (did you mean address?)"),
        ("address = 0", "address = 65536", "p.toml:6: address is 65536; expected a whole number from 0 to 65535"),
        ('"uint16"', '"uint23"', 'p.toml:7: type is "uint23"; expected one of "uint16", "int16", "uint32"'),
        ('"input_register"', '"coil"', 'p.toml:7: type is "uint16" in table "coil"; expected "bool"'),
        ('"uint16"', '"text"', "p.toml:7: type text without count; expected its number of registers; add count"),
        ('"uint16"', '"uint16"\ncount = 2', 'p.toml:8: count = 2 beside type "uint16"; expected only beside type text'),
        ('"uint16"', '"bool"\nsf = 1', 'p.toml:8: sf = 1 beside type "bool"; expected only beside a number'),
        ('"uint16"', '"uint16"\nperiod_ms = 5', "p.toml:8: period_ms is 5; expected a whole number from 20 to"),
        ('"uint16"', '"uint16"\ndeadband = -0.5', "p.toml:8: deadband is -0.5; expected a number from 0 to"),
        ('"uint16"', '"uint16"\n' + POINT, 'p.toml:9: name = "a" again; every point needs its own name,'),
        ('"uint16"', '"uint16"\n' + POINT.replace('"a"', '"A"'), 'p.toml:9: name = "A" again;'),
        ('name = "a"', 'name = "Clock_quality"', 'p.toml:4: name = "Clock_quality", which the hub itself tells'),
        ('0\ntype = "uint16"', '65534\ntype = "int64"', "p.toml:6: address 65534 with 4 registers ends behind 65535;"),
        ('"meter"', '"meter"\nmax_registers = 1', ""),
        (
            '"meter"\n[[point]]\nname = "a"\ntable = "input_register"\naddress = 0\ntype = "uint16"',
            '"meter"\nmax_registers = 1\n' + POINT.replace("uint16", "float32"),
            "p.toml:7: point of 2 registers, but max_registers is 1; expected a point to fit into one read",
        ),
    ],
)  # fmt: skip
def test_each_mistake_is_named_with_its_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    messages = _messages(tmp_path, GOOD.replace(old, new, 1))
    assert messages == [] if not expected else any(message.startswith(expected) for message in messages), messages


def test_an_empty_file_and_a_broken_one_are_told(tmp_path: Path) -> None:
    assert _messages(tmp_path, "") == [
        "p.toml:1: file is empty; expected [profile] and [[point]]; see docs/device-profile.md"
    ]
    assert _messages(tmp_path, "[profile\n")[0].startswith("p.toml:1: not valid TOML at column 9")


def test_a_site_with_profiles_loads_and_their_mistakes_stand_at_their_own_lines_once(tmp_path: Path) -> None:
    site, profile = tmp_path / "s.toml", tmp_path / "meter.toml"
    site.write_text(SITE)
    missing = load_site(site)
    assert missing.config is None
    assert f'{site}:12: profile "meter.toml" is no file' in missing.messages[1]
    profile.write_text(GOOD)
    config = load_site(site).config
    assert config is not None
    assert [device.profile.name for device in config.devices if device.profile] == ["meter", "meter"]
    profile.write_text(GOOD.replace("address = 0", "address = -1"))
    messages = load_site(site).messages
    assert [message for message in messages if message.startswith(f"{profile}:6: address is -1;")] == [messages[-1]]


def test_a_map_beside_a_profile_is_refused(tmp_path: Path) -> None:
    (tmp_path / "meter.toml").write_text(GOOD)
    site = tmp_path / "s.toml"
    site.write_text(SITE.replace("unit_id = 1\n", 'unit_id = 1\nmap = "barrier"\n'))
    messages = load_site(site).messages
    what = 'map = "barrier" in a device with a profile; expected only in a device with a map; remove it'
    assert any(what in message for message in messages), messages


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ('cert_file = "a.pem"', "cert_file without key_file; expected key_file too"),
        ('ca_file = "ca.pem"', 'ca_file "ca.pem" cannot be read: No such file or directory; expected a PEM file;'),
        ('baud = 9600', 'baud = 9600 in a line of kind "tcp"; expected only in a line of kind "rtu"; remove it'),
    ],
)  # fmt: skip
def test_a_mistake_about_tls_is_named(tmp_path: Path, keys: str, expected: str) -> None:
    (tmp_path / "meter.toml").write_text(GOOD)
    site = tmp_path / "s.toml"
    site.write_text(SITE.replace('kind = "tcp"', f'kind = "tcp"\n{keys}'))
    messages = load_site(site).messages
    assert any(expected in message for message in messages), messages


def test_the_ports_of_lines_have_the_usual_defaults(tmp_path: Path) -> None:
    (tmp_path / "meter.toml").write_text(GOOD)
    Authority(tmp_path)
    site = tmp_path / "s.toml"
    secure = '[[line]]\nname = "s"\nkind = "tcp"\nhost = "192.0.2.7"\nca_file = "ca.pem"\n'
    gateway = '[[line]]\nname = "g"\nkind = "rtu_over_tcp"\nhost = "192.0.2.8"\nport = 4001\n'
    site.write_text(SITE + secure + gateway)
    config = load_site(site).config
    assert config is not None
    assert [(line.kind, line.tcp_port) for line in config.lines] == [("tcp", 502), ("tcp", 802), ("rtu_over_tcp", 4001)]
    site.write_text(SITE + secure + gateway + secure.replace('"s"', '"t"'))
    assert any("port = 802 again; one TCP address is one line" in message for message in load_site(site).messages)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200))
def test_no_text_breaks_the_checker(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.toml").write_text(text, encoding="utf-8", errors="replace")
    load_profile(tmp_path / "p.toml")
