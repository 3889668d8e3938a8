"""A board is swapped while the hub runs: real hub, real MicroPython, real cable; and the old board comes back."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge.cli import main
from edge.journal.store import JournalStore
from edge.provision.backup import Backup, path_of, read_backup
from edge.provision.device_key import DeviceKey
from edge.provision.provision import Wishes, provision
from edge.provision.swap import COPY_NAMES
from edge.southbound.role_map import ROLE_MAPS
from edge.southbound.settings_copy import settings_of
from hil.bench.children import free_ports
from protocols.settings_record import FLAG_RECALIBRATE, FLAGS, pack_record_into, record_size, unpack_head
from sim_devices.devices.usb_board import VmBoard
from sim_devices.micropython import VM
from tests.edge.provision.bench import FolderBoard, place_at

DEADLINE_S = 30
ROLE = ROLE_MAPS["weighbridge"]
SITE = """[site]
name = "north"
data_dir = "data"
http_port = {http_port}
[[line]]
name = "net"
kind = "tcp"
host = "127.0.0.1"
port = {tcp_port}
[[device]]
name = "scale"
line = "net"
unit_id = 2
map = "weighbridge"
map_version = {map_version}
serial = 1002
key_file = "keys/scale.key"
"""


def until(condition: Callable[[], Any]) -> Any:
    """What `condition` gives once it is true."""
    end_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < end_s:
        try:
            if found := condition():
                return found
        except (OSError, ValueError):
            pass
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


@contextmanager
def device_runs(folder: Path) -> Iterator[None]:
    """The firmware of a board, with a field that tells nothing."""
    start = [VM, "-c", f"import sys; sys.argv[1:] = [{str(folder)!r}]; import main"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(start, cwd=folder, stdin=subprocess.PIPE, **quiet) as process:
        try:
            yield
        finally:
            process.kill()


def store_settings(folder: Path, changed: dict[str, int]) -> dict[str, int]:
    """Settings of a board that has a life behind it; all of them."""
    settings = settings_of(ROLE)
    values = {setting.name: setting.default for setting in settings} | changed
    record = bytearray(record_size(len(settings)))
    pack_record_into(record, ROLE.map_id, ROLE.map_version, [9, 5, 41, 77, 7, 0], list(values.values()))
    (folder / COPY_NAMES[0]).write_bytes(record)
    return values


class _Gate:
    """A site with one scale, two boards for it, and a hub that runs."""

    def __init__(self, folder: Path, flash_with: Callable[[str, str], Path]) -> None:
        self.http_port, tcp_port = free_ports(2)
        self.site = folder / "site.toml"
        text = SITE.format(http_port=self.http_port, tcp_port=tcp_port, map_version=ROLE.map_version)
        self.site.write_text(text)
        self.old, self.new = flash_with("old", "weighbridge"), flash_with("new", "weighbridge")
        for board in (self.old, self.new):
            (board / "provision.txt").write_text(f"tcp_port={tcp_port}\n")
        self.place = place_at(self.site, "scale")
        self.old_key = provision(self.place, FolderBoard(self.old, "chip-1"), Wishes()).key
        start = [sys.executable, "-m", "edge.cli", "hub", str(self.site)]
        self.hub = subprocess.Popen(start, stderr=subprocess.PIPE)

    def end(self) -> str:
        """What the hub has said."""
        self.hub.terminate()
        return self.hub.communicate()[1].decode()

    def device(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/devices/scale", timeout=2) as answer:
            return dict(json.load(answer))

    def is_online(self) -> bool:
        return bool(self.device()["online"])

    def records(self, kind: str) -> list[dict[str, Any]]:
        with closing(JournalStore(self.place.site.journal_path)) as store:
            found = [json.loads(record.payload()) for record in store.tail(1000)]
        return [record["data"] for record in found if record["kind"] == kind]

    def backup(self) -> Backup:
        return read_backup(path_of(self.place.data_dir, "scale"), "scale")


@pytest.fixture
def gate(tmp_path: Path, flash_with: Callable[[str, str], Path]) -> Iterator[_Gate]:
    gate = _Gate(tmp_path, flash_with)
    yield gate
    if gate.hub.poll() is None:
        gate.end()


def test_the_hub_goes_on_with_the_new_board_and_names_the_old_one(
    gate: _Gate, capfd: pytest.CaptureFixture[str]
) -> None:
    values = store_settings(gate.old, {"max_kg": 60000, "span_counts": 3_999_999, "hub_timeout_ms": 4321})
    with device_runs(gate.old):
        until(lambda: path_of(gate.place.data_dir, "scale").exists())
    backup = gate.backup()
    assert backup.settings == values
    assert (backup.content["calibration_count"], backup.content["key_id"]) == (7, gate.old_key.key_id)
    with VmBoard(gate.new) as vm:
        starts = vm.starts
        assert main(["swap", str(gate.site), "scale", vm.port, "--json"]) == 0
        vm.await_start(starts + 1)
    said, new_key = json.loads(capfd.readouterr().out), gate.place.keys.current()
    assert new_key is not None
    assert said["key_id"] == new_key.key_id != gate.old_key.key_id
    assert unpack_head((gate.new / COPY_NAMES[1]).read_bytes())[FLAGS] == FLAG_RECALIBRATE
    with device_runs(gate.new):
        until(gate.is_online)
        (seen,) = until(lambda: gate.records("board_seen"))
        faults = next(row for row in gate.device()["values"] if row["tag"] == "faults")
    assert (seen["same_settings"], seen["key_id"]) == (True, new_key.key_id)
    assert "RECALIBRATION_DUE" in faults["words"]
    now = gate.backup()
    assert (now.settings, now.content["calibration_count"]) == (values, 7)
    assert now.content["boot_count"] > backup.content["boot_count"]
    with device_runs(gate.old):
        reason = until(lambda: gate.device()["reason"] if "revoked" in gate.device()["reason"] else "")
    assert "has the key that was revoked: it is the board that was scale until " in reason
    with device_runs(gate.new):
        until(gate.is_online)
    _judge_records(gate, new_key)


def _judge_records(gate: _Gate, new_key: DeviceKey) -> None:
    """What the journal tells, and that no key stands anywhere."""
    assert gate.hub.poll() is None
    assert [record["fingerprint"] for record in gate.records("key_revoked")] == [gate.old_key.fingerprint]
    (swapped,) = gate.records("board_swapped")
    assert (swapped["fingerprint"], swapped["chip_before"]) == (new_key.fingerprint, "chip-1")
    assert [record["key_id"] for record in gate.records("unknown_device")] == [gate.old_key.key_id]
    told = gate.end() + (gate.place.data_dir / "boards.jsonl").read_text()
    for key in (gate.old_key, new_key):
        assert key.secret.hex() not in told
        assert key.secret not in gate.place.site.journal_path.read_bytes()
