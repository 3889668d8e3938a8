"""`gate provision` at a real MicroPython behind a pty: what it prints, what it never prints, and wrong input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.boards.provision_file import read_text
from edge.cli import main
from edge.config_load import load_site
from sim_devices.devices.usb_board import VmBoard
from tests.edge.provision.bench import place_at

MakeFlash = Callable[[str, str], Path]


def test_a_board_behind_a_cable_is_provisioned_and_starts(
    site_path: Path, tmp_path: Path, flash_with: MakeFlash, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = flash_with("board", "barrier")
    with VmBoard(folder) as vm:
        starts = vm.starts
        label = tmp_path / "label.svg"
        assert main(["provision", str(site_path), "boom", vm.port, "--json", "--label", str(label)]) == 0
        vm.await_start(starts + 1)
        out, err = capfd.readouterr()
        done = json.loads(out)
        key = place_at(site_path, "boom").keys.current()
        assert key is not None
        secret = key.secret.hex()
        assert err == ""
        assert (done["device"], done["lane"], done["role"], done["serial"], done["key"]) == (
            *("boom", "L1", "barrier", 1001, "new"),
        )
        assert read_text((folder / "provision.txt").read_bytes())["key"] == secret
        assert secret not in out
        assert secret not in label.read_text()
        assert main(["provision", str(site_path), "boom", vm.port, "--lang", "vi"]) == 0
        out, err = capfd.readouterr()
        assert "bo mạch có cùng khóa với hub" in out
        assert secret not in out + err
        assert main(["provision", str(site_path), "boom2", vm.port, "--lang", "en"]) == 4
        out, err = capfd.readouterr()
        assert err == f"gate: {vm.port}: the board is boom already; to make it boom2, give --replace\n"


def test_a_device_that_is_not_there_brings_the_lines_to_add(site_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["provision", str(site_path), "weighbridge-9"]) == 2
    err = capfd.readouterr().err
    assert "has no device 'weighbridge-9'; correct the name, or add the device and run this again" in err
    lines = err.partition(":\n\n")[2]
    site_path.write_text(site_path.read_text() + lines)
    result = load_site(site_path, only_reads=True)
    assert result.config is not None
    added = result.config.device("weighbridge-9")
    assert (added.map, added.unit_id, added.serial) == ("weighbridge", 4, 1004)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["none.toml", "boom"], 2, "none.toml has 1 error(s)"),
        (["site.toml", "bom"], 2, "has no device 'bom' (did you mean boom?); correct the name"),
        (["site.toml", "boom", "/dev/none-here"], 3, "port /dev/none-here does not exist"),
        (["site.toml", "boom", "--label", "x.png"], 2, "--label x.png: expected a file that ends in .svg or .pdf"),
        (["site.toml", "boom", "--label", "/none/x.svg"], 2, "--label /none/x.svg: nothing can be written there"),
        (["site.toml"], 2, "the following arguments are required: DEVICE"),
    ],
)
def test_wrong_input_is_one_sentence(
    site_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(site_path.parent)
    assert main(["provision", *words]) == code
    assert said in capfd.readouterr().err.splitlines()[-1]


def test_a_busy_port_and_a_wrong_key_file_are_one_sentence(
    site_path: Path, flash_with: MakeFlash, capfd: pytest.CaptureFixture[str]
) -> None:
    import serial

    keys = site_path.parent / "keys"
    keys.mkdir(mode=0o700)
    (keys / "boom.key").write_text("nothing")
    with VmBoard(flash_with("board", "barrier")) as vm:
        with serial.Serial(vm.port, exclusive=True):
            assert main(["provision", str(site_path), "boom", vm.port]) == 1
        assert "is in use by another program: end it" in capfd.readouterr().err
        assert main(["provision", str(site_path), "boom", vm.port]) == 1
        assert "boom.key does not hold a key (64 hexadecimal digits)" in capfd.readouterr().err
        assert not (vm.folder / "provision.txt").exists()
