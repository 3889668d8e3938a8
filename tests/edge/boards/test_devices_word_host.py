"""`gate devices`: what hangs on USB, told without stopping it, and what a site's devices say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.boards import devices_run
from edge.boards.board import open_board
from edge.boards.file_sets import compiled_set
from edge.boards.flasher import flash
from edge.boards.look import UsbFound, look
from edge.boards.usb import SerialWire, UsbPort
from edge.cli import main
from sim_devices.devices.usb_board import VmBoard
from tests.edge.service.stand_in import OURS, on_line, server
from tests.edge.test_cli_status_host import _answering, _closed_port, _site


def look_at(vm: VmBoard) -> UsbFound:
    return look(UsbPort(vm.port, "Board in FS mode", "e6614103e7452b2f", False))


def test_a_bare_board(vm: VmBoard) -> None:
    found = look_at(vm)
    assert (found.answers, found.state) == (True, "bare MicroPython: `gate flash` gives it a role")
    assert found.micropython == "1.29.0"
    assert look_at(vm) == found


def test_a_flashed_board_says_role_serial_and_firmware(vm: VmBoard) -> None:
    flash(open_board(vm.port), compiled_set("rfid", "unix", False), lambda done, of, note: None)
    vm.await_start(2)
    found = look_at(vm)
    assert (found.role, found.serial, found.state) == ("rfid", "", "flashed, not provisioned (`gate provision`)")
    assert found.firmware.count(".") == 1
    (vm.folder / "provision.txt").write_text("role=rfid\nserial=1003\n")
    (vm.folder / "maintenance").write_bytes(b"")
    found = look_at(vm)
    assert (found.serial, found.state) == ("1003", "in maintenance: the file `maintenance` is on it")


def test_a_program_that_runs_is_not_stopped(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("import time\nwhile True:\n    time.sleep(1)\n")
    with VmBoard(tmp_path) as vm:
        for _ in range(2):
            found = look_at(vm)
            assert not found.answers
            assert found.state.startswith("its program runs")


def test_a_serial_adapter_is_told_nothing_and_a_busy_port_says_so(vm: VmBoard) -> None:
    assert "it is not asked" in look(UsbPort("/dev/none", "CP2102", "", True)).state
    wire = SerialWire(vm.port)
    assert "in use by another program" in look_at(vm).state
    wire.close()


def test_what_is_on_usb_as_lines_and_as_an_object(
    vm: VmBoard, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(devices_run, "usb_ports", lambda: [UsbPort(vm.port, "Board in FS mode", "e66", False)])
    assert main(["devices"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{vm.port}  MicroPython 1.29.0")
    assert main(["devices", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["usb"]
    assert (found["port"], found["answers"]) == (vm.port, True)


def test_nothing_there_ends_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices"]) == 3
    assert capsys.readouterr().out == "USB: no board\n"
    assert main(["devices", "/none.toml"]) == 2


STATUS = {
    "site": "north",
    "devices": {
        "boom": {"online": True, "firmware_version": 0x0102, "health": "OK", "state": "CLOSED", "seen_ms_ago": 120},
        "scale": {"online": False, "reason": "no answer", "seen_ms_ago": None},
    },
}


def test_a_running_hub_tells_of_its_devices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with _answering(json.dumps(STATUS).encode()) as port:
        assert main(["devices", str(_site(tmp_path, port))]) == 0
        assert capsys.readouterr().out.splitlines()[1:] == [
            "site north, as its hub tells:",
            "  boom:  barrier  1001  firmware 1.2  bus/1  online  OK  CLOSED  seen 0.1 s ago",
            "  scale:  weighbridge  1002  net/1  offline  no answer",
        ]
        assert main(["devices", str(_site(tmp_path, port)), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["from"] == "hub"
    assert [device["online"] for device in told["bus"]] == [True, False]


def asked(tmp_path: Path, line: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What is told of a site without a hub, whose serial line is `line`; nobody is in its network."""
    site = _site(tmp_path, _closed_port())
    site.write_text(site.read_text().replace("/dev/ttyUSB0", line).replace("192.0.2.7", "127.0.0.1"))
    main(["devices", str(site)])
    return capsys.readouterr().out.splitlines()


def test_without_a_hub_the_devices_are_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with on_line({1: server(OURS)}) as line:
        _, head, boom, scale = asked(tmp_path, line, capsys)
    assert head == "site north, no hub answers, asked here:"
    parts = ["  boom:", "weighbridge", "70001", "firmware 1.4", "bus/1", "online"]
    assert boom == "  ".join([*parts, "is another device: weighbridge 70001", "seen 0.0 s ago"])
    assert scale.startswith("  scale:  weighbridge  1002  net/1  offline  ")


def test_a_line_that_cannot_be_opened_is_the_devices_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    boom = asked(tmp_path, "/dev/none", capsys)[2]
    assert boom.startswith("  boom:  barrier  1001  bus/1  offline  port /dev/none does not exist")
