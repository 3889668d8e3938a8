"""What a gate says and how it ends when it cannot start as it is told to, and what it does without its neighbours."""

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.journal.store import JournalStore
from edge.model import Record
from hil.bench.children import free_ports
from hil.run.broker import broker_command, write_config
from hil.run.hub_client import HubClient
from hil.run.process import ManagedProcess
from hil.run.site import RigSite
from sim_devices.buses.pty_line import PtyLine
from tests.e2e import gate_site
from tests.e2e.gate_site import LIMIT_S, gate_command

_ONE_SENTENCE = 1


def test_a_malformed_site_is_told_whole_and_nothing_is_started(tmp_path: Path) -> None:
    path = gate_site.write_site(tmp_path)
    text = path.read_text().replace("unit_id = 1\n", "unit_id = 900\n").replace("baud = 115200", 'baud = "fast"')
    path.write_text(text.replace("max_gross_kg = 48000\n", ""))
    done = gate_command("run", str(path), "--headless", "--seconds", "5")
    assert done.returncode == 2
    for words in ("unit_id", "baud", "max_gross_kg"):
        assert any(line.startswith(f"{path}:") and words in line for line in done.stderr.splitlines()), words
    assert gate_site.no_traceback(done.stderr)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("door", "key"), [("http_port", "site.http_port"), ("broker_port", "link.port")])
def test_a_port_in_use_is_named_with_the_key_that_chose_it(door: str, key: str, tmp_path: Path) -> None:
    path = gate_site.write_site(tmp_path)
    port = getattr(gate_site.rig_site(path), door)
    with socket.create_server(("127.0.0.1", port)):
        done = gate_command("run", str(path), "--headless", "--seconds", "5")
    assert done.returncode == 1
    assert f"port {port} on 127.0.0.1 is already in use ({key}); stop the program" in done.stderr
    assert gate_site.no_traceback(done.stderr)


def test_a_modbus_tcp_port_in_use_is_named_with_the_device_that_would_serve_on_it(tmp_path: Path) -> None:
    port, next_port = free_ports(2)
    path = gate_site.write_site(tmp_path, extra=f"[simulation]\nmodbus_tcp_port = {port}\n")
    with socket.create_server(("127.0.0.1", next_port)):
        done = gate_command("run", str(path), "--headless", "--seconds", "5")
    assert done.returncode == 1
    key = "simulation.modbus_tcp_port, for weighbridge1"
    assert f"port {next_port} on 127.0.0.1 is already in use ({key}); stop the program" in done.stderr
    assert gate_site.no_traceback(done.stderr)


@pytest.mark.long
def test_a_broker_that_cannot_start_ends_the_run_with_a_sentence(tmp_path: Path) -> None:
    path = gate_site.write_site(tmp_path)
    store = tmp_path / "data" / "broker" / "store"
    store.parent.mkdir(parents=True)
    store.write_text("a file where the broker wants its directory")
    done = gate_command("run", str(path), "--headless", "--seconds", "5")
    assert done.returncode == 1
    assert "gate: the broker ended 5 times in a row right after its start" in done.stderr
    assert gate_site.no_traceback(done.stderr)


def test_a_damaged_journal_is_refused_with_the_record_and_the_remedy(tmp_path: Path) -> None:
    path = gate_site.write_site(tmp_path)
    journal = tmp_path / "data" / "journal.sqlite"
    journal.parent.mkdir()
    store = JournalStore(journal)
    store.append([Record("hub_started", "", "", {"n": number}, 1000) for number in range(5)])
    store.close()
    with contextlib.closing(sqlite3.connect(journal)) as database, database:
        database.execute("UPDATE records SET data = '{\"n\":9}' WHERE seq = 3")
    done = gate_command("hub", str(path))
    assert done.returncode == 1
    assert done.stderr.count("\n") == _ONE_SENTENCE
    assert f"{journal}: record 3 was altered" in done.stderr
    assert "restore the last good copy" in done.stderr


def test_a_platforms_file_of_an_earlier_version_is_named_before_anything_is_started(tmp_path: Path) -> None:
    path = gate_site.write_site(tmp_path)
    old = tmp_path / "data" / "platform.sqlite"
    old.parent.mkdir()
    with contextlib.closing(sqlite3.connect(old)) as database:
        database.execute("CREATE TABLE records(seq INTEGER PRIMARY KEY)")
    done = gate_command("run", str(path), "--headless", "--seconds", "5")
    assert done.returncode == 2
    assert f"{old} cannot be used (it has format 0, expected 2" in done.stderr
    assert gate_site.no_traceback(done.stderr)


def test_ctrl_c_during_the_start_ends_cleanly(tmp_path: Path) -> None:
    path = gate_site.write_site(tmp_path)
    with _started_run(path) as process:
        _read_until(process, "starting broker")
        process.send_signal(signal.SIGINT)
        _, words = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 130
    assert "interrupted; everything that was started has been ended" in words
    assert gate_site.no_traceback(words)


def test_nothing_outlives_a_rig_that_is_killed_and_the_next_start_works(tmp_path: Path) -> None:
    path = gate_site.write_site(tmp_path)
    with _started_run(path) as process:
        _read_until(process, "the gate is up")
        children = _children_of(process.pid)
        handles = [os.pidfd_open(child) for child in children]
        process.kill()
        process.communicate(timeout=LIMIT_S)
    assert len(children) == 5  # broker, platform, hub, two nodes
    asyncio.run(_until_ended(handles))
    done = gate_command("run", str(path), "--headless", "--seconds", "1", "--json", limit_s=60.0)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["records_acknowledged"] > 0


