"""`gate scan`: what is found on a line and in a network, and what is said when the words are wrong."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from edge import cli
from edge.service.places import is_serial
from edge.service.serial_port import PortError, SerialPort
from tests.edge.service.stand_in import FOREIGN, NAMELESS, OURS, SERIAL, on_line, on_network, server

QUICK = ("--timeout-ms", "400")


def scan(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    assert cli.main(["scan", *words, *QUICK, "--json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["found"]
    return found


def test_a_line_tells_our_devices_others_and_those_that_do_not_say_who_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    devices = {2: server(OURS), 5: server(FOREIGN), 6: server(NAMELESS)}
    with on_line(devices) as port:
        ours, foreign, nameless = scan(capsys, port, "--baud", "9600", "--units", "2,4-6")
    known = {key: ours[key] for key in ("unit_id", "baud", "parity", "role", "serial", "firmware")}
    assert known == {
        "unit_id": 2, "baud": 9600, "parity": "N", "role": "weighbridge", "serial": SERIAL, "firmware": "1.4",
    }  # fmt: skip
    assert (foreign["unit_id"], foreign["role"], foreign["identity"]) == (5, "", ["Acme", "PLC-7", "2"])
    assert (nameless["unit_id"], nameless["role"], nameless["identity"]) == (6, "", [])


def test_an_adapter_that_hears_itself_is_no_harm(capsys: pytest.CaptureFixture[str]) -> None:
    with on_line({2: server(OURS)}, echo=True) as port:
        (found,) = scan(capsys, port, "--baud", "9600", "--units", "2,3")
    assert found["role"] == "weighbridge"


def test_a_garbled_answer_is_told_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    with on_line({2: server(OURS)}, garbled=2) as port:
        assert cli.main(["scan", port, "--baud", "9600", "--units", "2", *QUICK]) == 0
    assert "unit   2  answers, but garbled: another parity or baud, or two devices" in capsys.readouterr().out


def test_each_baud_is_tried(capsys: pytest.CaptureFixture[str]) -> None:
    with on_line({1: server(OURS)}) as port:  # a pty has no baud, so the unit is found at each
        found = scan(capsys, port, "--baud", "9600,19200", "--units", "1")
    assert [(one["baud"], one["parity"]) for one in found] == [(9600, "N"), (19200, "N")]


def test_a_baud_that_the_driver_refuses_is_told() -> None:
    with on_line({}) as port, pytest.raises(PortError, match="cannot be set to -1 baud, parity N: its driver refuses"):
        SerialPort(port, -1, "N")


def test_a_host_is_told_once_and_a_gateway_with_each_of_its_units(capsys: pytest.CaptureFixture[str]) -> None:
    with on_network({number: server(OURS) for number in (0, 1, 255)}) as port:
        (found,) = scan(capsys, f"127.0.0.1:{port}")
        assert (found["name"], found["unit_id"], found["serial"]) == (f"127.0.0.1:{port}", 1, SERIAL)
    with on_network({3: server(NAMELESS), 4: server(NAMELESS)}) as port:
        assert [one["unit_id"] for one in scan(capsys, f"127.0.0.1:{port}", "--units", "2-5")] == [3, 4]


def test_a_network_is_looked_through(capsys: pytest.CaptureFixture[str]) -> None:
    with on_network({1: server(OURS)}) as port:
        assert cli.main(["scan", f"127.0.0.0/28:{port}", *QUICK]) == 0
    assert f"127.0.0.1:{port}  unit   1  weighbridge {SERIAL}, firmware 1.4" in capsys.readouterr().out


def test_nobody_is_an_answer_too(capsys: pytest.CaptureFixture[str]) -> None:
    with on_line({}) as port:
        assert cli.main(["scan", port, "--baud", "9600", "--units", "1", *QUICK]) == 3
    assert "nobody answers at" in capsys.readouterr().out
    with socket.create_server(("127.0.0.1", 0)) as closed:
        place = f"127.0.0.1:{closed.getsockname()[1]}"
    assert cli.main(["scan", place, *QUICK]) == 3
    assert f"gate: {place}: Connection refused; check address, port and cable" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["/dev/no-such-port"], "port /dev/no-such-port does not exist"),
        (["10.0.0.0/8"], "'10.0.0.0/8' has 16777216 addresses; at most 1024 are looked at"),
        (["10.0.0.0/99"], "'10.0.0.0/99' is no network"),
        (["gate:99999"], "'gate:99999': port '99999' is none; write a number from 1 to 65535"),
        (["/dev/null", "--units", "0-3"], "--units '0-3' is out of range; 1 to 247 are possible"),
        (["/dev/null", "--units", "x"], "--units 'x' is no number; write for example 1-5,9"),
        (["/dev/null", "--baud", "9,600"], "--baud '9' is out of range"),
        (["/dev/null", "--parity", "M"], "--parity 'M' is none; write one or more of N, E and O"),
        (["/dev/null", "--timeout-ms", "0"], "--timeout-ms is 0; 1 to 10000 are possible"),
    ],
)
def test_wrong_words_get_one_sentence(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["scan", *words]) in (1, 2)
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


def test_a_port_may_be_named_from_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with on_line({}) as port:
        (tmp_path / "run").mkdir()
        (tmp_path / "run/bus").symlink_to(port)
        assert is_serial("run/bus")
    assert not is_serial("10.0.0.0/24")
    assert is_serial("/dev/nothing")
