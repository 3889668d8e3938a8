"""The disk refuses for real, or loses its power: what was durable stays, what could not be written is told."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from edge.journal.disk_mode import DiskMode, mode_of
from edge.journal.store import JournalStore
from edge.journal.writer import JournalWriter
from edge.model import Record
from tests.edge.test_config_host import GOOD

_SECTOR = 512
_PAGE = 4096
_MOUNT = 'mount -t tmpfs -o size={size} none "$0" && exec "$@"'


_READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


def _in_own_mounts(mount: str, folder: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run `command` after `mount`, in a view of the file systems that only its process has."""
    if not shutil.which("unshare"):
        pytest.skip("BLOCKED: unshare is not installed; apt-get install util-linux")
    own = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, str(folder)]
    if subprocess.run([*own, "true"], capture_output=True, check=False).returncode:
        pytest.skip("BLOCKED: this system lets nobody make a mount of his own (user namespaces are off)")
    return subprocess.run([*own, *command], capture_output=True, text=True, check=False, timeout=60)


def _on_small_disk(folder: Path, word: str, size: str = "1m") -> dict[str, Any]:
    """Run small_disk.py on a small file system that only its process sees."""
    script = [sys.executable, "-m", "tests.edge.journal.small_disk", word, str(folder)]
    done = _in_own_mounts(_MOUNT.format(size=size), folder, script)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_a_full_disk_has_a_name_holds_commands_back_and_loses_nothing_once_freed(tmp_path: Path) -> None:
    result = _on_small_disk(tmp_path, "full")
    assert (result["mode"], result["reason"]) == ("disk_full", "database or disk is full")
    assert result["command_waits"]
    assert result["readable"] > 0
    assert set(result["differences"]) == {0}
    assert result["flushed"]
    assert result["verify"] == ""
    assert result["told"] == [["journal_degraded", "disk_full"]]
    assert result["all_events_in_order"]


def test_on_a_full_disk_the_gate_works_on_with_its_reserve_and_says_so(tmp_path: Path) -> None:
    result = _on_small_disk(tmp_path, "reserve", size="24m")
    assert result["modes"] == ["normal", "disk_low", "disk_full"]
    assert result["durable_when_full"] > 500
    assert result["restarted"]
    assert result["verify"] == ""
    assert result["told"] == [["journal_disk_low", True], ["journal_degraded", "disk_full"]]


def test_a_hub_starts_on_a_disk_that_became_full_while_it_was_away(tmp_path: Path) -> None:
    result = _on_small_disk(tmp_path, "restart", size="24m")
    assert result["mode"] == "disk_low"
    assert result["last_seq"] > 0


def test_a_journal_is_not_started_on_a_disk_without_room(tmp_path: Path) -> None:
    refused = _on_small_disk(tmp_path, "start")["refused"]
    assert "the journal cannot be opened (" in refused
    assert "check the disk" in refused


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_journal_on_a_disk_that_cannot_be_written_can_still_be_read(tmp_path: Path, is_killed: bool) -> None:
    folder = tmp_path / "site"
    data = folder / "data"
    data.mkdir(parents=True)
    (folder / "a.key").write_text("0f" * 32)
    (folder / "a.key").chmod(0o600)
    (folder / "site.toml").write_text(GOOD)
    store = JournalStore(data / "journal.sqlite")
    store.append([Record("passed", "", "", {"n": n}, n) for n in range(5)])
    if is_killed:  # the log is still there, with all of it
        shutil.copytree(folder, tmp_path / "killed")
        folder = tmp_path / "killed"
    store.close()
    site = str(folder / "site.toml")
    for words, said in (
        (["journal", "verify", site], "5 records, unbroken"),
        (["journal", "tail", "-n", "1", site], '"class_seq":5'),
        (["status", site], "records 1 to 5"),
    ):
        done = _in_own_mounts(_READ_ONLY, folder, [sys.executable, "-m", "edge.cli", *words])
        assert said in done.stdout, done.stderr
    done = _in_own_mounts(_READ_ONLY, folder, [sys.executable, "-m", "edge.cli", "hub", site])
    assert done.returncode == 2
    assert "cannot be written; expected a folder this user may write" in done.stderr