def test_a_second_hub_is_kept_off_and_a_killed_one_leaves_no_lock(tmp_path: Path) -> None:
    site = gate_site.rig_site(gate_site.write_site(tmp_path))

    async def body() -> None:
        async with _lone_hub(site) as (hub, watch):
            await watch.until(lambda status: bool(status), "the hub answers")
            second = await asyncio.to_thread(gate_command, "hub", str(site.path))
            assert second.returncode == 1
            assert second.stderr.count("\n") == _ONE_SENTENCE
            assert f"{site.data_dir} is in use by a running hub (process {hub.pid})" in second.stderr
            first_pid = hub.pid
            assert first_pid is not None
            os.kill(first_pid, signal.SIGKILL)
            await watch.until(lambda status: bool(status) and hub.pid not in (None, first_pid), "the hub is back")

    asyncio.run(body())


def test_a_hub_without_broker_and_line_journals_and_delivers_when_they_come(tmp_path: Path, deploy_dir: Path) -> None:
    site = gate_site.rig_site(gate_site.write_site(tmp_path))

    async def body() -> None:
        async with _lone_hub(site) as (_, watch):
            await watch.until(lambda status: status.get("journal", {}).get("last_seq", 0) > 0, "the hub journals")
            await watch.until(lambda status: "offline" in status["uplink"]["state"], "the uplink says it is offline")
            assert watch.status["uplink"]["reason"]
            missing = watch.status["lines"]["line1"]["reason"]
            assert missing.startswith(f"port {site.lines[0].path} does not exist: check the cable")
            async with _broker_and_platform(site):
                await watch.until(_is_delivered, "everything is delivered")
                bus = PtyLine(site.lines[0].baud, random.Random(1), site.lines[0].path.parent, "line1")
                bus.open([])
                await watch.until(lambda status: status["lines"]["line1"]["is_open"], "the port is opened")
                await watch.until(lambda status: "did not answer" in _barrier_reason(status), "the devices are missed")
                await watch.until(_is_delivered, "everything is delivered")
                bus.close()

    asyncio.run(body())
    gate_site.check_books_of(site)


class _HubWatch:
    """The hub's status page, looked at until it says what is waited for."""

    def __init__(self, client: HubClient) -> None:
        self._client = client
        self.status: dict[str, Any] = {}

    async def until(self, condition: Callable[[dict[str, Any]], bool], what: str) -> None:
        end = time.monotonic() + LIMIT_S
        while True:
            self.status = await self._client.status() or {}
            if self.status and condition(self.status):
                return
            assert time.monotonic() < end, f"{what}: not within {LIMIT_S} s; status {self.status}"
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def _managed(process: ManagedProcess) -> AsyncIterator[ManagedProcess]:
    task = asyncio.create_task(process.run())
    try:
        yield process
    finally:
        await process.stop()
        task.cancel()
        await asyncio.wait([task])


@contextlib.asynccontextmanager
async def _lone_hub(site: RigSite) -> AsyncIterator[tuple[ManagedProcess, _HubWatch]]:
    """The hub of `site` and nothing else."""
    hub = ManagedProcess("hub", [sys.executable, "-m", "hil.cli", "hub", str(site.path)], site.path.with_suffix(".log"))
    async with HubClient(site.http_port) as client, _managed(hub):
        yield hub, _HubWatch(client)


@contextlib.asynccontextmanager
async def _broker_and_platform(site: RigSite) -> AsyncIterator[None]:
    words = ("--host", site.broker_host, "--port", str(site.broker_port), "--root", site.topic_root)
    database = ("--db", str(site.data_dir / "platform.sqlite"))
    platform = [sys.executable, "-m", "sim_devices.devices.platform_mqtt", *words, *database]
    broker = broker_command(write_config(site.data_dir / "broker", "e2e", site.broker_port))
    log = site.path.with_suffix(".neighbours.log")
    async with _managed(ManagedProcess("broker", broker, log)), _managed(ManagedProcess("platform", platform, log)):
        yield


def _is_delivered(status: dict[str, Any]) -> bool:
    return bool(status["uplink"]["connected"]) and status["uplink"]["acked"] == status["journal"]["last_seq"] > 0


def _barrier_reason(status: dict[str, Any]) -> str:
    return str(status["devices"]["barrier1"]["reason"])


@contextlib.contextmanager
def _started_run(path: Path) -> "Iterator[subprocess.Popen[str]]":
    command = [sys.executable, "-m", "hil.cli", "run", str(path), "--headless"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _read_until(process: "subprocess.Popen[str]", words: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(f"the run ended without saying {words!r}")


def _children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def _until_ended(handles: list[int]) -> None:
    """Wait for the end of processes that are nobody's children."""
    loop = asyncio.get_running_loop()
    for handle in handles:
        ended = asyncio.Event()
        loop.add_reader(handle, ended.set)
        async with asyncio.timeout(LIMIT_S):
            await ended.wait()
        loop.remove_reader(handle)
        os.close(handle)
