"""What a site file may and may not say: every mistake is named with its line, all at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.config_lines import find_lines
from edge.config_load import LoadResult, load_site

GOOD = """[site]
name = "north"
data_dir = "data"
[uplink]
client_id = "north-1"
[[line]]
name = "bus"
kind = "rtu"
port = "/dev/ttyUSB0"
baud = 19200
[[line]]
name = "net"
kind = "tcp"
host = "192.0.2.7"
port = 1502
[[device]]
name = "boom"
line = "bus"
unit_id = 1
map = "barrier"
map_version = 3
serial = 1001
key_file = "a.key"
[[device]]
name = "scale"
line = "net"
unit_id = 1
map = "weighbridge"
map_version = 3
serial = 1002
key_file = "a.key"
[[lane]]
name = "L1"
barrier = "boom"
weighbridge = "scale"
camera = "cam1"
max_gross_kg = 48000
deny_plates = ["29a-666.66"]
[simulation]
anything = [1, { goes = true }]
[[link]]
name = "fibre"
host = "127.0.0.1"
"""

LINK = '[[link]]\nname = "fibre"\nhost = "127.0.0.1"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    key = tmp_path / "a.key"
    key.write_text("0f" * 32 + "\n")
    key.chmod(0o600)
    return tmp_path


def _load(folder: Path, text: str | bytes) -> LoadResult:
    site = folder / "s.toml"
    site.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_site(site)


def _messages(folder: Path, text: str | bytes) -> list[str]:
    """The messages without the folder they all begin with."""
    return [message.removeprefix(f"{folder}/") for message in _load(folder, text).messages]


def test_sound_site_is_loaded_with_defaults(folder: Path) -> None:
    result = _load(folder, GOOD)
    assert result.messages == ()
    site = result.config
    assert site is not None
    assert site.uplink is not None
    assert (site.uplink.links[0].port, site.uplink.topic_root, site.http_port) == (1883, "gate/north", 0)
    assert (site.lines[0].port, site.lines[0].parity, site.lines[0].timeout_ms) == ("/dev/ttyUSB0", "N", 200)
    assert (site.lines[1].host, site.lines[1].tcp_port) == ("192.0.2.7", 1502)
    assert site.device("boom").key == bytes([15] * 32)
    assert site.lanes[0].settings.deny_plates == ("29A66666",)
    assert site.lanes[0].settings.name == "L1"
    assert site.data_dir == folder / "data"
    assert "0f0f" not in repr(site)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("unit_id = 1\nmap = \"barrier\"", "unit_id = 300\nmap = \"barrier\"",
         ["s.toml:19: unit_id is 300; expected a whole number from 1 to 247; correct unit_id"]),
        ("baud = 19200", "baud = 19201", ["s.toml:10: baud is 19201; expected one of 1200,"]),
        ("baud = 19200", "", ['s.toml:6: [[line]] "bus" has no baud; expected one of 1200,']),
        ("baud = 19200", "baud = 19200\nhost = 'x'", ['s.toml:11: host = "x" in a line of kind "rtu"; expected only']),
        ("port = 1502", "port = \"x\"", ['s.toml:15: port is "x", text; expected a whole number from 1 to 65535']),
        ('kind = "rtu"', 'kind = "rut"',
         ['s.toml:8: kind is "rut"; expected one of "rtu", "tcp", "rtu_over_tcp"; correct kind']),
        ("max_gross_kg = 48000", "max_gros_kg = 48000",
         ['s.toml:32: [[lane]] "L1" has no max_gross_kg;',
          "s.toml:37: unknown key max_gros_kg = 48000 in [[lane]] (did you mean max_gross_kg?);"]),
        ('map = "barrier"\nmap_version = 3\nserial = 1001\n', "",
         ['s.toml:16: [[device]] "boom" has neither map nor profile; expected map for a device of ours, profile for']),
        ("[uplink]", "[uplnk]", ["s.toml:4: unknown table uplnk (did you mean uplink?);"]),
        ("[uplink]", "[uplink]\nhost = 'x'",
         ['s.toml:5: host = "x" in [uplink]; host moved to [[link]]; move it there']),
        ("[uplink]", "[uplink]\nport = 1883",
         ["s.toml:5: port = 1883 in [uplink]; port moved to [[link]]; move it there"]),
        ('[uplink]\nclient_id = "north-1"', "",
         ["s.toml:40: [[link]] without an [uplink]; expected [uplink], which says what is sent; add [uplink]"]),
        (LINK, "", ["s.toml:4: [uplink] without a [[link]]; expected one or two; add [[link]] with name and host"]),
        (LINK, LINK + LINK + LINK,
         ['s.toml:45: name = "fibre" again;', 's.toml:46: host = "127.0.0.1" again; two links cannot take the same way',
          "s.toml:47: 3 [[link]] tables; expected at most 2; keep the best two", 's.toml:48: name = "fibre" again;',
          's.toml:49: host = "127.0.0.1" again;']),
        (LINK, LINK + "cert_file = 'c.pem'\n", ["s.toml:44: cert_file without key_file; expected both or neither;"]),
        (LINK, LINK + "server_name = 'b'\n", ["s.toml:44: server_name without ca_file; expected both or neither;"]),
        (LINK, LINK + "cert_file = 'c.pem'\nkey_file = 'k.pem'\n",
         ["s.toml:44: cert_file without ca_file; expected TLS with a known CA; add ca_file with the certificate"]),
        ("[site]", "stray = 1\n[site]", ["s.toml:1: unknown key outside every table stray;"]),
        ("[site]", "[[site]]", ["s.toml:1: site is"]),
        ("[[lane]]", "[lane]", ["s.toml:32: lane is a single table; expected [[lane]]"]),
        ('name = "net"', 'name = "bus"',
         ['s.toml:12: name = "bus" again;', 's.toml:26: line names "net", which is no line of this file']),
        ('name = "net"', 'name = "Bus"',
         ['s.toml:12: name = "Bus" again;', 's.toml:26: line names "net", which is no line of this file']),
        ('line = "net"', 'line = "bus"',
         ['s.toml:27: line = "bus", unit_id = 1 again; two devices of a line cannot share an address, first given']),
        ("serial = 1002", "serial = 1001", ["s.toml:30: serial = 1001 again;"]),
        ("serial = 1002", "serial = 1.5", ["s.toml:30: serial is 1.5, a decimal number; expected a whole number"]),
        ("serial = 1002", "serial = true", ["s.toml:30: serial is true, true/false; expected a whole number"]),
        ('map = "barrier"\nmap_version = 3', 'map = "barrier"\nmap_version = 4',
         ['s.toml:21: map_version is 4 for map "barrier"; this hub knows version 3; update']),
        ('map = "barrier"', 'map = "barier"', ['s.toml:20: map is "barier" (did you mean barrier?);']),
        ('barrier = "boom"', 'barrier = "scale"', ['s.toml:34: barrier names "scale", whose map is "weighbridge";']),
        ('weighbridge = "scale"', 'weighbridge = "scal"',
         ['s.toml:25: warning: device "scale" belongs to no lane;',
          's.toml:35: weighbridge names "scal", which is no device of this file (did you mean scale?);']),
        ('key_file = "a.key"\n[[lane]]', 'key_file = "none.key"\n[[lane]]',
         ['s.toml:31: key_file "none.key" cannot be read: No such file or directory;']),
        ('name = "north"', 'name = "no rth"', ['s.toml:2: name is "no rth"; expected 1 to 40 letters,']),
        ('data_dir = "data"', 'data_dir = "a.key"', ['s.toml:3: data_dir "a.key": ']),
        ('client_id = "north-1"', 'topic_root = "a/#"', ['s.toml:5: topic_root is "a/#"; expected an MQTT topic']),
        ("[site]\n", "[site\n", ["s.toml:1: not valid TOML at column 6: "]),
        ('deny_plates = ["29a-666.66"]', "deny_plates = [1]",
         ["s.toml:38: deny_plates is [1]; expected a list of texts"]),
        ("serial = 1002", "serial = 1002\nperiod_ms = 5000",
         ['s.toml:33: facts_max_age_ms is 2000, but device "scale" is read every 5000 ms; expected period_ms of']),
        ('name = "north"', 'name = "no\u2028rth\u202e"', ['s.toml:2: name is "no\\u2028rth\\u202e"; expected 1 to']),
        ("max_gross_kg = 48000", "max_gross_kg = " + 5000 * "9", ["s.toml:1: a number has thousands of digits;"]),
        ('key_file = "a.key"\n[[lane]]', 'key_file = "pipe"\n[[lane]]',
         ['s.toml:31: key_file "pipe" does not hold a key (0 characters);']),
    ],
)  # fmt: skip
def test_each_mistake_is_named_with_its_line(folder: Path, old: str, new: str, expected: list[str]) -> None:
    assert GOOD.count(old) >= 1
    os.mkfifo(folder / "pipe")
    result = _load(folder, GOOD.replace(old, new, 1))
    messages = _messages(folder, GOOD.replace(old, new, 1))
    assert result.config is None
    for start in expected:
        assert any(message.startswith(start) for message in messages), (start, messages)
    assert len(messages) <= len(expected) + 3


def test_all_mistakes_are_told_at_once_in_file_order(folder: Path) -> None:
    text = GOOD.replace("baud = 19200", "baud = 1").replace("port = 1502", "port = 0").replace("48000", "0")
    lines = [int(message.split(":")[1]) for message in _messages(folder, text)]
    assert lines == [10, 15, 37]


def test_two_lines_cannot_share_a_port(folder: Path) -> None:
    text = GOOD + '[[line]]\nname = "b2"\nkind = "rtu"\nport = "/dev/ttyUSB0"\nbaud = 9600\n'
    assert _messages(folder, text)[0].startswith('s.toml:47: port = "/dev/ttyUSB0" again; one serial port is one line')
    text = GOOD + '[[line]]\nname = "b2"\nkind = "tcp"\nhost = "192.0.2.7"\nport = 1502\n'
    assert "one TCP address is one line" in _messages(folder, text)[0]


def test_two_lanes_cannot_share_a_device_or_camera(folder: Path) -> None:
    lane = '[[lane]]\nname = "L2"\nbarrier = "boom"\nweighbridge = "scale"\ncamera = "cam1"\nmax_gross_kg = 1\n'
    messages = _messages(folder, GOOD + lane)
    assert [message.split(";")[0].split(": ", 1)[1] for message in messages] == [
        'device "boom" already belongs to lane "L1"',
        'device "scale" already belongs to lane "L1"',
        'camera "cam1" already belongs to lane "L1"',
    ]


def test_device_of_no_lane_is_a_warning_only(folder: Path) -> None:
    text = GOOD[: GOOD.index("[[lane]]")] + LINK
    result = _load(folder, text)
    assert result.config is not None
    assert result.error_count == 0
    assert "no [[lane]] in the file" in result.messages[0]


def test_key_file_faults(folder: Path) -> None:
    (folder / "a.key").write_text("0f" * 31)
    assert "does not hold a key (62 characters); expected 64 hexadecimal digits" in _messages(folder, GOOD)[0]
    (folder / "a.key").write_text("0f" * 32)
    (folder / "a.key").chmod(0o644)
    result = _load(folder, GOOD)
    assert result.config is not None
    assert "is open to other users (mode 644)" in result.messages[0]


def test_what_is_for_the_board_is_read_with_its_device(folder: Path) -> None:
    extra = 'wiring = "pico-ads1232"\nline_protocol = "sma"\nline_baud = 4800\n'
    config = _load(folder, GOOD.replace("serial = 1002\n", "serial = 1002\n" + extra)).config
    assert config is not None
    boom, scale = config.devices
    assert (scale.wiring, scale.line_protocol, scale.line_baud) == ("pico-ads1232", "sma", 4800)
    assert (boom.wiring, boom.line_protocol, boom.line_baud, boom.key_file) == ("", "", 0, folder / "a.key")


def test_the_public_key_of_updates_is_read_and_a_fault_of_it_stops_no_hub(folder: Path) -> None:
    text = GOOD.replace('data_dir = "data"\n', 'data_dir = "data"\nupdate_key_file = "up.pub"\n')
    for content, words in ((None, "cannot be read: No such file"), ("0f" * 31, "does not hold a key (62 characters)")):
        if content is not None:
            (folder / "up.pub").write_text(content)
        result = _load(folder, text)
        assert result.config is not None
        assert result.config.update_key == b""
        assert f's.toml:4: warning: update_key_file "up.pub" {words}' in result.messages[0]
    (folder / "up.pub").write_text("0f" * 32 + "\n")
    result = _load(folder, text)
    assert result.messages == ()
    assert result.config is not None
    assert result.config.update_key == b"\x0f" * 32


def test_unreadable_texts_are_one_sentence(folder: Path) -> None:
    for text, words in (
        (b"", "s.toml:1: file is empty;"),
        (b"\n  \n", "s.toml:1: file is empty;"),
        (b"[site]\n\xff", "s.toml:2: byte 0xff is not UTF-8;"),
        (b"\x00", "s.toml:1: not valid TOML"),
        (b"a = " + b"[" * 5000, "s.toml:1: "),
        (b"x" * 1_000_001, "s.toml:1: file is larger than 1000000 bytes;"),
    ):
        messages = _messages(folder, text)
        assert len(messages) == 1
        assert messages[0].startswith(words)
    missing = load_site(folder / "gone.toml")
    assert "gone.toml:1: cannot be read: No such file or directory;" in missing.messages[0]
    assert "cannot be read" in load_site(folder).messages[0]


def test_lines_are_found_across_strings_and_brackets() -> None:
    text = (
        'top = 1\n[a]\nx = """\n[b]\nx = 2\n"""\ny = [ # [\n "]",\n[b]]\n\n[[c]]\n"k" = 1\n[[c]]\nk = {z = 1}\nd.e = 1'
    )
    lines = find_lines(text)
    assert lines.line("", 0, "top") == 1
    assert (lines.line("a", 0, "x"), lines.line("a", 0, "y")) == (3, 7)
    assert (lines.line("c", 0, "k"), lines.line("c", 1, "k"), lines.line("c", 1, "d")) == (12, 14, 15)
    assert (lines.line("c", 1, "absent"), lines.line("b"), lines.line("none")) == (13, 1, 1)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(GOOD)), st.integers(0, 40), st.text(max_size=12))
def test_no_file_does_more_than_be_refused(folder: Path, at: int, cut: int, noise: str) -> None:
    text = (GOOD[:at] + noise + GOOD[at + cut :]).encode("utf-8", "replace")
    result = _load(folder, text)
    assert (result.config is None) == (result.error_count > 0)
    assert all("\n" not in message for message in result.messages)


def test_a_mistake_is_told_in_vietnamese(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from edge.cli import main

    path = tmp_path / "site.toml"
    path.write_text('[site]\nnme = "x"\n')
    assert main(["check", str(path), "--lang", "vi"]) == 2
    said = capsys.readouterr().err
    assert f'{path}:2: không biết khóa nme = "x" trong [site] (có phải ý bạn là name?); chỉ dùng các khóa' in said