async def test_a_database_that_turned_read_only_has_a_name_and_recovers_by_itself(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "journal.db", retry_s=0.001)
    runner = asyncio.create_task(writer.run())
    modes: list[DiskMode] = []
    writer._store._db.execute("PRAGMA query_only=ON")  # SQLite refuses as on a read-only disk, until opened anew
    note = writer._note_failure
    writer._note_failure = lambda error: (note(error), modes.append(writer.mode))  # type: ignore[method-assign]
    assert await writer.append([Record("passed", "", "", {}, 0)]) == 2
    assert modes == [DiskMode.READ_ONLY]
    assert writer.mode is DiskMode.NORMAL
    assert await writer.close(runner)


@pytest.mark.parametrize(
    ("make", "mode"),
    [
        (lambda: OSError(28, "no space"), DiskMode.FULL),
        (lambda: OSError(30, "read-only"), DiskMode.READ_ONLY),
        (lambda: OSError(5, "input/output"), DiskMode.FAILING),
        (lambda: sqlite3.OperationalError("whatever"), DiskMode.FAILING),
    ],
)
def test_every_refusal_has_a_name(make: Callable[[], Exception], mode: DiskMode) -> None:
    assert mode_of(make()) is mode


class _Cut:
    """What is on the disk while a journal is written: the files after every append."""

    def __init__(self, path: Path, checkpoint_pages: int) -> None:
        self.path = path
        self.states: list[tuple[int, bytes, bytes]] = []  # newest durable record, database, log
        store = JournalStore(path)
        store._db.execute(f"PRAGMA wal_autocheckpoint={checkpoint_pages}")
        self._note(store)
        for number in range(1, 7):
            records = [Record("passed", "L1", "", {"n": number, "m": part}, number) for part in range(number % 3 + 1)]
            seq = store.append(records, {"L1": str(store.last_seq + len(records))}, acked={"transaction": number})
            assert seq == store.last_seq
            self._note(store)
        store.close()

    def _note(self, store: JournalStore) -> None:
        log = self.path.with_name(self.path.name + "-wal")
        self.states.append((store.last_seq, self.path.read_bytes(), log.read_bytes()))


def _opened(path: Path, database: bytes, log: bytes) -> tuple[int, str, dict[str, str]]:
    """What a hub finds after a power cut that left these files."""
    path.write_bytes(database)
    path.with_name(path.name + "-wal").write_bytes(log)
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    store = JournalStore(path)
    try:
        return store.last_seq, store.verify(), store.lane_states()
    finally:
        store.close()


@pytest.mark.parametrize("checkpoint_pages", [1000, 12])
@pytest.mark.parametrize("torn", ["cut", "zeros", "garbage"])
def test_a_power_cut_in_any_sector_of_a_commit_leaves_all_that_was_durable(
    tmp_path: Path, checkpoint_pages: int, torn: str
) -> None:
    states = _Cut(tmp_path / "source.db", checkpoint_pages).states
    opened = 0
    for number, ((before, database, old), (after, _, new)) in enumerate(pairwise(states)):
        step = _SECTOR if number == 1 else _PAGE
        first = next(place for place in range(len(new)) if old[place : place + 1] != new[place : place + 1])
        # What lies beside the bytes that are written is not harmed: SQLite counts on that, and so must a disk.
        for end in (first, *range(first // _SECTOR * _SECTOR + _SECTOR, len(new) + 1, step)):
            gone = len(new) - end
            rest = {"cut": old[end:], "zeros": bytes(gone), "garbage": b"\xa5" * gone}[torn]
            log = new[:end] + rest
            seq, broken, lane_states = _opened(tmp_path / "cut.db", database, log)
            assert broken == ""
            assert seq in (before, after)
            assert lane_states == ({"L1": str(seq)} if seq else {})
            opened += 1
    assert opened > 50


def test_a_clock_that_steps_changes_times_and_nothing_else(tmp_path: Path) -> None:
    store = JournalStore(tmp_path / "journal.db")
    times = [5_000_000, 1_000, 9_000_000_000_000, 0, -5]
    store.append([Record("passed", "", "", {"n": n}, time_ms) for n, time_ms in enumerate(times)])
    assert [record.time_ms for record in store.tail(9)] == times
    assert [record.seq for record in store.tail(9)] == [1, 2, 3, 4, 5]
    store.close()
    again = JournalStore(tmp_path / "journal.db")
    assert again.verify() == ""
    assert again.append([Record("passed", "", "", {}, 7)]) == 6
