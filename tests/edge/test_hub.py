"""The hub as a process: it starts, is asked, is killed, starts again, and ends as it was told to."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from edge import hub as hub_module
from edge.config_load import load_site
from edge.journal.records import StoredRecord
from edge.journal.store import JournalStore
from edge.lane_shell import LaneShell
from edge.metrics import missing_in
from edge.model import Record
from edge.southbound.role_map import ROLE_MAPS
from hil.bench.children import free_ports

_SITE = """
[site]
name = "test"
data_dir = "data"
http_port = {http_port}

[uplink]
client_id = "hub-test"

[[link]]
name = "broker"
host = "127.0.0.1"
port = {broker_port}

[[line]]
name = "line-1"
kind = "tcp"
host = "127.0.0.1"
port = {line_port}

[[device]]
name = "barrier-1"
line = "line-1"
unit_id = 1
map = "barrier"
map_version = {map_version}
serial = 77
key_file = "key.hex"

[[device]]
name = "weighbridge-1"
line = "line-1"
unit_id = 2
map = "weighbridge"
map_version = 3
serial = 5
key_file = "key.hex"

[[lane]]
name = "lane-1"
barrier = "barrier-1"
weighbridge = "weighbridge-1"
camera = "cam-1"
max_gross_kg = 48000
"""


_GATE = (sys.executable, "-m", "edge.cli")


class _Hub:
    """A hub process and its site."""

    def __init__(self, directory: Path, line_port: int, **values: int) -> None:
        free_http_port, broker_port = free_ports(2)
        self.http_port = values.pop("http_port", 0) or free_http_port
        self.site = directory / "site.toml"
        (directory / "key.hex").write_text(bytes(range(32)).hex())
        (directory / "key.hex").chmod(0o600)
        fields = {"http_port": self.http_port, "broker_port": broker_port, "line_port": line_port, "map_version": 3}
        self.site.write_text(_SITE.format(**fields | values))
        self.journal_path = directory / "data" / "journal.sqlite"
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> asyncio.subprocess.Process:
        """Start; `status_when` tells when it is ready."""
        self.process = await asyncio.create_subprocess_exec(
            *(*_GATE, "hub", str(self.site)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=os.getcwd(),
        )
        return self.process

    async def status_when(self, condition: Any) -> dict[str, Any]:
        """Ask GET /status until `condition(status)` holds."""
        while True:
            try:
                status = await asyncio.to_thread(self._get_status)
                if condition(status):
                    return status
            except OSError:
                pass
            await asyncio.sleep(0.02)

    async def end(self, number: int) -> tuple[int, str]:
        """Send a signal and await the end: exit code and what was said on stderr."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(number)
        _, stderr = await self.process.communicate()
        return self.process.returncode or 0, stderr.decode()

    def records(self) -> list[StoredRecord]:
        """All records; the chain is checked."""
        store = JournalStore(self.journal_path)
        assert store.verify() == ""
        records = store.records_after(0, 10_000)
        store.close()
        return records

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=2) as answer:
            return bytes(answer.read()).decode()

    def _get_status(self) -> dict[str, Any]:
        return dict(json.loads(self.get("/status")))


@asynccontextmanager
async def _site(field: Any, directory: Path, **values: int) -> AsyncIterator[_Hub]:
    async with field.on_tcp() as line:
        hub = _Hub(directory, line.tcp_port, **values)
        try:
            yield hub
        finally:
            if hub.process is not None and hub.process.returncode is None:
                hub.process.kill()
                await hub.process.communicate()


def _make_sound(field: Any) -> None:
    """A closed barrier and an empty deck: a lane that may rest."""
    field.devices[1].image.put_u16(3, ROLE_MAPS["barrier"].tag("state").address, 2)
    field.devices[2].image.put_u16(3, ROLE_MAPS["weighbridge"].tag("state").address, 1)


def _is_online(status: dict[str, Any]) -> bool:
    return all(device["online"] for device in status["devices"].values())


