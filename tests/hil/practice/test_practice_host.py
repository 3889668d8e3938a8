"""A new user's way without hardware: a practice board is flashed, provisioned, asked on its line and by a hub."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge import cli
from edge.boards.file_sets import compiled_set
from hil.bench.children import free_ports
from hil.practice.board import is_ready, spec_of

KEY = "5a" * 32
PROVISION = f"role=barrier\nserial=1001\nunit_id=1\nbaud=115200\nkey={KEY}\nwiring=vm\n"
GATE = Path(sys.executable).parent / "gate"
DEADLINE_S = 60


def await_that(is_so: Callable[[], bool]) -> None:
    end_s = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < end_s, "it did not come"
        time.sleep(0.05)


@contextlib.contextmanager
def running(*words: str) -> Iterator[list[str]]:
    """A `gate` word until it is interrupted; what it has said when it is over."""
    process = subprocess.Popen([GATE, *words], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    said: list[str] = []
    try:
        yield said
    finally:
        process.send_signal(signal.SIGINT)
        said += process.communicate(timeout=DEADLINE_S)[1].splitlines()


def put_set(flash: Path, role: str = "barrier") -> None:
    for path, data in compiled_set(role, "unix", False).items():
        (flash / path).parent.mkdir(parents=True, exist_ok=True)
        (flash / path).write_bytes(data)


def asked(folder: Path, capsys: pytest.CaptureFixture[str], *names: str) -> dict[str, str]:
    """What the board answers on its line; nothing while it does not."""
    capsys.readouterr()
    if cli.main(["poke", str(folder / "bus"), "read", *names, "--json"]) != 0:
        return {}
    return {name: value["text"] for name, value in json.loads(capsys.readouterr().out)["values"].items()}


@pytest.mark.long
def test_a_board_that_is_ready_runs_at_a_boom_and_keeps_its_records(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_set(tmp_path / "flash")
    (tmp_path / "flash/provision.txt").write_text(PROVISION)
    with running("practice", str(tmp_path)) as said:
        await_that(lambda: asked(tmp_path, capsys, "serial_number", "state") == {
            "serial_number": "1001", "state": "CLOSED",
        })  # fmt: skip
    assert any("the board runs: barrier 1001, unit id 1" in line for line in said)
    assert said[-1].endswith(f"what is on it stays in {tmp_path / 'flash'}")
    assert (tmp_path / "flash/settings_a.bin").exists()
    assert PROVISION in (tmp_path / "flash/provision.txt").read_text()


@pytest.mark.long
def test_a_reader_reads_the_tag_before_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put_set(tmp_path / "flash", "rfid")
    (tmp_path / "flash/provision.txt").write_text(PROVISION.replace("barrier", "rfid"))
    with running("practice", str(tmp_path)):
        await_that(lambda: asked(tmp_path, capsys, "read_head").get("read_head", "0") != "0")
        assert asked(tmp_path, capsys, "state", "faults") == {"state": "READING", "faults": "none"}


@pytest.mark.long
def test_a_charging_post_waits_for_a_vehicle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put_set(tmp_path / "flash", "charging_post")
    (tmp_path / "flash/provision.txt").write_text(PROVISION.replace("barrier", "charging_post"))
    with running("practice", str(tmp_path)):
        resting = {"state": "IDLE", "faults": "none"}
        await_that(lambda: asked(tmp_path, capsys, *resting) == resting)


def test_a_board_is_ready_with_program_and_identity_and_without_a_lock(tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    flash.mkdir()
    for name in ("main.mpy", "provision.txt"):
        assert not is_ready(flash)
        (flash / name).write_text(PROVISION)
    assert is_ready(flash)
    (flash / "maintenance").touch()
    assert not is_ready(flash)


def test_the_line_of_the_board_is_named_once_however_often_it_starts(tmp_path: Path) -> None:
    path = tmp_path / "flash/provision.txt"
    path.parent.mkdir()
    path.write_text(PROVISION)
    for _ in range(2):
        path.write_text(spec_of(tmp_path).provision_text())
    assert path.read_text() == f"{PROVISION}mode=real\ntty={tmp_path / 'bus.barrier'}\n"


def test_what_cannot_be_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from hil.practice.command import main

    assert main([]) == 2
    (tmp_path / "file").write_text("")
    assert main([str(tmp_path / "file/x")]) == 1
    put = tmp_path / "flash"
    put.mkdir()
    (put / "main.mpy").write_text("")
    (put / "provision.txt").write_text("role=barrier\n")
    assert main([str(tmp_path)]) == 1


@pytest.mark.long
def test_flashed_provisioned_and_answering_on_the_hub(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usb, site = tmp_path / "usb", str(tmp_path / "site.toml")
    with running("practice", str(tmp_path)):
        await_that(lambda: usb.exists())
        _use_free_port(tmp_path / "site.toml")
        assert cli.main(["flash", str(usb), "--role", "barrier"]) == 0
        await_that(lambda: usb.exists())
        assert cli.main(["provision", site, "barrier1", str(usb)]) == 0
        with running("hub", site):
            await_that(lambda: _is_online(site, capsys))
    assert os.stat(tmp_path / "keys/barrier1.key").st_mode & 0o077 == 0


def _is_online(site: str, capsys: pytest.CaptureFixture[str]) -> bool:
    capsys.readouterr()
    if cli.main(["status", site, "--json"]) != 0:
        return False
    return bool(json.loads(capsys.readouterr().out)["devices"]["barrier1"]["online"])


def _use_free_port(site: Path) -> None:
    site.write_text(site.read_text().replace("http_port = 18090", f"http_port = {free_ports(1)[0]}"))