async def test_a_hub_without_a_broker_polls_and_says_offline(make_field: Any, tmp_path: Path) -> None:
    field = make_field(u1=("barrier", 77), u2=("weighbridge", 5))
    _make_sound(field)
    field.devices[1].push_event(32, 2)
    async with _site(field, tmp_path) as hub:
        await hub.start()
        status = await hub.status_when(
            lambda status: _is_online(status) and status["uplink"]["reason"] not in ("", "not connected yet")
        )
        assert status["uplink"]["state"].startswith("offline (")
        assert status["devices"]["barrier-1"]["state"] == "CLOSED"
        status = await hub.status_when(lambda status: status["lanes"]["lane-1"]["state"] == "IDLE")
        assert status["lanes"]["lane-1"]["counts"] == {"opened": 0, "passed": 0, "turned_back": 0, "closed": 0}
        code, said = await hub.end(signal.SIGTERM)
    assert code == 0, said
    kinds = [record.kind for record in hub.records()]
    assert kinds[0] == "hub_started"
    assert kinds[-1] == "hub_stopped"
    assert kinds.count("device_event") == 1


async def test_a_running_hub_shows_its_account_as_status_and_metrics(make_field: Any, tmp_path: Path) -> None:
    field = make_field(u1=("barrier", 77), u2=("weighbridge", 5))
    _make_sound(field)
    async with _site(field, tmp_path) as hub:
        await hub.start()
        status = await hub.status_when(_is_online)
        text = await asyncio.to_thread(hub.get, "/metrics")
        shown = await asyncio.to_thread(subprocess.check_output, [*_GATE, "status", str(hub.site)], text=True)
        code, said = await hub.end(signal.SIGTERM)
    assert code == 0, said
    assert missing_in(status) == []
    assert status["ledger"]["balanced"]
    assert {*status["ledger"]["classes"]} == {"transaction", "event", "telemetry"}
    assert "smartgate_ledger_balanced 1" in text.splitlines()
    assert 'smartgate_line_open{line="line-1"} 1' in text.splitlines()
    assert "  balanced" in shown.splitlines()


async def test_a_killed_hub_continues_its_numbers_and_reads_no_event_twice(make_field: Any, tmp_path: Path) -> None:
    field = make_field(u1=("barrier", 77), u2=("weighbridge", 5))
    async with _site(field, tmp_path) as hub:
        for round_number in range(1, 4):
            await hub.start()
            sequence = field.devices[1].push_event(35, round_number)
            await hub.status_when(lambda status, wanted=2 * round_number: status["journal"]["last_seq"] >= wanted)
            await hub.end(signal.SIGKILL)
            events = [json.loads(record.data) for record in hub.records() if record.kind == "device_event"]
            assert [event["sequence"] for event in events][-1:] in ([sequence], [sequence - 1])
    numbers = [event["sequence"] for event in events]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [record.seq for record in hub.records()] == list(range(1, len(hub.records()) + 1))


async def test_a_killed_hub_keeps_every_report_of_its_devices(make_field: Any, tmp_path: Path) -> None:
    field = make_field(u1=("barrier", 77), u2=("weighbridge", 5))
    rows = 0
    async with _site(field, tmp_path) as hub:
        for _ in range(3):
            await hub.start()
            # Every start reads all blocks of both devices anew.
            await hub.status_when(lambda status, wanted=rows + 4: status["telemetry"]["ledger"]["produced"] >= wanted)
            await hub.end(signal.SIGKILL)
            with closing(sqlite3.connect(hub.journal_path.with_name("telemetry.sqlite"))) as db:
                ((rows, first, last),) = db.execute("SELECT count(*), min(number), max(number) FROM rows")
                ((produced, stored, last_number),) = db.execute("SELECT produced, stored, last_number FROM ledger")
            assert (first, last, last_number) == (1, rows, rows)
            assert (produced, stored) == (rows, rows)


async def test_a_second_hub_on_the_same_data_is_refused_in_one_sentence(make_field: Any, tmp_path: Path) -> None:
    field = make_field(u1=("barrier", 77), u2=("weighbridge", 5))
    async with _site(field, tmp_path) as hub:
        first = await hub.start()
        await hub.status_when(lambda _: True)
        await hub.start()
        code, said = await hub.end(0)
        assert code == 1
        assert f"in use by a running hub (process {first.pid})" in said
        assert "Traceback" not in said
        hub.process = first
        assert (await hub.end(signal.SIGINT))[0] == 0


async def test_a_broken_journal_stops_the_start_in_one_sentence(make_field: Any, tmp_path: Path) -> None:
    field = make_field(u1=("barrier", 77), u2=("weighbridge", 5))
    async with _site(field, tmp_path) as hub:
        hub.journal_path.parent.mkdir()
        store = JournalStore(hub.journal_path)
        store.close()
        db = sqlite3.connect(hub.journal_path)
        db.execute("INSERT INTO records VALUES (1, 'transaction', 1, 0, 'passed', '', '', '{}', '', '', 2)")
        db.commit()
        db.close()
        await hub.start()
        code, said = await hub.end(0)
    assert code == 1
    assert "record 1 was altered" in said
    assert "Traceback" not in said


async def test_a_journal_file_with_a_broken_page_stops_the_start_in_one_sentence(
    make_field: Any, tmp_path: Path
) -> None:
    async with _site(make_field(u1=("barrier", 77), u2=("weighbridge", 5)), tmp_path) as hub:
        hub.journal_path.parent.mkdir()
        store = JournalStore(hub.journal_path)
        store.append([Record("passed", "lane-1", "", {"text": "x" * 50}, 1)] * 3000)
        checked = store.tail(500)[0].hash
        store.close()
        data = bytearray(hub.journal_path.read_bytes())
        page = data.index(checked.encode()) // 4096 * 4096
        data[page : page + 4096] = bytes(4096)
        hub.journal_path.write_bytes(data)
        await hub.start()
        code, said = await hub.end(0)
    assert code == hub_module.EXIT_CANNOT_START, said
    assert f"{hub.journal_path} is damaged" in said
    assert "Traceback" not in said


async def test_a_taken_http_port_closes_that_door_only(make_field: Any, tmp_path: Path) -> None:
    field = make_field(u1=("barrier", 77), u2=("weighbridge", 5))
    taken = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    async with _site(field, tmp_path, http_port=port) as hub:
        await hub.start()
        await field.devices[1].asked.wait()
        code, said = await hub.end(signal.SIGTERM)
    taken.close()
    assert code == 0
    assert "already in use" in said


async def test_a_program_error_ends_the_hub_with_1_and_a_sound_journal(
    make_field: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(_: LaneShell) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(LaneShell, "run", fail)
    async with _site(make_field(u1=("barrier", 77), u2=("weighbridge", 5)), tmp_path) as hub:
        config = load_site(hub.site).config
        assert config is not None
        config.data_dir.mkdir()
        assert await hub_module._run(config) == 1
    assert "program error (ZeroDivisionError('a bug'))" in capsys.readouterr().err
    assert isinstance(hub.records(), list)


async def test_a_part_that_ends_by_itself_is_a_program_error(
    make_field: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def end(_: LaneShell) -> None:
        return

    monkeypatch.setattr(LaneShell, "run", end)
    async with _site(make_field(u1=("barrier", 77), u2=("weighbridge", 5)), tmp_path) as hub:
        config = load_site(hub.site).config
        assert config is not None
        config.data_dir.mkdir()
        assert await hub_module._run(config) == 1
    said = capsys.readouterr().err
    assert "program error (TaskEndedError('lane lane-1 ended by itself'))" in said


async def _operate(hub: _Hub, *words: str) -> tuple[int, str]:
    """`gate operator SITE ...`: exit code and what was said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edge.cli", "operator", str(hub.site), *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=os.getcwd(),
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_a_person_opens_an_empty_lane_and_the_journal_says_who(make_field: Any, tmp_path: Path) -> None:
    field = make_field(u1=("barrier", 77), u2=("weighbridge", 5))
    _make_sound(field)
    async with _site(field, tmp_path) as hub:
        code, said = await _operate(hub, "lane-1", "open")
        assert (code, said.count("\n")) == (3, 1)
        assert "no hub is running on" in said
        await hub.start()
        await hub.status_when(lambda status: status["lanes"]["lane-1"]["state"] == "IDLE")
        assert await _operate(hub, "lane-1", "open", "--reason", "fire brigade") == (0, "lane lane-1: open taken\n")
        code, said = await _operate(hub, "lane-1", "close")
        assert (code, "lane lane-1 refuses close: " in said) == (4, True)
        code, said = await _operate(hub, "lane-9", "open")
        assert (code, said) == (2, "gate: lane 'lane-9' is unknown to the hub; expected one of lane-1\n")
        status = await hub.status_when(lambda status: field.devices[1].commands)
        assert status["operator"] == {"reason": "", "requests": 3}
        assert (await hub.end(signal.SIGTERM))[0] == 0
    overrides = [json.loads(record.data) for record in hub.records() if record.kind == "override"]
    assert [(data["request"], data["ok"], data["uid"]) for data in overrides] == [
        ("open", True, os.getuid()),
        ("close", False, os.getuid()),
    ]
    assert overrides[0]["reason"] == "fire brigade"
